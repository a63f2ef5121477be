//! The settings of a function that changes the keys of access tokens.

use super::names::{parse_secret_id, parse_table};
use crate::{
    key::Algorithm,
    ring::KeyRules,
    settings::{SettingsError, SettingsReader},
    token::TokenSettings,
};

/// Where the keys are, and the rules of their changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeeperSettings {
    /// The name or ARN of the table with the public set.
    pub table: String,
    /// The name or ARN of the secret with the private set.
    pub secret_id: String,
    /// The algorithm of new keys, and the lifetime of the tokens.
    pub rules: KeyRules,
}

impl KeeperSettings {
    /// Reads the settings.
    ///
    /// # Errors
    ///
    /// [`SettingsError`] with all problems.
    pub fn read(mut reader: SettingsReader) -> Result<Self, SettingsError> {
        let table = reader.required("AUTH_TABLE", parse_table);
        let secret_id = reader.required("JWT_KEYS_SECRET_ID", parse_secret_id);
        let algorithm = reader.required("JWT_ALGORITHM", KeyRules::parse_algorithm);
        let expiration = TokenSettings::read_expiration(&mut reader);
        let settings = table.zip(secret_id).zip(algorithm.zip(expiration));
        let settings = settings.map(|((table, secret_id), (algorithm, expiration))| Self {
            table,
            secret_id,
            rules: KeyRules {
                algorithm,
                expiration,
            },
        });
        reader.finish(settings)
    }
}

impl KeyRules {
    /// Parses the algorithm of new keys from a variable.
    ///
    /// # Errors
    ///
    /// What is wrong, for [`SettingsReader::problem`].
    pub fn parse_algorithm(name: &str) -> Result<Algorithm, String> {
        name.parse()
            .ok()
            .filter(|algorithm: &Algorithm| algorithm.supports_generation())
            .ok_or_else(|| "must be RS256, ES256 or EdDSA".to_owned())
    }
}
