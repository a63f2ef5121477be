//! The rules of sign-in, without HTTP responses, AWS or a runtime.
//!
//! To guard a route, call [`JwtBearer::authenticate`] or, to notice ended sessions at once,
//! [`JwtBearer::authenticate_live`], then [`LoggedUser::require_permission`] if needed.
//! A guard needs the modules `bearer`, `key`, `token` and `user`.
//!
//! A function that logs users in reads a user from a [`CredentialRepository`], checks the password with
//! [`PasswordHasher`], counts attempts with [`Attempts`], and begins a session with
//! [`Sessions`], which issues tokens through [`TokenIssuer`]. `ring` changes the keys over time; `store` has the stores
//! for local work.

mod attempt;
mod bearer;
mod credential;
mod encoding;
mod id;
mod issuer;
mod key;
mod password;
mod repository;
mod ring;
mod session;
mod settings;
mod store;
mod time;
mod token;
mod user;

pub use attempt::{
    Attempt, AttemptDirectory, AttemptLimits, AttemptRepository, Attempts, Count, Counter,
    DeviceId, DeviceToken, Full, KnownDevice, NetworkCounter, Outcome, Reserved, SourceNetwork,
    Stale, Subject,
};
pub use bearer::{BearerError, JwtBearer};
pub use credential::{CredentialDirectory, CredentialRepository};
pub use encoding::json::parse_json;
pub use id::{InvalidSessionId, SessionId, random_id};
pub use issuer::{SigningError, TokenIssuer, is_scope_token};
pub use key::{
    Algorithm, GenerationError, Key, KeyError, KeySet, KeySource, KeyUse, KeysFuture,
    KeysUnavailable, PrivateJwk, PublicJwk, UnknownAlgorithm,
};
pub use password::{
    HashingError, MAX_PASSWORD_BYTES, Password, PasswordHash, PasswordHashError, PasswordHasher,
    PasswordTooLong,
};
pub use repository::RepositoryError;
pub use ring::{
    KeyChangeError, KeyKeeper, KeyRing, KeyRules, KeyState, KeyStatus, ListedKey,
    PrivateKeyRepository, ProbeError, PublishedFuture, PublishedKey, PublishedKeyRepository,
    PublishedKeys, PublishedSource, Refusal, RotateWhen, STANDBY_AGE, Versioned,
};
pub use session::{
    Advance, InvalidRefreshToken, IssuedTokens, LiveError, LiveRepository, LiveUser, RefreshError,
    RefreshToken, Rotation, Session, SessionDirectory, SessionRepository, SessionRules, Sessions,
};
pub use settings::{
    AttemptSettings, KeeperSettings, KeySettings, LAMBDA_MARKER, SessionSettings, Settings,
    SettingsError, SettingsReader, Store, VARIABLES,
};
pub use store::{FileStore, InMemoryStore};
pub use time::{Clock, UnixTime};
pub use token::{AccessToken, MAX_TOKEN_BYTES, TokenError, TokenSettings, verify_compact};
pub use user::{
    DirectoryError, Email, EmailTooLong, Forbidden, LoggedUser, MAX_EMAIL_CHARS, PageKey, Role,
    StoredUser, User, UserChange, UserDirectory, UserPage, UserRepository,
};
