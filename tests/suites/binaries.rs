//! The real binaries as processes: unparsable events, panics, outages, disabled users, logs.

use std::path::Path;

use bundle_tests::{
    app::{ENVIRONMENT, environment_with},
    binaries::{Function, release},
    events, forge,
    runtime_api::Outcome,
};
use serde_json::{Value, json};

fn event(name: &str) -> String {
    events::object(name).to_string()
}

#[tokio::test]
async fn login_words_its_errors_as_it_is_told() {
    let variables = environment_with(("LOGIN_ERRORS", "distinct"));
    let login = Function::start_with(&release("login"), &variables, &[]).await;
    for (name, detail) in [
        ("login_unknown_email", "User not found"),
        ("login_wrong_password", "Invalid password"),
    ] {
        let answer = login.answer(&event(name)).await;
        assert_eq!((answer.status(), answer.detail()), (401, json!(detail)));
    }
}

/// Desktop sessions set it, and `make run` hands it on.
#[tokio::test]
async fn a_variable_of_the_desktop_is_let_through() {
    let variables = environment_with(("SESSION_MANAGER", "local/host:@/tmp/.ICE-unix/1"));
    for (function, event) in [("login", "login_success"), ("me", "me_success")] {
        let process = Function::start_with(&release(function), &variables, &[]).await;
        let answer = process.answer(&events::object(event).to_string()).await;
        assert_eq!(answer.status(), 200);
    }
}

#[tokio::test]
async fn a_token_of_the_real_login_is_taken_by_the_real_me() {
    let login = Function::start(&release("login")).await;
    let me = Function::start(&release("me")).await;
    let answer = login.answer(&event("login_success")).await;
    let body: Value = serde_json::from_str(answer.body()).unwrap();
    let mut event: Value = serde_json::from_str(&event("me_no_token")).unwrap();
    event["headers"]["authorization"] =
        format!("Bearer {}", body["access_token"].as_str().unwrap()).into();
    let answer = me.answer(&event.to_string()).await;
    assert_eq!(
        answer.body(),
        r#"{"id":"1","email":"john.doe@leapify.tech","roles":["Admin"]}"#
    );
}

#[tokio::test]
async fn an_unparsable_event_is_reported_and_the_process_lives() {
    for function in ["login", "me"] {
        let process = Function::start(&release(function)).await;
        let mut no_method: Value = serde_json::from_str(&event("me_no_token")).unwrap();
        no_method["requestContext"]["http"] = json!({});
        let mut bad_header: Value = serde_json::from_str(&event("me_no_token")).unwrap();
        bad_header["headers"]["authorization"] = json!("Bearer a\nb");
        for bad in [
            "",
            "{}",
            "[]",
            "null",
            "not json",
            r#"{"version":"2.0"}"#,
            &no_method.to_string(),
            &bad_header.to_string(),
        ] {
            let outcome = process.invoke(bad).await;
            assert!(matches!(outcome, Outcome::Error(_)), "{bad}: {outcome:?}");
        }
        let good = if function == "login" {
            "login_success"
        } else {
            "me_success"
        };
        assert_eq!(process.answer(&event(good)).await.status(), 200);
    }
}

fn staged() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_staged"))
}

/// The answers that only a fault brings about, through the bundle's handlers in a process.
#[tokio::test]
async fn a_panic_is_a_plain_500_and_an_outage_a_503() {
    for function in ["login", "me"] {
        // Lines of WARN and above carry the request's id too.
        let variables = environment_with(("AWS_LAMBDA_LOG_LEVEL", "WARN"));
        let process = Function::start_with(staged(), &variables, &[function]).await;
        for _ in 0..2 {
            let panicked = process
                .answer(&events::by(function, "panic@example.com"))
                .await;
            assert_eq!(panicked.status(), 500);
            assert_eq!(panicked.body(), r#"{"detail":"Internal Server Error"}"#);
            let unavailable = process
                .answer(&events::by(function, "unavailable@example.com"))
                .await;
            assert_eq!(unavailable.status(), 503);
            assert_eq!(
                unavailable.body(),
                r#"{"detail":"Service temporarily unavailable"}"#
            );
            assert_eq!(unavailable.header("retry-after").as_deref(), Some("1"));
            assert_eq!(unavailable.header("www-authenticate"), None);
        }
        let logs = process.logs();
        assert!(
            logs.contains(r#""message":"panic""#) && logs.contains("staged.rs"),
            "{logs}"
        );
        assert!(logs.contains("connection refused"), "{logs}");
        assert!(
            !logs.contains("the text of a panic") && !logs.contains("changeme"),
            "{logs}"
        );
        assert_eq!(logs.lines().count(), 4, "{logs}");
        for line in logs.lines() {
            assert!(line.contains(r#""requestId":"8476a536-"#), "{line}");
        }
    }
}

#[tokio::test]
async fn a_disabled_user_neither_signs_in_nor_is_answered() {
    let event = |function| events::by(function, "disabled@example.com");
    let login = Function::start_with(staged(), &ENVIRONMENT, &["login"]).await;
    let answer = login.answer(&event("login")).await;
    assert_eq!(
        (answer.status(), answer.detail()),
        (401, json!("Invalid email or password"))
    );
    assert!(
        login
            .logs()
            .contains(r#""outcome":"DisabledUser","user_id":"1""#)
    );

    let variables = environment_with(("LOGIN_ERRORS", "distinct"));
    let login = Function::start_with(staged(), &variables, &["login"]).await;
    let answer = login.answer(&event("login")).await;
    assert_eq!(
        (answer.status(), answer.detail()),
        (401, json!("User not found"))
    );

    let me = Function::start_with(staged(), &ENVIRONMENT, &["me"]).await;
    let answer = me.answer(&event("me")).await;
    assert_eq!(
        (answer.status(), answer.detail()),
        (401, json!("User not found"))
    );
    let challenge = answer.header("www-authenticate");
    assert_eq!(
        challenge.as_deref(),
        Some(r#"Bearer realm="api", error="invalid_token""#)
    );
}

/// Every line is JSON with the request's id; every login has its outcome; nothing secret stands in
/// any of them, at the most talkative level either.
#[tokio::test]
async fn logs_are_json_with_outcomes_and_without_secrets() {
    let variables = environment_with(("AWS_LAMBDA_LOG_LEVEL", "TRACE"));
    let login = Function::start_with(&release("login"), &variables, &[]).await;
    let me = Function::start_with(&release("me"), &variables, &[]).await;
    let mut secrets = vec![
        forge::SECRET.to_owned(),
        "changeme".into(),
        "changeMe".into(),
        "argon2id".into(),
    ];
    for name in [
        "login_success",
        "login_unknown_email",
        "login_wrong_password",
        "login_wrong_types",
        "login_broken_json",
    ] {
        let answer = login.answer(&event(name)).await;
        let body: Value = serde_json::from_str(answer.body()).unwrap();
        if let Some(token) = body["access_token"].as_str() {
            secrets.extend(token.split('.').map(str::to_owned));
        }
    }
    for name in [
        "me_success",
        "me_tampered_token",
        "me_expired_token",
        "me_duplicate_headers",
        "me_other_scheme",
    ] {
        let event = event(name);
        me.answer(&event).await;
        let header: Value = serde_json::from_str(&event).unwrap();
        let header = header["headers"]["authorization"]
            .as_str()
            .unwrap()
            .to_owned();
        secrets.extend(
            header
                .split(['.', ' ', ','])
                .filter(|part| part.len() > 7)
                .map(str::to_owned),
        );
    }
    let logs = format!("{}{}", login.logs(), me.logs());
    for secret in &secrets {
        assert!(!logs.contains(secret), "{secret} is in the logs:\n{logs}");
    }
    let lines: Vec<Value> = logs
        .lines()
        .map(|line| serde_json::from_str(line).expect("a JSON line"))
        .collect();
    let outcomes: Vec<&str> = lines
        .iter()
        .filter(|line| line["message"] == "login")
        .filter_map(|line| line["outcome"].as_str())
        .collect();
    assert_eq!(outcomes, ["Success", "UnknownUser", "WrongPassword"]);
    let reasons: Vec<&str> = lines
        .iter()
        .filter(|line| line["message"] == "refused")
        .filter_map(|line| line["reason"].as_str())
        .collect();
    assert_eq!(
        reasons,
        [
            "malformed body",
            "malformed body",
            "invalid token: wrong signature",
            "token has expired",
            "several Authorization values",
            "no bearer token"
        ]
    );
    for line in &lines {
        assert_eq!(
            line["span"]["requestId"], "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
            "{line}"
        );
    }
}
