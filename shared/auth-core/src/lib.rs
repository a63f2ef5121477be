//! The rules of sign-in, without HTTP responses, AWS or a runtime.
//!
//! # Guarding a function
//!
//! Without default features, the crate contains only what a guard needs: [`JwtBearer`] checks an access token and
//! returns a [`LoggedUser`]. [`JwtBearer::from_env`] reads the keys from `JWT_JWKS`, or an HMAC secret from
//! `JWT_SECRET_KEY`, and ignores the variables of your own function.
//!
//! ```toml
//! auth-core = { version = "0.1", default-features = false }
//! ```
//!
//! ```
//! use auth_core::{BearerError, Forbidden, JwtBearer, LoggedUser, TokenError};
//! use http::{HeaderMap, StatusCode};
//!
//! /// Only the guard can create a `LoggedUser`, so this cannot be called without it.
//! fn orders(user: &LoggedUser) -> Result<String, Forbidden> {
//!     user.require_permission("read")?;
//!     Ok(format!("the orders of {}", user.email()))
//! }
//!
//! async fn handle(bearer: &JwtBearer, headers: &HeaderMap) -> (StatusCode, String) {
//!     match bearer.authenticate(headers).await {
//!         Ok(user) => match orders(&user) {
//!             Ok(orders) => (StatusCode::OK, orders),
//!             Err(error) => (StatusCode::FORBIDDEN, error.to_string()),
//!         },
//!         Err(BearerError::KeysUnavailable(error)) => {
//!             (StatusCode::SERVICE_UNAVAILABLE, error.to_string())
//!         }
//!         Err(_) => (StatusCode::UNAUTHORIZED, "Not authenticated".into()),
//!     }
//! }
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! # // SAFETY: no other test of this file reads the environment.
//! # unsafe { std::env::set_var("JWT_SECRET_KEY", "kq3mZ8vT1wYxP5nB7cR2dF6gH9jL4sA0") };
//! let bearer = JwtBearer::from_env()?;
//!
//! let mut headers = HeaderMap::new();
//! assert_eq!(handle(&bearer, &headers).await.0, StatusCode::UNAUTHORIZED);
//! let forged = BearerError::InvalidToken(TokenError::NotThreeParts);
//! assert_eq!(bearer.verify("forged").await, Err(forged));
//!
//! # let token = issue().await?;
//! // `token` is an access token of the bundle, with the permission `read`.
//! assert_eq!(bearer.verify(&token).await?.id(), "1");
//! headers.insert("authorization", format!("Bearer {token}").parse()?);
//! let (status, text) = handle(&bearer, &headers).await;
//! assert_eq!((status, &*text), (StatusCode::OK, "the orders of jane@example.com"));
//! # Ok(())
//! # }
//! # async fn issue() -> Result<String, Box<dyn std::error::Error>> {
//! #     use auth_core::{Algorithm, Clock, Key, KeySet, Role, SessionId, TokenIssuer, TokenSettings, User};
//! #     let key = Key::from_secret(b"kq3mZ8vT1wYxP5nB7cR2dF6gH9jL4sA0", Algorithm::HS256)?;
//! #     let issuer = TokenIssuer::new(KeySet::from(key), TokenSettings::default(), Clock::system());
//! #     let role = Role { id: "1".into(), name: "Reader".into(), description: "".into(), permissions: vec!["read".into()] };
//! #     let user = User { id: "1".into(), email: "jane@example.com".into(), disabled: false, version: 0, roles: vec![role] };
//! #     let end = Clock::system().now() + std::time::Duration::from_secs(60);
//! #     let session = SessionId::random().ok_or("no randomness")?;
//! #     Ok(issuer.issue(&user, &session, end).await?.expose().to_owned())
//! # }
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(example()).unwrap();
//! ```
//!
//! auth-http turns the errors into responses with the right headers, and has an extractor for axum and a layer for
//! tower; with its feature `jwks-url`, keys come from a URL. auth-aws reads keys from the bundle's table, and
//! supports guards that notice ended sessions at once.
//!
//! # Features
//!
//! | feature | adds |
//! | --- | --- |
//! | `sign-in` (default) | passwords, sessions, counters of attempts, users, the issuer of tokens, keys that change, the stores for local work, and guards that notice ended sessions |
//! | `self-service` | the flows of self-service: sign-up, forgotten passwords, changes of email, deletion; and the password policy |
//! | `key-cache` | the cache of keys that are read again from time to time |
//! | `tokio` | the same, with reads that go on if a request is cancelled |
//!
//! A test of your own function needs tokens: enable `sign-in` for it under `[dev-dependencies]`, and issue them with
//! `TokenIssuer`.
//!
//! # Building AWS-LC
//!
//! AWS-LC checks the signatures. It is written in C, so you need a C compiler. Its settings are environment
//! variables at build time, which a library cannot set. In `.cargo/config.toml` of your workspace, the
//! first saves up to a second of a cold start on AWS Lambda, and the second a megabyte:
//!
//! ```toml
//! [env]
//! AWS_LC_SYS_NO_JITTER_ENTROPY = "1" # the operating system seeds the generator instead
//! AWS_LC_SYS_SMALL = "1"             # no precomputed tables
//! ```
//!
//! If your binary also uses jsonwebtoken with the feature `rust_crypto`, your own calls need
//! `CryptoProvider::install_default`, because this crate enables `aws_lc_rs`. The guard does not depend on the default.
//!
//! # Signing users in
//!
//! A function that logs users in reads a user from a `CredentialRepository`, checks the password with
//! `PasswordHasher`, counts attempts with `Attempts`, and begins a session with `Sessions`, which issues tokens through
//! `TokenIssuer`. `ring` changes the keys over time; `store` has the stores for local work.

#[cfg(feature = "sign-in")]
mod account;
#[cfg(feature = "sign-in")]
mod attempt;
mod bearer;
#[cfg(feature = "sign-in")]
mod credential;
mod encoding;
mod failure;
mod id;
#[cfg(feature = "sign-in")]
mod issuer;
mod key;
mod network;
#[cfg(feature = "sign-in")]
mod password;
mod repository;
#[cfg(feature = "sign-in")]
mod ring;
#[cfg(feature = "sign-in")]
mod session;
mod settings;
#[cfg(feature = "sign-in")]
mod store;
mod time;
mod token;
mod user;

pub use bearer::{BearerError, JwtBearer};
pub use encoding::json::parse_json;
pub use failure::{HashingError, LiveError, SigningError};
pub use id::{InvalidSessionId, SessionId, random_id};
#[cfg(feature = "tokio")]
pub use key::DetachedKeys;
pub use key::{
    Algorithm, Key, KeyError, KeySet, KeySource, KeyUse, KeysFuture, KeysUnavailable,
    UnknownAlgorithm,
};
#[cfg(feature = "key-cache")]
pub use key::{CachedKeys, KeyDocument, ReadError};
pub use network::SourceNetwork;
pub use repository::RepositoryError;
pub use settings::{
    GuardKeys, GuardSettings, LAMBDA_MARKER, SettingsError, SettingsReader, VARIABLES,
};
pub use time::{Clock, UnixTime};
pub use token::{MAX_TOKEN_BYTES, TokenError, TokenSettings, verify_compact};
pub use user::{Forbidden, LoggedUser};

#[cfg(feature = "sign-in")]
pub use {
    account::{
        Account, AccountRepository, Action, ActionKind, ActionMark, ActionToken, ActionTokens, Ask,
        AskContent, AskCount, AskId, AskLimit, AskLimits, AskRepository, Asked, EmailChange, HOLD,
        HeldAddress, HeldRepository, InvalidAction, Link, MailDirectory, MailRepository, MoveKind,
        NewPassword, NoticeRepository, OwnSessionRepository, Relocation, VerifiedAction,
    },
    attempt::{
        Attempt, AttemptDirectory, AttemptLimits, AttemptRepository, Attempts, Count, Counter,
        DeviceId, DeviceToken, Full, KnownDevice, NetworkCounter, Outcome, Reservation,
        ReserveError, Reserved, Stale, Subject,
    },
    credential::{CredentialDirectory, CredentialRepository},
    issuer::{TokenIssuer, is_scope_token},
    key::{GenerationError, PrivateJwk, PublicJwk, SharedSecret, check_distinct},
    password::{
        MAX_PASSWORD_BYTES, Password, PasswordHash, PasswordHashError, PasswordHasher,
        PasswordTooLong,
    },
    ring::{
        KeyChangeError, KeyKeeper, KeyRing, KeyRules, KeyState, KeyStatus, ListedKey,
        PrivateKeyRepository, ProbeError, PublishedFuture, PublishedKey, PublishedKeyRepository,
        PublishedKeys, PublishedSource, Refusal, RotateWhen, STANDBY_AGE, Versioned,
    },
    session::{
        Advance, InvalidRefreshToken, IssuedTokens, LiveRepository, LiveUser, RefreshError,
        RefreshToken, Rotation, Session, SessionDirectory, SessionRepository, SessionRules,
        Sessions,
    },
    settings::{AttemptSettings, KeeperSettings, KeySettings, SessionSettings, Settings, Store},
    store::{FileStore, InMemoryStore},
    token::AccessToken,
    user::{
        DirectoryError, Email, EmailTooLong, MAX_EMAIL_CHARS, PageKey, Role, StoredUser, User,
        UserChange, UserDirectory, UserPage, UserRepository,
    },
};

#[cfg(feature = "self-service")]
pub use {
    account::{
        HashPassword, InvalidLink, Letter, LetterContent, Mailer, MailerError, OwnSession,
        SelfService, SelfServiceError, SelfServiceRules,
    },
    password::{PasswordPolicy, PasswordRefusal},
};
