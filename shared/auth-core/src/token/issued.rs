//! A new access token: its claims (RFC 9068 section 2.2) and its text.

use std::fmt;

use serde::Serialize;

use crate::time::UnixTime;

/// The claims of a new token.
#[derive(Serialize)]
pub(crate) struct Claims<'a> {
    pub(crate) iss: &'a str,
    pub(crate) sub: &'a str,
    pub(crate) aud: &'a str,
    pub(crate) client_id: &'a str,
    pub(crate) iat: UnixTime,
    pub(crate) nbf: UnixTime,
    pub(crate) exp: UnixTime,
    pub(crate) jti: &'a str,
    pub(crate) sid: &'a str,
    pub(crate) email: &'a str,
    pub(crate) roles: &'a [&'a str],
    pub(crate) scope: &'a str,
}

/// A signed access token, as a compact JWS. Its `Debug` shows nothing; it is serialized only into
/// the response to its user.
#[derive(Clone, Serialize)]
#[serde(transparent)]
pub struct AccessToken(pub(crate) String);

impl AccessToken {
    /// Returns the compact JWS. The name makes each use easy to find.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_never_printed() {
        let token = AccessToken("a.b.c".into());
        assert_eq!(format!("{token:?}"), "AccessToken(redacted)");
        assert_eq!(token.expose(), "a.b.c");
    }
}
