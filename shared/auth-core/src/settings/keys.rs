//! Where the keys of each use come from. No use has the keys of another.
//!
//! Start at [`KeySettings::read`].

use std::path::PathBuf;

use super::{
    Store,
    names::{parse_secret_id, parse_table},
    reader::SettingsReader,
    sources::{
        JWKS, JWKS_URL, KEYS_SECRET_ID, KEYS_TABLE, SECRET_KEY, only_one, read_algorithm,
        read_jwks, read_secret,
    },
};
use crate::key::{Algorithm, KeySet, KeyUse};

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

/// Sources that the bundle's functions do not verify with, each with the reason.
const UNSUPPORTED: [(&str, &str); 2] = [
    (
        KEYS_SECRET_ID,
        "only functions that sign may read private keys: set JWT_KEYS_TABLE instead",
    ),
    (
        JWKS_URL,
        "this function is built without the feature jwks-url of auth-http: set JWT_KEYS_TABLE instead",
    ),
];

impl KeyUse {
    /// Returns the variable that names the secret of such keys in Secrets Manager.
    #[must_use]
    pub fn secret_variable(self) -> &'static str {
        match self {
            Self::Sign | Self::Verify => KEYS_SECRET_ID,
            Self::Sessions => "SESSION_KEY_SECRET_ID",
            Self::Counters => "COUNTER_KEY_SECRET_ID",
            Self::Actions => "ACTION_KEY_SECRET_ID",
        }
    }

    /// Returns the variable with the secret of such keys.
    fn key_variable(self) -> &'static str {
        match self {
            Self::Sign | Self::Verify => SECRET_KEY,
            Self::Sessions => "SESSION_SECRET_KEY",
            Self::Counters => "COUNTER_SECRET_KEY",
            Self::Actions => "ACTION_SECRET_KEY",
        }
    }

    /// Returns the variables that name the source of such keys, of which one must be set.
    fn variables(self) -> Vec<&'static str> {
        match self {
            Self::Verify => vec![self.key_variable(), KEYS_TABLE, JWKS],
            Self::Sign | Self::Sessions | Self::Counters | Self::Actions => {
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
            Self::Actions => &[Self::Sign, Self::Sessions, Self::Counters],
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
            KeyUse::Sign | KeyUse::Verify => read_algorithm(reader),
            KeyUse::Sessions | KeyUse::Counters | KeyUse::Actions => Some(Algorithm::HS256),
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
    if key_use == KeyUse::Verify {
        for (variable, what) in UNSUPPORTED {
            if reader.is_set(variable) {
                return reader.problem(variable, what);
            }
        }
    }
    match (only_one(reader, variables).ok()?, store) {
        (Some(variable), _) => {
            check_difference(reader, key_use)?;
            read_variable(reader, variable, key_use, algorithm)
        }
        (None, Some(Store::File { path })) => {
            check_generation(reader, algorithm).then(|| KeySettings::File {
                path: path.clone(),
                algorithm,
                key_use,
            })
        }
        (None, _) => {
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
        read_secret(reader, variable, algorithm, reader.is_in_lambda())
    } else {
        read_jwks(reader, algorithm)
    };
    keys.map(KeySettings::Fixed)
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
