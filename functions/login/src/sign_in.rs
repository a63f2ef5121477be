//! The rule of a login: who may have a token. It knows nothing of HTTP.

use std::{sync::Arc, time::Duration};

use auth_core::{
    AccessToken, CredentialRepository, Credentials, HashingError, PasswordHasher, RepositoryError,
    SigningError, StoredUser, TokenIssuer,
};
use tokio::{task::spawn_blocking, time::timeout};
use tracing::{info, warn};

/// How long a login waits for its better hash to be made and written. The next one can do it.
const RENEWAL: Duration = Duration::from_secs(1);

/// Why nobody is signed in. All three cost one password hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    UnknownUser,
    DisabledUser,
    WrongPassword,
}

/// Why a login has no token to show.
#[derive(Debug)]
pub(crate) enum SignInError {
    Refused(Refusal),
    Repository(RepositoryError),
    Hashing(HashingError),
    Signing(SigningError),
}

#[derive(Debug)]
pub(crate) struct SignIn<R> {
    pub(crate) users: R,
    pub(crate) hasher: Arc<PasswordHasher>,
    pub(crate) issuer: TokenIssuer,
}

impl<R: CredentialRepository> SignIn<R> {
    /// Finds the user, checks the password and issues a token; logs the outcome.
    pub(crate) async fn sign_in(
        &self,
        credentials: &Credentials,
    ) -> Result<AccessToken, SignInError> {
        let found = self
            .users
            .find_with_password(credentials.email())
            .await
            .map_err(|error| failed(SignInError::Repository(error)))?;
        // Without an enabled user the hasher does the same work on a hash that nothing matches.
        let enabled = found.as_ref().filter(|stored| !stored.user.disabled);
        let hash = enabled.map(|stored| stored.password_hash.clone());
        let password = credentials.password().clone();
        let matches = self
            .compute(move |hasher| hasher.verify(&password, hash.as_ref()))
            .await
            .map_err(|error| failed(SignInError::Hashing(error)))?;

        let user_id = found.as_ref().map(|stored| stored.user.id.as_str());
        let refused = |refusal| {
            info!(outcome = ?refusal, user_id, "login");
            Err(SignInError::Refused(refusal))
        };
        match &found {
            None => refused(Refusal::UnknownUser),
            Some(stored) if stored.user.disabled => refused(Refusal::DisabledUser),
            Some(_) if !matches => refused(Refusal::WrongPassword),
            Some(stored) => {
                let token = self.issuer.issue(&stored.user).await;
                let token = token.map_err(|error| failed(SignInError::Signing(error)))?;
                info!(outcome = "Success", user_id, "login");
                self.renew_hash(credentials, stored).await;
                Ok(token)
            }
        }
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
        replaced.await.map_err(|error| match error {
            RepositoryError::Unavailable(cause) => cause.to_string(),
            RepositoryError::Malformed(what) => what,
        })
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

/// Logs that a login was not decided; the reason is logged where the error becomes an answer.
fn failed(error: SignInError) -> SignInError {
    info!(outcome = "Failed", "login");
    error
}

#[cfg(test)]
mod tests {
    use auth_core::{
        Algorithm, Clock, Email, InMemoryUserRepository, Key, KeySet, Password, TokenSettings,
    };

    use super::*;

    const EMAIL: &str = "john.doe@leapify.tech";

    async fn sign_in(disabled: bool) -> SignIn<InMemoryUserRepository> {
        let users = InMemoryUserRepository::with_tutorial_user();
        let email = Email::parse(EMAIL).unwrap();
        let mut john = users.find_with_password(&email).await.unwrap().unwrap();
        john.user.disabled = disabled;
        let secret: Vec<u8> = (0..32).collect();
        let key = Key::from_secret(&secret, Algorithm::HS256).unwrap();
        SignIn {
            users: InMemoryUserRepository::new([john]).unwrap(),
            hasher: Arc::default(),
            issuer: TokenIssuer::new(KeySet::from(key), TokenSettings::default(), Clock::system()),
        }
    }

    #[tokio::test]
    async fn every_outcome_costs_one_hash() {
        for (disabled, email, password, refusal) in [
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
            let sign_in = sign_in(disabled).await;
            let email = Email::parse(email).unwrap();
            let password = Password::parse(password).unwrap();
            let outcome = sign_in.sign_in(&Credentials::new(email, password)).await;
            let refused = match outcome {
                Ok(_) => None,
                Err(SignInError::Refused(refusal)) => Some(refusal),
                Err(error) => panic!("{error:?}"),
            };
            assert_eq!(refused, refusal);
            assert_eq!(sign_in.hasher.computed(), 1, "{refusal:?}");
        }
    }
}
