//! The rule of a login: who gets tokens. It knows nothing about HTTP.

use std::{sync::Arc, time::Duration};

use auth_core::{
    Email, HashingError, IssuedTokens, Password, RepositoryError, SourceNetwork, StoredUser,
};
use tokio::{task::spawn_blocking, time::timeout};
use tracing::{info, warn};

use crate::{
    Login, LoginStore,
    error::{Refusal, SignInError},
    reservation::{FAILED, Reservation, SUCCEEDED},
};

/// How long a login waits for its outdated hash to be replaced. If that fails, the next login can do it.
const RENEWAL_TIMEOUT: Duration = Duration::from_secs(1);

impl<S: LoginStore> Login<S> {
    /// Counts the attempt, checks the password, and begins a session.
    pub(crate) async fn sign_in(
        &self,
        email: &Email,
        password: &Password,
        network: &SourceNetwork,
    ) -> Result<(IssuedTokens, StoredUser), SignInError> {
        let now = self.clock.now();
        let attempt = self.counters.for_attempt(email, network, now).await?;
        // Both at once: a login waits for one round trip before the hash.
        let (reservation, found) = tokio::join!(
            Reservation::new(&self.store, attempt, now),
            self.store.find_with_password(email)
        );
        let reservation = reservation?;
        let stored = match self.check_password(password, found).await {
            Ok(stored) => stored,
            Err(refused @ SignInError::Refused { .. }) => {
                // A refusal that cannot be counted is not revealed.
                reservation.settle(FAILED).await?;
                return Err(refused);
            }
            Err(undecided) => {
                reservation.release().await;
                return Err(undecided);
            }
        };
        let begin_session = async {
            let issued = self.sessions.begin(email, &stored.user).await?;
            self.store.start_session(&issued.session).await?;
            Ok::<_, SignInError>(issued)
        };
        let (issued, settled) = tokio::join!(begin_session, reservation.settle(SUCCEEDED));
        if let Err(error) = settled {
            // The attempt soon stops counting, so the login is not refused.
            warn!(cause = error.cause(), "attempt not settled");
        }
        Ok((issued?, stored))
    }

    /// Returns the user if the password is right. An unknown or disabled user costs the same hash.
    async fn check_password(
        &self,
        password: &Password,
        found: Result<Option<StoredUser>, RepositoryError>,
    ) -> Result<StoredUser, SignInError> {
        let found = found?;
        let enabled = found.as_ref().filter(|stored| !stored.user.disabled);
        let hash = enabled.map(|stored| stored.password_hash.clone());
        let (password, hasher) = (password.clone(), Arc::clone(&self.hasher));
        // On its own thread, so that the deadline of the request can still be met.
        let verified = spawn_blocking(move || hasher.verify(&password, hash.as_ref())).await;
        let matches = verified.unwrap_or(Err(HashingError))?;
        let user_id = found.as_ref().map(|stored| stored.user.id.clone());
        let refusal = match found {
            None => Refusal::UnknownUser,
            Some(stored) if stored.user.disabled => Refusal::DisabledUser,
            Some(_) if !matches => Refusal::WrongPassword,
            Some(stored) => return Ok(stored),
        };
        Err(SignInError::Refused { refusal, user_id })
    }

    /// Replaces a hash with outdated parameters, now that the password is available. A failure does not
    /// fail the login.
    pub(crate) async fn renew_hash(&self, email: &Email, password: &Password, stored: &StoredUser) {
        let replace = async {
            let (password, hasher) = (password.clone(), Arc::clone(&self.hasher));
            let new = spawn_blocking(move || hasher.hash(&password)).await;
            let new = new.unwrap_or(Err(HashingError));
            let new = new.map_err(|error| error.to_string())?;
            let old = &stored.password_hash;
            let replaced = self.store.replace_password_hash(email, old, &new).await;
            replaced.map_err(|error| error.cause())
        };
        let user_id = &stored.user.id;
        match timeout(RENEWAL_TIMEOUT, replace).await {
            Ok(Ok(renewed)) => info!(user_id, renewed, "password hash"),
            Ok(Err(cause)) => warn!(user_id, cause, "password hash not renewed"),
            Err(_elapsed) => warn!(user_id, cause = "timeout", "password hash not renewed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use auth_core::{
        Algorithm, AttemptLimits, Clock, InMemoryStore, Key, KeySet, KeySettings, SessionRules,
        SessionSettings, Settings, Store, TokenSettings, UserChange, UserDirectory,
    };

    use super::*;
    use crate::{LoginErrors, LoginKeys, LoginSettings};

    const EMAIL: &str = "john.doe@leapify.tech";

    async fn login(disabled: bool) -> Login<InMemoryStore> {
        let store = InMemoryStore::with_tutorial_user();
        let (email, change) = (Email::parse(EMAIL).unwrap(), UserChange::Disabled(disabled));
        store.change_user(&email, change).await.unwrap();
        let keys = |first: u8| {
            let secret: Vec<u8> = (first..first + 32).collect();
            KeySet::from(Key::from_secret(&secret, Algorithm::HS256).unwrap())
        };
        let settings = LoginSettings {
            common: Settings {
                store: Store::Memory,
                keys: KeySettings::Fixed(keys(0)),
                tokens: TokenSettings::default(),
            },
            sessions: SessionSettings {
                keys: KeySettings::Fixed(keys(32)),
                rules: SessionRules::default(),
            },
            limits: AttemptLimits::default(),
            errors: LoginErrors::Uniform,
        };
        let keys = LoginKeys {
            access_tokens: keys(0).into(),
            refresh_tokens: keys(32).into(),
        };
        Login::new(settings, keys, store, Clock::system())
    }

    async fn sign_in(
        login: &Login<InMemoryStore>,
        email: &str,
        password: &str,
    ) -> Result<(IssuedTokens, StoredUser), SignInError> {
        let email = Email::parse(email).unwrap();
        let password = Password::parse(password).unwrap();
        let network = SourceNetwork::default();
        login.sign_in(&email, &password, &network).await
    }

    #[tokio::test]
    async fn every_outcome_costs_one_hash() {
        for (disabled, email, password, expected) in [
            (false, EMAIL, "changeme", None),
            (false, EMAIL, "changeMe", Some(Refusal::WrongPassword)),
            (
                false,
                "jane@leapify.tech",
                "changeme",
                Some(Refusal::UnknownUser),
            ),
            (true, EMAIL, "changeme", Some(Refusal::DisabledUser)),
            (true, EMAIL, "changeMe", Some(Refusal::DisabledUser)),
        ] {
            let login = login(disabled).await;
            let refused = match sign_in(&login, email, password).await {
                Ok(_) => None,
                Err(SignInError::Refused { refusal, .. }) => Some(refusal),
                Err(error) => panic!("{error:?}"),
            };
            assert_eq!(refused, expected);
            assert_eq!(login.hashes_computed(), 1, "{expected:?}");
        }
    }

    #[tokio::test]
    async fn a_login_above_the_limit_costs_no_hash() {
        let login = login(false).await;
        for _ in 0..5 {
            let refused = sign_in(&login, EMAIL, "changeMe").await;
            assert!(matches!(refused, Err(SignInError::Refused { .. })));
        }
        let refused = sign_in(&login, EMAIL, "changeme").await;
        let Err(SignInError::TooManyAttempts { retry_after, .. }) = refused else {
            panic!("the right password is refused too");
        };
        let seconds = retry_after.as_secs();
        assert!((1..=900).contains(&seconds), "{seconds}");
        assert_eq!(login.hashes_computed(), 5);
    }
}
