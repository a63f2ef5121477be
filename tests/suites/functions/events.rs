//! Every sample event, replayed in process and against the real functions. `openapi.yaml` describes the
//! responses.

use std::{collections::BTreeSet, sync::Arc};

use auth_core::{Clock, KeysUnavailable, PublishedFuture, PublishedSource};
use bundle_tests::{
    app::{App, ENVIRONMENT, NOW, discovery, environment_with},
    cases::{self, Case},
    client::{ADDRESS, Client, Reply},
    events, functions, linked,
    openapi::OpenApi,
    process::{Process, Processes},
};
use serde_json::{Value, json};

use crate::{STAGED, start_staged};

#[test]
fn every_event_file_has_a_case_and_every_case_a_file() {
    let files: BTreeSet<String> = events::all().keys().cloned().collect();
    let cases: Vec<&str> = cases::all().iter().map(|case| case.event).collect();
    let unique: BTreeSet<String> = cases.iter().map(ToString::to_string).collect();
    assert_eq!(files, unique);
    assert_eq!(cases.len(), unique.len(), "an event has two cases");
    let unused = cases::unused_responses();
    assert!(unused.is_empty(), "responses without an event: {unused:?}");
}

#[test]
fn every_function_with_routes_has_events_and_every_event_a_function() {
    let replayed: BTreeSet<&str> = cases::all().iter().map(Case::function).collect();
    assert_eq!(replayed, functions::with_routes().collect());
}

/// Returns the cases of the functions that run in process.
fn in_process() -> impl Iterator<Item = Case> {
    let cases = cases::all().into_iter();
    cases.filter(|case| is_linked(case.function()))
}

fn is_linked(name: &str) -> bool {
    linked::with_routes().any(|function| function.name == name && name != "account")
}

/// Replays the event of a case.
async fn replay(client: &impl Client, case: &Case) -> Reply {
    let event = &events::all()[case.event];
    client.replay(case.function(), event).await
}

#[tokio::test]
async fn every_event_has_its_response_in_process() {
    let cases: Vec<Case> = in_process().collect();
    for case in &cases {
        // A logout everywhere ends the tokens of other events.
        case.check(&replay(&App::new(&[]), case).await);
    }
    println!("events replayed in process: {}", cases.len());
}

#[tokio::test]
async fn every_event_has_its_response_from_the_real_functions() {
    let (functions, mut cases) = (Processes::start().await, cases::all());
    // A logout everywhere ends the tokens of other events.
    cases.sort_by_key(|case| case.event == "login_logout_all_sessions");
    for case in &cases {
        case.check(&replay(&functions, case).await);
    }
    let count = cases.len();
    println!("events replayed against the real binaries: {count}");
}

/// An outage before the first read.
#[derive(Debug)]
struct NoKeys;

impl PublishedSource for NoKeys {
    fn published(&self) -> PublishedFuture<'_> {
        Box::pin(async { Err(KeysUnavailable) })
    }
}

/// Every response, even to a fault, is one that `openapi.yaml` describes, and it describes no other. `guards.rs` tests
/// the functions that do not run in process.
#[tokio::test]
async fn every_response_is_described_in_openapi_and_no_other() {
    let mut openapi = OpenApi::read();
    for case in in_process() {
        let reply = replay(&App::new(&[]), &case).await;
        openapi.check(case.operation(), &reply);
    }
    let (app, body) = (
        App::new(&[]),
        json!({"email": "a@b.c", "password": "wrong"}),
    );
    for _ in 0..=5 {
        openapi.check("login", &app.post("login", &body, ADDRESS).await);
    }
    for function in STAGED {
        let staged = start_staged(function, &ENVIRONMENT).await;
        for email in ["panic@example.com", "unavailable@example.com"] {
            let reply = staged.send(&events::as_user(function, email)).await;
            openapi.check(function, &reply);
        }
    }
    let login = start_staged("login", &ENVIRONMENT).await;
    for operation in ["refresh", "logout"] {
        for session in [[1; 16], [2; 16]] {
            let token = forge::refresh_token(forge::SESSION_SECRET, session, 0);
            let body = json!({ "refresh_token": token });
            openapi.check(operation, &login.post(operation, &body, ADDRESS).await);
        }
    }
    let discovery = discovery(Arc::new(NoKeys), Clock::system());
    for operation in ["jwks", "configuration", "server"] {
        let event = events::success(&format!("discovery_{operation}"));
        let request = auth_lambda::request(&event).unwrap();
        openapi.check(operation, &discovery.handle(request).await.into());
    }
    let functions = functions::all().iter().filter(|one| is_linked(&one.name));
    let routes = functions.flat_map(|function| &function.routes);
    let operations: BTreeSet<&str> = routes.map(|route| &*route.operation).collect();
    let mut unseen = openapi.unseen();
    unseen.retain(|(operation, _)| operations.contains(&**operation));
    assert_eq!(unseen, BTreeSet::new(), "no test causes them");
}

/// `openapi.yaml` allows the bodies that `login` accepts, and not those with another structure.
#[test]
fn openapi_allows_the_bodies_that_login_accepts() {
    let (openapi, events) = (OpenApi::read(), events::all());
    for (operation, event, is_allowed) in [
        ("login", "login_success", true),
        ("login", "login_unknown_email", true),
        ("login", "login_missing_member", false),
        ("login", "login_wrong_types", false),
        ("login", "login_not_an_object", false),
        ("login", "login_oversized_email", false),
        ("refresh", "login_refresh_success", true),
        ("refresh", "login_refresh_missing_member", false),
        ("refresh", "login_refresh_wrong_type", false),
        ("logout", "login_logout_success", true),
        ("logout", "login_logout_all_sessions", true),
        ("logout", "login_logout_missing_member", false),
        ("logout", "login_logout_wrong_type", false),
    ] {
        let event: Value = serde_json::from_str(&events[event]).unwrap();
        let body = serde_json::from_str(event["body"].as_str().unwrap()).unwrap();
        assert_eq!(openapi.allows(operation, &body), is_allowed, "{body}");
    }
}

const DISTINCT_ERRORS: (&str, &str) = ("LOGIN_ERRORS", "distinct");

#[tokio::test]
async fn the_tutorials_two_texts_return_in_process_if_configured() {
    check_distinct_errors(&App::new(&[DISTINCT_ERRORS])).await;
}

#[tokio::test]
async fn the_tutorials_two_texts_return_from_the_real_login_if_configured() {
    let login = Process::start("login", &environment_with(DISTINCT_ERRORS)).await;
    check_distinct_errors(&login).await;
}

async fn check_distinct_errors(login: &impl Client) {
    let events = events::all();
    for (event, body) in [
        ("login_unknown_email", r#"{"detail":"User not found"}"#),
        ("login_wrong_password", r#"{"detail":"Invalid password"}"#),
    ] {
        let reply = login.replay("login", &events[event]).await;
        assert_eq!((reply.status(), reply.body()), (401, body));
    }
}

#[tokio::test]
async fn a_token_of_login_is_accepted_by_me_in_process() {
    check_login_and_me(&App::new(&[])).await;
}

#[tokio::test]
async fn a_token_of_the_real_login_is_accepted_by_the_real_me() {
    check_login_and_me(&Processes::start().await).await;
}

async fn check_login_and_me(functions: &impl Client) {
    let token = functions.sign_in().await.access;
    let reply = functions
        .invoke("me", &events::with_token("me", &token))
        .await;
    let body = r#"{"id":"1","email":"john.doe@leapify.tech","roles":["Admin"]}"#;
    assert_eq!((reply.status(), reply.body()), (200, body));
}

/// An app whose tokens have other rules than the default ones.
fn app_with_settings() -> App {
    App::new(&[
        ("JWT_ISSUER", "https://auth.example.com"),
        ("JWT_AUDIENCE", "shop"),
        ("JWT_EXPIRATION", "60"),
        ("JWT_LEEWAY", "0"),
    ])
}

#[tokio::test]
async fn the_issuer_follows_the_settings() {
    let app = app_with_settings();
    let reply = app.post("login", &events::credentials(), ADDRESS).await;
    assert_eq!(reply.json()["expires_in"], 60);
    let token = reply.tokens().unwrap().access;
    let claims = forge::decoded(token.split('.').nth(1).unwrap());
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(claims["iss"], "https://auth.example.com");
    assert_eq!(claims["aud"], "shop");
    let expiry = claims["iat"].as_u64().map(|issued| issued + 60);
    assert_eq!(claims["exp"].as_u64(), expiry);
    assert_eq!(app.me(&token).await, 200);
}

#[tokio::test]
async fn the_guard_follows_the_settings() {
    let app = app_with_settings();
    let named = json!({"iss": "https://auth.example.com", "aud": "shop"});
    for (changes, status) in [
        (json!({"exp": NOW + 60}), 200),
        (json!({"exp": NOW + 61}), 401),
        (
            json!({"iat": NOW - 59, "nbf": NOW - 59, "exp": NOW + 1}),
            200,
        ),
        (json!({"iat": NOW - 60, "nbf": NOW - 60, "exp": NOW}), 401),
        (json!({"iat": NOW + 1, "exp": NOW + 60}), 401),
        (json!({"exp": NOW + 60, "iss": "auth"}), 401),
        (json!({"exp": NOW + 60, "aud": "api"}), 401),
    ] {
        let claims = forge::with(named.clone(), &changes);
        let token = forge::token(NOW, &json!({}), &claims);
        assert_eq!(app.me(&token).await, status, "{changes}");
    }
    let reply = app.replay("me", &events::all()["me_no_token"]).await;
    let challenge = reply.header("www-authenticate");
    assert_eq!(challenge, Some(r#"Bearer realm="shop""#));
}
