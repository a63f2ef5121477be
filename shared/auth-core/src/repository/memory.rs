//! Users in memory: for laptops and tests. Every process has its own.

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{
    CredentialRepository, DirectoryError, PageKey, RepositoryError, UserChange, UserDirectory,
    UserPage, UserRepository,
};
use crate::{
    email::{Email, EmailTooLong},
    password::{PasswordHash, PasswordHashError},
    user::{Role, StoredUser, User},
};

/// The tutorial's user signs in with `changeme`.
const TUTORIAL_PASSWORD_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$RuRJBszvg0QI1SNWzZIR4Q$P/I3Lz5JLQxCvBvJkmX14vGzfJRxr/60lJNk726WP0I";

/// Users on a page of a listing.
const PAGE: usize = 100;

/// Users that live as long as the process. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct InMemoryUserRepository {
    users: Arc<Mutex<BTreeMap<Email, StoredUser>>>,
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
        Ok(Self {
            users: Arc::new(Mutex::new(users)),
        })
    }

    /// The users. Each change is one step, so a panic elsewhere leaves none half made.
    fn users(&self) -> MutexGuard<'_, BTreeMap<Email, StoredUser>> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
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
            version: 0,
            roles: vec![admin],
        },
        password_hash: PasswordHash::parse(TUTORIAL_PASSWORD_HASH)?,
    })
}

impl UserRepository for InMemoryUserRepository {
    async fn find_by_email(&self, email: &Email) -> Result<Option<User>, RepositoryError> {
        Ok(self.users().get(email).map(|stored| stored.user.clone()))
    }
}

impl CredentialRepository for InMemoryUserRepository {
    async fn find_with_password(
        &self,
        email: &Email,
    ) -> Result<Option<StoredUser>, RepositoryError> {
        Ok(self.users().get(email).cloned())
    }

    async fn replace_password_hash(
        &self,
        email: &Email,
        old: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, RepositoryError> {
        let mut users = self.users();
        let stored = users.get_mut(email);
        let Some(stored) = stored.filter(|stored| stored.password_hash == *old) else {
            return Ok(false);
        };
        stored.password_hash = new.clone();
        Ok(true)
    }

    async fn end_sessions(
        &self,
        email: &Email,
        id: &str,
        version: u64,
    ) -> Result<(), RepositoryError> {
        let mut users = self.users();
        let stored = users.get_mut(email);
        let is_it = |user: &User| user.id == id && user.version == version;
        if let Some(stored) = stored.filter(|stored| is_it(&stored.user)) {
            stored.user.version += 1;
        }
        Ok(())
    }
}

impl UserDirectory for InMemoryUserRepository {
    async fn add(&self, user: &StoredUser) -> Result<(), DirectoryError> {
        let email = Email::parse(&user.user.email)
            .map_err(|error| RepositoryError::Malformed(error.to_string()))?;
        let mut users = self.users();
        if users.contains_key(&email) {
            return Err(DirectoryError::AlreadyExists);
        }
        users.insert(email, user.clone());
        Ok(())
    }

    async fn change(&self, email: &Email, change: UserChange) -> Result<User, DirectoryError> {
        let mut users = self.users();
        let stored = users.get_mut(email).ok_or(DirectoryError::NotFound)?;
        let ends_sessions = change.ends_sessions();
        match change {
            UserChange::Disabled(disabled) => stored.user.disabled = disabled,
            UserChange::Password(hash) => stored.password_hash = hash,
            UserChange::Roles(roles) => stored.user.roles = roles,
            UserChange::EndSessions => {}
        }
        stored.user.version += u64::from(ends_sessions);
        Ok(stored.user.clone())
    }

    async fn delete(&self, email: &Email) -> Result<(), DirectoryError> {
        let removed = self.users().remove(email);
        removed.map(|_| ()).ok_or(DirectoryError::NotFound)
    }

    async fn page(&self, after: Option<PageKey>) -> Result<UserPage, RepositoryError> {
        let after = after.and_then(|PageKey(email)| Email::parse(&email).ok());
        let begin = after.map_or(Bound::Unbounded, Bound::Excluded);
        let users = self.users();
        let page: Vec<_> = users.range((begin, Bound::Unbounded)).take(PAGE).collect();
        let last = page.last().filter(|_| page.len() == PAGE);
        Ok(UserPage {
            next: last.map(|(email, _)| PageKey(email.to_string())),
            users: page.iter().map(|(_, stored)| stored.user.clone()).collect(),
        })
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
