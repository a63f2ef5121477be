//! Settings from environment variables, parsed once at start.
//!
//! A guard in another project's function reads [`GuardSettings`], and ignores all other variables. With the feature
//! `sign-in`, a function of the bundle starts at `Settings::read`; if it has further settings, it reads them with the
//! same [`SettingsReader`], so that all problems are reported together.

#[cfg(feature = "self-service")]
mod accounts;
#[cfg(feature = "sign-in")]
mod function;
mod guard;
#[cfg(feature = "sign-in")]
mod keeper;
#[cfg(feature = "sign-in")]
mod keys;
mod names;
mod reader;
#[cfg(feature = "sign-in")]
mod sessions;
mod sources;
mod tokens;

pub use guard::{GuardKeys, GuardSettings};
pub use reader::{LAMBDA_MARKER, SettingsError, SettingsReader, VARIABLES};

#[cfg(feature = "sign-in")]
pub use {
    function::{Settings, Store},
    keeper::KeeperSettings,
    keys::KeySettings,
    sessions::{AttemptSettings, SessionSettings},
};

#[cfg(test)]
mod tests;
