//! The function in process, on the store in memory, with emails as files.

mod caller;
mod links;
mod page;
mod requests;

use std::{
    collections::BTreeMap,
    env::VarError,
    fs,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use auth_core::{
    Algorithm, Clock, Email, InMemoryStore, Key, KeySet, KeySettings, KeySource, Session,
    SessionRepository, SessionRules, SettingsReader, TokenIssuer, UnixTime, UserRepository,
};
use auth_http::Response;
use http::{Method, Request, header};
use mail_parser::MessageParser;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{Account, AccountKeys, AccountSettings};

const NOW: u64 = 1_800_000_000;
const JOHN: &str = "john.doe@leapify.tech";
const PASSWORD: &str = "changeme";
const NEW_PASSWORD: &str = "correct horse battery staple";

/// The function with its store, its emails and a clock that only tests advance.
struct World {
    account: Account<InMemoryStore>,
    store: InMemoryStore,
    mails: TempDir,
    time: Arc<AtomicU64>,
    access_tokens: KeySet,
}

/// An email as its recipient sees it.
#[derive(Debug, Clone)]
struct Mail {
    to: String,
    subject: String,
    text: String,
    html: String,
}

impl Mail {
    /// Returns the token of the only link.
    fn token(&self) -> String {
        let (_, rest) = self.text.split_once("&token=").expect("a link");
        rest.lines().next().unwrap().to_owned()
    }
}

fn secret(first: u8) -> String {
    (first..first + 32)
        .map(|byte| char::from(b'!' + byte % 90))
        .collect()
}

impl World {
    fn new() -> Self {
        Self::with(&[])
    }

    /// Returns the function with these variables, too.
    fn with(extra: &[(&str, &str)]) -> Self {
        let mails = tempfile::tempdir().unwrap();
        let folder = mails.path().to_str().unwrap().to_owned();
        let secrets = [0, 32, 64].map(secret);
        let mut variables = BTreeMap::from([
            ("AUTH_STORE", "memory"),
            ("JWT_SECRET_KEY", &secrets[0]),
            ("COUNTER_SECRET_KEY", &secrets[1]),
            ("ACTION_SECRET_KEY", &secrets[2]),
            ("MAIL_DIR", &folder),
            ("APP_NAME", "Leapify <Orders>"),
            ("SIGN_UP", "open"),
        ]);
        variables.extend(extra.iter().copied());
        let lookup = |name: &str| {
            let value = variables.get(name).ok_or(VarError::NotPresent)?;
            Ok((*value).to_owned())
        };
        let settings = AccountSettings::read(SettingsReader::new([], &lookup)).unwrap();
        let keys = AccountKeys {
            access_tokens: fixed(&settings.common.keys),
            counters: fixed(&settings.attempts.keys),
            actions: fixed(&settings.actions),
        };
        let time = Arc::new(AtomicU64::new(NOW));
        let store = InMemoryStore::with_tutorial_user();
        Self {
            account: Account::new(settings, keys, store.clone(), clock(&time)),
            store,
            mails,
            time,
            access_tokens: Key::from_secret(secrets[0].as_bytes(), Algorithm::HS256)
                .unwrap()
                .into(),
        }
    }

    fn pass(&self, duration: Duration) {
        self.time.fetch_add(duration.as_secs(), Ordering::Relaxed);
    }

    fn now(&self) -> UnixTime {
        clock(&self.time).now()
    }

    /// Sends a request with a JSON body.
    async fn send(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: &Value,
    ) -> Response {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        self.account
            .handle(request.body(body.to_string()).unwrap())
            .await
    }

    async fn post(&self, path: &str, body: Value) -> Response {
        self.send(Method::POST, path, None, &body).await
    }

    /// Returns the emails that were sent since the last call, in the order of their file names.
    fn take_mails(&self) -> Vec<Mail> {
        let entries = fs::read_dir(self.mails.path()).unwrap();
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        let mails = paths.iter().map(|path| {
            assert_eq!(path.extension().unwrap(), "eml");
            let bytes = fs::read(path).unwrap();
            fs::remove_file(path).unwrap();
            mail(&bytes)
        });
        mails.collect()
    }

    /// Returns the only email since the last call.
    fn take_mail(&self) -> Mail {
        let mut mails = self.take_mails();
        assert_eq!(mails.len(), 1, "{mails:?}");
        mails.remove(0)
    }

    /// Begins a session of a user, as `login` does, and returns its access token.
    async fn begin_session(&self, address: &str) -> (Session, String) {
        let email = Email::parse(address).unwrap();
        let user = self.store.find_by_email(&email).await.unwrap().unwrap();
        let session = Session::new(&email, &user, &SessionRules::default(), self.now()).unwrap();
        self.store.start_session(&session).await.unwrap();
        let settings = auth_core::TokenSettings::default();
        let issuer = TokenIssuer::new(self.access_tokens.clone(), settings, clock(&self.time));
        let end = session.absolute_expires_at;
        let token = issuer.issue(&user, &session.id, end).await.unwrap();
        (session, token.expose().to_owned())
    }
}

fn clock(time: &Arc<AtomicU64>) -> Clock {
    let time = Arc::clone(time);
    Clock::from_fn(move || UnixTime::from_secs(time.load(Ordering::Relaxed)))
}

fn fixed(settings: &KeySettings) -> Arc<dyn KeySource> {
    match settings {
        KeySettings::Fixed(keys) => keys.clone().into(),
        other => panic!("{other:?}"),
    }
}

fn mail(bytes: &[u8]) -> Mail {
    let parsed = MessageParser::default().parse(bytes).unwrap();
    let to = parsed.to().unwrap().first().unwrap();
    Mail {
        to: to.address().unwrap().to_owned(),
        subject: parsed.subject().unwrap().to_owned(),
        text: parsed.body_text(0).unwrap().into_owned(),
        html: parsed.body_html(0).unwrap().into_owned(),
    }
}

/// Returns the status and the detail of a response.
fn parts(response: &Response) -> (u16, Value) {
    let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
    (response.status().as_u16(), body["detail"].clone())
}

fn invalid_link() -> (u16, Value) {
    (400, json!("Invalid or expired link"))
}
