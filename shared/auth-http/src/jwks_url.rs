//! The keys at `JWT_JWKS_URL`, for guards outside the stack, such as those of another account or provider.
//!
//! Start at [`guard_from_env`]. The keys are cached as all others are ([`CachedKeys`]): read again after a quarter of
//! an hour, or for an unknown `kid` at most once a minute; the last ones stay in use for a day of outage. A set without
//! a key that can be used is not an outage: it withdraws the last ones. `fetch` reads them once.

mod fetch;

use std::{io, sync::Arc, time::Duration};

use auth_core::{
    Algorithm, CachedKeys, Clock, DetachedKeys, GuardKeys, GuardSettings, JwtBearer, KeyDocument,
    KeyError, KeySet, KeySource, ReadError, SettingsError,
};

use fetch::Fetcher;

/// Why a guard cannot start.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// The environment does not describe a guard.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The document at the URL does not contain usable public keys.
    #[error("invalid settings:\n  JWT_JWKS_URL: the keys are rejected: {0}")]
    Keys(KeyError),
    /// The machine has no root certificates with which the server could be trusted.
    #[error("JWT_JWKS_URL: the root certificates cannot be read: {0}")]
    Roots(io::Error),
}

/// Returns the guard that the environment describes. Like [`JwtBearer::from_env`], but the keys can also be at a URL
/// (`JWT_JWKS_URL`): they are read here for the first time. If the server cannot be reached, requests read them, and
/// fail with a 503 until that succeeds.
///
/// # Errors
///
/// [`GuardError`] for invalid settings, or if the document at the URL does not contain usable public keys.
pub async fn guard_from_env() -> Result<JwtBearer, GuardError> {
    guard_from(GuardSettings::from_env()?, Clock::system()).await
}

/// Returns the guard of these settings. Its tokio runtime also reads the keys.
///
/// # Errors
///
/// As [`guard_from_env`].
pub async fn guard_from(settings: GuardSettings, clock: Clock) -> Result<JwtBearer, GuardError> {
    let GuardKeys::Url { url, algorithm } = settings.keys else {
        return Ok(settings.into_bearer()?);
    };
    let fetcher = Fetcher::new(url).map_err(GuardError::Roots)?;
    let keys = CachedKeys::new(JwksDocument { fetcher, algorithm }, clock.clone());
    keys.read_at_start().await.map_err(GuardError::Keys)?;
    let keys: Arc<dyn KeySource> = Arc::new(DetachedKeys::new(Arc::new(keys)));
    Ok(JwtBearer::new(keys, settings.tokens, clock))
}

/// A JWK set at a URL.
#[derive(Debug)]
struct JwksDocument {
    fetcher: Fetcher,
    algorithm: Algorithm,
}

impl KeyDocument for JwksDocument {
    type Keys = KeySet;

    /// A server that is down is not asked for every request.
    const PAUSE_WITHOUT_KEYS: Duration = Duration::from_secs(5);

    async fn read(&self) -> Result<KeySet, ReadError> {
        let body = self.fetcher.fetch().await.map_err(ReadError::Unreadable)?;
        str::from_utf8(&body)
            .map_err(|_| KeyError::Malformed("not UTF-8"))
            .and_then(|text| KeySet::parse_published(text, self.algorithm))
            .map_err(|error| match error {
                KeyError::EmptySet => ReadError::Withdrawn(error),
                error if error.is_unsupported() => ReadError::Withdrawn(error),
                error => ReadError::Rejected(error),
            })
    }
}
