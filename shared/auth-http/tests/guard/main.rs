//! The guard in axum and as a tower layer: the users that it lets pass, the responses to all others, and what does
//! not compile.

#![allow(clippy::unwrap_used, reason = "tests may panic: that's how they fail")]

mod compile;
mod extractors;
mod layers;

use std::{
    fs,
    sync::{Arc, Mutex},
};

use auth_core::{
    Algorithm, Clock, Email, JwtBearer, Key, KeySet, KeySource, KeysFuture, KeysUnavailable,
    LiveRepository, RepositoryError, Role, Session, SessionId, SessionRules, TokenIssuer,
    TokenSettings, User,
};
use auth_http::LiveBearer;
use http::{Request, header::AUTHORIZATION};
use http_body_util::BodyExt;
use tower_service::Service;
use tracing::subscriber::NoSubscriber;

/// Keys that can never be read.
#[derive(Debug)]
struct Outage;

impl KeySource for Outage {
    fn keys(&self) -> KeysFuture<'_> {
        Box::pin(async { Err(KeysUnavailable) })
    }
}

fn keys() -> KeySet {
    let secret: Vec<u8> = (0..32).collect();
    Key::from_secret(&secret, Algorithm::HS256).unwrap().into()
}

fn settings() -> TokenSettings {
    TokenSettings {
        audience: "orders".into(),
        ..TokenSettings::default()
    }
}

fn bearer() -> JwtBearer {
    JwtBearer::new(keys(), settings(), Clock::system())
}

fn bearer_without_keys() -> JwtBearer {
    let keys: Arc<dyn KeySource> = Arc::new(Outage);
    JwtBearer::new(keys, settings(), Clock::system())
}

/// Returns a user who is a Reader and may read.
fn reader() -> User {
    User {
        id: "7".into(),
        email: "jane@example.com".into(),
        disabled: false,
        version: 1,
        roles: vec![Role {
            id: "1".into(),
            name: "Reader".into(),
            description: String::new(),
            permissions: vec!["read".into()],
        }],
    }
}

fn session() -> Session {
    let email = Email::parse(&reader().email).unwrap();
    Session::new(
        &email,
        &reader(),
        &SessionRules::default(),
        Clock::system().now(),
    )
    .unwrap()
}

/// Returns the `Authorization` header of the reader.
async fn authorization(session: &Session) -> String {
    let issuer = TokenIssuer::new(keys(), settings(), Clock::system());
    let end = session.absolute_expires_at;
    let token = issuer.issue(&reader(), &session.id, end).await.unwrap();
    format!("Bearer {}", token.expose())
}

/// A store with the reader and one session. `None` while it cannot be reached.
struct Stored(Option<Session>);

impl LiveRepository for Stored {
    async fn find_user_and_session(
        &self,
        _: &Email,
        id: &SessionId,
    ) -> Result<(Option<User>, Option<Session>), RepositoryError> {
        let session = self.0.clone();
        let session = session.ok_or_else(|| RepositoryError::Unavailable("down".into()))?;
        Ok((
            Some(reader()),
            Some(session).filter(|session| session.id == *id),
        ))
    }
}

fn live_bearer(session: Option<Session>) -> LiveBearer {
    LiveBearer::new(bearer(), Stored(session))
}

/// Sends a GET and returns the status, the headers `WWW-Authenticate` and `Retry-After`, and the body.
async fn get<S, B, R>(mut service: S, path: &str, authorization: Option<&str>) -> Got
where
    S: Service<Request<B>, Response = http::Response<R>, Error = std::convert::Infallible>,
    B: Default,
    R: BodyExt,
    R::Error: std::fmt::Debug,
{
    let mut request = Request::get(path).body(B::default()).unwrap();
    if let Some(value) = authorization {
        request
            .headers_mut()
            .insert(AUTHORIZATION, value.parse().unwrap());
    }
    let ready = std::future::poll_fn(|context| service.poll_ready(context));
    let Ok(()) = ready.await;
    let Ok(response) = service.call(request).await;
    let header = |name: &str| {
        let value = response.headers().get(name)?;
        Some(value.to_str().unwrap().to_owned())
    };
    let status = response.status().as_u16();
    let (challenge, retry_after) = (header("www-authenticate"), header("retry-after"));
    let body = response.into_body().collect().await.unwrap().to_bytes();
    Got {
        status,
        challenge,
        retry_after,
        body: String::from_utf8(body.into()).unwrap(),
    }
}

/// Returns what is logged meanwhile: level, status, message and cause of each line, and the whole text.
async fn logged(requests: impl Future<Output = ()>) -> (Vec<String>, String) {
    let file = tempfile::NamedTempFile::new().unwrap();
    let logs = tracing_subscriber::fmt()
        .json()
        .with_writer(Mutex::new(file.reopen().unwrap()))
        .finish();
    let logging = tracing::subscriber::set_default(logs);
    // With only one subscriber, a log statement that another thread reaches first would be disabled for all.
    let _second = tracing::Dispatch::new(NoSubscriber::new());
    requests.await;
    drop(logging);

    let logs = fs::read_to_string(file.path()).unwrap();
    let lines = logs.lines().map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let [status, message, cause] =
            ["status", "message", "cause"].map(|name| &line["fields"][name]);
        format!("{} {status} {message} {cause}", line["level"])
    });
    (lines.collect(), logs)
}

/// A response.
#[derive(Debug, PartialEq, Eq)]
struct Got {
    status: u16,
    challenge: Option<String>,
    retry_after: Option<String>,
    body: String,
}

fn ok(body: &str) -> Got {
    Got {
        status: 200,
        challenge: None,
        retry_after: None,
        body: body.into(),
    }
}

/// Returns a refusal in the guard's realm. `rest` follows the realm.
fn refusal(status: u16, detail: &str, rest: &str) -> Got {
    Got {
        status,
        challenge: Some(format!("Bearer realm=\"orders\"{rest}")),
        retry_after: None,
        body: format!("{{\"detail\":\"{detail}\"}}"),
    }
}

fn unavailable() -> Got {
    Got {
        status: 503,
        challenge: None,
        retry_after: Some("1".into()),
        body: r#"{"detail":"Service temporarily unavailable"}"#.into(),
    }
}

const INVALID_TOKEN: &str = ", error=\"invalid_token\"";
