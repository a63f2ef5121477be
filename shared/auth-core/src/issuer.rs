//! Issues access tokens to users who have proved who they are.

use std::sync::Arc;

use crate::{
    failure::SigningError,
    id::{SessionId, random_id},
    key::KeySource,
    time::{Clock, UnixTime},
    token::{ACCESS_TOKEN_TYPE, AccessToken, MAX_TOKEN_BYTES, TokenSettings, issued::Claims},
    user::User,
};

/// Issues access tokens.
#[derive(Debug, Clone)]
pub struct TokenIssuer {
    keys: Arc<dyn KeySource>,
    settings: TokenSettings,
    clock: Clock,
}

impl TokenIssuer {
    /// Returns an issuer that signs with the first of `keys`.
    #[must_use]
    pub fn new(keys: impl Into<Arc<dyn KeySource>>, settings: TokenSettings, clock: Clock) -> Self {
        Self {
            keys: keys.into(),
            settings,
            clock,
        }
    }

    /// Issues a token for `user` in a session, valid from now for [`TokenSettings::expiration`], but not longer
    /// than the session, which ends at `end`.
    ///
    /// # Errors
    ///
    /// [`SigningError`] if the user, the keys or a lack of randomness prevents it.
    pub async fn issue(
        &self,
        user: &User,
        session: &SessionId,
        end: UnixTime,
    ) -> Result<AccessToken, SigningError> {
        if user.id.is_empty() || user.email.is_empty() {
            return Err(SigningError::Unnamed);
        }
        let permissions = user.permissions();
        if !permissions.iter().copied().all(is_scope_token) {
            return Err(SigningError::Permission);
        }
        let roles: Vec<&str> = user.roles.iter().map(|role| role.name.as_str()).collect();
        let now = self.clock.now();
        let claims = Claims {
            iss: &self.settings.issuer,
            sub: &user.id,
            aud: &self.settings.audience,
            client_id: &self.settings.audience,
            iat: now,
            nbf: now,
            exp: end.min(now + self.settings.expiration),
            jti: &random_id().ok_or(SigningError::Unavailable)?,
            sid: &session.0,
            email: &user.email,
            roles: &roles,
            scope: &permissions.join(" "),
        };
        let keys = self.keys.keys().await?;
        let token = keys
            .signing_key()
            .and_then(|key| key.sign_claims(ACCESS_TOKEN_TYPE, &claims))
            .ok_or(SigningError::Unavailable)?;
        if token.len() > MAX_TOKEN_BYTES {
            return Err(SigningError::TooLong);
        }
        Ok(AccessToken(token))
    }
}

/// Returns whether a permission is a scope token (RFC 6749 section 3.3). Tokens are only issued with
/// such permissions.
#[must_use]
pub fn is_scope_token(permission: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
    !permission.is_empty() && permission.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use base64::Engine;

    use super::*;
    use crate::{Algorithm, Key, KeySet, Role, UnixTime, encoding::BASE64URL};

    fn issuer() -> TokenIssuer {
        let secret: Vec<u8> = (0..32).collect();
        let key = Key::from_secret(&secret, Algorithm::HS256).unwrap();
        TokenIssuer::new(
            KeySet::from(key),
            TokenSettings::default(),
            Clock::from_fn(|| UnixTime::from_secs(1_000)),
        )
    }

    /// The end of the session, far in the future.
    const END: UnixTime = UnixTime::from_secs(1_000_000);

    fn session() -> SessionId {
        SessionId::try_from("AAECAwQFBgcICQoLDA0ODw".to_owned()).unwrap()
    }

    fn user(permission: &str) -> User {
        let role = Role {
            id: "1".into(),
            name: "Admin".into(),
            description: String::new(),
            permissions: vec![permission.into()],
        };
        User {
            id: "1".into(),
            email: "a@b.c".into(),
            disabled: false,
            version: 4,
            roles: vec![role],
        }
    }

    #[tokio::test]
    async fn a_permission_that_is_not_a_scope_token_is_not_issued() {
        assert!(issuer().issue(&user("read"), &session(), END).await.is_ok());
        for permission in ["read write", "", "a\"b", "a\\b", "lesen-ü", "a\tb"] {
            assert_eq!(
                issuer()
                    .issue(&user(permission), &session(), END)
                    .await
                    .unwrap_err(),
                SigningError::Permission,
                "{permission:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_token_has_the_documented_claims() {
        let roles = [
            ("Admin", &["write", "read"][..]),
            ("Auditor", &["read", "audit"]),
        ];
        let roles = roles.map(|(name, permissions)| Role {
            id: name.into(),
            name: name.into(),
            description: String::new(),
            permissions: permissions.iter().map(ToString::to_string).collect(),
        });
        let user = User {
            roles: roles.into(),
            ..user("")
        };
        let settings = TokenSettings {
            issuer: "https://auth.example.com".into(),
            audience: "shop".into(),
            expiration: Duration::from_mins(1),
            leeway: Duration::from_secs(5),
        };
        let issuer = TokenIssuer {
            settings,
            ..issuer()
        };
        let token = issuer.issue(&user, &session(), END).await.unwrap();
        let parts: Vec<_> = token
            .expose()
            .split('.')
            .map(|part| BASE64URL.decode(part).unwrap())
            .collect();
        let json = |part: &[u8]| -> serde_json::Value { serde_json::from_slice(part).unwrap() };
        let (header, mut claims) = (json(&parts[0]), json(&parts[1]));
        let keys = issuer.keys.keys().await.unwrap();
        let kid = keys.signing_key().unwrap().kid();
        assert_eq!(
            header,
            serde_json::json!({"alg": "HS256", "typ": "at+jwt", "kid": kid})
        );
        let jti = claims.as_object_mut().unwrap().remove("jti").unwrap();
        assert_eq!(jti.as_str().unwrap().len(), 22);
        assert_eq!(
            claims,
            serde_json::json!({
                "iss": "https://auth.example.com", "sub": "1", "aud": "shop", "client_id": "shop", "iat": 1_000,
                "nbf": 1_000, "exp": 1_060, "sid": "AAECAwQFBgcICQoLDA0ODw",
                "email": "a@b.c", "roles": ["Admin", "Auditor"],
                "scope": "audit read write",
            })
        );
    }

    #[tokio::test]
    async fn a_token_that_the_guard_would_reject_is_not_issued() {
        let error = async |user| issuer().issue(&user, &session(), END).await.unwrap_err();
        assert_eq!(error(user(&"x".repeat(6_000))).await, SigningError::TooLong);
        let unnamed = |id: &str, email: &str| User {
            id: id.into(),
            email: email.into(),
            ..user("read")
        };
        assert_eq!(error(unnamed("", "a@b.c")).await, SigningError::Unnamed);
        assert_eq!(error(unnamed("1", "")).await, SigningError::Unnamed);
    }

    #[tokio::test]
    async fn two_tokens_issued_in_one_second_differ_and_neither_is_printed() {
        let (one, two) = (
            issuer()
                .issue(&user("read"), &session(), END)
                .await
                .unwrap(),
            issuer()
                .issue(&user("read"), &session(), END)
                .await
                .unwrap(),
        );
        assert_ne!(one.expose(), two.expose());
        assert_eq!(format!("{one:?}"), "AccessToken(redacted)");
    }

    #[tokio::test]
    async fn public_keys_cannot_issue_tokens() {
        let public =
            r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        let keys = KeySet::parse(public, Algorithm::EdDSA).unwrap();
        let issuer = TokenIssuer::new(keys, TokenSettings::default(), Clock::system());
        assert_eq!(
            issuer
                .issue(&user("read"), &session(), END)
                .await
                .unwrap_err(),
            SigningError::Unavailable
        );
    }
}
