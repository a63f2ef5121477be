//! Every form of event, with every outcome.

use std::{
    collections::BTreeMap,
    env::VarError,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use auth_core::{
    Algorithm, Email, InMemoryStore, Key, KeySet, KeysFuture, KeysUnavailable, RepositoryError,
    Session, SessionId, SessionRepository, SessionRules, SettingsReader, TokenIssuer,
    TokenSettings, UnixTime, User, UserRepository,
};
use serde_json::json;

use super::*;

const SECRET: &str = "a7Vq2Xm9Kc4Zt6Wb1Yn8Rd3Lf5Hs0GjPe";
const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const ARN: &str = "arn:aws:execute-api:eu-central-1:123456789012:abcdef1234/prod/GET/orders/17";
const CONNECT: &str = "arn:aws:execute-api:eu-central-1:123456789012:abcdef1234/prod/$connect";

/// A store that can fail.
#[derive(Debug, Clone)]
struct FlakyStore {
    store: InMemoryStore,
    is_down: Arc<AtomicBool>,
}

impl LiveRepository for FlakyStore {
    async fn find_user_and_session(
        &self,
        email: &Email,
        id: &SessionId,
    ) -> Result<(Option<User>, Option<Session>), RepositoryError> {
        if self.is_down.load(Ordering::Relaxed) {
            return Err(RepositoryError::Unavailable("connection refused".into()));
        }
        self.store.find_user_and_session(email, id).await
    }
}

/// Keys that cannot be read.
#[derive(Debug)]
struct NoKeys;

impl KeySource for NoKeys {
    fn keys(&self) -> KeysFuture<'_> {
        Box::pin(async { Err(KeysUnavailable) })
    }
}

/// The function with a signed-in user.
struct Fixture {
    authorizer: Authorizer<FlakyStore>,
    store: FlakyStore,
    token: String,
    session: Session,
}

impl Fixture {
    async fn new(variables: &[(&str, &str)]) -> Self {
        Self::with_keys(variables, keys().into()).await
    }

    async fn with_keys(variables: &[(&str, &str)], checked: Arc<dyn KeySource>) -> Self {
        let store = InMemoryStore::with_tutorial_user();
        let email = Email::parse("john.doe@leapify.tech").unwrap();
        let user = store.find_by_email(&email).await.unwrap().unwrap();
        let session = Session::new(&email, &user, &SessionRules::default(), NOW).unwrap();
        store.start_session(&session).await.unwrap();
        let clock = Clock::from_fn(|| NOW);
        let issuer = TokenIssuer::new(keys(), TokenSettings::default(), clock.clone());
        let token = issuer
            .issue(&user, &session.id, session.absolute_expires_at)
            .await
            .unwrap();
        let store = FlakyStore {
            store,
            is_down: Arc::default(),
        };
        Self {
            authorizer: Authorizer::new(settings(variables), checked, store.clone(), clock),
            store,
            token: token.expose().to_owned(),
            session,
        }
    }

    /// Sends the four events of [`events`].
    async fn send(&self, header: &str) -> [Result<Value, EventError>; 4] {
        self.handle_all(events(header)).await
    }

    async fn handle_all(&self, events: [Value; 4]) -> [Result<Value, EventError>; 4] {
        let [http, rest, token, socket] = events;
        [
            self.authorizer.handle(http).await,
            self.authorizer.handle(rest).await,
            self.authorizer.handle(token).await,
            self.authorizer.handle(socket).await,
        ]
    }

    async fn send_token(&self) -> [Result<Value, EventError>; 4] {
        self.send(&format!("Bearer {}", self.token)).await
    }

    async fn end_session(&self) {
        self.store
            .store
            .revoke_session(&self.session.id)
            .await
            .unwrap();
    }
}

fn keys() -> KeySet {
    Key::from_secret(SECRET.as_bytes(), Algorithm::HS256)
        .unwrap()
        .into()
}

fn settings(extra: &[(&str, &str)]) -> AuthorizerSettings {
    let own = [("AUTH_STORE", "memory"), ("JWT_SECRET_KEY", SECRET)];
    let variables: BTreeMap<&str, &str> = own.iter().chain(extra).copied().collect();
    let lookup = |name: &str| {
        let value = variables.get(name).ok_or(VarError::NotPresent)?;
        Ok((*value).to_owned())
    };
    let names = variables.keys().map(ToString::to_string);
    AuthorizerSettings::read(SettingsReader::new(names, &lookup)).unwrap()
}

/// Returns the events of an HTTP API, a REST API with a REQUEST and with a TOKEN authorizer, and a WebSocket API.
fn events(header: &str) -> [Value; 4] {
    let http = json!({
        "version": "2.0", "type": "REQUEST", "routeKey": "GET /orders/{id}", "rawPath": "/orders/17",
        "routeArn": "arn:aws:execute-api:eu-central-1:123456789012:abcdef1234/$default/GET/orders/17",
        "identitySource": [header], "headers": {"authorization": header},
        "requestContext": {"requestId": "1", "routeKey": "GET /orders/{id}", "http": {"method": "GET"}},
    });
    let rest = json!({
        "type": "REQUEST", "methodArn": ARN, "resource": "/orders/{id}", "path": "/orders/17", "httpMethod": "GET",
        "headers": {"Authorization": header}, "multiValueHeaders": {"Authorization": [header]},
        "requestContext": {"requestId": "1", "resourcePath": "/orders/{id}", "httpMethod": "GET"},
    });
    let token = json!({"type": "TOKEN", "methodArn": ARN, "authorizationToken": header});
    let socket = json!({
        "type": "REQUEST", "methodArn": CONNECT, "headers": {"Authorization": header},
        "multiValueHeaders": {"Authorization": [header]},
        "requestContext": {"requestId": "1", "routeKey": "$connect", "eventType": "CONNECT"},
    });
    [http, rest, token, socket]
}

fn statement(effect: &str, arn: &str) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{"Action": "execute-api:Invoke", "Effect": effect, "Resource": arn}],
    })
}

fn unauthorized() -> EventError {
    EventError {
        kind: "Unauthorized",
        reason: "Unauthorized".into(),
    }
}

/// Checks that all forms reject a call.
fn assert_rejected(responses: [Result<Value, EventError>; 4], what: &str) {
    let [http, policies @ ..] = responses;
    assert_eq!(http, Ok(json!({"isAuthorized": false})), "{what}");
    for response in policies {
        assert_eq!(response, Err(unauthorized()), "{what}");
    }
}

#[tokio::test]
async fn a_valid_token_is_allowed_for_exactly_the_method_of_the_call() {
    for level in ["token", "live"] {
        let fixture = Fixture::new(&[("AUTHORIZER_LEVEL", level)]).await;
        let context = json!({
            "sub": "1", "email": "john.doe@leapify.tech", "roles": "[\"Admin\"]",
            "scope": "create delete read update", "sid": fixture.session.id.to_string(),
        });
        let policy = |arn| {
            json!({
                "principalId": "1", "policyDocument": statement("Allow", arn), "context": context,
            })
        };
        let [http, rest, token, socket] = fixture.send_token().await;
        assert_eq!(http, Ok(json!({"isAuthorized": true, "context": context})));
        assert_eq!(rest, Ok(policy(ARN)));
        assert_eq!(token, Ok(policy(ARN)));
        assert_eq!(socket, Ok(policy(CONNECT)));
    }
}

#[tokio::test]
async fn a_call_without_a_valid_token_is_rejected_in_every_form() {
    let fixture = Fixture::new(&[]).await;
    let (head, _) = fixture.token.rsplit_once('.').unwrap();
    for header in [
        String::new(),
        "Bearer".into(),
        fixture.token.clone(),
        format!("Basic {}", fixture.token),
        "Bearer a.b.c".into(),
        format!("Bearer {head}."),
        format!("Bearer {0}, Bearer {0}", fixture.token),
        format!("Bearer {}\n", fixture.token),
    ] {
        assert_rejected(fixture.send(&header).await, &header);
    }
}

#[tokio::test]
async fn an_event_without_the_header_is_rejected() {
    let fixture = Fixture::new(&[]).await;
    let mut events = events("Bearer a.b.c");
    for event in &mut events {
        let members = event.as_object_mut().unwrap();
        members.retain(|name, _| {
            !["headers", "multiValueHeaders", "authorizationToken"].contains(&name.as_str())
        });
    }
    assert_rejected(fixture.handle_all(events).await, "no header");
}

/// `headers` has only the last of repeated headers, so one of two tokens would be ignored.
#[tokio::test]
async fn repeated_headers_are_rejected() {
    let fixture = Fixture::new(&[]).await;
    let good = format!("Bearer {}", fixture.token);
    for repeated in [
        json!({"Authorization": ["Bearer a.b.c", good]}),
        json!({"Authorization": [good], "authorization": [good]}),
    ] {
        let [_, mut rest, ..] = events(&good);
        rest["multiValueHeaders"] = repeated;
        assert_eq!(fixture.authorizer.handle(rest).await, Err(unauthorized()));
    }
    for single in [
        json!({"AUTHORIZATION": good}),
        json!({"authorization": good}),
    ] {
        let [_, mut rest, ..] = events("");
        rest["multiValueHeaders"] = Value::Null;
        rest["headers"] = single;
        assert!(fixture.authorizer.handle(rest).await.is_ok());
    }
}

#[tokio::test]
async fn an_ended_session_is_rejected_at_the_live_level_only() {
    let live = Fixture::new(&[]).await;
    live.end_session().await;
    assert_rejected(live.send_token().await, "the session has ended");
    let token = Fixture::new(&[("AUTHORIZER_LEVEL", "token")]).await;
    token.end_session().await;
    assert!(token.send_token().await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn an_outage_is_an_error_of_the_function_and_neither_an_allow_nor_a_401() {
    let fixture = Fixture::new(&[]).await;
    fixture.store.is_down.store(true, Ordering::Relaxed);
    let without_keys = Fixture::with_keys(&[], Arc::new(NoKeys)).await;
    for fixture in [&fixture, &without_keys] {
        for response in fixture.send_token().await {
            let error = response.unwrap_err();
            assert_eq!(error.kind, "NotChecked");
            assert_ne!(error.reason, "Unauthorized");
        }
    }
    let token = Fixture::new(&[("AUTHORIZER_LEVEL", "token")]).await;
    token.store.is_down.store(true, Ordering::Relaxed);
    assert!(
        token.send_token().await.iter().all(Result::is_ok),
        "it reads no store"
    );
}

#[tokio::test]
async fn a_route_needs_its_permission_and_others_only_a_token() {
    for level in ["token", "live"] {
        for (scopes, is_allowed) in [
            (r#"{"GET /orders/{id}":"read","$connect":"read"}"#, true),
            (r#"{"ANY /orders/{id}":"read","$connect":"read"}"#, true),
            (r#"{"GET /other":"refund"}"#, true),
            (
                r#"{"GET /orders/{id}":"refund","$connect":"refund"}"#,
                false,
            ),
            (
                r#"{"ANY /orders/{id}":"refund","$connect":"refund"}"#,
                false,
            ),
        ] {
            let variables = [("AUTHORIZER_LEVEL", level), ("AUTHORIZER_SCOPES", scopes)];
            let [http, rest, token, socket] = Fixture::new(&variables).await.send_token().await;
            assert_eq!(http.unwrap()["isAuthorized"], is_allowed, "{scopes}");
            let effect = if is_allowed { "Allow" } else { "Deny" };
            for (response, arn) in [(rest, ARN), (socket, CONNECT)] {
                let policy = response.unwrap();
                assert_eq!(policy["policyDocument"], statement(effect, arn), "{scopes}");
                assert_eq!(policy["context"].is_null(), !is_allowed);
            }
            // Its event does not name the route.
            assert_eq!(token.unwrap_err().kind, "UnknownEvent", "{scopes}");
        }
    }
}

/// So the cache of an HTTP API must distinguish methods, not only routes. HEAD runs the handler of GET.
#[tokio::test]
async fn a_route_for_any_method_needs_the_permissions_of_the_method_of_the_call_too() {
    let fixture = Fixture::new(&[("AUTHORIZER_SCOPES", r#"{"GET /orders":"refund"}"#)]).await;
    let [mut http, mut rest, ..] = events(&format!("Bearer {}", fixture.token));
    http["routeKey"] = "ANY /orders".into();
    rest["resource"] = "/orders".into();
    for (method, is_allowed) in [("GET", false), ("HEAD", false), ("POST", true)] {
        http["requestContext"]["http"]["method"] = method.into();
        let simple = fixture.authorizer.handle(http.clone()).await.unwrap();
        assert_eq!(simple["isAuthorized"], is_allowed, "{method}");
        rest["httpMethod"] = method.into();
        let policy = fixture.authorizer.handle(rest.clone()).await.unwrap();
        assert_eq!(policy["context"].is_object(), is_allowed, "{method}");
    }
}

#[tokio::test]
async fn a_route_that_is_not_listed_needs_the_permission_of_a_star() {
    for (permission, is_allowed) in [("read", true), ("refund", false)] {
        let scopes = format!(r#"{{"GET /orders":"read","*":"{permission}"}}"#);
        let fixture = Fixture::new(&[("AUTHORIZER_SCOPES", &scopes)]).await;
        let [mut http, ..] = events(&format!("Bearer {}", fixture.token));
        http["routeKey"] = "$default".into();
        let response = fixture.authorizer.handle(http).await.unwrap();
        assert_eq!(response["isAuthorized"], is_allowed, "{permission}");
    }
}

/// Cached, such a policy would open other routes.
#[tokio::test]
async fn no_policy_allows_a_path_that_reads_as_a_pattern() {
    let fixture = Fixture::new(&[]).await;
    for path in ["*", "orders/*", "orders/?", "orders/${aws:username}"] {
        let arn = ARN.replace("orders/17", path);
        let [_, rest, token, _] = events(&format!("Bearer {}", fixture.token));
        for mut event in [rest, token] {
            event["methodArn"] = arn.clone().into();
            let policy = fixture.authorizer.handle(event).await.unwrap();
            assert_eq!(policy["policyDocument"], statement("Deny", &arn));
        }
    }
}

#[tokio::test]
async fn other_events_are_errors() {
    let fixture = Fixture::new(&[]).await;
    let header = format!("Bearer {}", fixture.token);
    let [http, rest, token, _] = events(&header);
    let with = |event: &Value, member: &str, value: Value| {
        let mut event = event.clone();
        event[member] = value;
        event
    };
    for event in [
        Value::Null,
        json!([]),
        json!({}),
        json!({"action": "list"}),
        with(&http, "version", "1.0".into()),
        with(&http, "version", "3.0".into()),
        with(&http, "version", json!(2.0)),
        with(&http, "type", "TOKEN".into()),
        with(&http, "type", Value::Null),
        with(&rest, "type", "request".into()),
        with(&rest, "methodArn", Value::Null),
        with(&rest, "methodArn", "*".into()),
        with(
            &token,
            "methodArn",
            "arn:aws:lambda:eu-central-1:1:function:f".into(),
        ),
    ] {
        let error = fixture.authorizer.handle(event.clone()).await.unwrap_err();
        assert_eq!(error.kind, "UnknownEvent", "{event}");
        assert!(!error.reason.contains(&fixture.token), "{event}");
    }
}

#[tokio::test]
async fn no_response_contains_the_token() {
    let fixture = Fixture::new(&[]).await;
    for response in fixture.send_token().await {
        let text = response.unwrap().to_string();
        assert!(
            !text.contains(fixture.token.rsplit('.').next().unwrap()),
            "{text}"
        );
    }
}
