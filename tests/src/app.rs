//! Both functions in process, with a clock that stands still.

use std::{collections::BTreeMap, env::VarError, sync::Arc};

use auth_core::{
    Algorithm, BearerError, Clock, InMemoryUserRepository, JwtBearer, KeySet, KeySettings,
    KeySource, LoggedUser, SettingsReader, TokenSettings,
};
use futures_util::FutureExt;
use http::{HeaderMap, HeaderValue, Response, header::AUTHORIZATION};
use login::{Login, LoginSettings};
use me::Me;

use crate::{events, forge};

/// The time in every test in process.
pub const NOW: u64 = 1_800_000_000;

/// The environment of both functions, as a test or a template would set it.
pub const ENVIRONMENT: [(&str, &str); 2] =
    [("AUTH_STORE", "memory"), ("JWT_SECRET_KEY", forge::SECRET)];

/// `login` and `me` with the tutorial's user.
pub struct TestApp {
    login: Login<InMemoryUserRepository>,
    me: Me<InMemoryUserRepository>,
}

impl TestApp {
    /// Both functions with [`ENVIRONMENT`] and these variables.
    #[must_use]
    pub fn new(extra: &[(&str, &str)]) -> Self {
        let variables: BTreeMap<&str, &str> = ENVIRONMENT.iter().chain(extra).copied().collect();
        let lookup = |name: &str| {
            let value = variables.get(name).ok_or(VarError::NotPresent)?;
            Ok((*value).to_owned())
        };
        let reader = || SettingsReader::new(variables.keys().map(ToString::to_string), &lookup);
        let users = InMemoryUserRepository::with_tutorial_user;
        let clock = || Clock::from_fn(|| NOW);
        let login = LoginSettings::read(reader()).expect("settings");
        let me = me::read_settings(reader()).expect("settings");
        let (login_keys, me_keys) = (fixed_keys(&login.common.keys), fixed_keys(&me.keys));
        Self {
            login: Login::new(login, login_keys, users(), clock()),
            me: Me::new(me, me_keys, users(), clock()),
        }
    }

    /// Replays an event against the function of that name.
    pub async fn replay(&self, function: &str, event: &str) -> Response<String> {
        let request = auth_lambda::request(&events::fill(event, NOW)).expect("an event");
        match function {
            "login" => self.login.handle(request).await,
            "me" => self.me.handle(request).await,
            other => panic!("no function {other}"),
        }
    }
}

/// The keys of settings that hold them themselves.
#[must_use]
pub fn fixed_keys(settings: &KeySettings) -> Arc<dyn KeySource> {
    match settings {
        KeySettings::Fixed(keys) => keys.clone().into(),
        KeySettings::Secret { .. } => panic!("the keys are in a secret"),
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
