//! `login` and `me` respond like the tutorial's FastAPI application (benches/peers/fastapi).
//!
//! Each request of `bodies` and `routes` is sent to both. These must be the same: the status, the detail of an
//! error without its input, the body of a 200 without its tokens, and `Allow`. If FastAPI sends a challenge, its
//! scheme must be the same too; the bundle sends one with more responses (RFC 6750 section 3).
//!
//! `departures` lists the deliberate differences. Any other difference fails, and so does a listed one that no
//! longer exists.

mod bodies;
mod departures;
mod request;
mod routes;

use std::collections::{BTreeMap, BTreeSet};

use bundle_tests::{
    app::{App, KEYS},
    client::{Client, Reply},
    events,
    process::{self, Process},
    project,
};
use departures::DEPARTURES;
use request::{ACCESS_TOKEN, Request};
use serde_json::{Value, json};

/// The parts of a response that are compared.
#[derive(Debug, PartialEq)]
struct Compared {
    status: u16,
    detail: Value,
    allow: Option<String>,
    /// The scheme of `WWW-Authenticate`.
    scheme: Option<String>,
}

impl From<&Reply> for Compared {
    fn from(reply: &Reply) -> Self {
        let header = |name| reply.header(name).map(str::to_owned);
        let scheme = |challenge: String| challenge.split(' ').next().map(str::to_owned);
        Self {
            status: reply.status(),
            detail: detail(reply.body()),
            allow: header("allow"),
            scheme: header("www-authenticate").and_then(scheme),
        }
    }
}

/// Returns the detail of an error, or the body of another response without its tokens.
fn detail(body: &str) -> Value {
    let mut body = serde_json::from_str(body).unwrap_or_else(|_| Value::from(body));
    if let Some(members) = body.as_object_mut() {
        for token in ["access_token", "refresh_token", "device_token"] {
            members.remove(token);
        }
    }
    match body.get("detail") {
        Some(Value::Array(errors)) => errors.iter().map(without_input).collect(),
        Some(detail) => detail.clone(),
        None => body,
    }
}

fn without_input(error: &Value) -> Value {
    json!({"type": error["type"], "loc": error["loc"], "msg": error["msg"]})
}

impl Compared {
    fn agrees_with(&self, fastapi: &Self) -> bool {
        let is_scheme_equal = fastapi.scheme.is_none() || self.scheme == fastapi.scheme;
        (self.status, &self.detail, &self.allow)
            == (fastapi.status, &fastapi.detail, &fastapi.allow)
            && is_scheme_equal
    }

    /// Returns the response in one line, as in the table of departures.
    fn summary(&self) -> String {
        let error = |error: &Value| {
            let kind = error["type"].as_str().unwrap_or_default();
            let loc = error["loc"].as_array().into_iter().flatten();
            let loc: Vec<_> = loc.map(|part| part.to_string().replace('"', "")).collect();
            format!(" {kind} {}", loc.join("."))
        };
        let detail = match &self.detail {
            Value::Array(errors) => errors.iter().map(error).collect(),
            Value::String(text) if self.status >= 400 => format!(" {text}"),
            _ => String::new(),
        };
        format!("{}{detail}", self.status)
    }
}

/// The tutorial's application as a process.
struct FastApi {
    process: Process,
    access_token: String,
}

impl FastApi {
    async fn start() -> Self {
        let folder = project::root().join("benches/peers/fastapi");
        let variables = [KEYS[0], ("PYTHONPATH", folder.to_str().expect("UTF-8"))];
        let runtime = project::root().join("tests/suites/functions/fastapi/runtime.py");
        let arguments = [runtime.to_str().expect("UTF-8")];
        let python = project::python_of_peers();
        let process = Process::start_binary(&python, "FastAPI", &variables, &arguments).await;
        let login = process.send(&events::success("login")).await.json();
        Self {
            process,
            access_token: login["access_token"].as_str().expect("a token").into(),
        }
    }

    async fn send(&self, request: &Request) -> Compared {
        let event = request.event().replace(ACCESS_TOKEN, &self.access_token);
        let event = events::fill(&event, process::now());
        Compared::from(&self.process.send(&event).await)
    }
}

/// Sends a request to new functions, so that no failed login counts for another request.
async fn send_to_bundle(request: &Request) -> Compared {
    let (app, mut event) = (App::new(&[]), request.event());
    if event.contains(ACCESS_TOKEN) {
        event = event.replace(ACCESS_TOKEN, &app.sign_in().await.access);
    }
    Compared::from(&app.replay(request.function, &event).await)
}

/// Returns the deliberate departures: FastAPI's response and the bundle's, by the name of the request.
fn departures() -> BTreeMap<&'static str, (&'static str, &'static str)> {
    let mut departures = BTreeMap::new();
    for departure in DEPARTURES {
        assert_ne!(departure.reason, "");
        for (name, fastapi, bundle) in departure.requests {
            let former = departures.insert(*name, (*fastapi, *bundle));
            assert_eq!(former, None, "{name} is listed twice");
        }
    }
    departures
}

fn requests() -> Vec<Request> {
    [bodies::requests(), routes::requests()]
        .into_iter()
        .flatten()
        .collect()
}

#[test]
fn every_request_has_its_own_name_and_every_departure_a_request() {
    let requests = requests();
    let names: BTreeSet<&str> = requests.iter().map(|request| &*request.name).collect();
    assert_eq!(names.len(), requests.len(), "two requests have one name");
    for name in departures().keys() {
        assert!(names.contains(name), "no request is named {name}");
    }
}

#[tokio::test]
async fn every_request_gets_the_response_of_fastapi_unless_a_departure_is_listed() {
    let (fastapi, departures) = (FastApi::start().await, departures());
    let requests = requests();
    let mut unexpected = Vec::new();
    for request in &requests {
        let (theirs, ours) = (fastapi.send(request).await, send_to_bundle(request).await);
        let summaries = (theirs.summary(), ours.summary());
        let found = (!ours.agrees_with(&theirs)).then_some((&*summaries.0, &*summaries.1));
        let listed = departures.get(&*request.name).copied();
        if found != listed {
            let name = &request.name;
            unexpected.push(format!(
                "{name}\n  FastAPI: {theirs:?}\n  bundle: {ours:?}\n  found {found:?}, listed {listed:?}"
            ));
        }
    }
    assert!(unexpected.is_empty(), "{}", unexpected.join("\n"));
    let (requests, departures) = (requests.len(), departures.len());
    println!("requests compared with FastAPI: {requests}, departures: {departures}");
}
