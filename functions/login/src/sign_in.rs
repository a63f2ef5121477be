//! The rule of a login: who may have a token. It knows nothing of HTTP.

use auth_core::{
    AccessToken, Credentials, HashingError, PasswordHasher, RepositoryError, SigningError,
    TokenIssuer, UserRepository,
};
use tracing::info;

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
    pub(crate) hasher: PasswordHasher,
    pub(crate) issuer: TokenIssuer,
}

impl<R: UserRepository> SignIn<R> {
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
        let hash = enabled.map(|stored| &stored.password_hash);
        let matches = self
            .hasher
            .verify(credentials.password(), hash)
            .map_err(|error| failed(SignInError::Hashing(error)))?;

        let user = found.as_ref().map(|stored| &stored.user);
        let user_id = user.map(|user| user.id.as_str());
        let refused = |refusal| {
            info!(outcome = ?refusal, user_id, "login");
            Err(SignInError::Refused(refusal))
        };
        match user {
            None => refused(Refusal::UnknownUser),
            Some(user) if user.disabled => refused(Refusal::DisabledUser),
            Some(_) if !matches => refused(Refusal::WrongPassword),
            Some(user) => {
                let token = self.issuer.issue(user);
                let token = token.map_err(|error| failed(SignInError::Signing(error)))?;
                info!(outcome = "Success", user_id, "login");
                Ok(token)
            }
        }
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
        Algorithm, Clock, Email, InMemoryUserRepository, Key, Password, TokenSettings,
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
            hasher: PasswordHasher::new(),
            issuer: TokenIssuer::new(key.into(), TokenSettings::default(), Clock::system()),
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
