//! The rules of sign-in, without HTTP responses, AWS or a runtime.
//!
//! To guard a route, call [`JwtBearer::authenticate`], then [`LoggedUser::require_permission`] if needed.
//! A guard needs the modules `bearer`, `key`, `token` and `user`.
//!
//! A function that logs users in reads a user from a [`CredentialRepository`], checks the password with
//! [`PasswordHasher`], counts attempts with [`AttemptCounters`], and begins a session with
//! [`Sessions`], which issues tokens through [`TokenIssuer`]. `store` has the stores for local work.

mod attempt;
mod bearer;
mod encoding;
mod issuer;
mod key;
mod password;
mod repository;
mod session;
mod settings;
mod store;
mod time;
mod token;
mod user;

pub use attempt::{
    Attempt, AttemptCounters, AttemptDirectory, AttemptKind, AttemptLimits, AttemptRepository,
    Count, CountedAttempts, Counter, Load, Outcome, SourceNetwork,
};
pub use bearer::{BearerError, JwtBearer};
pub use issuer::{SigningError, TokenIssuer, is_scope_token};
pub use key::{
    Algorithm, Key, KeyError, KeySet, KeySource, KeyUse, KeysFuture, KeysUnavailable,
    UnknownAlgorithm,
};
pub use password::{
    HashingError, MAX_PASSWORD_BYTES, Password, PasswordHash, PasswordHashError, PasswordHasher,
    PasswordTooLong,
};
pub use repository::RepositoryError;
pub use session::{
    Advance, InvalidRefreshToken, IssuedTokens, RefreshError, RefreshToken, Rotation, Session,
    SessionDirectory, SessionRepository, SessionRules, Sessions,
};
pub use settings::{
    KeySettings, SessionSettings, Settings, SettingsError, SettingsReader, Store, VARIABLES,
};
pub use store::{FileStore, InMemoryStore};
pub use time::{Clock, UnixTime};
pub use token::{
    AccessToken, InvalidSessionId, MAX_TOKEN_BYTES, SessionId, TokenError, TokenSettings,
    random_id, verify_compact,
};
pub use user::{
    CredentialRepository, DirectoryError, Email, EmailTooLong, Forbidden, LoggedUser,
    MAX_EMAIL_CHARS, PageKey, Role, StoredUser, User, UserChange, UserDirectory, UserPage,
    UserRepository,
};
