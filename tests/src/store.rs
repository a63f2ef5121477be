//! The stores on which the suites run, and users to put into them.

use std::ops::Deref;

use auth_core::{
    AccountRepository, AskRepository, AttemptDirectory, CredentialRepository, Email, FileStore,
    InMemoryStore, LiveRepository, MailDirectory, MailRepository, NetworkCounter, NoticeRepository,
    OwnSessionRepository, PasswordHash, RepositoryError, Role, Session, SessionDirectory,
    SessionId, SessionRepository, StoredUser, UnixTime, User, UserChange, UserDirectory,
};
use futures_util::FutureExt;
use login::LoginStore;
use tempfile::TempDir;

use crate::{app::KEYS, functions};

/// The access that tests need.
pub trait TestStore:
    LoginStore
    + LiveRepository
    + UserDirectory
    + SessionDirectory
    + AttemptDirectory
    + AskRepository
    + NoticeRepository
    + MailDirectory
    + MailRepository
    + AccountRepository
    + OwnSessionRepository
    + Clone
    + 'static
{
}

impl<S> TestStore for S where
    S: LoginStore
        + LiveRepository
        + UserDirectory
        + SessionDirectory
        + AttemptDirectory
        + AskRepository
        + NoticeRepository
        + MailDirectory
        + MailRepository
        + AccountRepository
        + OwnSessionRepository
        + Clone
        + 'static
{
}

/// Returns a store in memory with the tutorial's user and the session of forged tokens.
#[must_use]
pub fn memory() -> InMemoryStore {
    let store = InMemoryStore::with_tutorial_user();
    start_forged_session(&store)
        .now_or_never()
        .expect("it never waits");
    store
}

/// Gives the tutorial's user of a store every permission that a route needs.
async fn permit_john(store: &FileStore) {
    let roles = tutorial_user().await.user.roles;
    let changed = store.change_user(&john(), UserChange::Roles(roles)).await;
    changed.expect("changed");
}

/// Starts the session that the tokens of [`forge`] name. It never ends, unless the tutorial's user gets another
/// version.
pub async fn start_forged_session(store: &impl SessionRepository) {
    let end = UnixTime::from_secs(4_000_000_000);
    let session = Session {
        id: forged_session_id(),
        email: john(),
        user_id: "1".into(),
        user_version: 0,
        generation: 0,
        created_at: UnixTime::default(),
        rotated_at: UnixTime::default(),
        idle_expires_at: end,
        absolute_expires_at: end,
        revoked: false,
    };
    store.start_session(&session).await.expect("started");
}

/// Returns the id of the session that the tokens of [`forge`] name.
#[must_use]
pub fn forged_session_id() -> SessionId {
    SessionId::try_from(forge::SESSION_ID.to_owned()).expect("an id")
}

/// Returns the stored sessions of the tutorial's user, except that of forged tokens.
pub async fn johns_sessions(store: &impl SessionDirectory) -> Vec<Session> {
    let sessions = store
        .list_sessions("1", usize::MAX)
        .await
        .expect("a result");
    let sessions = sessions.into_iter();
    sessions
        .filter(|session| session.id != forged_session_id())
        .collect()
}

/// Finds a user with the password hash.
///
/// # Errors
///
/// [`RepositoryError`] if the store fails.
pub async fn find_with_password(
    store: &impl CredentialRepository,
    email: &Email,
) -> Result<Option<StoredUser>, RepositoryError> {
    let network = NetworkCounter {
        id: "none".into(),
        max_failures: 1,
        window_ends: UnixTime::default(),
    };
    let found = store.find_for_login(email, &network).await;
    found.map(|(user, _)| user)
}

/// A store in its own file, deleted when it is dropped.
pub struct TemporaryFileStore {
    store: FileStore,
    path: String,
    _folder: TempDir,
}

impl TemporaryFileStore {
    /// Creates a store with the tutorial's user and the session of forged tokens.
    #[must_use]
    pub fn new() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let path = folder.path().join("store.json");
        let store = FileStore::open(&path).expect("a store");
        start_forged_session(&store)
            .now_or_never()
            .expect("it never waits");
        permit_john(&store).now_or_never().expect("it never waits");
        Self {
            store,
            path: path.to_str().expect("UTF-8").to_owned(),
            _folder: folder,
        }
    }

    /// Returns the path of the file.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the environment of a function on the file, with its keys.
    #[must_use]
    pub fn environment(&self) -> Vec<(&str, &str)> {
        [
            &[("AUTH_STORE", "file"), ("AUTH_FILE", &self.path)],
            &KEYS[..],
        ]
        .concat()
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

/// Returns the tutorial's user with the password hash, and with every permission that a route needs.
pub async fn tutorial_user() -> StoredUser {
    let store = InMemoryStore::with_tutorial_user();
    let found = find_with_password(&store, &john()).await;
    let mut john = found.expect("a result").expect("the user");
    permit(&mut john.user.roles);
    john
}

/// Adds the permissions that routes need to the only role of the tutorial's user.
fn permit(roles: &mut [Role]) {
    let permitted = &mut roles[0].permissions;
    for permission in functions::permissions() {
        if !permitted.iter().any(|one| one == permission) {
            permitted.push(permission.to_owned());
        }
    }
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
