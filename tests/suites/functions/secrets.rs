//! Keys in Secrets Manager, with the real function that reads them, `login`: read at start, awaited in an outage, and
//! refused if they cannot be used.

use std::time::{Duration, Instant};

use bundle_tests::{
    client::{ADDRESS, Client},
    events,
    process::{Process, failed_start},
    secrets::Secrets,
    store::TemporaryFileStore,
};

const KEY: &str =
    r#"{"kty":"oct","kid":"old","alg":"HS256","k":"a3EzbVo4dlQxd1l4UDVuQjdjUjJkRjZnSDlqTDRzQTA"}"#;

/// Returns an environment in which the secrets are the keys of `login` on a store.
fn environment<'a>(
    secrets: &'a Secrets,
    store: &'a TemporaryFileStore,
) -> Vec<(&'static str, &'a str)> {
    vec![
        ("AUTH_STORE", "file"),
        ("AUTH_FILE", store.path()),
        ("JWT_KEYS_SECRET_ID", "keys"),
        ("SESSION_KEY_SECRET_ID", "session-keys"),
        ("COUNTER_KEY_SECRET_ID", "counter-keys"),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", secrets.url()),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
    ]
}

/// Logs in and returns the status.
async fn log_in(login: &Process) -> u16 {
    let reply = login.post("login", &events::credentials(), ADDRESS).await;
    reply.status()
}

#[tokio::test]
async fn login_keeps_its_keys_while_secrets_manager_fails() {
    let secrets = Secrets::serve(Some(KEY)).await;
    let store = TemporaryFileStore::new();
    let login = Process::start("login", &environment(&secrets, &store)).await;
    secrets.set(None);
    assert_eq!(log_in(&login).await, 200);
}

#[tokio::test]
async fn a_login_that_starts_in_an_outage_responds_with_503_until_it_is_over() {
    let secrets = Secrets::serve(None).await;
    let store = TemporaryFileStore::new();
    let login = Process::start("login", &environment(&secrets, &store)).await;
    for _ in 0..3 {
        let begin = Instant::now();
        assert_eq!(log_in(&login).await, 503);
        assert!(begin.elapsed() < Duration::from_secs(3));
    }
    let logs = login.logs();
    assert!(logs.contains(r#""message":"keys not read""#), "{logs}");
    secrets.set(Some(KEY));
    assert_eq!(log_in(&login).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_not_a_key_fails_the_start() {
    check_failed_start("hunter2", "not a JWK or JWK set").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_with_a_short_key_fails_the_start() {
    let short = r#"{"kty":"oct","alg":"HS256","k":"aHVudGVyMg"}"#;
    check_failed_start(short, "must be at least 32 bytes").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_without_keys_fails_the_start() {
    check_failed_start(r#"{"keys":[]}"#, "the set is empty").await;
}

/// Checks that `login` refuses to start with this secret, and reports the problem.
async fn check_failed_start(secret: &str, problem: &str) {
    let (secrets, store) = (
        Secrets::serve(Some(secret)).await,
        TemporaryFileStore::new(),
    );
    let (code, output) = failed_start("login", &environment(&secrets, &store));
    assert_eq!(code, Some(1), "{output}");
    // `login` reads its secrets concurrently and reports the first that is rejected.
    let variables = [
        "JWT_KEYS_SECRET_ID",
        "SESSION_KEY_SECRET_ID",
        "COUNTER_KEY_SECRET_ID",
    ];
    let is_reported =
        |variable| output.contains(&format!("{variable}: the secret is rejected: {problem}"));
    assert!(variables.into_iter().any(is_reported), "{output}");
    for secret in ["hunter2", "aHVudGVyMg"] {
        assert!(!output.contains(secret), "{output}");
    }
}

/// A key that signs access tokens may not suit refresh tokens.
#[tokio::test(flavor = "multi_thread")]
async fn refresh_tokens_need_a_key_of_their_own_kind() {
    let secrets = Secrets::serve(Some(&forge::private_jwk("p256").to_string())).await;
    let store = TemporaryFileStore::new();
    let mut variables = environment(&secrets, &store);
    // `login` reads its secrets concurrently, and that of the counters would be rejected too.
    variables.retain(|(name, _)| *name != "COUNTER_KEY_SECRET_ID");
    variables.push(("COUNTER_SECRET_KEY", forge::COUNTER_SECRET));
    let (code, output) = failed_start("login", &variables);
    assert_eq!(code, Some(1), "{output}");
    let problem = "SESSION_KEY_SECRET_ID: the secret is rejected: refresh tokens need HS256 keys";
    assert!(output.contains(problem), "{output}");
}

/// The names differ, but both secrets contain the same key.
#[tokio::test(flavor = "multi_thread")]
async fn one_key_in_two_secrets_fails_the_start() {
    let (secrets, store) = (Secrets::serve(Some(KEY)).await, TemporaryFileStore::new());
    for (variable, other) in [
        ("SESSION_KEY_SECRET_ID", "JWT_KEYS_SECRET_ID"),
        ("COUNTER_KEY_SECRET_ID", "JWT_KEYS_SECRET_ID"),
    ] {
        let mut variables = environment(&secrets, &store);
        variables.retain(|(name, _)| *name != variable);
        variables.push((
            variable,
            "arn:aws:secretsmanager:eu-central-1:1:secret:keys",
        ));
        let (code, output) = failed_start("login", &variables);
        assert_eq!(code, Some(1), "{output}");
        let problem = format!("{variable}: the secret has the same key as {other}");
        assert!(output.contains(&problem), "{output}");
    }
}

/// A secret that anyone can guess or that is published is refused, although it comes from Secrets Manager.
#[tokio::test(flavor = "multi_thread")]
async fn a_guessable_or_published_secret_fails_the_start() {
    let jwk = |secret: &str| {
        format!(
            r#"{{"kty":"oct","alg":"HS256","k":"{}"}}"#,
            forge::b64(secret)
        )
    };
    check_failed_start(&jwk(&"\0".repeat(32)), "is a placeholder").await;
    check_failed_start(&jwk("changemechangemechangemechangeme"), "is a placeholder").await;
    check_failed_start(&jwk(forge::SECRET), "is a published secret").await;
}
