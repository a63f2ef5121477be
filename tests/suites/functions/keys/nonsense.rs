//! A secret that someone has edited into nonsense. Processes that have keys go on, new ones do not start, and `keys`
//! fails at every event without showing the contents.

use std::time::Duration;

use auth_aws::Aws;
use auth_core::{
    Algorithm, KeySettings, KeyUse, PublishedKeyRepository, SessionId, SigningError, TokenIssuer,
    TokenSettings,
};
use bundle_tests::{
    app::{KEYS, TestClock},
    callback_server::CallbackServer,
    client::Client,
    dynamodb,
    key_stack::{KeyStack, creation, steps},
    process::{Process, failed_start},
    runtime_api::Outcome,
    store::user,
    template::Template,
};
use serde_json::{Value, json};

const NONSENSE: [&str; 4] = [
    "hunter2",
    r#"{"keys":"hunter2"}"#,
    r#"{"keys":[{"kty":"EC","crv":"P-256","alg":"ES256","use":"sig","d":"hunter2"}]}"#,
    r#"{"keys":[],"revoked":["hunter2"]}"#,
];

/// Everything that reads the secret.
fn events() -> Vec<Value> {
    let commands = [
        json!({"action": "list"}),
        json!({"action": "rotate"}),
        json!({"action": "revoke", "kid": "a"}),
        json!({"action": "repair"}),
        json!({"action": "check", "rotation_days": 30}),
    ];
    steps("rotation-1").into_iter().chain(commands).collect()
}

fn messages<'l>(lines: &'l [Value], message: &str) -> Vec<&'l Value> {
    let lines = lines.iter();
    lines.filter(|line| line["message"] == message).collect()
}

/// The alarm counts Lambda's errors, and the log says why.
#[tokio::test]
async fn keys_reports_an_error_that_the_alarm_counts() {
    let template = Template::read();
    let alarm = &template.resource("KeysErrors")["Properties"];
    let metric = [&alarm["Namespace"], &alarm["MetricName"]];
    assert_eq!(metric, ["AWS/Lambda", "Errors"]);
    for nonsense in NONSENSE {
        let stack = KeyStack::with_keys().await;
        let published = stack.state().await.published;
        stack.secrets.put(nonsense);
        let keys = stack.start(stack.secrets.url(), stack.table.url()).await;
        for event in events() {
            let Outcome::Error(error) = keys.outcome(&event.to_string()).await else {
                panic!("{event} succeeded");
            };
            assert_eq!(error["errorType"], "PrivateKeysUnavailable", "{event}");
            let message = error["errorMessage"].as_str().unwrap();
            let expected = "the private keys cannot be read or replaced: the secret: ";
            assert!(message.starts_with(expected), "{message}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
        let log = keys.logs();
        assert!(!log.contains("hunter2"), "{log}");
        let lines: Vec<Value> = log
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let failures = messages(&lines, "event failed");
        assert_eq!(failures.len(), events().len(), "{log}");
        assert!(
            failures
                .iter()
                .all(|line| line["kind"] == "PrivateKeysUnavailable"),
            "{log}"
        );
        assert_eq!(stack.secrets.current().as_deref(), Some(nonsense));
        let found = stack.table.store().await.load_published().await.unwrap();
        assert_eq!(found.contents, Some(published));
    }
}

/// A deploy reports the failure to `CloudFormation`, and it is not counted.
#[tokio::test]
async fn a_deploy_fails_with_the_reason() {
    let (stack, callbacks) = (KeyStack::with_keys().await, CallbackServer::serve().await);
    stack.secrets.put(NONSENSE[0]);
    let keys = stack.start(stack.secrets.url(), stack.table.url()).await;
    let outcome = keys.outcome(&creation(callbacks.url()).to_string()).await;
    assert!(matches!(outcome, Outcome::Response(_)), "{outcome:?}");
    assert_eq!(callbacks.take()[0]["Status"], "FAILED");
    let log = keys.logs();
    assert!(
        log.contains("custom resource failed") && !log.contains("hunter2"),
        "{log}"
    );
}

/// It signs with the keys that it read last for a day. After that, it has no keys.
#[tokio::test]
async fn a_login_with_keys_signs_for_a_day() {
    let (stack, clock) = (KeyStack::with_keys().await, TestClock::default());
    let aws = Aws::for_function_with(dynamodb::config(stack.secrets.url()));
    let settings = KeySettings::Secret {
        id: "JwtKeys".into(),
        algorithm: Algorithm::RS256,
        key_use: KeyUse::Sign,
    };
    let keys = aws.key_source(&settings, clock.clock()).await.unwrap();
    let issuer = TokenIssuer::new(keys, TokenSettings::default(), clock.clock());
    let (jane, session) = (
        user("1", "jane@example.com").user,
        SessionId::random().unwrap(),
    );
    let end = clock.now() + Duration::from_hours(100);
    let kid = stack.state().await.ring.unwrap().active().kid().to_owned();
    stack.secrets.put(NONSENSE[0]);
    for passed in [0, 1, 22] {
        clock.advance(Duration::from_hours(passed));
        let calls = stack.secrets.calls().len();
        let token = issuer.issue(&jane, &session, end).await.unwrap();
        let header = forge::decoded(token.expose().split('.').next().unwrap());
        let header: Value = serde_json::from_slice(&header).unwrap();
        assert_eq!(header["kid"], kid, "{passed}");
        let has_read_again = stack.secrets.calls().len() > calls;
        assert_eq!(has_read_again, passed > 0);
    }
    clock.advance(Duration::from_hours(2));
    let failed = issuer.issue(&jane, &session, end).await.unwrap_err();
    assert!(
        matches!(failed, SigningError::KeysUnavailable(_)),
        "a 503: {failed}"
    );
}

/// A process that has keys goes on, one that starts now exits.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_starts_refuses() {
    let stack = KeyStack::with_keys().await;
    stack.table.add_tutorial_user().await;
    let keys = KEYS.iter().filter(|(name, _)| *name != "JWT_SECRET_KEY");
    let mut variables = stack.table.environment();
    variables.extend(keys.copied());
    variables.push(("JWT_KEYS_SECRET_ID", "JwtKeys"));
    variables.push(("AWS_ENDPOINT_URL_SECRETS_MANAGER", stack.secrets.url()));
    let login = Process::start("login", &variables).await;
    for nonsense in NONSENSE {
        stack.secrets.put(nonsense);
        login.sign_in().await;
        let (code, output) = failed_start("login", &variables);
        assert_eq!(code, Some(1), "{output}");
        let problem = "JWT_KEYS_SECRET_ID: the secret is rejected: ";
        assert!(
            output.contains(problem) && !output.contains("hunter2"),
            "{output}"
        );
    }
}
