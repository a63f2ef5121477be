//! Where the keys of each use come from. No use has the keys of another.
//!
//! Start at [`KeySettings::read`].

use std::path::PathBuf;

use super::{Store, parse_table, reader::SettingsReader};
use crate::key::{Algorithm, Key, KeyError, KeySet, KeyUse};

/// Where keys come from.
#[derive(Debug, Clone)]
pub enum KeySettings {
    /// From the environment. They do not change while the process lives.
    Fixed(KeySet),
    /// From the file store, which creates them when they are first needed.
    File {
        /// The path of the file.
        path: PathBuf,
        /// The algorithm of the keys.
        algorithm: Algorithm,
        /// What the keys are used for.
        key_use: KeyUse,
    },
    /// From a `DynamoDB` table: the published keys, which may change.
    Table {
        /// The table's name or ARN.
        table: String,
    },
    /// From AWS Secrets Manager: a JWK or JWK set, which may change.
    Secret {
        /// The secret's name or ARN.
        id: String,
        /// The algorithm of a key without `alg` whose type allows several.
        algorithm: Algorithm,
        /// What the keys are used for.
        key_use: KeyUse,
    },
}

/// The variable that names the table with the published keys.
const KEYS_TABLE: &str = "JWT_KEYS_TABLE";

/// The variable with public keys of another issuer, which do not change.
const JWKS: &str = "JWT_JWKS";

impl KeyUse {
    /// Returns the variable that names the secret of such keys in Secrets Manager.
    #[must_use]
    pub fn secret_variable(self) -> &'static str {
        match self {
            Self::Sign | Self::Verify => "JWT_KEYS_SECRET_ID",
            Self::Sessions => "SESSION_KEY_SECRET_ID",
            Self::Counters => "COUNTER_KEY_SECRET_ID",
        }
    }

    /// Returns the variable with the secret of such keys.
    fn key_variable(self) -> &'static str {
        match self {
            Self::Sign | Self::Verify => "JWT_SECRET_KEY",
            Self::Sessions => "SESSION_SECRET_KEY",
            Self::Counters => "COUNTER_SECRET_KEY",
        }
    }

    /// Returns the variables that name the source of such keys, of which one must be set.
    fn variables(self) -> Vec<&'static str> {
        match self {
            Self::Verify => vec![self.key_variable(), KEYS_TABLE, JWKS],
            Self::Sign | Self::Sessions | Self::Counters => {
                vec![self.key_variable(), self.secret_variable()]
            }
        }
    }

    /// Returns the uses whose keys must be different. Each pair is listed once.
    fn others(self) -> &'static [Self] {
        match self {
            Self::Sign | Self::Verify => &[],
            Self::Sessions => &[Self::Sign],
            Self::Counters => &[Self::Sign, Self::Sessions],
        }
    }
}

impl KeySettings {
    /// Reads the source of the keys for `key_use`, of a function with this store. `None` after a problem,
    /// which [`SettingsReader::finish`] reports.
    pub fn read(
        reader: &mut SettingsReader,
        key_use: KeyUse,
        store: Option<&Store>,
    ) -> Option<Self> {
        Self::read_from(reader, key_use, &key_use.variables(), store)
    }

    /// Reads the source of the published keys for a function with this store that serves them to others. `None` after
    /// a problem, which [`SettingsReader::finish`] reports.
    pub fn read_published(reader: &mut SettingsReader, store: Option<&Store>) -> Option<Self> {
        if reader.is_set(JWKS) {
            let what = "these keys are published elsewhere: set JWT_KEYS_TABLE instead";
            return reader.problem(JWKS, what);
        }
        let variables = [KeyUse::Verify.key_variable(), KEYS_TABLE];
        Self::read_from(reader, KeyUse::Verify, &variables, store)
    }

    fn read_from(
        reader: &mut SettingsReader,
        key_use: KeyUse,
        variables: &[&str],
        store: Option<&Store>,
    ) -> Option<Self> {
        let algorithm = match key_use {
            KeyUse::Sign | KeyUse::Verify => {
                reader.optional("JWT_ALGORITHM", Algorithm::HS256, |name| {
                    name.parse::<Algorithm>().map_err(|error| error.to_string())
                })
            }
            KeyUse::Sessions | KeyUse::Counters => Some(Algorithm::HS256),
        };
        // The keys are checked even if the algorithm is invalid, so that their problems are reported too.
        let default = algorithm.unwrap_or(Algorithm::HS256);
        let keys = read_source(reader, key_use, variables, default, store);
        algorithm.and(keys)
    }

    /// Returns the algorithm if the keys are HMAC keys, which are never published.
    #[must_use]
    pub fn hmac(&self) -> Option<Algorithm> {
        let algorithm = match self {
            Self::Fixed(keys) => keys.signing_key()?.algorithm(),
            Self::File { algorithm, .. } => *algorithm,
            Self::Table { .. } | Self::Secret { .. } => return None,
        };
        algorithm.min_secret_bytes().map(|_| algorithm)
    }
}

fn read_source(
    reader: &mut SettingsReader,
    key_use: KeyUse,
    variables: &[&str],
    algorithm: Algorithm,
    store: Option<&Store>,
) -> Option<KeySettings> {
    if key_use == KeyUse::Verify && reader.is_set(key_use.secret_variable()) {
        let what = "only functions that sign may read private keys: set JWT_KEYS_TABLE instead";
        return reader.problem(key_use.secret_variable(), what);
    }
    let mut set = variables.iter().filter(|name| reader.is_set(name));
    match (set.next(), set.next(), store) {
        (Some(one), Some(other), _) => {
            reader.problem(other, format_args!("set either this or {one}, not both"))
        }
        (Some(variable), None, _) => {
            check_difference(reader, key_use)?;
            read_variable(reader, variable, key_use, algorithm)
        }
        (None, _, Some(Store::File { path })) => {
            check_generation(reader, algorithm).then(|| KeySettings::File {
                path: path.clone(),
                algorithm,
                key_use,
            })
        }
        (None, _, _) => {
            let others = variables[1..].join(" or ");
            reader.problem(
                variables[0],
                format_args!("must be set, or {others} instead"),
            )
        }
    }
}

/// Checks that the keys are not those of another use. Two names of one secret, and one secret in two
/// secrets of Secrets Manager, are found when the keys are read ([`KeySet::shares_secret_with`]).
fn check_difference(reader: &mut SettingsReader, key_use: KeyUse) -> Option<()> {
    for other in key_use.others() {
        for (variable, other) in [
            (key_use.key_variable(), other.key_variable()),
            (key_use.secret_variable(), other.secret_variable()),
        ] {
            if reader.has_same(variable, other) {
                return reader.problem(variable, format_args!("must differ from {other}"));
            }
        }
    }
    Some(())
}

fn read_variable(
    reader: &mut SettingsReader,
    variable: &str,
    key_use: KeyUse,
    algorithm: Algorithm,
) -> Option<KeySettings> {
    if variable == key_use.secret_variable() {
        let id = reader.required(variable, parse_secret_id)?;
        return Some(KeySettings::Secret {
            id,
            algorithm,
            key_use,
        });
    }
    if variable == KEYS_TABLE {
        let table = reader.required(variable, parse_table)?;
        return Some(KeySettings::Table { table });
    }
    let keys = if variable == key_use.key_variable() {
        read_secret(reader, variable, algorithm)
    } else {
        reader.required(variable, |text| {
            KeySet::parse_public(text, algorithm).map_err(|error| error.to_string())
        })
    };
    keys.map(KeySettings::Fixed)
}

fn read_secret(
    reader: &mut SettingsReader,
    variable: &str,
    algorithm: Algorithm,
) -> Option<KeySet> {
    // The secret is checked even if the algorithm is invalid, so that its problems are reported too.
    let algorithm = if check_hmac(reader, algorithm) {
        algorithm
    } else {
        Algorithm::HS256
    };
    let in_lambda = reader.is_in_lambda();
    reader.required(variable, |secret| {
        let key = Key::from_secret(secret.as_bytes(), algorithm);
        key.and_then(|key| {
            if in_lambda && key.is_known_secret {
                return Err(KeyError::KnownSecret);
            }
            Ok(key.into())
        })
        .map_err(|error| error.to_string())
    })
}

/// Checks that a secret can be used with `algorithm`.
fn check_hmac(reader: &mut SettingsReader, algorithm: Algorithm) -> bool {
    let is_hmac = algorithm.min_secret_bytes().is_some();
    if !is_hmac {
        let what = "must be HS256, HS384 or HS512 with a secret";
        reader.problem::<()>("JWT_ALGORITHM", what);
    }
    is_hmac
}

/// Checks that the file store can create keys for `algorithm`.
fn check_generation(reader: &mut SettingsReader, algorithm: Algorithm) -> bool {
    let is_supported = algorithm.min_secret_bytes().is_some() || algorithm.supports_generation();
    if !is_supported {
        let what = "must be HS256, HS384, HS512, RS256, ES256 or EdDSA for keys of the file store";
        reader.problem::<()>("JWT_ALGORITHM", what);
    }
    is_supported
}

/// Parses an id or ARN of Secrets Manager (`CreateSecret` in its API reference).
pub(super) fn parse_secret_id(text: &str) -> Result<String, String> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/_+=.@:!-".contains(&byte);
    if text.len() <= 2048 && text.bytes().all(is_allowed) {
        Ok(text.to_owned())
    } else {
        Err("must be the name or ARN of a secret".into())
    }
}
