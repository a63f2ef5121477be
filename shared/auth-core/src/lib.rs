//! The rules of sign-in, apart from HTTP answers, AWS and any runtime.
//!
//! A function that issues tokens reads [`Settings`], asks a [`UserRepository`] for the user, checks
//! the password with [`PasswordHasher`], lets [`AttemptCounters`] name what guesses are counted by, and
//! [`Sessions`] begin a session with its tokens. A function that guards a
//! route calls [`JwtBearer::authenticate`], then [`LoggedUser::require_permission`] where it needs
//! one. [`verify_compact`] checks a signature alone.

mod algorithm;
mod attempt;
mod base64url;
mod bearer;
mod claims;
mod clock;
mod credentials;
mod email;
mod json;
mod jws;
mod key;
mod key_set;
mod key_source;
mod logged_user;
mod password;
mod random;
mod repository;
mod secret;
mod session;
mod settings;
mod token;
mod user;

pub use algorithm::{Algorithm, UnknownAlgorithm};
pub use attempt::{
    Attempt, AttemptCounters, AttemptDirectory, AttemptKind, AttemptLimits, AttemptRepository,
    Count, CountedAttempts, Counter, InMemoryAttemptRepository, Outcome, SourceNetwork,
};
pub use bearer::{BearerError, JwtBearer};
pub use clock::Clock;
pub use credentials::{Credentials, MAX_PASSWORD_BYTES, Password, PasswordTooLong};
pub use email::{Email, EmailTooLong, MAX_EMAIL_CHARS};
pub use jws::{MAX_TOKEN_BYTES, Rejection, verify_compact};
pub use key::{Key, KeyError};
pub use key_set::KeySet;
pub use key_source::{KeySource, KeysFuture, KeysUnavailable};
pub use logged_user::{Forbidden, LoggedUser};
pub use password::{HashingError, PasswordHash, PasswordHashError, PasswordHasher};
pub use random::random_id;
pub use repository::{
    CredentialRepository, DirectoryError, InMemoryUserRepository, PageKey, RepositoryError,
    UserChange, UserDirectory, UserPage, UserRepository,
};
pub use session::{
    Advance, InMemorySessionRepository, InvalidRefreshToken, RefreshError, RefreshToken, Refreshed,
    Rotation, Session, SessionDirectory, SessionId, SessionRepository, SessionRules, Sessions,
    TokenPair,
};
pub use settings::{
    KeySettings, KeyUse, SessionSettings, Settings, SettingsError, SettingsReader, Store,
    TokenSettings, VARIABLES,
};
pub use token::{AccessToken, SigningError, TokenIssuer, is_scope_token};
pub use user::{Role, StoredUser, User};
