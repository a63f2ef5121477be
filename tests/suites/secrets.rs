//! Keys in Secrets Manager, with the real binaries: read at start, awaited in an outage, refused
//! where they are no keys, and followed when they change.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use auth_aws::Aws;
use auth_core::{
    Algorithm, BearerError, Clock, JwtBearer, KeySettings, KeyUse, SessionId, TokenIssuer,
    TokenSettings, User,
};
use bundle_tests::{
    app::NOW,
    binaries::{Function, refused_start, release},
    dynamodb, events, forge,
    secrets::Secrets,
};
use http::{HeaderMap, header::AUTHORIZATION};
use serde_json::Value;

const OLD: &str =
    r#"{"kty":"oct","kid":"old","alg":"HS256","k":"a3EzbVo4dlQxd1l4UDVuQjdjUjJkRjZnSDlqTDRzQTA"}"#;
const BOTH: &str = r#"{"keys":[{"kty":"oct","kid":"new","alg":"HS256","k":"cVhLM25WOHRSMXdZeFA1bUI3Y1oyZEY2Z0g5akw0c0E"},{"kty":"oct","kid":"old","alg":"HS256","k":"a3EzbVo4dlQxd1l4UDVuQjdjUjJkRjZnSDlqTDRzQTA"}]}"#;

fn environment(url: &str) -> Vec<(&str, &str)> {
    vec![
        ("AUTH_STORE", "memory"),
        ("JWT_KEYS_SECRET_ID", "keys"),
        ("SESSION_KEY_SECRET_ID", "session-keys"),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", url),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
    ]
}

async fn start(name: &str, secrets: &Secrets) -> Function {
    Function::start_with(&release(name), &environment(secrets.url()), &[]).await
}

/// Signs in and asks who that is; the statuses of both.
async fn sign_in(login: &Function, me: &Function) -> (u16, u16) {
    let answer = login
        .answer(&events::object("login_success").to_string())
        .await;
    let body: Value = serde_json::from_str(answer.body()).unwrap();
    let token = body["access_token"].as_str().unwrap_or("none");
    let mut event = events::object("me_no_token");
    event["headers"]["authorization"] = format!("Bearer {token}").into();
    (
        answer.status(),
        me.answer(&event.to_string()).await.status(),
    )
}

#[tokio::test]
async fn both_functions_take_their_keys_from_the_secret() {
    let secrets = Secrets::serve(Some(OLD)).await;
    let (login, me) = (start("login", &secrets).await, start("me", &secrets).await);
    // What was read stays while Secrets Manager is out of reach.
    secrets.set(None);
    assert_eq!(sign_in(&login, &me).await, (200, 200));
}

#[tokio::test]
async fn a_start_in_an_outage_answers_503_until_it_is_over() {
    let secrets = Secrets::serve(None).await;
    let (login, me) = (start("login", &secrets).await, start("me", &secrets).await);
    for _ in 0..3 {
        let begin = Instant::now();
        assert_eq!(sign_in(&login, &me).await, (503, 503));
        assert!(begin.elapsed() < Duration::from_secs(6), "3 s for each");
    }
    assert!(
        me.logs().contains(r#""message":"keys not read""#),
        "{}",
        me.logs()
    );
    secrets.set(Some(OLD));
    assert_eq!(sign_in(&login, &me).await, (200, 200));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_without_usable_keys_refuses_the_start() {
    let secrets = Secrets::serve(None).await;
    for (text, problem) in [
        ("hunter2", "not a JWK or JWK set"),
        (
            r#"{"kty":"oct","alg":"HS256","k":"aHVudGVyMg"}"#,
            "must be at least 32 bytes",
        ),
        (r#"{"keys":[]}"#, "the set has no key"),
    ] {
        secrets.set(Some(text));
        for function in ["login", "me"] {
            let (status, message) = refused_start(&release(function), &environment(secrets.url()));
            assert_eq!(status.code(), Some(1), "{function}: {message}");
            // `login` reads two secrets at once, and tells of the first that is refused.
            let variables = ["JWT_KEYS_SECRET_ID", "SESSION_KEY_SECRET_ID"];
            let is_named = |variable| message.contains(&format!("{variable}: the secret"));
            assert!(variables.into_iter().any(is_named), "{message}");
            assert!(message.contains(problem), "{message}");
            assert!(
                !message.contains("hunter2") && !message.contains("aHVudGVyMg"),
                "{message}"
            );
        }
    }
}

/// Keys that sign access tokens need not be fit for refresh tokens.
#[tokio::test(flavor = "multi_thread")]
async fn refresh_tokens_take_a_key_of_their_own_kind() {
    let key = forge::private_jwk("p256").to_string();
    let secrets = Secrets::serve(Some(&key)).await;
    let (status, message) = refused_start(&release("login"), &environment(secrets.url()));
    assert_eq!(status.code(), Some(1), "{message}");
    let problem = "SESSION_KEY_SECRET_ID: the secret is refused: refresh tokens take HS256 keys";
    assert!(message.contains(problem), "{message}");
}

/// The guard meets a token of a new key, reads the secret again, and takes tokens of both keys.
#[tokio::test]
async fn a_rotation_is_followed_when_a_token_names_the_new_key() {
    let secrets = Secrets::serve(Some(OLD)).await;
    let time = Arc::new(AtomicU64::new(NOW));
    let clock = || {
        let time = Arc::clone(&time);
        Clock::from_fn(move || time.load(Ordering::Relaxed))
    };
    let keys = async |key_use| {
        let aws = Aws::for_function_with(dynamodb::config(secrets.url()));
        let settings = KeySettings::Secret {
            id: "keys".into(),
            algorithm: Algorithm::HS256,
            key_use,
        };
        aws.key_source(settings, clock()).await.unwrap()
    };
    let user = User {
        id: "1".into(),
        email: "jane@example.com".into(),
        disabled: false,
        version: 0,
        roles: vec![],
    };
    let session = SessionId::random().unwrap();
    let rules = TokenSettings::default;
    let bearer = JwtBearer::new(keys(KeyUse::Verify).await, rules(), clock());
    let issuer = TokenIssuer::new(keys(KeyUse::Sign).await, rules(), clock());
    let old = issuer.issue(&user, &session).await.unwrap();
    secrets.set(Some(BOTH));
    let issuer = TokenIssuer::new(keys(KeyUse::Sign).await, rules(), clock());
    let new = issuer.issue(&user, &session).await.unwrap();

    let is_taken = async |token: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
        bearer.authenticate(&headers).await.map(|_| ())
    };
    assert!(matches!(
        is_taken(new.expose()).await,
        Err(BearerError::InvalidToken(_))
    ));
    time.fetch_add(60, Ordering::Relaxed);
    assert_eq!(is_taken(new.expose()).await, Ok(()));
    assert_eq!(is_taken(old.expose()).await, Ok(()));
}
