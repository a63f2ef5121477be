//! Signature keys with the real functions: `login` signs with the private set of a secret, `me` verifies with the
//! published keys of the table and never calls Secrets Manager; or both have a key ring in the file.

use std::time::{Duration, Instant};

use auth_aws::Aws;
use auth_core::{
    Algorithm, BearerError, Clock, FileStore, JwtBearer, KeyKeeper, KeyRing, KeyRules, KeySettings,
    KeyUse, PrivateKeyRepository, PublishedKeyRepository, PublishedKeys, RotateWhen, SessionId,
    TokenIssuer, TokenSettings, UnixTime,
};
use aws_sdk_dynamodb::types::AttributeValue::{N, S};
use bundle_tests::{
    app::TestClock,
    client::Client,
    dynamodb, events,
    fault_proxy::{Fault, FaultProxy},
    functions,
    moved_clock::MovedClock,
    process::{Process, failed_start},
    signing_stack::SigningStack,
    store::{TemporaryFileStore, user},
};
use http::{HeaderMap, header::AUTHORIZATION};
use serde_json::Value;

const ALGORITHMS: [&str; 3] = ["RS256", "ES256", "EdDSA"];

#[tokio::test]
async fn me_accepts_the_tokens_of_login_without_any_call_to_secrets_manager() {
    for name in ALGORITHMS {
        let stack = SigningStack::new().await;
        stack.create_keys(name.parse().unwrap()).await;
        let login = stack.start_login().await;
        let calls = stack.secrets.calls();
        let me = Process::start("me", &stack.guard()).await;
        let token = login.sign_in().await.access;
        assert_eq!(me.me(&token).await, 200, "{name}");
        assert_eq!(header(&token)["alg"], name);
        assert_eq!(stack.secrets.calls(), calls, "{name}");
    }
}

/// A connection to AWS is a TLS handshake, for which a cold start waits.
#[tokio::test]
async fn a_me_that_starts_opens_one_connection_for_the_keys_and_the_session() {
    let stack = SigningStack::new().await;
    stack.create_keys(Algorithm::ES256).await;
    let token = stack.start_login().await.sign_in().await.access;
    let proxy = stack.proxy().await;
    let secrets = FaultProxy::start(stack.secrets.url()).await;
    let mut variables = stack.guard_behind(&proxy);
    variables.push(("AWS_ENDPOINT_URL_SECRETS_MANAGER", secrets.url()));
    let me = Process::start("me", &variables).await;
    assert_eq!(me.me(&token).await, 200);
    let calls = proxy.requests().into_iter().map(|(target, _)| target);
    let expected = [
        "DynamoDB_20120810.GetItem",
        "DynamoDB_20120810.BatchGetItem",
    ];
    assert_eq!(calls.collect::<Vec<_>>(), expected);
    assert_eq!((proxy.connections(), secrets.connections()), (1, 0));
}

/// Returns the header of a token.
fn header(token: &str) -> Value {
    let header = forge::decoded(token.split('.').next().unwrap());
    serde_json::from_slice(&header).unwrap()
}

/// The key that signs after a rotation was public before, so no process has to read anything again.
#[tokio::test]
async fn running_and_new_processes_accept_all_tokens_over_a_rotation() {
    let stack = SigningStack::new().await;
    stack.create_keys(Algorithm::ES256).await;
    let (old_login, old_me) = (
        stack.start_login().await,
        Process::start("me", &stack.guard()).await,
    );
    let mut tokens = vec![old_login.sign_in().await.access];
    let later = Clock::from_fn(|| Clock::system().now() + Duration::from_hours(3));
    let keeper = stack.keeper(Algorithm::ES256, later).await;
    keeper.rotate(RotateWhen::Ready).await.unwrap();
    tokens.push(old_login.sign_in().await.access);
    let (new_login, new_me) = (
        stack.start_login().await,
        Process::start("me", &stack.guard()).await,
    );
    tokens.push(new_login.sign_in().await.access);
    for token in &tokens {
        assert_eq!((old_me.me(token).await, new_me.me(token).await), (200, 200));
    }
    assert_eq!(header(&tokens[0]), header(&tokens[1]));
    assert_ne!(header(&tokens[0])["kid"], header(&tokens[2])["kid"]);
}

#[tokio::test]
async fn a_guard_that_starts_before_the_keys_are_published_responds_with_503_until_they_are() {
    let stack = SigningStack::new().await;
    let me = Process::start("me", &stack.guard()).await;
    assert_eq!(me.me("a.b.c").await, 503);
    let logs = me.logs();
    assert!(
        logs.contains(r#""cause":"no keys are published""#),
        "{logs}"
    );
    stack.create_keys(Algorithm::ES256).await;
    let login = stack.start_login().await;
    assert_eq!(me.me(&login.sign_in().await.access).await, 200);
}

/// The functions that read published keys, with an event that needs them.
fn readers(token: &str) -> impl Iterator<Item = (&'static str, String)> {
    let guards =
        functions::guards().map(|guard| (&*guard.name, events::with_token(&guard.name, token)));
    guards.chain([("discovery", events::success("discovery_jwks"))])
}

#[tokio::test]
async fn functions_that_start_in_an_outage_of_the_table_respond_with_503_until_it_is_over() {
    let stack = SigningStack::new().await;
    stack.create_keys(Algorithm::ES256).await;
    let token = stack.start_login().await.sign_in().await.access;
    let proxy = stack.proxy().await;
    let variables = stack.guard_behind(&proxy);
    for (function, event) in readers(&token) {
        proxy.set(Fault::InternalError);
        let process = Process::start(function, &variables).await;
        for _ in 0..3 {
            let begin = Instant::now();
            assert_eq!(process.send(&event).await.status(), 503, "{function}");
            assert!(begin.elapsed() < Duration::from_secs(3), "{function}");
        }
        let logs = process.logs();
        assert!(logs.contains(r#""message":"keys not read""#), "{logs}");
        proxy.set(Fault::None);
        assert_eq!(process.send(&event).await.status(), 200, "{function}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn published_keys_that_cannot_be_used_fail_the_start() {
    let stack = SigningStack::new().await;
    let begin = "JWT_KEYS_TABLE: the published keys are rejected: ";
    for (text, problem) in [
        (
            "hunter2",
            "not a JWK or JWK set: not a JSON object, or a member is repeated",
        ),
        (
            r#"{"keys":[{"kty":"hunter2"}]}"#,
            "kty and crv do not name a supported key type",
        ),
        (r#"{"keys":[]}"#, "the set is empty"),
    ] {
        let item = [
            ("pk".to_owned(), S("keys#access-tokens".into())),
            ("version".to_owned(), N("1".into())),
            ("key_set".to_owned(), S(text.into())),
        ];
        stack.table.put(item.into()).await;
        for (function, _) in readers("") {
            let (code, output) = failed_start(function, &stack.guard());
            assert_eq!(code, Some(1), "{function}: {output}");
            assert!(
                output.contains(&format!("{begin}{problem}")),
                "{function}: {output}"
            );
            assert!(!output.contains("hunter2"), "{output}");
        }
    }
}

/// The private set in the table would be readable by every guard.
#[tokio::test(flavor = "multi_thread")]
async fn a_guard_that_is_handed_the_private_set_does_not_start() {
    let stack = SigningStack::new().await;
    let now = UnixTime::default();
    let ring = KeyRing::create(Algorithm::ES256, now).unwrap().expose();
    let item = [
        ("pk".to_owned(), S("keys#access-tokens".into())),
        ("version".to_owned(), N("1".into())),
        ("key_set".to_owned(), S(ring.clone())),
    ];
    stack.table.put(item.into()).await;
    let table = stack.guard();
    let jwks = [stack.table.environment(), vec![("JWT_JWKS", &ring)]].concat();
    let secret = [
        stack.table.environment(),
        vec![("JWT_KEYS_SECRET_ID", "JwtKeys")],
    ]
    .concat();
    for (variables, problem) in [
        (
            table,
            "JWT_KEYS_TABLE: the published keys are rejected: must contain only public keys",
        ),
        (jwks, "JWT_JWKS: must contain only public keys"),
        (
            secret,
            "JWT_KEYS_SECRET_ID: only functions that sign may read private keys",
        ),
    ] {
        let (code, output) = failed_start("me", &variables);
        assert_eq!(code, Some(1), "{output}");
        assert!(output.contains(problem), "{output}");
        let private: Value = serde_json::from_str(&ring).unwrap();
        let private = private["keys"][0]["d"].as_str().unwrap();
        assert!(!output.contains(private), "{output}");
    }
    assert_eq!(stack.secrets.calls(), Vec::<String>::new());
}

/// Checks a token as a guard does.
async fn authenticate(bearer: &JwtBearer, token: &str) -> Result<(), BearerError> {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
    bearer.authenticate(&headers).await.map(|_| ())
}

/// Returns a token of a `login` with this clock, which reads its keys now.
async fn issue(stack: &SigningStack, clock: &TestClock) -> String {
    let aws = Aws::for_function_with(dynamodb::config(stack.secrets.url()));
    let settings = KeySettings::Secret {
        id: "JwtKeys".into(),
        algorithm: Algorithm::RS256,
        key_use: KeyUse::Sign,
    };
    let keys = aws.key_source(&settings, clock.clock()).await.unwrap();
    let issuer = TokenIssuer::new(keys, TokenSettings::default(), clock.clock());
    let (jane, session) = (user("1", "jane@example.com").user, SessionId::random());
    let end = clock.now() + Duration::from_hours(1);
    let token = issuer.issue(&jane, &session.unwrap(), end).await.unwrap();
    token.expose().to_owned()
}

/// Returns a guard with this clock, which reads its keys now.
async fn guard(stack: &SigningStack, clock: &TestClock) -> JwtBearer {
    let aws = Aws::for_function_with(dynamodb::config(stack.table.url()));
    let settings = KeySettings::Table {
        table: stack.table.name().to_owned(),
    };
    let keys = aws.key_source(&settings, clock.clock()).await.unwrap();
    JwtBearer::new(keys, TokenSettings::default(), clock.clock())
}

/// When a guard receives a token with a new key, it reads the keys again, at most once a minute.
#[tokio::test]
async fn a_guard_reads_the_keys_again_for_an_unknown_kid() {
    let (stack, clock) = (SigningStack::new().await, TestClock::default());
    let keeper = stack.keeper(Algorithm::ES256, clock.clock()).await;
    keeper.repair().await.unwrap();
    let bearer = guard(&stack, &clock).await;
    let old = issue(&stack, &clock).await;
    for _ in 0..2 {
        keeper.rotate(RotateWhen::Now).await.unwrap();
    }
    let new = issue(&stack, &clock).await;
    let refused = authenticate(&bearer, &new).await;
    assert!(matches!(refused, Err(BearerError::InvalidToken(_))));
    clock.advance(Duration::from_mins(1));
    for token in [&new, &old] {
        assert_eq!(authenticate(&bearer, token).await, Ok(()));
    }
}

/// A guard has the keys in its cache, and reads them again after a quarter of an hour.
#[tokio::test]
async fn the_tokens_of_a_revoked_key_are_refused_within_fifteen_minutes() {
    let (stack, clock) = (SigningStack::new().await, TestClock::default());
    let keeper = stack.keeper(Algorithm::ES256, clock.clock()).await;
    keeper.repair().await.unwrap();
    keeper.rotate(RotateWhen::Now).await.unwrap();
    let bearer = guard(&stack, &clock).await;
    let token = issue(&stack, &clock).await;
    assert_eq!(authenticate(&bearer, &token).await, Ok(()));
    let ring = stack.ring.load_ring().await.unwrap().contents.unwrap();
    keeper.revoke(ring.active().kid()).await.unwrap();
    clock.advance(Duration::from_mins(15) - Duration::from_secs(1));
    assert_eq!(authenticate(&bearer, &token).await, Ok(()));
    clock.advance(Duration::from_secs(1));
    let refused = authenticate(&bearer, &token).await;
    assert!(matches!(refused, Err(BearerError::InvalidToken(_))));
    let next = issue(&stack, &clock).await;
    assert_eq!(authenticate(&bearer, &next).await, Ok(()));
}

/// The same for the binary, whose clock is moved. It read the keys when it started, at most a minute before the clock is
/// moved.
#[tokio::test]
async fn a_running_me_refuses_the_tokens_of_a_revoked_key_after_fifteen_minutes() {
    let Some(clock) = MovedClock::build() else {
        return;
    };
    let stack = SigningStack::new().await;
    stack.create_keys(Algorithm::ES256).await;
    let token = stack.start_login().await.sign_in().await.access;
    let variables = [stack.guard(), clock.variables().to_vec()].concat();
    let me = Process::start("me", &variables).await;
    // Events end by the clock of this machine.
    me.set_timeout(Duration::from_hours(1));
    assert_eq!(me.me(&token).await, 200);
    let ring = stack.ring.load_ring().await.unwrap().contents.unwrap();
    let keeper = stack.keeper(Algorithm::ES256, Clock::system()).await;
    keeper.revoke(ring.active().kid()).await.unwrap();
    clock.move_to(Duration::from_mins(14));
    assert_eq!(me.me(&token).await, 200);
    clock.move_to(Duration::from_mins(15));
    assert_eq!(me.me(&token).await, 401);
    let next = stack.start_login().await.sign_in().await.access;
    assert_eq!(me.me(&next).await, 200);
}

#[tokio::test]
async fn login_and_me_use_a_key_ring_that_is_created_in_the_file() {
    for name in ALGORITHMS {
        let store = TemporaryFileStore::new();
        let variables = [
            ("AUTH_STORE", "file"),
            ("AUTH_FILE", store.path()),
            ("JWT_ALGORITHM", name),
        ];
        // The guard starts first, and creates the keys.
        let me = Process::start("me", &variables).await;
        let login = Process::start("login", &variables).await;
        let token = login.sign_in().await.access;
        assert_eq!(header(&token)["alg"], name);
        assert_eq!(me.me(&token).await, 200, "{name}");
        let restarted = Process::start("me", &variables).await;
        assert_eq!(restarted.me(&token).await, 200, "{name}");
    }
}

/// The functions follow a rotation in the file as one in AWS.
#[tokio::test]
async fn a_rotation_in_the_file_is_followed() {
    let store = TemporaryFileStore::new();
    let variables = [
        ("AUTH_STORE", "file"),
        ("AUTH_FILE", store.path()),
        ("JWT_ALGORITHM", "ES256"),
    ];
    let (login, me) = (
        Process::start("login", &variables).await,
        Process::start("me", &variables).await,
    );
    let old = login.sign_in().await.access;
    let rules = KeyRules {
        algorithm: Algorithm::ES256,
        expiration: TokenSettings::default().expiration,
    };
    let file = FileStore::open(store.path()).unwrap();
    let keeper = KeyKeeper::new(file.clone(), file.clone(), rules, Clock::system());
    keeper.rotate(RotateWhen::Now).await.unwrap();
    let new_login = Process::start("login", &variables).await;
    let new = new_login.sign_in().await.access;
    let new_me = Process::start("me", &variables).await;
    for token in [&old, &new] {
        assert_eq!((me.me(token).await, new_me.me(token).await), (200, 200));
    }
    let published: PublishedKeys = file.load_published().await.unwrap().contents.unwrap();
    assert_eq!(published.iter().count(), 3);
}

/// The key that signed a token is in the published set of the same file, whichever function creates the keys.
#[tokio::test]
async fn discovery_serves_the_keys_of_a_file() {
    let store = TemporaryFileStore::new();
    let mut variables = vec![("AUTH_STORE", "file"), ("AUTH_FILE", store.path())];
    variables.push(("JWT_ALGORITHM", "RS256"));
    let discovery = Process::start("discovery", &variables).await;
    let jwks = async || {
        discovery
            .send(&events::success("discovery_jwks"))
            .await
            .json()
    };
    let keys = jwks().await["keys"].as_array().unwrap().clone();
    assert_eq!(keys.len(), 2);
    let login = Process::start("login", &variables).await;
    let token = login.sign_in().await.access;
    assert_eq!(header(&token)["kid"], keys[0]["kid"]);
}
