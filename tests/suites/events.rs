//! Every sample event, replayed in process and against the real binaries.

use std::collections::{BTreeMap, BTreeSet};

use bundle_tests::{
    app::TestApp,
    binaries::{self, Function},
    cases, events, project,
};
use serde_json::{Value, json};

#[test]
fn every_event_file_has_a_case_and_every_case_a_file() {
    let files: BTreeSet<String> = events::all().into_keys().collect();
    let cases: Vec<&str> = cases::all().iter().map(|case| case.event).collect();
    let unique: BTreeSet<String> = cases.iter().map(ToString::to_string).collect();
    assert_eq!(files, unique);
    assert_eq!(cases.len(), unique.len(), "an event has two cases");
}

#[tokio::test]
async fn every_event_is_answered_in_process() {
    let (app, events) = (TestApp::new(&[]), events::all());
    for case in cases::all() {
        let response = app.replay(case.function(), &events[case.event]).await;
        let header = |name: &str| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
        case.check(response.status().as_u16(), header, response.body());
    }
    println!("events replayed in process: {}", events.len());
}

#[tokio::test]
async fn every_event_is_answered_by_the_real_binaries() {
    let events = events::all();
    let mut functions = BTreeMap::new();
    for case in cases::all() {
        let name = case.function();
        if !functions.contains_key(name) {
            functions.insert(name, Function::start(&binaries::release(name)).await);
        }
        let event = events::fill(&events[case.event], binaries::now());
        functions[name].answer(&event).await.check(&case);
    }
    println!(
        "events replayed against the real binaries: {}",
        events.len()
    );
}

/// Every answer is one that `openapi.yaml` describes: its route, its status, its headers, its body.
#[tokio::test]
async fn every_answer_is_described_in_openapi() {
    let (app, events) = (TestApp::new(&[]), events::all());
    let document = project::yaml("openapi.yaml");
    let mut described = BTreeSet::new();
    for case in cases::all()
        .into_iter()
        .filter(|case| !matches!(case.status, 404 | 405))
    {
        let route = if case.function() == "login" {
            ("/api/v1/login", "post")
        } else {
            ("/api/v1/me", "get")
        };
        let response = app.replay(case.function(), &events[case.event]).await;
        let answer = resolved(
            &document,
            &document["paths"][route.0][route.1]["responses"][case.status.to_string()],
        );
        assert!(
            answer.is_object(),
            "{}: {} is not described",
            case.event,
            case.status
        );
        for name in response
            .headers()
            .keys()
            .filter(|name| *name != "content-type")
        {
            let headers = answer["headers"].as_object().expect("headers");
            let is_described = headers
                .keys()
                .any(|known| known.eq_ignore_ascii_case(name.as_str()));
            assert!(is_described, "{}: {name} is not described", case.event);
        }
        let schema = json!({
            "allOf": [answer["content"]["application/json"]["schema"]],
            "components": document["components"],
        });
        let body: Value = serde_json::from_str(response.body()).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&body)
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{}: {errors:?}", case.event);
        described.insert((route, case.status));
    }
    let all: usize = document["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|path| path.as_object().unwrap().values())
        .map(|operation| operation["responses"].as_object().unwrap().len())
        .sum();
    // A 500 and a 503 each: `binaries` provokes them.
    assert_eq!(
        described.len() + 4,
        all,
        "openapi.yaml describes an answer that no event has"
    );
}

fn resolved<'a>(document: &'a Value, node: &'a Value) -> &'a Value {
    let reference = node["$ref"]
        .as_str()
        .and_then(|reference| reference.strip_prefix('#'));
    reference.map_or(node, |pointer| {
        document.pointer(pointer).expect("a reference")
    })
}

#[tokio::test]
async fn the_tutorial_s_two_texts_come_back_where_they_are_asked_for() {
    let (app, events) = (TestApp::new(&[("LOGIN_ERRORS", "distinct")]), events::all());
    for (event, detail) in [
        ("login_unknown_email", "User not found"),
        ("login_wrong_password", "Invalid password"),
    ] {
        let response = app.replay("login", &events[event]).await;
        assert_eq!(response.status(), 401);
        assert_eq!(*response.body(), json!({ "detail": detail }).to_string());
    }
}

#[tokio::test]
async fn a_token_of_login_is_taken_by_me() {
    let (app, events) = (TestApp::new(&[]), events::all());
    let login = app.replay("login", &events["login_success"]).await;
    let login: Value = serde_json::from_str(login.body()).unwrap();
    let event =
        events["me_success"].replace("{{token:good}}", login["access_token"].as_str().unwrap());
    assert_eq!(app.replay("me", &event).await.status(), 200);
}
