//! The settings that every function of the bundle reads.

use std::path::PathBuf;

use super::{KeySettings, SettingsReader, names::parse_table};
use crate::{key::KeyUse, token::TokenSettings};

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
