//! Both functions in process, with a clock that stands still.

use std::{collections::BTreeMap, env::VarError};

use auth_core::{
    Algorithm, BearerError, Clock, InMemoryUserRepository, JwtBearer, KeySet, LoggedUser,
    SettingsReader, TokenSettings,
};
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
        Self {
            login: Login::new(
                LoginSettings::read(reader()).expect("settings"),
                users(),
                clock(),
            ),
            me: Me::new(
                me::read_settings(reader()).expect("settings"),
                users(),
                clock(),
            ),
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
    guard.authenticate(&headers)
}
