//! The sample events in `events/`, with tokens for their placeholders.

use std::{collections::BTreeMap, sync::LazyLock};

use futures_util::FutureExt;
use serde_json::{Value, json};

use crate::{client::ADDRESS, process::now, project, store::tutorial_user};

/// The placeholder of a refresh token that the function under test has issued.
pub const REFRESH_TOKEN: &str = "{{token:refresh}}";

static ALL: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    let folder = std::fs::read_dir(project::root().join("events")).expect("events/");
    folder
        .map(|entry| entry.expect("an entry").file_name())
        .filter_map(|file| Some(file.to_str()?.strip_suffix(".json")?.to_owned()))
        .map(|name| {
            let text = project::read(&format!("events/{name}.json"));
            (name, text)
        })
        .collect()
});

/// Returns the text of every sample event by its name, that of the file without `.json`.
#[must_use]
pub fn all() -> &'static BTreeMap<String, String> {
    &ALL
}

/// Replaces the placeholders with tokens, as `events/README.md` describes.
#[must_use]
pub fn fill(event: &str, now: u64) -> String {
    let permitted = json!({ "scope": scope() });
    let token = |claims| forge::token(now, &json!({}), &forge::with(permitted.clone(), &claims));
    let good = token(json!({}));
    let tampered = good.replacen(".ey", ".ez", 1);
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

/// Returns the permissions of the tutorial's user in tests.
fn scope() -> String {
    let user = tutorial_user().now_or_never().expect("it never waits");
    user.user.roles[0].permissions.join(" ")
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

/// Returns an event for `login` or a guard as the user of an address, with a token that is issued now.
#[must_use]
pub fn as_user(function: &str, email: &str) -> String {
    if function == "login" {
        let body = json!({"email": email, "password": "changeme"});
        return post("login", &body, ADDRESS);
    }
    let claims = json!({"email": email, "scope": scope()});
    with_token(function, &forge::token(now(), &json!({}), &claims))
}

/// Returns the sample event to which a guard responds with 200, with another bearer token.
#[must_use]
pub fn with_token(function: &str, token: &str) -> String {
    let mut event = object(&format!("{function}_success"));
    event["headers"]["authorization"] = format!("Bearer {token}").into();
    event.to_string()
}

/// Returns an event for `account` with a bearer token and a JSON body.
#[must_use]
pub fn as_caller(method: &str, path: &str, token: &str, body: &Value) -> String {
    let mut event = object("account_success");
    event["requestContext"]["http"]["method"] = method.into();
    event["requestContext"]["http"]["path"] = path.into();
    event["rawPath"] = path.into();
    event["headers"]["authorization"] = format!("Bearer {token}").into();
    event["headers"]["content-type"] = "application/json".into();
    event["body"] = body.to_string().into();
    event.to_string()
}

/// The forms of an event, as the ends of file names: that of an HTTP API and that of a REST API.
pub const FORMS: [&str; 2] = ["", ".v1"];

/// Returns an event without a body. `authorization` are the values of that header. A parameter of the path is `1`.
#[must_use]
pub fn request(form: &str, method: &str, path: &str, authorization: &[String]) -> Value {
    let mut event = object(&format!("me_no_token{form}"));
    if form.is_empty() {
        write_to_http_event(&mut event, method, path);
        if !authorization.is_empty() {
            event["headers"]["authorization"] = json!(authorization.join(","));
        }
    } else {
        write_to_rest_event(&mut event, method, path);
        if let Some(last) = authorization.last() {
            event["headers"]["Authorization"] = json!(last);
            event["multiValueHeaders"]["Authorization"] = json!(authorization);
        }
    }
    event
}

fn write_to_http_event(event: &mut Value, method: &str, route: &str) {
    let (key, path) = (json!(format!("{method} {route}")), json!(filled(route)));
    event["routeKey"] = key.clone();
    event["rawPath"] = path.clone();
    let context = &mut event["requestContext"];
    context["routeKey"] = key;
    context["http"]["method"] = json!(method);
    context["http"]["path"] = path;
}

fn write_to_rest_event(event: &mut Value, method: &str, route: &str) {
    let path = filled(route);
    event["resource"] = json!(route);
    event["httpMethod"] = json!(method);
    event["path"] = json!(path);
    let context = &mut event["requestContext"];
    context["resourcePath"] = json!(route);
    context["httpMethod"] = json!(method);
    context["path"] = json!(format!("/prod{path}"));
}

/// Returns a path with `1` as its parameter, if it has one.
fn filled(path: &str) -> String {
    let Some((before, rest)) = path.split_once('{') else {
        return path.to_owned();
    };
    let (_, after) = rest.split_once('}').expect("a parameter in braces");
    format!("{before}1{after}")
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
