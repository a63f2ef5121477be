//! The only mapping of errors to responses: FastAPI's `{"detail": ...}`, and the headers of RFC 6750.

use auth_core::{BearerError, Forbidden, RepositoryError, SigningError};
use http::{
    HeaderValue,
    header::{ALLOW, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE},
};
use serde_json::{Value, json};

use super::ApiError;
use crate::response::{self, Response};

/// Seconds after which a client may retry while the service is unavailable.
const RETRY_AFTER_SECONDS: u64 = 1;

impl ApiError {
    /// Returns the response. A `WWW-Authenticate` header contains the error's own realm if it has one, else `realm`.
    pub(crate) fn response(&self, realm: &str) -> Response {
        let mut response = response::json(self.status(), &json!({ "detail": self.detail() }));
        if let Some((name, value)) = self.header(realm)
            && let Ok(value) = HeaderValue::try_from(value)
        {
            response.headers_mut().insert(name, value);
        }
        response
    }

    fn detail(&self) -> Value {
        match self {
            Self::Bearer(BearerError::NotAuthenticated) => "Not authenticated".into(),
            Self::Bearer(BearerError::InvalidRequest) => "Invalid request".into(),
            Self::Bearer(BearerError::InvalidToken(_)) => "Invalid token".into(),
            Self::Bearer(BearerError::Expired) => "Token has expired".into(),
            Self::SessionEnded => "User not found".into(),
            Self::Forbidden(_) => "Not enough permissions".into(),
            Self::InvalidCredentials(detail) => (*detail).into(),
            Self::InvalidRefreshToken => "Invalid refresh token".into(),
            Self::TooManyAttempts { .. } => "Too many attempts".into(),
            Self::Validation(errors) => json!(errors),
            Self::ContentTooLarge => "Content Too Large".into(),
            Self::NotFound => "Not Found".into(),
            Self::MethodNotAllowed { .. } => "Method Not Allowed".into(),
            Self::Bearer(BearerError::KeysUnavailable(_))
            | Self::Signing(SigningError::KeysUnavailable(_))
            | Self::Repository(RepositoryError::Unavailable(_))
            | Self::DeadlineExceeded => "Service temporarily unavailable".into(),
            Self::Repository(RepositoryError::Malformed(_))
            | Self::Hashing(_)
            | Self::Signing(_)
            | Self::Failed(_) => "Internal Server Error".into(),
            Self::Custom { detail, .. } => detail.clone(),
            Self::InRealm { error, .. } => error.detail(),
        }
    }

    /// Returns the header that belongs to the status (RFC 6750 section 3, RFC 9110 sections 10.2.1 and 10.2.3).
    fn header(&self, realm: &str) -> Option<(HeaderName, String)> {
        let challenge = |rest: &str| {
            let value = format!("Bearer realm=\"{realm}\"{rest}");
            Some((WWW_AUTHENTICATE, value))
        };
        match self {
            Self::Bearer(BearerError::NotAuthenticated) | Self::InvalidCredentials(_) => {
                challenge("")
            }
            Self::Bearer(BearerError::InvalidRequest) => challenge(", error=\"invalid_request\""),
            Self::Bearer(BearerError::InvalidToken(_) | BearerError::Expired)
            | Self::SessionEnded => challenge(", error=\"invalid_token\""),
            Self::Forbidden(Forbidden { scope: Some(scope) }) => challenge(&format!(
                ", error=\"insufficient_scope\", scope=\"{scope}\""
            )),
            Self::Forbidden(Forbidden { scope: None }) => {
                challenge(", error=\"insufficient_scope\"")
            }
            Self::MethodNotAllowed { allow } => Some((ALLOW, allow.clone())),
            Self::Bearer(BearerError::KeysUnavailable(_))
            | Self::Signing(SigningError::KeysUnavailable(_))
            | Self::Repository(RepositoryError::Unavailable(_))
            | Self::DeadlineExceeded => Some((RETRY_AFTER, RETRY_AFTER_SECONDS.to_string())),
            Self::TooManyAttempts { retry_after } => {
                Some((RETRY_AFTER, retry_after.as_secs().max(1).to_string()))
            }
            Self::InRealm { realm, error } => error.header(realm),
            Self::Repository(RepositoryError::Malformed(_))
            | Self::InvalidRefreshToken
            | Self::Validation(_)
            | Self::ContentTooLarge
            | Self::NotFound
            | Self::Hashing(_)
            | Self::Signing(_)
            | Self::Custom { .. }
            | Self::Failed(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use auth_core::{HashingError, KeysUnavailable, TokenError};
    use http::StatusCode;

    use super::*;

    fn respond(error: &ApiError) -> (u16, Value, Option<String>) {
        let response = error.response("api");
        let header = [WWW_AUTHENTICATE, ALLOW, RETRY_AFTER]
            .iter()
            .find_map(|name| response.headers().get(name))
            .map(|value| value.to_str().unwrap().to_owned());
        let body: Value = serde_json::from_slice(response.body()).unwrap();
        (response.status().as_u16(), body["detail"].clone(), header)
    }

    #[test]
    fn every_error_has_its_response() {
        let scope = |scope: Option<&str>| Forbidden {
            scope: scope.map(str::to_owned),
        };
        let bearer = r#"Bearer realm="api""#;
        let with = |rest: &str| Some(format!("{bearer}, {rest}"));
        let challenge = Some(bearer.to_owned());
        let invalid_token = with(r#"error="invalid_token""#);
        for (error, status, detail, header) in [
            (
                BearerError::NotAuthenticated.into(),
                401,
                "Not authenticated",
                challenge.clone(),
            ),
            (
                BearerError::InvalidToken(TokenError::WrongSignature).into(),
                401,
                "Invalid token",
                invalid_token.clone(),
            ),
            (
                BearerError::Expired.into(),
                401,
                "Token has expired",
                invalid_token.clone(),
            ),
            (
                BearerError::InvalidRequest.into(),
                400,
                "Invalid request",
                with(r#"error="invalid_request""#),
            ),
            (ApiError::SessionEnded, 401, "User not found", invalid_token),
            (ApiError::InvalidCredentials("No"), 401, "No", challenge),
            (
                scope(Some("read")).into(),
                403,
                "Not enough permissions",
                with(r#"error="insufficient_scope", scope="read""#),
            ),
            (
                scope(None).into(),
                403,
                "Not enough permissions",
                with(r#"error="insufficient_scope""#),
            ),
            (
                ApiError::InvalidRefreshToken,
                401,
                "Invalid refresh token",
                None,
            ),
            (
                ApiError::TooManyAttempts {
                    retry_after: Duration::from_mins(15),
                },
                429,
                "Too many attempts",
                Some("900".into()),
            ),
            (ApiError::ContentTooLarge, 413, "Content Too Large", None),
            (ApiError::NotFound, 404, "Not Found", None),
            (
                ApiError::MethodNotAllowed {
                    allow: "GET".into(),
                },
                405,
                "Method Not Allowed",
                Some("GET".into()),
            ),
        ] {
            assert_eq!(respond(&error), (status, detail.into(), header));
        }
    }

    #[test]
    fn an_outage_is_a_503_and_a_fault_a_500() {
        for error in [
            RepositoryError::Unavailable("down".into()).into(),
            BearerError::from(KeysUnavailable).into(),
            SigningError::from(KeysUnavailable).into(),
            ApiError::DeadlineExceeded,
        ] {
            let detail = "Service temporarily unavailable".into();
            assert_eq!(respond(&error), (503, detail, Some("1".into())));
        }
        for error in [
            RepositoryError::Malformed("id".into()).into(),
            HashingError.into(),
            SigningError::Unavailable.into(),
            ApiError::Failed("a secret".into()),
        ] {
            assert_eq!(respond(&error), (500, "Internal Server Error".into(), None));
        }
    }

    #[test]
    fn a_custom_error_has_its_status_and_detail() {
        let sold = ApiError::new(StatusCode::CONFLICT, "Already sold");
        assert_eq!(respond(&sold), (409, "Already sold".into(), None));
        let detail = json!([{"loc": ["query", "page"]}]);
        let invalid = ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, detail.clone());
        assert_eq!(respond(&invalid), (422, detail, None));
    }

    #[test]
    fn an_error_in_a_realm_differs_only_in_the_realm() {
        let error = ApiError::from(BearerError::Expired).in_realm("orders");
        let challenge = r#"Bearer realm="orders", error="invalid_token""#.to_owned();
        assert_eq!(
            respond(&error),
            (401, "Token has expired".into(), Some(challenge))
        );
        let error = ApiError::NotFound.in_realm("orders");
        assert_eq!(respond(&error), (404, "Not Found".into(), None));
    }

    #[test]
    fn a_scope_that_is_not_a_valid_header_does_not_change_the_status() {
        let forbidden = Forbidden {
            scope: Some("a\nb".into()),
        };
        assert_eq!(respond(&forbidden.into()).0, 403);
    }
}
