//! Request bodies: JSON objects of limited size, with errors in FastAPI's words.

use std::{convert::Infallible, fmt::Display};

use http::{HeaderMap, header::CONTENT_TYPE};
use serde_json::{Map, Value, json};

use crate::error::{ApiError, ValidationError};

/// The maximum length of a body in bytes.
pub const MAX_BODY_BYTES: usize = 8 * 1024;

/// The members of a JSON body, read one by one. Errors are collected for [`JsonBody::into_error`]. It
/// has no `Debug`, because a member may be a password.
pub struct JsonBody {
    members: Map<String, Value>,
    errors: Vec<ValidationError>,
}

impl JsonBody {
    /// Parses a body that must be a JSON object. A missing content type counts as JSON, because clients that
    /// omit it send JSON.
    ///
    /// # Errors
    ///
    /// [`ApiError::ContentTooLarge`] above [`MAX_BODY_BYTES`], [`ApiError::Validation`] for
    /// anything but a JSON object.
    pub fn parse(headers: &HeaderMap, body: &[u8]) -> Result<Self, ApiError> {
        if body.len() > MAX_BODY_BYTES {
            return Err(ApiError::ContentTooLarge);
        }
        let whole = || vec![json!("body")];
        if body.is_empty() {
            return Err(invalid("missing", whole(), "Field required"));
        }
        let content_type = headers.get(CONTENT_TYPE).map(|value| {
            let media_type = value.to_str().unwrap_or_default().split(';').next();
            media_type.unwrap_or_default().trim().to_ascii_lowercase()
        });
        // `application/json` or a type of the `+json` family (RFC 6839 section 3.1).
        let is_json = content_type.is_none_or(|media_type| {
            let subtype = media_type.strip_prefix("application/").unwrap_or_default();
            subtype == "json" || subtype.ends_with("+json")
        });
        let value = if is_json {
            serde_json::from_slice(body).map_err(|error| {
                let loc = vec![json!("body"), json!(offset(body, &error))];
                invalid("json_invalid", loc, "JSON decode error")
            })?
        } else {
            Value::String(String::new())
        };
        match value {
            Value::Object(members) => Ok(Self {
                members,
                errors: Vec::new(),
            }),
            Value::Null => Err(invalid("missing", whole(), "Field required")),
            _ => Err(invalid(
                "model_attributes_type",
                whole(),
                "Input should be a valid dictionary or object to extract fields from",
            )),
        }
    }

    /// Parses a member that must be a string within a limit, for example `254 characters`. `None` after
    /// an error.
    pub fn text<T, E>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
        limit: impl Display,
    ) -> Option<T> {
        match self.members.remove(name) {
            Some(Value::String(text)) => parse(&text).ok().or_else(|| {
                let msg = format!("String should have at most {limit}");
                self.error(name, "string_too_long", msg)
            }),
            Some(_) => self.error(name, "string_type", "Input should be a valid string".into()),
            None => self.error(name, "missing", "Field required".into()),
        }
    }

    /// Returns a member that must be a string of any length. `None` after an error.
    pub fn string(&mut self, name: &str) -> Option<String> {
        let own = |text: &str| Ok::<_, Infallible>(text.to_owned());
        self.text(name, own, "any number of characters")
    }

    /// Returns a member that must be a boolean and is false if it is absent. `None` after an error.
    pub fn flag(&mut self, name: &str) -> Option<bool> {
        match self.members.remove(name) {
            None => Some(false),
            Some(Value::Bool(flag)) => Some(flag),
            Some(_) => self.error(name, "bool_type", "Input should be a valid boolean".into()),
        }
    }

    /// Returns all errors of the body, to respond with if any member is `None`.
    #[must_use]
    pub fn into_error(self) -> ApiError {
        ApiError::Validation(self.errors)
    }

    fn error<T>(&mut self, name: &str, kind: &'static str, msg: String) -> Option<T> {
        self.errors.push(ValidationError {
            kind,
            loc: vec![json!("body"), json!(name)],
            msg,
        });
        None
    }
}

fn invalid(kind: &'static str, loc: Vec<Value>, msg: &str) -> ApiError {
    ApiError::Validation(vec![ValidationError {
        kind,
        loc,
        msg: msg.into(),
    }])
}

/// Returns where the parser stopped, in characters from the start, as Python counts.
fn offset(body: &[u8], error: &serde_json::Error) -> usize {
    let bytes = if error.is_eof() {
        body.len()
    } else {
        let lines = body.split_inclusive(|byte| *byte == b'\n');
        let before: usize = lines
            .take(error.line().saturating_sub(1))
            .map(<[u8]>::len)
            .sum();
        (before + error.column().saturating_sub(1)).min(body.len())
    };
    String::from_utf8_lossy(&body[..bytes]).chars().count()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn parse(content_type: Option<&'static str>, body: &[u8]) -> Result<JsonBody, ApiError> {
        let mut headers = HeaderMap::new();
        if let Some(content_type) = content_type {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        JsonBody::parse(&headers, body)
    }

    fn error_of(result: Result<JsonBody, ApiError>) -> (&'static str, Vec<Value>) {
        match result {
            Err(ApiError::Validation(mut errors)) => {
                let error = errors.remove(0);
                (error.kind, error.loc)
            }
            _ => panic!("not a validation error"),
        }
    }

    #[test]
    fn json_is_accepted_with_every_json_type_and_without_a_type() {
        for content_type in [
            None,
            Some("application/json"),
            Some("Application/JSON; charset=utf-8"),
            Some("application/vnd.api+json"),
        ] {
            assert!(parse(content_type, b"{}").is_ok(), "{content_type:?}");
        }
    }

    #[test]
    fn other_types_and_json_other_than_an_object_are_rejected() {
        for content_type in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "text/json",
            "json",
            "",
        ] {
            let (kind, loc) = error_of(parse(Some(content_type), b"{}"));
            assert_eq!((kind, loc), ("model_attributes_type", vec![json!("body")]));
        }
        for body in ["[]", "1", "\"text\"", "true"] {
            let (kind, _) = error_of(parse(None, body.as_bytes()));
            assert_eq!(kind, "model_attributes_type");
        }
    }

    #[test]
    fn an_empty_body_and_null_are_a_missing_body() {
        for body in ["", "null", " null "] {
            let (kind, loc) = error_of(parse(Some("application/json"), body.as_bytes()));
            assert_eq!((kind, loc), ("missing", vec![json!("body")]));
        }
    }

    #[test]
    fn broken_json_is_located_by_character() {
        for (body, offset) in [
            ("{", 1),
            (r#"{"a":x}"#, 5),
            (r#"{"a":"é", x}"#, 10),
            ("{\n  \"a\": x}", 9),
            ("{} x", 3),
            ("{\"a\": 1", 7),
        ] {
            let (kind, loc) = error_of(parse(None, body.as_bytes()));
            assert_eq!(
                (kind, loc),
                ("json_invalid", vec![json!("body"), json!(offset)]),
                "{body}"
            );
        }
        assert_eq!(error_of(parse(None, b"{\"a\":\"\xff\"}")).0, "json_invalid");
    }

    #[test]
    fn the_limit_is_the_largest_accepted_size() {
        let body = |size: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(size - 8));
        assert!(parse(None, body(MAX_BODY_BYTES).as_bytes()).is_ok());
        assert!(matches!(
            parse(None, body(MAX_BODY_BYTES + 1).as_bytes()),
            Err(ApiError::ContentTooLarge)
        ));
    }

    #[test]
    fn a_flag_is_true_false_or_absent() {
        let body = br#"{"a": true, "b": false, "c": "true", "d": null, "e": 1}"#;
        let mut body = parse(None, body).unwrap();
        let flags = ["a", "b", "c", "d", "e", "f"].map(|name| body.flag(name));
        let expected = [Some(true), Some(false), None, None, None, Some(false)];
        assert_eq!(flags, expected);
        let ApiError::Validation(errors) = body.into_error() else {
            panic!("three errors");
        };
        assert_eq!(errors.len(), 3);
        assert_eq!(
            json!(errors[0]),
            json!({"type": "bool_type", "loc": ["body", "c"], "msg": "Input should be a valid boolean"})
        );
    }

    #[test]
    fn the_errors_of_all_members_are_reported() {
        let mut body = parse(None, br#"{"b": 1, "c": "text", "d": "text"}"#).unwrap();
        let mut text = |name: &str, limit: usize| {
            let parse = |text: &str| (text.len() <= limit).then(|| text.to_owned()).ok_or(());
            body.text(name, parse, format_args!("{limit} characters"))
        };
        assert_eq!(text("a", 4), None);
        assert_eq!(text("b", 4), None);
        assert_eq!(text("c", 4).as_deref(), Some("text"));
        assert_eq!(text("d", 3), None);
        let ApiError::Validation(errors) = body.into_error() else {
            panic!("three errors");
        };
        assert_eq!(
            json!(errors),
            json!([
                {"type": "missing", "loc": ["body", "a"], "msg": "Field required"},
                {"type": "string_type", "loc": ["body", "b"], "msg": "Input should be a valid string"},
                {"type": "string_too_long", "loc": ["body", "d"], "msg": "String should have at most 3 characters"},
            ])
        );
    }
}
