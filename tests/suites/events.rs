//! Every sample event, replayed in process and against the real binaries.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use bundle_tests::{
    app::{ENVIRONMENT, NOW, TestApp},
    binaries::{self, Function},
    cases, events, forge,
    openapi::OpenApi,
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
    let events = events::all();
    for case in cases::all() {
        // A logout everywhere ends the token that another event brings.
        let app = TestApp::new(&[]);
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
        let function = &functions[name];
        let mut event = events[case.event].clone();
        if event.contains(events::REFRESH_TOKEN) {
            let login = events::post("login", &events::credentials(), "203.0.113.7");
            let body: Value = serde_json::from_str(function.answer(&login).await.body()).unwrap();
            let token = body["refresh_token"].as_str().unwrap();
            event = event.replace(events::REFRESH_TOKEN, token);
        }
        let event = events::fill(&event, binaries::now());
        function.answer(&event).await.check(&case);
    }
    println!(
        "events replayed against the real binaries: {}",
        events.len()
    );
}

/// Every answer, the faults' included, is one that `openapi.yaml` describes, and it describes no
/// other; it takes the bodies that `login` takes, and refuses those that are a 422 by their shape.
#[tokio::test]
async fn every_answer_and_every_body_is_described_in_openapi() {
    let (events, mut openapi) = (events::all(), OpenApi::read());
    for case in cases::all() {
        let app = TestApp::new(&[]);
        let response = app.replay(case.function(), &events[case.event]).await;
        let header = |name: &str| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
        let status = response.status().as_u16();
        openapi.check(case.operation(), status, header, response.body());
    }
    let app = TestApp::new(&[]);
    for _ in 0..=5 {
        let response = app.replay("login", &events["login_unknown_email"]).await;
        let header = |name: &str| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
        let status = response.status().as_u16();
        openapi.check("login", status, header, response.body());
    }
    let binary = Path::new(env!("CARGO_BIN_EXE_staged"));
    for function in ["login", "me"] {
        let process = Function::start_with(binary, &ENVIRONMENT, &[function]).await;
        for email in ["panic@example.com", "unavailable@example.com"] {
            let answer = process.answer(&events::by(function, email)).await;
            let header = |name: &str| answer.header(name);
            openapi.check(function, answer.status(), header, answer.body());
        }
    }
    let login = Function::start_with(binary, &ENVIRONMENT, &["login"]).await;
    for operation in ["refresh", "logout"] {
        for session in [[1; 16], [2; 16]] {
            let token = forge::refresh_token(forge::SESSION_SECRET, session, 0);
            let body = json!({ "refresh_token": token });
            let answer = login
                .answer(&events::post(operation, &body, "203.0.113.7"))
                .await;
            let header = |name: &str| answer.header(name);
            openapi.check(operation, answer.status(), header, answer.body());
        }
    }
    assert_eq!(
        openapi.unseen(),
        BTreeSet::new(),
        "answers that nothing brings about"
    );

    for (operation, event, taken) in [
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
        let body: Value = serde_json::from_str(event["body"].as_str().unwrap()).unwrap();
        assert_eq!(openapi.takes(operation, &body), taken, "{body}");
    }
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

/// The rules of tokens are those that are set, for the issuer and for the guard.
#[tokio::test]
async fn settings_reach_the_tokens() {
    let settings = [
        ("JWT_ISSUER", "https://auth.example.com"),
        ("JWT_AUDIENCE", "shop"),
        ("JWT_EXPIRATION", "60"),
        ("JWT_LEEWAY", "0"),
    ];
    let (app, events) = (TestApp::new(&settings), events::all());
    let login = app.replay("login", &events["login_success"]).await;
    let login: Value = serde_json::from_str(login.body()).unwrap();
    assert_eq!(login["expires_in"], 60);
    let token = login["access_token"].as_str().unwrap().to_owned();
    let claims = forge::decoded(token.split('.').nth(1).unwrap());
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(claims["iss"], "https://auth.example.com");
    assert_eq!(claims["aud"], "shop");
    assert_eq!(
        claims["exp"].as_u64(),
        claims["iat"].as_u64().map(|iat| iat + 60)
    );

    let me = |token: &str| events["me_success"].replace("{{token:good}}", token);
    assert_eq!(app.replay("me", &me(&token)).await.status(), 200);
    let ours = json!({"iss": "https://auth.example.com", "aud": "shop"});
    for (changes, taken) in [
        (json!({"exp": NOW + 60}), true),
        (json!({"exp": NOW + 61}), false),
        (
            json!({"iat": NOW - 59, "nbf": NOW - 59, "exp": NOW + 1}),
            true,
        ),
        (json!({"iat": NOW - 60, "nbf": NOW - 60, "exp": NOW}), false),
        (json!({"iat": NOW + 1, "exp": NOW + 60}), false),
        (json!({"exp": NOW + 60, "iss": "auth"}), false),
        (json!({"exp": NOW + 60, "aud": "api"}), false),
    ] {
        let changes = forge::with(ours.clone(), &changes);
        let response = app
            .replay("me", &me(&forge::token(NOW, &json!({}), &changes)))
            .await;
        assert_eq!(response.status() == 200, taken, "{changes}");
    }
    let response = app.replay("me", &events["me_no_token"]).await;
    assert_eq!(
        response.headers()["www-authenticate"],
        "Bearer realm=\"shop\""
    );
}
