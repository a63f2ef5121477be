//! Settings from environment variables, parsed once at start.
//!
//! Start at [`Settings::read`]. A function with further settings reads them with the same
//! [`SettingsReader`], so that all problems are reported together.

mod keeper;
mod keys;
mod reader;
mod sessions;

use std::{path::PathBuf, time::Duration};

pub use keeper::KeeperSettings;
pub use keys::KeySettings;
use reader::seconds;
pub use reader::{LAMBDA_MARKER, SettingsError, SettingsReader, VARIABLES};
pub use sessions::{AttemptSettings, SessionSettings};

use crate::{key::KeyUse, token::TokenSettings};

/// The longest configurable lifetime of an access token: 30 days, in seconds.
const MAX_EXPIRATION: u64 = 30 * 24 * 3600;

/// Where `AUTH_STORE=file` stores everything by default.
const DEFAULT_FILE: &str = ".local/store.json";

/// Where users, sessions and counters are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Store {
    /// In the process, with the tutorial's user. For tests.
    Memory,
    /// In a file, created with the tutorial's user. For local work.
    File {
        /// The path of the file.
        path: PathBuf,
    },
    /// In `DynamoDB`.
    DynamoDb {
        /// The table's name or ARN.
        table: String,
    },
}

/// The settings that every function reads.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where users, sessions and counters are stored.
    pub store: Store,
    /// The keys of access tokens.
    pub keys: KeySettings,
    /// The rules of access tokens.
    pub tokens: TokenSettings,
}

impl Settings {
    /// Reads the settings of a function that uses keys for `key_use`. `None` after a problem,
    /// which [`SettingsReader::finish`] reports.
    pub fn read(reader: &mut SettingsReader, key_use: KeyUse) -> Option<Self> {
        let store = Store::read(reader);
        let keys = KeySettings::read(reader, key_use, store.as_ref());
        let tokens = TokenSettings::read(reader);
        Some(Self {
            store: store?,
            keys: keys?,
            tokens: tokens?,
        })
    }
}

impl Store {
    /// Reads where users are stored. `None` after a problem, which [`SettingsReader::finish`] reports.
    pub fn read(reader: &mut SettingsReader) -> Option<Self> {
        let name = reader.required("AUTH_STORE", |text| match text {
            "dynamodb" | "file" | "memory" => Ok(text.to_owned()),
            _ => Err("must be dynamodb, file or memory".into()),
        })?;
        if name != "dynamodb" && reader.is_in_lambda() {
            let what = format_args!("{name} is for local work: its user has a published password");
            return reader.problem("AUTH_STORE", what);
        }
        match name.as_str() {
            "dynamodb" => {
                let table = reader.required("AUTH_TABLE", parse_table)?;
                Some(Self::DynamoDb { table })
            }
            "file" => {
                let default = DEFAULT_FILE.into();
                let path = reader.optional("AUTH_FILE", default, |path| Ok(path.into()))?;
                Some(Self::File { path })
            }
            _ => Some(Self::Memory),
        }
    }
}

impl TokenSettings {
    /// Reads the `iss` of tokens. `None` after a problem, which [`SettingsReader::finish`] reports.
    pub fn read_issuer(reader: &mut SettingsReader) -> Option<String> {
        reader.optional("JWT_ISSUER", Self::default().issuer, parse_name)
    }

    /// Reads the lifetime of tokens. `None` after a problem, which [`SettingsReader::finish`] reports.
    pub fn read_expiration(reader: &mut SettingsReader) -> Option<Duration> {
        let default = Self::default().expiration;
        reader.optional("JWT_EXPIRATION", default, seconds(1..=MAX_EXPIRATION))
    }

    fn read(reader: &mut SettingsReader) -> Option<Self> {
        let default = Self::default();
        let issuer = Self::read_issuer(reader);
        let audience = reader.optional("JWT_AUDIENCE", default.audience, parse_name);
        let expiration = Self::read_expiration(reader);
        let leeway = reader.optional("JWT_LEEWAY", default.leeway, seconds(0..=300));
        Some(Self {
            issuer: issuer?,
            audience: audience?,
            expiration: expiration?,
            leeway: leeway?,
        })
    }
}

/// Parses a name or ARN of `DynamoDB` (`CreateTable` in its API reference).
fn parse_table(text: &str) -> Result<String, String> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-:/".contains(&byte);
    if (3..=1024).contains(&text.len()) && text.bytes().all(is_allowed) {
        Ok(text.to_owned())
    } else {
        Err("must be the name or ARN of a table".into())
    }
}

/// Parses a name that a quoted string of a header can contain without escapes (RFC 9110 section 5.6.4).
fn parse_name(text: &str) -> Result<String, String> {
    let is_allowed = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b',');
    if text.len() <= 256 && text.bytes().all(is_allowed) {
        Ok(text.to_owned())
    } else {
        Err(
            "must be 1 to 256 visible ASCII characters without double quotes, backslashes and commas"
                .into(),
        )
    }
}

#[cfg(test)]
mod tests;
