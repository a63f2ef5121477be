//! The expected response to each sample event.
//!
//! Those to events of guards are in `events/responses/`, except for the [`refusal`]s that all guards share.

mod account;
mod guarded;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::client::Reply;

pub use guarded::{refusal, unused_responses};

/// An expected body.
#[derive(Debug, Clone)]
pub enum Body {
    /// The tokens of a login, with the default lifetime.
    Login,
    /// The tokens of a refresh, with the default lifetime.
    Tokens,
    /// No body.
    None,
    /// A list of sessions, that of the request first.
    Session,
    /// Exactly this JSON.
    Json(Value),
    /// A file of this type that contains this text.
    File(&'static str, &'static str),
    /// The metadata of an issuer that is a URL, and of keys of HS256.
    Metadata,
    /// A file of this type, compressed.
    Gzip(&'static str),
}

/// An event, by the name of its file, and its response.
#[derive(Debug, Clone)]
pub struct Case {
    /// The file in `events/`, without `.json`.
    pub event: &'static str,
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Body,
    /// The headers except `content-type`, and except `cache-control` if that is `no-store`.
    pub headers: Vec<(&'static str, String)>,
}

const REALM: (&str, &str) = ("www-authenticate", r#"Bearer realm="api""#);
const INVALID_TOKEN: (&str, &str) = (
    "www-authenticate",
    r#"Bearer realm="api", error="invalid_token""#,
);
const INVALID_REQUEST: (&str, &str) = (
    "www-authenticate",
    r#"Bearer realm="api", error="invalid_request""#,
);

fn case(
    event: &'static str,
    status: u16,
    body: Body,
    headers: &[(&'static str, &'static str)],
) -> Case {
    Case {
        event,
        status,
        body,
        headers: headers
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect(),
    }
}

fn detail(
    event: &'static str,
    status: u16,
    detail: &'static str,
    headers: &[(&'static str, &'static str)],
) -> Case {
    case(
        event,
        status,
        Body::Json(json!({ "detail": detail })),
        headers,
    )
}

fn invalid(event: &'static str, errors: &[(&str, Value, &str)]) -> Case {
    let errors: Vec<Value> = errors
        .iter()
        .map(|(kind, loc, msg)| json!({"type": kind, "loc": loc, "msg": msg}))
        .collect();
    case(event, 422, Body::Json(json!({ "detail": errors })), &[])
}

/// Returns the cases of all events.
#[must_use]
pub fn all() -> Vec<Case> {
    [
        login(),
        login_422(),
        sessions(),
        sessions_422(),
        not_objects(),
        not_json(),
        guarded::all(),
        discovery(),
        well_known(),
        account::all(),
    ]
    .concat()
}

/// Returns the case of an event.
#[must_use]
pub fn find(event: &str) -> Case {
    let case = all().into_iter().find(|case| case.event == event);
    case.unwrap_or_else(|| panic!("there is no event {event}"))
}

fn login() -> Vec<Case> {
    let token = |event| case(event, 200, Body::Login, &[]);
    let refused = |event| detail(event, 401, "Invalid email or password", &[REALM]);
    vec![
        token("login_success"),
        token("login_success.v1"),
        token("login_email_in_capitals"),
        token("login_base64_body"),
        token("login_base64_body.v1"),
        token("login_stage_prefix"),
        token("login_stage_prefix.v1"),
        refused("login_unknown_email"),
        refused("login_wrong_password"),
        refused("login_wrong_password.v1"),
        refused("login_password_with_space"),
        detail("login_oversized_body", 413, "Content Too Large", &[]),
        detail(
            "login_wrong_method",
            405,
            "Method Not Allowed",
            &[("allow", "POST")],
        ),
        detail("login_unknown_path", 404, "Not Found", &[]),
    ]
}

fn login_422() -> Vec<Case> {
    let (email, password) = (json!(["body", "email"]), json!(["body", "password"]));
    let body = json!(["body"]);
    let missing = |loc: &Value| ("missing", loc.clone(), "Field required");
    let not_a_string = |loc: &Value| ("string_type", loc.clone(), "Input should be a valid string");
    let too_long = |loc: &Value, msg| ("string_too_long", loc.clone(), msg);
    vec![
        invalid("login_missing_member", &[missing(&password)]),
        invalid("login_no_members", &[missing(&email), missing(&password)]),
        invalid(
            "login_wrong_types",
            &[not_a_string(&email), not_a_string(&password)],
        ),
        invalid("login_empty_body", &[missing(&body)]),
        invalid("login_empty_body.v1", &[missing(&body)]),
        invalid(
            "login_oversized_email",
            &[too_long(
                &email,
                "String should have at most 254 characters",
            )],
        ),
        invalid(
            "login_oversized_password",
            &[too_long(&password, "String should have at most 1024 bytes")],
        ),
    ]
}

fn sessions() -> Vec<Case> {
    let tokens = |event| case(event, 200, Body::Tokens, &[]);
    let ended = |event| case(event, 204, Body::None, &[]);
    let refused = |event| detail(event, 401, "Invalid refresh token", &[]);
    let too_large = |event| detail(event, 413, "Content Too Large", &[]);
    let wrong_method = |event| detail(event, 405, "Method Not Allowed", &[("allow", "POST")]);
    vec![
        tokens("login_refresh_success"),
        tokens("login_refresh_success.v1"),
        refused("login_refresh_not_a_token"),
        refused("login_refresh_access_token"),
        refused("login_refresh_forged_token"),
        too_large("login_refresh_oversized_body"),
        wrong_method("login_refresh_wrong_method"),
        ended("login_logout_success"),
        ended("login_logout_success.v1"),
        ended("login_logout_all_sessions"),
        ended("login_logout_not_a_token"),
        too_large("login_logout_oversized_body"),
        wrong_method("login_logout_wrong_method"),
    ]
}

fn sessions_422() -> Vec<Case> {
    let token = json!(["body", "refresh_token"]);
    let all = json!(["body", "all_sessions"]);
    let missing = ("missing", token.clone(), "Field required");
    let not_a_string = ("string_type", token, "Input should be a valid string");
    let not_a_flag = ("bool_type", all, "Input should be a valid boolean");
    vec![
        invalid(
            "login_refresh_missing_member",
            std::slice::from_ref(&missing),
        ),
        invalid("login_refresh_wrong_type", &[not_a_string]),
        invalid("login_logout_missing_member", &[missing]),
        invalid("login_logout_wrong_type", &[not_a_flag]),
    ]
}

/// A body of another content type, or without one, is not parsed, so it is not an object either.
fn not_objects() -> Vec<Case> {
    let msg = "Input should be a valid dictionary or object to extract fields from";
    let not_an_object = |event| invalid(event, &[("model_attributes_type", json!(["body"]), msg)]);
    vec![
        not_an_object("login_not_an_object"),
        not_an_object("login_null_body"),
        not_an_object("login_not_json"),
        not_an_object("login_form"),
        not_an_object("login_no_content_type"),
        not_an_object("login_no_content_type.v1"),
        not_an_object("login_refresh_no_content_type"),
        not_an_object("login_logout_no_content_type"),
    ]
}

fn not_json() -> Vec<Case> {
    let error =
        |event, offset, msg| invalid(event, &[("json_invalid", json!(["body", offset]), msg)]);
    let broken = |event, offset: usize| error(event, offset, "JSON decode error");
    let repeated = |event, offset: usize| error(event, offset, "Repeated member");
    vec![
        broken("login_broken_json", 47),
        broken("login_broken_json.v1", 10),
        broken("login_not_utf8", 10),
        broken("login_bad_base64_body", 1),
        repeated("login_duplicate_member", 65),
        repeated("login_duplicate_member.v1", 65),
        repeated("login_duplicate_member_escaped", 70),
        repeated("login_duplicate_member_nested", 83),
        repeated("login_refresh_duplicate_member", 47),
        repeated("login_logout_duplicate_member", 69),
    ]
}

const REVALIDATE: (&str, &str) = ("cache-control", "no-cache");

fn discovery() -> Vec<Case> {
    let page = || Body::File("text/html; charset=utf-8", "docs/docs.js");
    let page = |event| case(event, 200, page(), &[REVALIDATE]);
    let script = Body::File("text/javascript; charset=utf-8", "SwaggerUIBundle");
    let stylesheet = Body::Gzip("text/css; charset=utf-8");
    let cached = ("cache-control", "public, max-age=3600");
    let contract = || Body::File("application/json", r#""openapi":"3.1.0""#);
    let contract = |event| case(event, 200, contract(), &[REVALIDATE]);
    let redirect = |event| case(event, 302, Body::None, &[("location", "docs")]);
    let not_modified = |event| case(event, 304, Body::None, &[REVALIDATE]);
    let not_found = |event| detail(event, 404, "Not Found", &[]);
    let wrong_method = |event| detail(event, 405, "Method Not Allowed", &[("allow", "GET")]);
    vec![
        page("discovery_success"),
        page("discovery_success.v1"),
        page("discovery_docs_stage_prefix"),
        not_modified("discovery_docs_not_modified"),
        wrong_method("discovery_docs_wrong_method"),
        case("discovery_file_success", 200, script, &[REVALIDATE]),
        case("discovery_file_gzip", 200, stylesheet, &[cached]),
        not_modified("discovery_file_not_modified"),
        not_found("discovery_file_unknown"),
        wrong_method("discovery_file_wrong_method"),
        contract("discovery_openapi_success"),
        contract("discovery_openapi_success.v1"),
        not_modified("discovery_openapi_not_modified"),
        wrong_method("discovery_openapi_wrong_method"),
        redirect("discovery_root_success"),
        redirect("discovery_root_success.v1"),
        redirect("discovery_root_stage_prefix"),
        wrong_method("discovery_root_wrong_method"),
        not_found("discovery_unknown_path"),
        not_found("discovery_dot_segments"),
    ]
}

/// The keys of the tests are those of HS256, which are not published.
fn well_known() -> Vec<Case> {
    let cached = ("cache-control", "public, max-age=300");
    let no_keys = || Body::Json(json!({"keys": []}));
    let keys = |event| case(event, 200, no_keys(), &[cached]);
    let metadata = |event| case(event, 200, Body::Metadata, &[cached]);
    let not_modified = |event| case(event, 304, Body::None, &[cached]);
    let wrong_method = |event| detail(event, 405, "Method Not Allowed", &[("allow", "GET")]);
    vec![
        keys("discovery_jwks_success"),
        keys("discovery_jwks_success.v1"),
        keys("discovery_jwks_stage_prefix"),
        not_modified("discovery_jwks_not_modified"),
        wrong_method("discovery_jwks_wrong_method"),
        metadata("discovery_configuration_success"),
        metadata("discovery_configuration_success.v1"),
        not_modified("discovery_configuration_not_modified"),
        wrong_method("discovery_configuration_wrong_method"),
        metadata("discovery_server_success"),
        metadata("discovery_server_success.v1"),
        not_modified("discovery_server_not_modified"),
        wrong_method("discovery_server_wrong_method"),
    ]
}

impl Case {
    /// Returns the function that serves the event, the first word of the file name.
    #[must_use]
    pub fn function(&self) -> &'static str {
        self.event.split_once('_').expect("<function>_<case>").0
    }

    /// Returns the operation of `openapi.yaml` that the event calls.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        let (function, rest) = self.event.split_once('_').expect("<function>_<case>");
        let (first, others): (_, &[&str]) = match function {
            "login" => ("login", &["refresh", "logout"]),
            "account" => return account::operation(rest),
            "discovery" => (
                "docs",
                &["file", "openapi", "root", "jwks", "configuration", "server"],
            ),
            _ => return guarded::operation(self.event),
        };
        let named = others.iter().find(|name| rest.starts_with(**name));
        named.unwrap_or(&first)
    }

    /// Checks a response.
    pub fn check(&self, reply: &Reply) {
        let event = self.event;
        assert_eq!(reply.status(), self.status, "{event}: {}", reply.body());
        let content_type = match self.body {
            Body::None => None,
            Body::Login | Body::Tokens | Body::Metadata | Body::Session | Body::Json(_) => {
                Some("application/json")
            }
            Body::File(content_type, _) | Body::Gzip(content_type) => Some(content_type),
        };
        assert_eq!(reply.header("content-type"), content_type, "{event}");
        let expected = |name: &str| {
            let mut headers = self.headers.iter();
            headers.find_map(|(known, value)| (*known == name).then_some(value.as_str()))
        };
        let cache_control = expected("cache-control").or(Some("no-store"));
        assert_eq!(reply.header("cache-control"), cache_control, "{event}");
        let allowed = reply.header("allow").map(methods);
        assert_eq!(allowed, expected("allow").map(methods), "{event}");
        for name in ["www-authenticate", "retry-after", "location"] {
            assert_eq!(reply.header(name), expected(name), "{event}: {name}");
        }
        match &self.body {
            Body::None => assert_eq!(reply.body(), "", "{event}"),
            Body::Json(expected) => assert_eq!(&reply.json(), expected, "{event}"),
            Body::Metadata => check_metadata(&reply.json(), event),
            Body::Session => account::check_session(&reply.json(), event),
            Body::File(_, text) => assert!(reply.body().contains(text), "{event}"),
            Body::Gzip(_) => {
                assert_eq!(reply.header("content-encoding"), Some("gzip"), "{event}");
                // The first bytes of a file that is compressed with Deflate (RFC 1952 section 2.3.1).
                assert_eq!(reply.bytes()[..3], [0x1f, 0x8b, 8], "{event}");
            }
            Body::Login => check_tokens(&reply.json(), true, event),
            Body::Tokens => check_tokens(&reply.json(), false, event),
        }
    }
}

/// Returns the methods of the header `Allow`, whose order means nothing.
fn methods(allow: &str) -> BTreeSet<&str> {
    allow.split(", ").collect()
}

fn check_metadata(body: &Value, event: &str) {
    let issuer = body["issuer"].as_str().expect("an issuer");
    let expected = json!({
        "issuer": issuer,
        "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
        "response_types_supported": [],
        "id_token_signing_alg_values_supported": ["HS256"],
    });
    assert_eq!(*body, expected, "{event}");
}

fn check_tokens(body: &Value, is_login: bool, event: &str) {
    assert_eq!(body["token_type"], "Bearer", "{event}");
    assert_eq!(body["expires_in"], 3600, "{event}");
    let token = body["access_token"].as_str().expect("a token");
    assert_eq!(token.split('.').count(), 3, "{event}");
    let token = body["refresh_token"].as_str().expect("a token");
    assert_eq!(token.len(), 70, "{event}");
    let device_token = body["device_token"].as_str().map(str::len);
    assert_eq!(device_token, is_login.then_some(75), "{event}");
    let members = body.as_object().expect("an object").len();
    assert_eq!(members, 4 + usize::from(is_login), "{event}");
}
