//! The rule of a login: who may have tokens. It knows nothing of HTTP.

use std::{sync::Arc, time::Duration};

use auth_core::{
    AttemptRepository, CredentialRepository, Credentials, HashingError, PasswordHasher,
    RefreshError, Refreshed, RepositoryError, SessionRepository, SigningError, SourceNetwork,
    StoredUser, TokenPair,
};
use tokio::{task::spawn_blocking, time::timeout};
use tracing::{info, warn};

use crate::{
    Login,
    reservation::{Denied, Reservation},
};

/// How long a login waits for its better hash to be made and written. The next one can do it.
const RENEWAL: Duration = Duration::from_secs(1);

/// Why nobody is signed in. All three cost one password hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    UnknownUser,
    DisabledUser,
    WrongPassword,
}

/// Nobody is signed in, and whom it was about.
struct Refused {
    refusal: Refusal,
    user_id: Option<String>,
}

/// Why a login has no tokens to show.
#[derive(Debug)]
pub(crate) enum SignInError {
    Refused(Refusal),
    /// Nothing was looked at, and nothing will be for this many seconds.
    TooManyAttempts(u64),
    Repository(RepositoryError),
    Hashing(HashingError),
    Signing(SigningError),
}

impl From<RefreshError> for SignInError {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::Repository(error) => Self::Repository(error),
            RefreshError::Signing(error) => Self::Signing(error),
            // A new session has no token yet that could be refused.
            RefreshError::Invalid(_) => Self::Signing(SigningError::Unavailable),
        }
    }
}

impl<U: CredentialRepository, S: SessionRepository, A: AttemptRepository> Login<U, S, A> {
    /// Counts the attempt, finds the user, checks the password and begins a session; logs the outcome.
    pub(crate) async fn sign_in(
        &self,
        credentials: &Credentials,
        network: &SourceNetwork,
    ) -> Result<TokenPair, SignInError> {
        let signed_in = self.count_and_sign_in(credentials, network).await;
        match &signed_in {
            Ok(_) | Err(SignInError::Refused(_) | SignInError::TooManyAttempts(_)) => {}
            // The reason is logged where the error becomes an answer.
            Err(SignInError::Repository(_) | SignInError::Hashing(_) | SignInError::Signing(_)) => {
                info!(outcome = "Failed", "login");
            }
        }
        signed_in
    }

    async fn count_and_sign_in(
        &self,
        credentials: &Credentials,
        network: &SourceNetwork,
    ) -> Result<TokenPair, SignInError> {
        let (email, now) = (credentials.email(), self.clock.now());
        let attempt = self.counters.of(email, network, now).await;
        let attempt = attempt.map_err(SignInError::Signing)?;
        // Both at once: a login waits for one round trip before the hash.
        let (reservation, found) = tokio::join!(
            Reservation::new(&self.attempts, &attempt, now),
            self.users.find_with_password(email)
        );
        let reservation = reservation.map_err(|denied| denied_error(denied, now))?;
        let checked = match found {
            Ok(found) => self.check(credentials, found).await,
            Err(error) => Err(SignInError::Repository(error)),
        };
        let stored = match checked {
            Ok(Ok(stored)) => stored,
            Ok(Err(Refused { refusal, user_id })) => {
                // What is not counted is not told either.
                reservation.fail().await.map_err(SignInError::Repository)?;
                info!(outcome = ?refusal, user_id, "login");
                return Err(SignInError::Refused(refusal));
            }
            Err(undecided) => {
                reservation.give_back().await;
                return Err(undecided);
            }
        };
        let (begun, ()) = tokio::join!(
            self.sessions.begin(email, &stored.user),
            reservation.succeed()
        );
        let Refreshed { tokens, session } = begun?;
        let user_id = &stored.user.id;
        info!(outcome = "Success", user_id, session_id = %session.id, "login");
        self.renew_hash(credentials, &stored).await;
        Ok(tokens)
    }

    /// The user whose password it is. Without an enabled user the hasher does the same work on a hash
    /// that nothing matches.
    async fn check(
        &self,
        credentials: &Credentials,
        found: Option<StoredUser>,
    ) -> Result<Result<StoredUser, Refused>, SignInError> {
        let enabled = found.as_ref().filter(|stored| !stored.user.disabled);
        let hash = enabled.map(|stored| stored.password_hash.clone());
        let password = credentials.password().clone();
        let matches = self
            .compute(move |hasher| hasher.verify(&password, hash.as_ref()))
            .await
            .map_err(SignInError::Hashing)?;
        let user_id = found.as_ref().map(|stored| stored.user.id.clone());
        let refusal = match found {
            None => Refusal::UnknownUser,
            Some(stored) if stored.user.disabled => Refusal::DisabledUser,
            Some(_) if !matches => Refusal::WrongPassword,
            Some(stored) => return Ok(Ok(stored)),
        };
        Ok(Err(Refused { refusal, user_id }))
    }

    /// Makes a hash of other parameters anew, now that the password is at hand. It can wait for the
    /// next login, so a failure does not end this one.
    async fn renew_hash(&self, credentials: &Credentials, stored: &StoredUser) {
        if stored.password_hash.is_current() {
            return;
        }
        let renewed = timeout(RENEWAL, self.replace_hash(credentials, stored)).await;
        let user_id = &stored.user.id;
        match renewed.unwrap_or_else(|_elapsed| Err("it took too long".into())) {
            Ok(renewed) => info!(user_id, renewed, "password hash"),
            Err(cause) => warn!(user_id, cause, "password hash not renewed"),
        }
    }

    async fn replace_hash(
        &self,
        credentials: &Credentials,
        stored: &StoredUser,
    ) -> Result<bool, String> {
        let password = credentials.password().clone();
        let new = self.compute(move |hasher| hasher.hash(&password)).await;
        let new = new.map_err(|error| error.to_string())?;
        let replaced =
            self.users
                .replace_password_hash(credentials.email(), &stored.password_hash, &new);
        replaced.await.map_err(|error| error.cause())
    }

    /// Hashes on a thread of its own, so that the request's deadline is kept while it runs.
    async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce(&PasswordHasher) -> Result<T, HashingError> + Send + 'static,
    ) -> Result<T, HashingError> {
        let hasher = Arc::clone(&self.hasher);
        let computed = spawn_blocking(move || work(&hasher)).await;
        computed.unwrap_or(Err(HashingError))
    }
}

fn denied_error(denied: Denied, now: u64) -> SignInError {
    match denied {
        Denied::Full { kind, until } => {
            info!(outcome = "TooManyAttempts", counter = kind.name(), "login");
            SignInError::TooManyAttempts(until.saturating_sub(now).max(1))
        }
        Denied::Repository(error) => SignInError::Repository(error),
    }
}

#[cfg(test)]
mod tests {
    use auth_core::{
        Algorithm, AttemptLimits, Clock, Email, InMemoryAttemptRepository,
        InMemorySessionRepository, InMemoryUserRepository, Key, KeySet, KeySettings, Password,
        SessionRules, SessionSettings, Settings, Store, TokenSettings,
    };

    use super::*;
    use crate::{LoginErrors, LoginKeys, LoginSettings, Stores};

    const EMAIL: &str = "john.doe@leapify.tech";

    type InMemoryLogin =
        Login<InMemoryUserRepository, InMemorySessionRepository, InMemoryAttemptRepository>;

    async fn login(disabled: bool) -> InMemoryLogin {
        let users = InMemoryUserRepository::with_tutorial_user();
        let email = Email::parse(EMAIL).unwrap();
        let mut john = users.find_with_password(&email).await.unwrap().unwrap();
        john.user.disabled = disabled;
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
        let stores = Stores {
            users: InMemoryUserRepository::new([john]).unwrap(),
            sessions: InMemorySessionRepository::default(),
            attempts: InMemoryAttemptRepository::default(),
        };
        let keys = LoginKeys {
            access_tokens: keys(0).into(),
            refresh_tokens: keys(32).into(),
        };
        Login::new(settings, keys, stores, Clock::system())
    }

    async fn sign_in(
        login: &InMemoryLogin,
        email: &str,
        password: &str,
    ) -> Result<TokenPair, SignInError> {
        let email = Email::parse(email).unwrap();
        let credentials = Credentials::new(email, Password::parse(password).unwrap());
        login.sign_in(&credentials, &SourceNetwork::default()).await
    }

    #[tokio::test]
    async fn every_outcome_costs_one_hash() {
        let stranger = "jane@leapify.tech";
        for (disabled, email, password, refusal) in [
            (false, EMAIL, "changeme", None),
            (false, EMAIL, "changeMe", Some(Refusal::WrongPassword)),
            (false, stranger, "changeme", Some(Refusal::UnknownUser)),
            (true, EMAIL, "changeme", Some(Refusal::DisabledUser)),
            (true, EMAIL, "changeMe", Some(Refusal::DisabledUser)),
        ] {
            let login = login(disabled).await;
            let refused = match sign_in(&login, email, password).await {
                Ok(_) => None,
                Err(SignInError::Refused(refusal)) => Some(refusal),
                Err(error) => panic!("{error:?}"),
            };
            assert_eq!(refused, refusal);
            assert_eq!(login.hashes_computed(), 1, "{refusal:?}");
        }
    }

    #[tokio::test]
    async fn a_login_that_is_one_too_many_costs_none() {
        let login = login(false).await;
        for _ in 0..5 {
            let refused = sign_in(&login, EMAIL, "changeMe").await;
            assert!(matches!(refused, Err(SignInError::Refused(_))));
        }
        let Err(SignInError::TooManyAttempts(seconds)) = sign_in(&login, EMAIL, "changeme").await
        else {
            panic!("the right password too");
        };
        assert!((1..=900).contains(&seconds), "{seconds}");
        assert_eq!(login.hashes_computed(), 5);
    }
}
