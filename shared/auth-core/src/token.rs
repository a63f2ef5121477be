//! Issuing access tokens.

use std::{fmt, sync::Arc};

use serde::Serialize;

use crate::{
    base64url,
    claims::Claims,
    clock::Clock,
    jws::MAX_TOKEN_BYTES,
    key_set::KeySet,
    key_source::{KeySource, KeysUnavailable},
    random::random_id,
    session::SessionId,
    settings::TokenSettings,
    user::User,
};

/// The media type of an access token (RFC 9068 section 2.1).
pub(crate) const ACCESS_TOKEN_TYPE: &str = "at+jwt";

/// A signed access token. Only [`TokenIssuer`] makes one, and its `Debug` shows nothing.
#[derive(Clone)]
pub struct AccessToken(String);

impl AccessToken {
    /// The compact JWS, for the answer to the user.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(redacted)")
    }
}

/// Why a token could not be issued. No input of a client brings any of it about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SigningError {
    /// No randomness was to be had, or the key refused.
    #[error("the token could not be signed")]
    Unavailable,
    /// A role of the user holds a permission that is no scope token (RFC 6749 section 3.3): with
    /// a space in it, one permission would read as two.
    #[error("a permission of the user is not a scope token")]
    Permission,
    /// The user has no id or no email, which every token carries.
    #[error("the user has no id or no email")]
    Unnamed,
    /// The user's roles make a token longer than the guard takes.
    #[error("the user's roles do not fit into a token")]
    TooLong,
    /// The keys cannot be had.
    #[error(transparent)]
    KeysUnavailable(#[from] KeysUnavailable),
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    typ: &'static str,
    kid: &'a str,
}

/// Makes access tokens for users who have proved who they are.
#[derive(Debug, Clone)]
pub struct TokenIssuer {
    keys: Arc<dyn KeySource>,
    settings: TokenSettings,
    clock: Clock,
}

impl TokenIssuer {
    /// An issuer that signs with the first key of `keys`, which [`KeyUse::Sign`](crate::KeyUse)
    /// has made sure can sign.
    #[must_use]
    pub fn new(keys: impl Into<Arc<dyn KeySource>>, settings: TokenSettings, clock: Clock) -> Self {
        Self {
            keys: keys.into(),
            settings,
            clock,
        }
    }

    /// Issues a token for `user` in a session, valid from now on for [`TokenIssuer::expires_in`] seconds.
    ///
    /// # Errors
    ///
    /// [`SigningError`] where the user's roles or the machine do not allow one.
    pub async fn issue(
        &self,
        user: &User,
        session: &SessionId,
    ) -> Result<AccessToken, SigningError> {
        let jti = random_id().ok_or(SigningError::Unavailable)?;
        if user.id.is_empty() || user.email.is_empty() {
            return Err(SigningError::Unnamed);
        }
        let permissions = user.permissions();
        if !permissions
            .iter()
            .all(|permission| is_scope_token(permission))
        {
            return Err(SigningError::Permission);
        }
        let now = self.clock.now();
        let claims = Claims {
            iss: &self.settings.issuer,
            sub: &user.id,
            aud: &self.settings.audience,
            iat: now,
            nbf: now,
            exp: now.saturating_add(self.settings.expiration),
            jti: &jti,
            sid: &session.to_string(),
            user_version: user.version,
            email: &user.email,
            roles: &user.role_names(),
            scope: &permissions.join(" "),
        };
        sign(&claims, &*self.keys.keys().await?)
    }

    /// The life of a token in seconds.
    #[must_use]
    pub fn expires_in(&self) -> u64 {
        self.settings.expiration
    }
}

fn sign(claims: &Claims, keys: &KeySet) -> Result<AccessToken, SigningError> {
    let key = keys.signing_key().ok_or(SigningError::Unavailable)?;
    let header = Header {
        alg: key.algorithm().name(),
        typ: ACCESS_TOKEN_TYPE,
        kid: key.kid(),
    };
    let header = serde_json::to_vec(&header).map_err(|_| SigningError::Unavailable)?;
    let claims = serde_json::to_vec(claims).map_err(|_| SigningError::Unavailable)?;
    let mut token = format!(
        "{}.{}",
        base64url::encode(header),
        base64url::encode(claims)
    );
    let signature = key
        .sign(token.as_bytes())
        .ok_or(SigningError::Unavailable)?;
    token.push('.');
    token.push_str(&signature);
    if token.len() > MAX_TOKEN_BYTES {
        return Err(SigningError::TooLong);
    }
    Ok(AccessToken(token))
}

/// Whether a permission is a scope token (RFC 6749 section 3.3); no token is issued with any other.
#[must_use]
pub fn is_scope_token(permission: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
    !permission.is_empty() && permission.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Algorithm, Key, Role};

    fn issuer() -> TokenIssuer {
        let secret: Vec<u8> = (0..32).collect();
        let key = Key::from_secret(&secret, Algorithm::HS256).unwrap();
        TokenIssuer::new(
            KeySet::from(key),
            TokenSettings::default(),
            Clock::from_fn(|| 1_000),
        )
    }

    fn session() -> SessionId {
        SessionId::parse("AAECAwQFBgcICQoLDA0ODw").unwrap()
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
    async fn a_permission_that_would_read_as_two_is_not_issued() {
        assert!(issuer().issue(&user("read"), &session()).await.is_ok());
        for permission in ["read write", "", "a\"b", "a\\b", "lesen-ü", "a\tb"] {
            assert_eq!(
                issuer()
                    .issue(&user(permission), &session())
                    .await
                    .unwrap_err(),
                SigningError::Permission,
                "{permission:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_token_says_what_is_documented() {
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
            expiration: 60,
            leeway: 5,
        };
        let issuer = TokenIssuer {
            settings,
            ..issuer()
        };
        let token = issuer.issue(&user, &session()).await.unwrap();
        let parts: Vec<_> = token.expose().split('.').map(base64url::decode).collect();
        let json = |part: &Option<Vec<u8>>| -> serde_json::Value {
            serde_json::from_slice(part.as_ref().unwrap()).unwrap()
        };
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
                "iss": "https://auth.example.com", "sub": "1", "aud": "shop", "iat": 1_000,
                "nbf": 1_000, "exp": 1_060, "sid": "AAECAwQFBgcICQoLDA0ODw",
                "user_version": 4, "email": "a@b.c", "roles": ["Admin", "Auditor"],
                "scope": "audit read write",
            })
        );
    }

    #[tokio::test]
    async fn a_token_that_the_guard_would_refuse_is_not_issued() {
        let error = async |user| issuer().issue(&user, &session()).await.unwrap_err();
        assert_eq!(error(user(&"x".repeat(6_000))).await, SigningError::TooLong);
        let nameless = |id: &str, email: &str| User {
            id: id.into(),
            email: email.into(),
            ..user("read")
        };
        assert_eq!(error(nameless("", "a@b.c")).await, SigningError::Unnamed);
        assert_eq!(error(nameless("1", "")).await, SigningError::Unnamed);
    }

    #[tokio::test]
    async fn two_tokens_of_one_second_differ_and_neither_is_printed() {
        let (one, two) = (
            issuer().issue(&user("read"), &session()).await.unwrap(),
            issuer().issue(&user("read"), &session()).await.unwrap(),
        );
        assert_ne!(one.expose(), two.expose());
        assert_eq!(format!("{one:?}"), "AccessToken(redacted)");
    }

    #[tokio::test]
    async fn a_set_of_public_keys_issues_nothing() {
        let public =
            r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        let keys = KeySet::parse(public, Algorithm::EdDSA).unwrap();
        let issuer = TokenIssuer::new(keys, TokenSettings::default(), Clock::system());
        assert_eq!(
            issuer.issue(&user("read"), &session()).await.unwrap_err(),
            SigningError::Unavailable
        );
    }
}
