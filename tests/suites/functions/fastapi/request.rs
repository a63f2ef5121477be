//! A request, before it is sent to either application.

use base64::{Engine, engine::general_purpose::STANDARD};
use bundle_tests::events;
use serde_json::Value;

/// Stands for an access token from a login of the application that gets the request.
pub(super) const ACCESS_TOKEN: &str = "{access_token}";

/// The body of a login.
pub(super) const CREDENTIALS: &str =
    r#"{"email": "john.doe@leapify.tech", "password": "changeme"}"#;

pub(super) struct Request {
    /// Is unique.
    pub(super) name: String,
    pub(super) function: &'static str,
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) query: &'static str,
    pub(super) content_type: Option<&'static str>,
    pub(super) authorization: Option<String>,
    pub(super) body: Vec<u8>,
}

impl Request {
    /// Returns a login that succeeds.
    pub(super) fn login(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            function: "login",
            method: "POST",
            path: "/api/v1/login",
            query: "",
            content_type: Some("application/json"),
            authorization: None,
            body: CREDENTIALS.into(),
        }
    }

    /// Returns a request for the user of an access token.
    pub(super) fn me(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            function: "me",
            method: "GET",
            path: "/api/v1/me",
            query: "",
            content_type: None,
            authorization: Some(format!("Bearer {ACCESS_TOKEN}")),
            body: Vec::new(),
        }
    }

    /// Returns the event that API Gateway makes of the request, with placeholders for tokens.
    pub(super) fn event(&self) -> String {
        let mut event = events::object("me_no_token");
        event["rawPath"] = self.path.into();
        event["rawQueryString"] = self.query.into();
        event["requestContext"]["http"]["path"] = self.path.into();
        event["requestContext"]["http"]["method"] = self.method.into();
        let headers = [
            ("content-type", self.content_type),
            ("authorization", self.authorization.as_deref()),
        ];
        for (name, value) in headers {
            if let Some(value) = value {
                event["headers"][name] = value.into();
            }
        }
        event["body"] = STANDARD.encode(&self.body).into();
        event["isBase64Encoded"] = Value::Bool(true);
        event.to_string()
    }
}
