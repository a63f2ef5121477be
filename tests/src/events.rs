//! The sample events of `events/`, with the tokens that their placeholders stand for.

use std::collections::BTreeMap;

use serde_json::json;

use crate::{forge, project};

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
    ];
    let filled = tokens
        .iter()
        .fold(event.to_owned(), |event, (name, token)| {
            event.replace(&format!("{{{{token:{name}}}}}"), token)
        });
    assert!(!filled.contains("{{"), "an unknown placeholder in {filled}");
    filled
}
