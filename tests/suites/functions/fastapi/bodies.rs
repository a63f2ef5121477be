//! Logins with all kinds of content types, bodies and members.

use serde_json::Value;

use super::request::{CREDENTIALS, Request};

const EMAIL: &str = r#""john.doe@leapify.tech""#;
const PASSWORD: &str = r#""changeme""#;

/// Returns the requests of all tables.
pub(super) fn requests() -> Vec<Request> {
    let tables = [
        content_types(),
        bodies(),
        bodies_that_are_not_text(),
        other_members(),
        types_of_members(),
        emails(),
        passwords(),
    ];
    tables.into_iter().flatten().collect()
}

fn login(name: String, body: impl Into<Vec<u8>>) -> Request {
    let body = body.into();
    Request {
        body,
        ..Request::login(name)
    }
}

fn content_types() -> Vec<Request> {
    let content_types = [
        "",
        "application/json",
        "application/json; charset=utf-8",
        "application/json;",
        "application/json ; charset=utf-16",
        "Application/JSON",
        "application/vnd.api+json",
        "application/+json",
        "application/a/b+json",
        "application/json, application/json",
        "application/json, text/plain",
        "application/jsonp",
        "application/json5",
        "application /json",
        "application/ json",
        "application",
        "json",
        "text/json",
        "text/plain",
        "text/plain; application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "*/*",
    ];
    let mut requests = Vec::new();
    for content_type in content_types.map(Some).into_iter().chain([None]) {
        for body in [CREDENTIALS, "{"] {
            let name = format!(
                "content type {}, body {body}",
                content_type.unwrap_or("absent")
            );
            requests.push(Request {
                content_type,
                ..login(name, body)
            });
        }
    }
    requests
}

/// There is no trailing comma here, because its position depends on the release of Python.
fn bodies() -> Vec<Request> {
    let bodies = [
        "",
        "null",
        "true",
        "1",
        "[]",
        "\"text\"",
        "{}",
        " \n{}\t",
        r#"[{"email": "john.doe@leapify.tech", "password": "changeme"}]"#,
        r#"{"email": "john.doe\u0040leapify.tech", "pass\u0077ord": "changeme"}"#,
        r#"{"Email": "john.doe@leapify.tech", "PASSWORD": "changeme"}"#,
        "\u{feff}{}",
        "\u{a0}{}",
        " ",
        "\n",
        "{",
        "}",
        "[",
        "-",
        "nul",
        "{} x",
        "{}{}",
        "{} // a",
        "[1, 2",
        "{'a': 1}",
        "{a: 1}",
        "{1: 2}",
        "{,}",
        r#"{"a": x}"#,
        r#"{"é": x}"#,
        r#"{"😀": x}"#,
        "{\n  \"a\": 1,\n  \"b\": x\n}",
        r#"{"a" 1}"#,
        r#"{"a": 1 "b": 2}"#,
        r#"{"a": 1}}"#,
        r#"{"a": [1 2]}"#,
        r#"{"a"}"#,
        r#"{"a":}"#,
        r#"{"a": 1"#,
        r#"{"a": "#,
        r#"{"a""#,
        r#"{"a": "text"#,
        r#"{"a": tru}"#,
        r#"{"a": 01}"#,
        r#"{"a": .5}"#,
        r#"{"a": +1}"#,
        r#"{"a": -}"#,
        r#"{"a": 1.}"#,
        r#"{"a": 1e}"#,
        r#"{"a": "\x"}"#,
        r#"{"a": "\u00zz"}"#,
        r#"{"a": "\u00"#,
        "{\"a\": \"\t\"}",
        "{\"a\": \"\n\"}",
    ];
    bodies
        .map(|body| login(format!("body {body}"), body))
        .into()
}

fn bodies_that_are_not_text() -> Vec<Request> {
    let utf16 = CREDENTIALS
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let bodies = [
        ("body that is not UTF-8", b"{\"email\": \"\xff\"}".to_vec()),
        ("body in UTF-16", utf16),
    ];
    bodies.map(|(name, body)| login(name.into(), body)).into()
}

/// Members in addition to the right email and password.
fn other_members() -> Vec<Request> {
    let with = |member: &str| CREDENTIALS.replace('}', &format!(", {member}}}"));
    let members = [
        r#""a": {"b": [1, -2.5e3, null], "c": ""}"#,
        r#""a": 12345678901234567890123"#,
        r#""a": NaN"#,
        r#""a": -Infinity"#,
        r#""a": 1e999"#,
        r#""a": "\ud83d\ude00""#,
        r#""a": "\ud83d""#,
        "\"a\": \"\u{7f}\u{2028}\"",
        r#""password": "changeme""#,
        r#""pass\u0077ord": "changeme""#,
        r#""email": "john.doe@leapify.tech""#,
        r#""a": 1, "a": 1"#,
        r#""a": {"b": 1, "b": 1}"#,
        r#""a": [{"b": 1, "b": 1}]"#,
    ];
    let deep = format!("\"a\": {}{}", "[".repeat(150), "]".repeat(150));
    let long = format!("\"a\": \"{}\"", "a".repeat(9_000));
    let extremes = [("150 arrays", deep), ("9,000 characters", long)];
    let members = members.map(|member| login(format!("member {member}"), with(member)));
    let extremes =
        extremes.map(|(name, member)| login(format!("member with {name}"), with(&member)));
    members.into_iter().chain(extremes).collect()
}

/// Returns the body with these members as JSON. An empty text leaves a member out.
fn members(email: &str, password: &str) -> String {
    let members = [("email", email), ("password", password)].into_iter();
    let present = members.filter(|(_, value)| !value.is_empty());
    let members: Vec<_> = present
        .map(|(name, value)| format!("\"{name}\": {value}"))
        .collect();
    format!("{{{}}}", members.join(", "))
}

fn types_of_members() -> Vec<Request> {
    let types = ["", "null", "true", "1", "[]", "{}"];
    let mut requests = Vec::new();
    for email in types.into_iter().chain([EMAIL]) {
        for password in types.into_iter().chain([PASSWORD]) {
            let name = format!("email {email}, password {password}");
            requests.push(login(name, members(email, password)));
        }
    }
    requests
}

fn emails() -> Vec<Request> {
    let long = format!("{}@leapify.tech", "a".repeat(242));
    let emails = [
        "jane.doe@leapify.tech",
        "JOHN.DOE@leapify.tech",
        "john.doe@LEAPIFY.tech",
        " john.doe@leapify.tech ",
        "John <john.doe@leapify.tech>",
        "john.doe",
        "john.doe@",
        "john.doe@localhost",
        "",
        &long,
    ];
    let request = |email| {
        login(
            format!("email {}", label(email)),
            members(&json(email), PASSWORD),
        )
    };
    emails.map(request).into()
}

fn passwords() -> Vec<Request> {
    let long = "a".repeat(1_025);
    let passwords = [
        "",
        "wrong",
        "Changeme",
        " changeme",
        "changeme ",
        "pässwörd",
        &long,
    ];
    let request = |password| {
        login(
            format!("password {}", label(password)),
            members(EMAIL, &json(password)),
        )
    };
    passwords.map(request).into()
}

fn json(text: &str) -> String {
    Value::from(text).to_string()
}

/// Returns how the name of a request describes a text.
fn label(text: &str) -> String {
    match text.chars().count() {
        0..50 => json(text),
        length => format!("of {length} characters"),
    }
}
