//! The rule of a login: who gets tokens. It knows nothing about HTTP.

use std::{sync::Arc, time::Duration};

use auth_core::{
    Attempt, DeviceToken, Email, HashingError, IssuedTokens, Password, StoredUser, UnixTime,
};
use tokio::{task::spawn_blocking, time::timeout};
use tracing::{info, warn};

use crate::{
    Credentials, Login, LoginStore,
    error::{Refusal, SignInError},
    reservation::Reservation,
};

/// How long a login waits for its outdated hash to be replaced. If that fails, the next login can do it.
const RENEWAL_TIMEOUT: Duration = Duration::from_secs(1);

/// A login whose password was right.
pub(crate) struct SignedIn {
    pub(crate) issued: IssuedTokens,
    pub(crate) device_token: DeviceToken,
    pub(crate) stored: StoredUser,
}

impl<S: LoginStore> Login<S> {
    /// Counts the attempt, checks the password, and begins a session.
    pub(crate) async fn sign_in(
        &self,
        credentials: &Credentials,
        attempt: &Attempt,
        now: UnixTime,
    ) -> Result<SignedIn, SignInError> {
        let Credentials {
            email, password, ..
        } = credentials;
        let (reservation, found) = self.reserve(email, attempt, now).await?;
        let stored = match self.check_password(password, found).await {
            Ok(stored) => stored,
            Err(refused @ SignInError::Refused { .. }) => {
                // A refusal that cannot be counted is not revealed.
                reservation.fail(&attempt.network_counter).await?;
                return Err(refused);
            }
            Err(undecided) => {
                reservation.release().await;
                return Err(undecided);
            }
        };
        let begin_session = async {
            let issued = self.sessions.begin(email, &stored.user).await?;
            let device = attempt.known_device.as_ref().map(|known| known.id);
            let device_token = self.attempts.issue_device_token(email, device, now).await?;
            self.store.start_session(&issued.session).await?;
            Ok::<_, SignInError>((issued, device_token))
        };
        let (begun, settled) = tokio::join!(begin_session, reservation.succeed());
        if let Err(error) = settled {
            // The attempt soon stops counting, so the login is not refused.
            warn!(cause = error.cause(), "attempt not settled");
        }
        let (issued, device_token) = begun?;
        Ok(SignedIn {
            issued,
            device_token,
            stored,
        })
    }

    /// Reserves the attempt and reads the user, both at once: a login waits for one round trip before the hash.
    async fn reserve<'a>(
        &'a self,
        email: &Email,
        attempt: &'a Attempt,
        now: UnixTime,
    ) -> Result<(Reservation<'a, S>, Option<StoredUser>), SignInError> {
        let network = &attempt.network_counter;
        let is_full = |failures| failures >= network.max_failures;
        let find = || self.store.find_for_login(email, network);
        let reserve = |is_network_full| {
            Reservation::new(&self.store, &self.attempts, attempt, is_network_full, now)
        };
        if self.attempts.is_known_full_network(network) {
            // Its counter is read before the attempt is reserved, so a refused attempt costs no write.
            let (stored, failures) = find().await?;
            return Ok((reserve(is_full(failures)).await?, stored));
        }
        let (reservation, found) = tokio::join!(reserve(false), find());
        let reservation = reservation?;
        let error = match found {
            Ok((_, failures)) if is_full(failures) && !reservation.is_from_known_device() => {
                self.attempts.remember_full_network(network, now);
                SignInError::too_many("network", network.window_ends, now)
            }
            Ok((stored, _)) => return Ok((reservation, stored)),
            Err(error) => error.into(),
        };
        reservation.release().await;
        Err(error)
    }

    /// Returns the user if the password is right. An unknown or disabled user costs the same hash.
    async fn check_password(
        &self,
        password: &Password,
        found: Option<StoredUser>,
    ) -> Result<StoredUser, SignInError> {
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
    pub(crate) async fn renew_hash(&self, credentials: &Credentials, stored: &StoredUser) {
        let Credentials {
            email, password, ..
        } = credentials;
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
        Algorithm, AttemptLimits, AttemptSettings, Clock, InMemoryStore, Key, KeySet, KeySettings,
        SessionRules, SessionSettings, Settings, SourceNetwork, Store, TokenSettings, UserChange,
        UserDirectory,
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
            attempts: AttemptSettings {
                keys: KeySettings::Fixed(keys(64)),
                limits: AttemptLimits::default(),
            },
            errors: LoginErrors::Uniform,
            sends_notices: false,
        };
        let keys = LoginKeys {
            access_tokens: keys(0).into(),
            refresh_tokens: keys(32).into(),
            counters: keys(64).into(),
        };
        Login::new(settings, keys, store, Clock::system())
    }

    async fn sign_in(
        login: &Login<InMemoryStore>,
        email: &str,
        password: &str,
    ) -> Result<SignedIn, SignInError> {
        let credentials = Credentials {
            email: Email::parse(email).unwrap(),
            password: Password::parse(password).unwrap(),
            device_token: None,
        };
        let (network, now) = (SourceNetwork::default(), login.clock.now());
        let attempt = login
            .attempts
            .begin(&credentials.email, &network, None, now);
        login
            .sign_in(&credentials, &attempt.await.unwrap(), now)
            .await
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
