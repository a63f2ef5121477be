//! Users in memory: for laptops and tests. Every process has its own.

use std::collections::HashMap;

use super::{RepositoryError, UserRepository};
use crate::{
    email::{Email, EmailTooLong},
    password::{PasswordHash, PasswordHashError},
    user::{Role, StoredUser, User},
};

/// The tutorial's user signs in with `changeme`.
const TUTORIAL_PASSWORD_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$RuRJBszvg0QI1SNWzZIR4Q$P/I3Lz5JLQxCvBvJkmX14vGzfJRxr/60lJNk726WP0I";

/// A fixed set of users.
#[derive(Debug, Default)]
pub struct InMemoryUserRepository {
    users: HashMap<Email, StoredUser>,
}

impl InMemoryUserRepository {
    /// A repository of these users; of two with one address the last stays.
    ///
    /// # Errors
    ///
    /// [`EmailTooLong`] for an address that no login could name.
    pub fn new(users: impl IntoIterator<Item = StoredUser>) -> Result<Self, EmailTooLong> {
        let users = users
            .into_iter()
            .map(|stored| Ok((Email::parse(&stored.user.email)?, stored)))
            .collect::<Result<_, _>>()?;
        Ok(Self { users })
    }

    /// The tutorial's one user: id `1`, `john.doe@leapify.tech`, password `changeme`,
    /// role Admin with create, read, update and delete.
    #[must_use]
    pub fn with_tutorial_user() -> Self {
        tutorial_user()
            .ok()
            .and_then(|user| Self::new([user]).ok())
            .unwrap_or_default()
    }
}

fn tutorial_user() -> Result<StoredUser, PasswordHashError> {
    let admin = Role {
        id: "1".into(),
        name: "Admin".into(),
        description: "Full access".into(),
        permissions: ["create", "read", "update", "delete"]
            .map(Into::into)
            .into(),
    };
    Ok(StoredUser {
        user: User {
            id: "1".into(),
            email: "john.doe@leapify.tech".into(),
            disabled: false,
            roles: vec![admin],
        },
        password_hash: PasswordHash::parse(TUTORIAL_PASSWORD_HASH)?,
    })
}

impl UserRepository for InMemoryUserRepository {
    async fn find_by_email(&self, email: &Email) -> Result<Option<User>, RepositoryError> {
        Ok(self.users.get(email).map(|stored| stored.user.clone()))
    }

    async fn find_with_password(
        &self,
        email: &Email,
    ) -> Result<Option<StoredUser>, RepositoryError> {
        Ok(self.users.get(email).cloned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{credentials::Password, password::PasswordHasher};

    #[tokio::test]
    async fn the_tutorial_user_is_found_in_any_case_and_has_the_documented_password() {
        let users = InMemoryUserRepository::with_tutorial_user();
        let email = Email::parse("John.Doe@Leapify.tech").unwrap();
        let user = users.find_by_email(&email).await.unwrap().unwrap();
        assert_eq!(user.id, "1");
        assert_eq!(user.permissions(), ["create", "delete", "read", "update"]);

        let stored = users.find_with_password(&email).await.unwrap().unwrap();
        let password = Password::parse("changeme").unwrap();
        assert_eq!(
            PasswordHasher::new().verify(&password, Some(&stored.password_hash)),
            Ok(true)
        );
    }

    #[tokio::test]
    async fn another_address_finds_nobody() {
        let users = InMemoryUserRepository::with_tutorial_user();
        let email = Email::parse("jane.doe@leapify.tech").unwrap();
        assert_eq!(users.find_by_email(&email).await.unwrap(), None);
    }
}
