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
            .map_err(SignInError::Repository)?;
        // Without an enabled user the hasher does the same work on a hash that nothing matches.
        let enabled = found.as_ref().filter(|stored| !stored.user.disabled);
        let hash = enabled.map(|stored| &stored.password_hash);
        let matches = self
            .hasher
            .verify(credentials.password(), hash)
            .map_err(SignInError::Hashing)?;

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
                let token = self.issuer.issue(user).map_err(SignInError::Signing)?;
                info!(outcome = "Success", user_id, "login");
                Ok(token)
            }
        }
    }
}
