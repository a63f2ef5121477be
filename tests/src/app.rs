//! The functions in process, on any store, with a clock that only tests advance.

use std::{
    collections::BTreeMap,
    env::VarError,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use auth_core::{
    Clock, InMemoryStore, KeySettings, KeySource, LiveRepository, PublishedKeys, PublishedSource,
    SettingsReader, UnixTime,
};
use discovery::Discovery;
use login::{Login, LoginKeys, LoginSettings, LoginStore};
use me::Me;

use crate::{
    client::{Client, Reply},
    store,
};

/// The time at which every test in process begins, in seconds since 1970.
pub const NOW: u64 = 1_800_000_000;

/// The variables with the keys of the functions.
pub const KEYS: [(&str, &str); 4] = [
    ("JWT_SECRET_KEY", forge::SECRET),
    ("SESSION_SECRET_KEY", forge::SESSION_SECRET),
    ("COUNTER_SECRET_KEY", forge::COUNTER_SECRET),
    ("ACTION_SECRET_KEY", forge::ACTION_SECRET),
];

/// The variables with secrets that are not published, as functions in Lambda need them.
pub const PRIVATE_KEYS: [(&str, &str); 4] = [
    ("JWT_SECRET_KEY", "a7Vq2Xm9Kc4Zt6Wb1Yn8Rd3Lf5Hs0GjPe"),
    ("SESSION_SECRET_KEY", "k8Wq3Zt6Yv1Xn4Rb7Mc2Jd5Hf9Gs0LpA"),
    ("COUNTER_SECRET_KEY", "Yb7Nx2Qf5Tz9Kd4Hw8Vm1Jc6Rg3Ls0PaE"),
    ("ACTION_SECRET_KEY", "Qd5Xk8Rv2Nc7Bt4Wz1Hm9Fs6Yg3Jp0LaTe"),
];

/// The environment of all functions, as a test or a template would set it.
pub const ENVIRONMENT: [(&str, &str); 5] =
    [("AUTH_STORE", "memory"), KEYS[0], KEYS[1], KEYS[2], KEYS[3]];

/// An issuer that is a URL, so that it has metadata. Only `discovery` has it: forged tokens have the default one.
pub const ISSUER: (&str, &str) = ("JWT_ISSUER", "https://api.example.com");

/// Returns [`ENVIRONMENT`] and one more variable.
#[must_use]
pub fn environment_with(
    variable: (&'static str, &'static str),
) -> Vec<(&'static str, &'static str)> {
    ENVIRONMENT.into_iter().chain([variable]).collect()
}

/// The functions on one store.
pub struct App<S = InMemoryStore> {
    discovery: Discovery,
    login: Login<S>,
    me: Me<S>,
    clock: TestClock,
}

impl App {
    /// Returns the functions with [`ENVIRONMENT`] and these variables, the tutorial's user, and the session of forged
    /// tokens.
    #[must_use]
    pub fn new(extra: &[(&str, &str)]) -> Self {
        Self::on(store::memory(), extra)
    }
}

impl<S: LoginStore + LiveRepository + Clone> App<S> {
    /// Returns the functions with [`ENVIRONMENT`] and these variables, on a store.
    #[must_use]
    pub fn on(store: S, extra: &[(&str, &str)]) -> Self {
        let variables: BTreeMap<&str, &str> = ENVIRONMENT.iter().chain(extra).copied().collect();
        let lookup = |name: &str| {
            let value = variables.get(name).ok_or(VarError::NotPresent)?;
            Ok((*value).to_owned())
        };
        let reader = || SettingsReader::new(variables.keys().map(ToString::to_string), &lookup);
        let clock = TestClock::default();
        let login = LoginSettings::read(reader()).expect("settings");
        let me = me::read_settings(reader()).expect("settings");
        let me_keys = fixed_keys(&me.keys);
        Self {
            discovery: discovery(PublishedKeys::default().into(), clock.clock()),
            me: Me::new(me, me_keys, store.clone(), clock.clock()),
            login: Login::new(login.clone(), login_keys(&login), store, clock.clock()),
            clock,
        }
    }

    /// Returns the clock of the functions.
    #[must_use]
    pub fn test_clock(&self) -> TestClock {
        self.clock.clone()
    }

    /// Advances the clock.
    pub fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Returns how many password hashes were computed.
    pub fn hashes_computed(&self) -> u64 {
        self.login.hashes_computed()
    }
}

impl<S: LoginStore + LiveRepository> Client for App<S> {
    async fn invoke(&self, function: &str, event: &str) -> Reply {
        let request = auth_lambda::request(event).expect("an event");
        match function {
            "discovery" => self.discovery.handle(request).await.into(),
            "login" => self.login.handle(request).await.into(),
            "me" => self.me.handle(request).await.into(),
            other => panic!("App has no function {other}"),
        }
    }

    fn now(&self) -> UnixTime {
        self.clock.now()
    }
}

/// A clock that only tests advance. It begins at [`NOW`].
#[derive(Debug, Clone)]
pub struct TestClock(Arc<AtomicU64>);

impl Default for TestClock {
    fn default() -> Self {
        Self(Arc::new(AtomicU64::new(NOW)))
    }
}

impl TestClock {
    /// Returns the clock for the code under test.
    #[must_use]
    pub fn clock(&self) -> Clock {
        let time = self.clone();
        Clock::from_fn(move || time.now())
    }

    /// Returns the time.
    #[must_use]
    pub fn now(&self) -> UnixTime {
        UnixTime::from_secs(self.0.load(Ordering::Relaxed))
    }

    /// Advances the time.
    pub fn advance(&self, duration: Duration) {
        self.0.fetch_add(duration.as_secs(), Ordering::Relaxed);
    }

    /// Sets the time back, as on another machine.
    pub fn set_back(&self, duration: Duration) {
        self.0.fetch_sub(duration.as_secs(), Ordering::Relaxed);
    }
}

/// Returns the keys of settings that contain them.
#[must_use]
pub fn fixed_keys(settings: &KeySettings) -> Arc<dyn KeySource> {
    match settings {
        KeySettings::Fixed(keys) => keys.clone().into(),
        KeySettings::Secret { .. } | KeySettings::Table { .. } | KeySettings::File { .. } => {
            panic!("the keys are not fixed")
        }
    }
}

/// Returns `discovery` with [`ENVIRONMENT`] and [`ISSUER`], on these keys.
#[must_use]
pub fn discovery(keys: Arc<dyn PublishedSource>, clock: Clock) -> Discovery {
    let variables: BTreeMap<&str, &str> = ENVIRONMENT.into_iter().chain([ISSUER]).collect();
    let lookup = |name: &str| {
        let value = variables.get(name).ok_or(VarError::NotPresent)?;
        Ok((*value).to_owned())
    };
    let settings = discovery::read_settings(SettingsReader::new([], &lookup));
    Discovery::new(settings.expect("settings"), keys, clock)
}

/// Returns the keys of `login`'s settings.
#[must_use]
pub fn login_keys(settings: &LoginSettings) -> LoginKeys {
    LoginKeys {
        access_tokens: fixed_keys(&settings.common.keys),
        refresh_tokens: fixed_keys(&settings.sessions.keys),
        counters: fixed_keys(&settings.attempts.keys),
    }
}
