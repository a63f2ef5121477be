//! Both functions in process, on any stores, with a clock that stands still until it is moved.

use std::{
    collections::BTreeMap,
    env::VarError,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use auth_core::{
    Algorithm, AttemptRepository, BearerError, Clock, CredentialRepository,
    InMemoryAttemptRepository, InMemorySessionRepository, InMemoryUserRepository, JwtBearer,
    KeySet, KeySettings, KeySource, LoggedUser, SessionRepository, SettingsReader, TokenSettings,
    UserRepository,
};
use futures_util::FutureExt;
use http::{HeaderMap, HeaderValue, Response, header::AUTHORIZATION};
use login::{Login, LoginKeys, LoginSettings, Stores};
use me::Me;
use serde_json::{Value, json};

use crate::{events, forge};

/// The time at which every test in process begins.
pub const NOW: u64 = 1_800_000_000;

/// The keys of both functions, as an environment gives them.
pub const KEYS: [(&str, &str); 2] = [
    ("JWT_SECRET_KEY", forge::SECRET),
    ("SESSION_SECRET_KEY", forge::SESSION_SECRET),
];

/// The environment of both functions, as a test or a template would set it.
pub const ENVIRONMENT: [(&str, &str); 3] = [("AUTH_STORE", "memory"), KEYS[0], KEYS[1]];

/// [`ENVIRONMENT`] and one variable more.
#[must_use]
pub fn environment_with(
    variable: (&'static str, &'static str),
) -> Vec<(&'static str, &'static str)> {
    ENVIRONMENT.into_iter().chain([variable]).collect()
}

/// `login` and `me` on the same users.
pub struct TestApp<
    U = InMemoryUserRepository,
    S = InMemorySessionRepository,
    A = InMemoryAttemptRepository,
> {
    /// The function, for what it counts.
    pub login: Login<U, S, A>,
    me: Me<U>,
    time: Arc<AtomicU64>,
}

/// Stores in memory with the tutorial's user.
#[must_use]
pub fn memory()
-> Stores<InMemoryUserRepository, InMemorySessionRepository, InMemoryAttemptRepository> {
    Stores {
        users: InMemoryUserRepository::with_tutorial_user(),
        sessions: InMemorySessionRepository::default(),
        attempts: InMemoryAttemptRepository::default(),
    }
}

impl TestApp {
    /// Both functions with [`ENVIRONMENT`] and these variables, and the tutorial's user.
    #[must_use]
    pub fn new(extra: &[(&str, &str)]) -> Self {
        Self::on(memory(), extra)
    }
}

impl<U, S, A> TestApp<U, S, A>
where
    U: CredentialRepository + UserRepository + Clone,
    S: SessionRepository,
    A: AttemptRepository,
{
    /// Both functions with [`ENVIRONMENT`] and these variables, on these stores.
    #[must_use]
    pub fn on(stores: Stores<U, S, A>, extra: &[(&str, &str)]) -> Self {
        let variables: BTreeMap<&str, &str> = ENVIRONMENT.iter().chain(extra).copied().collect();
        let lookup = |name: &str| {
            let value = variables.get(name).ok_or(VarError::NotPresent)?;
            Ok((*value).to_owned())
        };
        let reader = || SettingsReader::new(variables.keys().map(ToString::to_string), &lookup);
        let time = Arc::new(AtomicU64::new(NOW));
        let clock = || {
            let time = Arc::clone(&time);
            Clock::from_fn(move || time.load(Ordering::Relaxed))
        };
        let login = LoginSettings::read(reader()).expect("settings");
        let me = me::read_settings(reader()).expect("settings");
        let me_keys = fixed_keys(&me.keys);
        Self {
            me: Me::new(me, me_keys, stores.users.clone(), clock()),
            login: Login::new(login.clone(), login_keys(&login), stores, clock()),
            time,
        }
    }

    /// Lets time pass.
    pub fn pass(&self, seconds: u64) {
        self.time.fetch_add(seconds, Ordering::Relaxed);
    }

    /// The time of the functions.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.time.load(Ordering::Relaxed)
    }

    /// Replays an event against the function of that name. One that needs a refresh token gets that of
    /// a login.
    pub async fn replay(&self, function: &str, event: &str) -> Response<String> {
        let mut event = event.to_owned();
        if event.contains(events::REFRESH_TOKEN) {
            let (_, tokens) = self
                .post("login", &events::credentials(), "203.0.113.7")
                .await;
            event = event.replace(events::REFRESH_TOKEN, text(&tokens, "refresh_token"));
        }
        let event = events::fill(&event, self.now());
        let request = auth_lambda::request(&event).expect("an event");
        match function {
            "login" => self.login.handle(request).await,
            "me" => self.me.handle(request).await,
            other => panic!("no function {other}"),
        }
    }

    /// The answer to a body posted to `/api/v1/<endpoint>` from an address.
    pub async fn answer(&self, endpoint: &str, body: &Value, address: &str) -> Response<String> {
        let event = events::post(endpoint, body, address);
        let request = auth_lambda::request(&event).expect("an event");
        self.login.handle(request).await
    }

    /// Status and body of that answer.
    pub async fn post(&self, endpoint: &str, body: &Value, address: &str) -> (u16, Value) {
        let response = self.answer(endpoint, body, address).await;
        let body = serde_json::from_str(response.body()).unwrap_or_default();
        (response.status().as_u16(), body)
    }

    /// The tokens of a login as the tutorial's user.
    pub async fn sign_in(&self) -> Tokens {
        self.sign_in_from("203.0.113.7").await.expect("tokens")
    }

    /// The answer to a login as the tutorial's user from an address.
    ///
    /// # Errors
    ///
    /// Status and detail of any answer but a 200.
    pub async fn sign_in_from(&self, address: &str) -> Result<Tokens, (u16, String)> {
        tokens(&self.post("login", &events::credentials(), address).await)
    }

    /// The answer to a refresh: new tokens, or status and detail.
    ///
    /// # Errors
    ///
    /// Status and detail of any answer but a 200.
    pub async fn refresh(&self, token: &str) -> Result<Tokens, (u16, String)> {
        let body = json!({ "refresh_token": token });
        tokens(&self.post("refresh", &body, "203.0.113.7").await)
    }

    /// Logs out, which is a 204 whatever the token.
    pub async fn log_out(&self, token: &str, all_sessions: bool) {
        let body = json!({"refresh_token": token, "all_sessions": all_sessions});
        let answer = self.post("logout", &body, "203.0.113.7").await;
        assert_eq!(answer, (204, Value::Null));
    }

    /// The status of `me` with a token.
    pub async fn me(&self, token: &str) -> u16 {
        let event = events::object("me_no_token");
        let mut event = event.clone();
        event["headers"]["authorization"] = format!("Bearer {token}").into();
        let request = auth_lambda::request(&event.to_string()).expect("an event");
        self.me.handle(request).await.status().as_u16()
    }
}

/// What a login or a refresh answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    /// The access token.
    pub access: String,
    /// The refresh token.
    pub refresh: String,
}

/// The tokens of an answer.
///
/// # Errors
///
/// Status and detail of any answer but a 200.
pub fn tokens((status, body): &(u16, Value)) -> Result<Tokens, (u16, String)> {
    if *status != 200 {
        let detail = body["detail"].as_str().unwrap_or_default();
        return Err((*status, detail.to_owned()));
    }
    Ok(Tokens {
        access: text(body, "access_token").to_owned(),
        refresh: text(body, "refresh_token").to_owned(),
    })
}

fn text<'a>(body: &'a Value, member: &str) -> &'a str {
    body[member].as_str().expect("a text")
}

/// The keys of settings that hold them themselves.
#[must_use]
pub fn fixed_keys(settings: &KeySettings) -> Arc<dyn KeySource> {
    match settings {
        KeySettings::Fixed(keys) => keys.clone().into(),
        KeySettings::Secret { .. } => panic!("the keys are in a secret"),
    }
}

/// The keys of `login`'s settings.
#[must_use]
pub fn login_keys(settings: &LoginSettings) -> LoginKeys {
    LoginKeys {
        access_tokens: fixed_keys(&settings.common.keys),
        refresh_tokens: fixed_keys(&settings.sessions.keys),
    }
}

/// A guard with the default rules over a JWK or JWK set, at [`NOW`].
#[must_use]
pub fn guard(jwks: &str) -> JwtBearer {
    let keys = KeySet::parse(jwks, Algorithm::HS256).expect("a key set");
    JwtBearer::new(keys, TokenSettings::default(), Clock::from_fn(|| NOW))
}

/// What a guard says of a token behind `Bearer`.
///
/// # Errors
///
/// The guard's.
pub fn authenticate(guard: &JwtBearer, token: &str) -> Result<LoggedUser, BearerError> {
    let mut headers = HeaderMap::new();
    let value = HeaderValue::from_bytes(format!("Bearer {token}").as_bytes()).expect("a header");
    headers.insert(AUTHORIZATION, value);
    let decided = guard.authenticate(&headers).now_or_never();
    decided.expect("fixed keys wait for nothing")
}
