//! Request bodies: JSON objects of limited size, with errors in FastAPI's words.

use std::{convert::Infallible, fmt::Display};

use http::{HeaderMap, HeaderValue, header::CONTENT_TYPE};
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
    /// Parses a body that must be a JSON object, sent with a JSON content type. Browsers let every page send
    /// the content types of forms, or none, to other origins, so none of them may log anyone in.
    ///
    /// # Errors
    ///
    /// [`ApiError::ContentTooLarge`] above [`MAX_BODY_BYTES`], [`ApiError::Validation`] for
    /// anything but a JSON object without repeated members.
    pub fn parse(headers: &HeaderMap, body: &[u8]) -> Result<Self, ApiError> {
        if body.len() > MAX_BODY_BYTES {
            return Err(ApiError::ContentTooLarge);
        }
        if body.is_empty() {
            return Err(invalid("missing", vec![json!("body")], "Field required"));
        }
        if is_json(headers)
            && let Value::Object(members) =
                auth_core::parse_json(body).map_err(|error| malformed(body, &error))?
        {
            return Ok(Self {
                members,
                errors: Vec::new(),
            });
        }
        Err(invalid(
            "model_attributes_type",
            vec![json!("body")],
            "Input should be a valid dictionary or object to extract fields from",
        ))
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

    /// Returns a member that must be a string of any length, or is absent or `null`. `None` after an error.
    pub fn optional_string(&mut self, name: &str) -> Option<Option<String>> {
        match self.members.get(name) {
            None | Some(Value::Null) => Some(None),
            Some(_) => self.string(name).map(Some),
        }
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

/// Checks for `application/json` or a type of the `+json` family (RFC 6839 section 3.1).
fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let media_type = content_type.and_then(|value| value.split(|byte| *byte == b';').next());
    let media_type = media_type
        .unwrap_or_default()
        .trim_ascii()
        .to_ascii_lowercase();
    let subtype = media_type.strip_prefix(b"application/").unwrap_or_default();
    subtype == b"json" || subtype.ends_with(b"+json") && !subtype.contains(&b'/')
}

/// Returns the error for JSON that cannot be parsed. FastAPI accepts repeated members, so it has no words for
/// them.
fn malformed(body: &[u8], error: &serde_json::Error) -> ApiError {
    let msg = if error.is_data() {
        "Repeated member"
    } else {
        "JSON decode error"
    };
    let loc = vec![json!("body"), json!(offset(body, error))];
    invalid("json_invalid", loc, msg)
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
    use super::*;

    fn parse_as(content_type: &'static str, body: &[u8]) -> Result<JsonBody, ApiError> {
        let content_type = (CONTENT_TYPE, HeaderValue::from_static(content_type));
        JsonBody::parse(&HeaderMap::from_iter([content_type]), body)
    }

    fn parse(body: &[u8]) -> Result<JsonBody, ApiError> {
        parse_as("application/json", body)
    }

    fn error_of(result: Result<JsonBody, ApiError>) -> ValidationError {
        match result {
            Err(ApiError::Validation(mut errors)) => errors.remove(0),
            _ => panic!("not a validation error"),
        }
    }

    #[test]
    fn json_is_accepted_with_every_json_type() {
        for content_type in [
            "application/json",
            "Application/JSON; charset=utf-8",
            " application/json ;",
            "application/vnd.api+json",
        ] {
            assert!(parse_as(content_type, b"{}").is_ok(), "{content_type:?}");
        }
    }

    #[test]
    fn a_body_of_another_type_or_without_a_type_is_not_parsed() {
        let not_an_object = error_of(parse(b"[]"));
        for content_type in [
            "text/plain",
            "text/plain; application/json",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=application/json",
            "application/json, text/plain",
            "application/a/b+json",
            "text/json",
            "json",
            "",
        ] {
            for body in ["{}", "{"] {
                let error = error_of(parse_as(content_type, body.as_bytes()));
                assert_eq!(error, not_an_object, "{content_type}");
            }
        }
        let untyped = JsonBody::parse(&HeaderMap::new(), b"{}");
        assert_eq!(error_of(untyped), not_an_object);
    }

    #[test]
    fn json_other_than_an_object_is_rejected() {
        for body in ["[]", "1", "\"text\"", "true", "null", " null "] {
            let error = error_of(parse(body.as_bytes()));
            assert_eq!(error.kind, "model_attributes_type", "{body}");
            assert_eq!(error.loc, [json!("body")], "{body}");
        }
    }

    #[test]
    fn an_empty_body_is_missing() {
        let error = error_of(parse(b""));
        assert_eq!((error.kind, error.loc), ("missing", vec![json!("body")]));
    }

    #[test]
    fn a_repeated_member_is_located_at_the_end_of_its_second_name() {
        for (body, offset) in [
            (r#"{"a":1,"a":1}"#, 9),
            (r#"{"a":"é","\u0061":1}"#, 16),
            (r#"{"x":[{"a":1,"a":2}]}"#, 15),
            ("{\n  \"a\": 1,\n  \"a\": 2\n}", 16),
        ] {
            let error = error_of(parse(body.as_bytes()));
            let expected = ValidationError {
                kind: "json_invalid",
                loc: vec![json!("body"), json!(offset)],
                msg: "Repeated member".into(),
            };
            assert_eq!(error, expected, "{body}");
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
            let error = error_of(parse(body.as_bytes()));
            let expected = ValidationError {
                kind: "json_invalid",
                loc: vec![json!("body"), json!(offset)],
                msg: "JSON decode error".into(),
            };
            assert_eq!(error, expected, "{body}");
        }
        assert_eq!(error_of(parse(b"{\"a\":\"\xff\"}")).kind, "json_invalid");
    }

    #[test]
    fn the_limit_is_the_largest_accepted_size() {
        let body = |size: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(size - 8));
        assert!(parse(body(MAX_BODY_BYTES).as_bytes()).is_ok());
        assert!(matches!(
            parse(body(MAX_BODY_BYTES + 1).as_bytes()),
            Err(ApiError::ContentTooLarge)
        ));
    }

    #[test]
    fn a_flag_is_true_false_or_absent() {
        let body = br#"{"a": true, "b": false, "c": "true", "d": null, "e": 1}"#;
        let mut body = parse(body).unwrap();
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
        let mut body = parse(br#"{"b": 1, "c": "text", "d": "text"}"#).unwrap();
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
