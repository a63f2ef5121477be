//! The sample events in `events/`, with tokens for their placeholders.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{client::ADDRESS, process::now, project};

/// The placeholder of a refresh token that the function under test has issued.
pub const REFRESH_TOKEN: &str = "{{token:refresh}}";

/// Returns the text of every sample event by its name, that of the file without `.json`.
#[must_use]
pub fn all() -> BTreeMap<String, String> {
    let folder = std::fs::read_dir(project::root().join("events")).expect("events/");
    folder
        .map(|entry| entry.expect("an entry").file_name())
        .filter_map(|file| Some(file.to_str()?.strip_suffix(".json")?.to_owned()))
        .map(|name| {
            let text = project::read(&format!("events/{name}.json"));
            (name, text)
        })
        .collect()
}

/// Replaces the placeholders with tokens, as `events/README.md` describes.
#[must_use]
pub fn fill(event: &str, now: u64) -> String {
    let token = |claims| forge::token(now, &json!({}), &claims);
    let good = token(json!({}));
    let tampered = good.replacen('.', ".e", 1);
    let (message, _) = good.rsplit_once('.').expect("a token");
    let (_, claims) = message.split_once('.').expect("a token");
    let header = forge::with(forge::header(), &json!({"alg": "none"})).to_string();
    let tokens = [
        ("good", good.clone()),
        (
            "expired",
            token(json!({"iat": now - 7200, "nbf": now - 7200, "exp": now - 3600})),
        ),
        ("tampered", tampered),
        ("none", format!("{}.{claims}.", forge::b64(header))),
        (
            "unknown_user",
            token(json!({"sub": "2", "email": "jane.doe@leapify.tech"})),
        ),
        ("other_id", token(json!({"sub": "2"}))),
        (
            "forged_refresh",
            forge::refresh_token(forge::SECRET, [7; 16], 0),
        ),
        (
            "other_roles",
            token(json!({"roles": ["Owner"], "scope": "own"})),
        ),
    ];
    let filled = tokens
        .iter()
        .fold(event.to_owned(), |event, (name, token)| {
            event.replace(&format!("{{{{token:{name}}}}}"), token)
        });
    assert!(!filled.contains("{{"), "an unknown placeholder in {filled}");
    filled
}

/// Returns the email and password of the tutorial's user, as the body of a login.
#[must_use]
pub fn credentials() -> Value {
    json!({"email": "john.doe@leapify.tech", "password": "changeme"})
}

/// Returns an event that posts a body to `/api/v1/<endpoint>` from an address.
#[must_use]
pub fn post(endpoint: &str, body: &Value, address: &str) -> String {
    let mut event = object("login_success");
    let path = format!("/api/v1/{endpoint}");
    event["requestContext"]["http"]["path"] = path.clone().into();
    event["requestContext"]["http"]["sourceIp"] = address.into();
    event["rawPath"] = path.into();
    event["body"] = body.to_string().into();
    event.to_string()
}

/// Returns an event for `login` or `me` as the user of an address, issued now.
#[must_use]
pub fn as_user(function: &str, email: &str) -> String {
    if function == "login" {
        let body = json!({"email": email, "password": "changeme"});
        return post("login", &body, ADDRESS);
    }
    me(&forge::token(now(), &json!({}), &json!({ "email": email })))
}

/// Returns an event for `me` with a bearer token.
#[must_use]
pub fn me(token: &str) -> String {
    let mut event = object("me_no_token");
    event["headers"]["authorization"] = format!("Bearer {token}").into();
    event.to_string()
}

/// Returns the sample event of the tutorial's user to which a function responds with 200.
#[must_use]
pub fn success(function: &str) -> String {
    object(&format!("{function}_success")).to_string()
}

/// Returns an event as JSON, with its placeholders replaced for now.
#[must_use]
pub fn object(name: &str) -> Value {
    let text = project::read(&format!("events/{name}.json"));
    serde_json::from_str(&fill(&text, now())).expect("an event")
}
