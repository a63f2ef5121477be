//! The sample events of `events/`, with the tokens that their placeholders stand for.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{binaries, forge, project};

/// The placeholder of a refresh token that the function which answers has made.
pub const REFRESH_TOKEN: &str = "{{token:refresh}}";

/// Every sample event by its name, the file's without `.json`, as it stands in the file.
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

/// Puts tokens in place of the placeholders, as `events/README.md` describes them.
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

/// The tutorial's user and password, as a body of a login.
#[must_use]
pub fn credentials() -> Value {
    json!({"email": "john.doe@leapify.tech", "password": "changeme"})
}

/// An event that posts a body to `/api/v1/<endpoint>` from an address.
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

/// An event of now that asks `login` or `me` for the user of an address.
#[must_use]
pub fn by(function: &str, email: &str) -> String {
    let mut event = if function == "login" {
        object("login_success")
    } else {
        object("me_no_token")
    };
    if function == "login" {
        let body = json!({"email": email, "password": "changeme"});
        event["body"] = body.to_string().into();
    } else {
        let token = forge::token(binaries::now(), &json!({}), &json!({ "email": email }));
        event["headers"]["authorization"] = format!("Bearer {token}").into();
    }
    event.to_string()
}

/// An event of now, its placeholders filled, to be changed.
#[must_use]
pub fn object(name: &str) -> Value {
    let text = project::read(&format!("events/{name}.json"));
    serde_json::from_str(&fill(&text, binaries::now())).expect("an event")
}
