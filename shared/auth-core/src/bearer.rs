//! The guard: authenticates a request by its `Authorization` header.
//!
//! Start at [`JwtBearer::authenticate`], the token level of guarding, which reads nothing but keys. The live
//! level, with the feature `sign-in`, is in `session`.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use serde_json::Value;

use crate::{
    encoding::json,
    key::{KeySet, KeySource, KeysUnavailable},
    time::Clock,
    token::{ACCESS_TOKEN_TYPE, TokenError, TokenSettings, claims, jws},
    user::LoggedUser,
};

/// Why a request is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BearerError {
    /// No `Authorization` header, another scheme, or no token after the scheme.
    #[error("no bearer token")]
    NotAuthenticated,
    /// Several `Authorization` headers, or several values in one (RFC 6750 section 3.1).
    #[error("several Authorization values")]
    InvalidRequest,
    /// The token is not valid. The reason is for logs, never for clients.
    #[error("invalid token: {0}")]
    InvalidToken(TokenError),
    /// The token is valid, except that it has expired.
    #[error("token has expired")]
    Expired,
    /// The keys are unavailable, so the token cannot be checked.
    #[error(transparent)]
    KeysUnavailable(#[from] KeysUnavailable),
}

impl From<TokenError> for BearerError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Expired => Self::Expired,
            invalid => Self::InvalidToken(invalid),
        }
    }
}

/// Checks bearer tokens (RFC 6750 section 2.1) against the keys of a source.
///
/// The documentation of the [crate] has an example.
#[derive(Debug, Clone)]
pub struct JwtBearer {
    keys: Arc<dyn KeySource>,
    settings: TokenSettings,
    clock: Clock,
}

impl JwtBearer {
    /// Returns a guard that accepts tokens signed by any of `keys`: a [`KeySet`] or another [`KeySource`].
    #[must_use]
    pub fn new(keys: impl Into<Arc<dyn KeySource>>, settings: TokenSettings, clock: Clock) -> Self {
        Self {
            keys: keys.into(),
            settings,
            clock,
        }
    }

    /// Checks the request's bearer token and returns its user.
    ///
    /// # Errors
    ///
    /// [`BearerError`], which determines the response.
    pub async fn authenticate(&self, headers: &HeaderMap) -> Result<LoggedUser, BearerError> {
        self.verify_bytes(bearer_token(headers)?).await
    }

    /// Checks a token that did not come in an `Authorization` header, and returns its user. `token` does not contain
    /// the scheme `Bearer`.
    ///
    /// # Errors
    ///
    /// [`BearerError`]; [`BearerError::NotAuthenticated`] if `token` is empty.
    pub async fn verify(&self, token: &str) -> Result<LoggedUser, BearerError> {
        if token.is_empty() {
            return Err(BearerError::NotAuthenticated);
        }
        self.verify_bytes(token.as_bytes()).await
    }

    async fn verify_bytes(&self, token: &[u8]) -> Result<LoggedUser, BearerError> {
        match self.check(token, &*self.keys.keys().await?) {
            Err(BearerError::InvalidToken(TokenError::UnknownKid)) => {
                self.check(token, &*self.keys.keys_for_unknown_kid().await?)
            }
            checked => checked,
        }
    }

    #[cfg(feature = "sign-in")]
    pub(crate) fn now(&self) -> crate::time::UnixTime {
        self.clock.now()
    }

    fn check(&self, token: &[u8], keys: &KeySet) -> Result<LoggedUser, BearerError> {
        let verified = jws::verify(token, keys)?;
        if !verified.header.contains_key("kid") {
            return Err(TokenError::MissingKid.into());
        }
        if !is_access_token_type(verified.header.get("typ")) {
            return Err(TokenError::WrongType.into());
        }
        let claims = json::parse_object(&verified.payload).ok_or(TokenError::InvalidClaims)?;
        Ok(claims::check(&claims, &self.settings, self.clock.now())?)
    }

    /// Returns the protection space of the `WWW-Authenticate` header (RFC 9110 section 11.5): the audience.
    #[must_use]
    pub fn realm(&self) -> &str {
        &self.settings.audience
    }
}

fn is_access_token_type(typ: Option<&Value>) -> bool {
    let typ = typ.and_then(Value::as_str).unwrap_or_default();
    typ.strip_prefix("application/").unwrap_or(typ) == ACCESS_TOKEN_TYPE
}

/// Returns the token after `Bearer`, a scheme in any case (RFC 9110 section 11.1).
fn bearer_token(headers: &HeaderMap) -> Result<&[u8], BearerError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().map(HeaderValue::as_bytes).unwrap_or_default();
    // API Gateway joins repeated headers with commas, which tokens never contain.
    if values.next().is_some() || value.contains(&b',') {
        return Err(BearerError::InvalidRequest);
    }
    let end = value.iter().position(|byte| *byte == b' ');
    let (scheme, token) = value.split_at(end.unwrap_or(value.len()));
    let token = token.trim_ascii();
    if !scheme.eq_ignore_ascii_case(b"bearer") || token.is_empty() {
        return Err(BearerError::NotAuthenticated);
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(values: &[&'static str]) -> Result<Vec<u8>, BearerError> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_static(value));
        }
        bearer_token(&headers).map(<[u8]>::to_vec)
    }

    #[test]
    fn the_scheme_is_accepted_in_any_case() {
        for value in [
            "Bearer a.b.c",
            "bearer a.b.c",
            "BEARER a.b.c",
            "Bearer   a.b.c ",
        ] {
            assert_eq!(parse(&[value]), Ok(b"a.b.c".to_vec()), "{value}");
        }
    }

    #[test]
    fn a_request_without_a_bearer_token_is_not_authenticated() {
        for values in [
            &[][..],
            &[""],
            &["Bearer"],
            &["Bearer "],
            &["a.b.c"],
            &["Basic Ym9iOmJvYg=="],
            &["BearerX a.b.c"],
            &["Bearer\ta.b.c"],
            &["Token a.b.c"],
        ] {
            assert_eq!(
                parse(values),
                Err(BearerError::NotAuthenticated),
                "{values:?}"
            );
        }
    }

    #[test]
    fn several_values_are_an_invalid_request() {
        for values in [
            &["Bearer a.b.c", "Bearer a.b.c"][..],
            &["Bearer a.b.c", "Basic Ym9iOmJvYg=="],
            &["Bearer a.b.c, Bearer a.b.c"],
            &["Bearer a.b.c,Basic Ym9iOmJvYg=="],
            &[","],
            // A scheme with parameters looks like a joined list; both are rejected.
            &["Digest username=\"a\", realm=\"b\""],
        ] {
            assert_eq!(
                parse(values),
                Err(BearerError::InvalidRequest),
                "{values:?}"
            );
        }
    }

    #[test]
    fn the_realm_is_the_audience() {
        let key = crate::Key::from_secret(&(0..32).collect::<Vec<u8>>(), crate::Algorithm::HS256);
        let settings = TokenSettings {
            audience: "shop".into(),
            ..TokenSettings::default()
        };
        let bearer = JwtBearer::new(KeySet::from(key.unwrap()), settings, Clock::system());
        assert_eq!(bearer.realm(), "shop");
    }
}
