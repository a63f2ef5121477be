//! The stores on which the suites run, and users to put into them.

use std::ops::Deref;

use auth_core::{
    AttemptDirectory, Email, FileStore, InMemoryStore, PasswordHash, Role, SessionDirectory,
    SessionId, StoredUser, User, UserDirectory,
};
use login::LoginStore;
use tempfile::TempDir;

/// The access that tests need.
pub trait TestStore:
    LoginStore + UserDirectory + SessionDirectory + AttemptDirectory + Clone + 'static
{
}

impl<S> TestStore for S where
    S: LoginStore + UserDirectory + SessionDirectory + AttemptDirectory + Clone + 'static
{
}

/// A store in its own file, deleted when it is dropped.
pub struct TemporaryFileStore {
    store: FileStore,
    folder: TempDir,
}

impl TemporaryFileStore {
    /// Creates a store with the tutorial's user.
    #[must_use]
    pub fn new() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let store = FileStore::open(folder.path().join("store.json")).expect("a store");
        Self { store, folder }
    }

    /// Returns the path of the file.
    #[must_use]
    pub fn path(&self) -> String {
        let path = self.folder.path().join("store.json");
        path.to_str().expect("UTF-8").to_owned()
    }
}

impl Default for TemporaryFileStore {
    fn default() -> Self {
        Self::new()
    }
}

impl Deref for TemporaryFileStore {
    type Target = FileStore;

    fn deref(&self) -> &FileStore {
        &self.store
    }
}

/// The hashes of two passwords; the second is that of `changeme`.
pub const HASHES: [&str; 2] = [
    "$argon2id$v=19$m=19456,t=2,p=1$8f/ojQzpsySE4LYj8DlDjA$y3bzGs9Or3TMqalhC4uW/ejnvLxrOzNrbyDwePIN5iU",
    "$argon2id$v=19$m=19456,t=2,p=1$RuRJBszvg0QI1SNWzZIR4Q$P/I3Lz5JLQxCvBvJkmX14vGzfJRxr/60lJNk726WP0I",
];

/// Returns one of [`HASHES`].
#[must_use]
pub fn hash(i: usize) -> PasswordHash {
    PasswordHash::parse(HASHES[i]).expect("a hash")
}

/// Parses an address.
#[must_use]
pub fn email(address: &str) -> Email {
    Email::parse(address).expect("an address")
}

/// Returns the address of the tutorial's user.
#[must_use]
pub fn john() -> Email {
    email("john.doe@leapify.tech")
}

/// Returns the session of a refresh token.
#[must_use]
pub fn session_id(refresh_token: &str) -> SessionId {
    let id = forge::b64(&forge::decoded(refresh_token)[..16]);
    SessionId::try_from(id).expect("the id of a session")
}

/// Returns the tutorial's user with the password hash.
pub async fn tutorial_user() -> StoredUser {
    use auth_core::CredentialRepository;
    let store = InMemoryStore::with_tutorial_user();
    let found = store.find_with_password(&john()).await;
    found.expect("a result").expect("the user")
}

/// Returns a user with two roles.
#[must_use]
pub fn user(id: &str, address: &str) -> StoredUser {
    let role = |name: &str| Role {
        id: name.into(),
        name: name.into(),
        description: "a role with \u{fc}".into(),
        permissions: vec!["read".into(), "write".into()],
    };
    StoredUser {
        user: User {
            id: id.into(),
            email: address.into(),
            disabled: false,
            version: 0,
            roles: vec![role("Admin"), role("Editor")],
        },
        password_hash: hash(0),
    }
}
