//! Events that cannot be parsed, panics, outages and disabled users, and what is logged about them.

mod metrics;

use bundle_tests::{
    app::{ENVIRONMENT, environment_with},
    client::Reply,
    events, functions,
    process::{Process, Processes},
    runtime_api::Outcome,
    store::TemporaryFileStore,
};
use serde_json::{Value, json};

use crate::{STAGED, start_staged};

#[tokio::test]
async fn an_unparsable_event_is_reported_and_the_process_lives_on() {
    let mut no_method = events::object("me_no_token");
    no_method["requestContext"]["http"] = json!({});
    let mut bad_header = events::object("me_no_token");
    bad_header["headers"]["authorization"] = json!("Bearer a\nb");
    let (no_method, bad_header) = (no_method.to_string(), bad_header.to_string());
    let functions = Processes::start().await;
    for function in functions::with_routes() {
        let process = functions.get(function);
        for event in [
            "",
            "{}",
            "[]",
            "null",
            "not json",
            r#"{"version":"2.0"}"#,
            &no_method,
            &bad_header,
        ] {
            let outcome = process.outcome(event).await;
            assert!(matches!(outcome, Outcome::Error(_)), "{event}: {outcome:?}");
        }
        let reply = process.send(&events::success(function)).await;
        assert_eq!(reply.status(), 200, "{function}");
    }
}

#[tokio::test]
async fn a_panic_is_a_plain_500_and_an_outage_a_503() {
    for function in STAGED {
        // Lines of a higher level than INFO have the request's id too.
        let variables = environment_with(("AWS_LAMBDA_LOG_LEVEL", "WARN"));
        let process = start_staged(function, &variables).await;
        let send = async |email: &str| process.send(&events::as_user(function, email)).await;
        for _ in 0..2 {
            let panicked = send("panic@example.com").await;
            assert_eq!(panicked.status(), 500);
            assert_eq!(panicked.body(), r#"{"detail":"Internal Server Error"}"#);
            let unavailable = send("unavailable@example.com").await;
            assert_eq!(unavailable.status(), 503);
            let body = r#"{"detail":"Service temporarily unavailable"}"#;
            assert_eq!(unavailable.body(), body);
            assert_eq!(unavailable.header("retry-after"), Some("1"));
            assert_eq!(unavailable.header("www-authenticate"), None);
        }
        let logs = process.logs();
        let lines = json_lines(&logs);
        assert_eq!(lines.len(), 4, "{logs}");
        for pair in lines.chunks(2) {
            assert_eq!(pair[0]["message"], "panic");
            let location = pair[0]["location"].as_str().unwrap();
            assert!(location.contains("staged.rs"), "{location}");
            assert_eq!(pair[1]["cause"], "connection refused");
        }
        for secret in ["the text of a panic", "changeme"] {
            assert!(!logs.contains(secret), "{logs}");
        }
    }
}

/// Parses the logs of requests to an HTTP API, and checks that each line has both ids of its request.
fn json_lines(logs: &str) -> Vec<Value> {
    lines_of_request(logs, &"JKJaXmPLvHcESHA=".into())
}

/// Parses logs, and checks that each line has Lambda's and API Gateway's ids of its request.
fn lines_of_request(logs: &str, api_request_id: &Value) -> Vec<Value> {
    let parse = |line| serde_json::from_str(line).expect("a JSON line");
    let lines: Vec<Value> = logs.lines().map(parse).collect();
    assert!(!lines.is_empty());
    for span in lines.iter().map(|line| &line["span"]) {
        let id = "8476a536-e9f4-11e8-9739-2dfe598c3fcd";
        assert_eq!(span["requestId"], id, "{logs}");
        assert!(span["xrayTraceId"].is_string(), "{logs}");
        assert_eq!(&span["apiRequestId"], api_request_id, "{logs}");
    }
    lines
}

#[tokio::test]
async fn the_lines_of_a_rest_api_have_its_request_id() {
    let login = Process::start("login", &ENVIRONMENT).await;
    login
        .send(&events::object("login_success.v1").to_string())
        .await;
    let id = json!("c6af9ac6-7b61-11e6-9a41-93e8deadbeef");
    lines_of_request(&login.logs(), &id);
}

#[tokio::test]
async fn an_event_without_an_api_request_id_is_logged_without_one() {
    let login = Process::start("login", &ENVIRONMENT).await;
    let mut event = events::object("login_success");
    event["requestContext"]["requestId"] = Value::Null;
    login.send(&event.to_string()).await;
    lines_of_request(&login.logs(), &Value::Null);
}

/// Calls a function as a disabled user. Returns its logs and the response, which is a 401 with this detail.
async fn send_as_disabled_user(
    function: &str,
    variables: &[(&str, &str)],
    detail: &str,
) -> (String, Reply) {
    let process = start_staged(function, variables).await;
    let event = events::as_user(function, "disabled@example.com");
    let reply = process.send(&event).await;
    assert_eq!((reply.status(), reply.detail()), (401, json!(detail)));
    (process.logs(), reply)
}

#[tokio::test]
async fn a_disabled_user_cannot_log_in() {
    let detail = "Invalid email or password";
    let (logs, _) = send_as_disabled_user("login", &ENVIRONMENT, detail).await;
    let outcome = r#""outcome":"DisabledUser","user_id":"1""#;
    assert!(logs.contains(outcome), "{logs}");
}

#[tokio::test]
async fn a_disabled_user_is_unknown_to_a_login_with_the_tutorials_texts() {
    let variables = environment_with(("LOGIN_ERRORS", "distinct"));
    send_as_disabled_user("login", &variables, "User not found").await;
}

#[tokio::test]
async fn a_disabled_user_is_refused_by_me() {
    let (_, reply) = send_as_disabled_user("me", &ENVIRONMENT, "User not found").await;
    let challenge = r#"Bearer realm="api", error="invalid_token""#;
    assert_eq!(reply.header("www-authenticate"), Some(challenge));
}

/// Every line is JSON with the request's id, every login has its outcome, and no line contains a secret,
/// even at the lowest level.
#[tokio::test]
async fn logs_are_json_with_outcomes_and_without_secrets() {
    let store = TemporaryFileStore::new();
    let mut variables = store.environment();
    variables.push(("AWS_LAMBDA_LOG_LEVEL", "TRACE"));
    let functions = Processes::start_with(&variables).await;
    let (login, me) = (functions.get("login"), functions.get("me"));
    let mut secrets: Vec<String> = [forge::SECRET, "changeme", "changeMe", "argon2id"]
        .map(str::to_owned)
        .into();
    for name in [
        "login_success",
        "login_unknown_email",
        "login_wrong_password",
        "login_wrong_types",
        "login_broken_json",
    ] {
        let reply = login.send(&events::object(name).to_string()).await;
        if let Ok(tokens) = reply.tokens() {
            secrets.extend(tokens.access.split('.').map(str::to_owned));
            secrets.push(tokens.refresh);
        }
    }
    for name in [
        "me_success",
        "me_tampered_token",
        "me_expired_token",
        "me_duplicate_headers",
        "me_other_scheme",
    ] {
        let event = events::object(name);
        me.send(&event.to_string()).await;
        let header = event["headers"]["authorization"].as_str().unwrap();
        let parts = header.split(['.', ' ', ',']).filter(|part| part.len() > 7);
        secrets.extend(parts.map(str::to_owned));
    }
    let logs = login.logs() + &me.logs();
    for secret in &secrets {
        assert!(!logs.contains(secret), "{secret} is in the logs:\n{logs}");
    }
    let lines = json_lines(&logs);
    let logged = |message: &str, field: &str| -> Vec<Value> {
        let lines = lines.iter().filter(|line| line["message"] == message);
        lines.map(|line| line[field].clone()).collect()
    };
    let outcomes = ["Success", "UnknownUser", "WrongPassword"];
    assert_eq!(logged("login", "outcome"), outcomes);
    // Refused logins can be grouped without naming anyone.
    let network = json!("203.0.113.0/24");
    assert_eq!(logged("login", "network")[1..], [network.clone(), network]);
    let macs = logged("login", "email_mac");
    let lengths: Vec<_> = macs.iter().map(|mac| mac.as_str().map(str::len)).collect();
    assert_eq!(lengths, [None, Some(22), Some(22)]);
    assert_ne!(macs[1], macs[2]);
    let reasons = [
        "malformed body",
        "malformed body",
        "invalid token: wrong signature",
        "token has expired",
        "several Authorization values",
        "no bearer token",
    ];
    assert_eq!(logged("refused", "reason"), reasons);
}
