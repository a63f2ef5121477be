//! Settings from environment variables, parsed once at start.
//!
//! Start at [`Settings::read`]. A function with further settings reads them with the same
//! [`SettingsReader`], so that all problems are reported together.

mod reader;
mod sessions;

use std::path::PathBuf;

use reader::seconds;
pub use reader::{SettingsError, SettingsReader, VARIABLES};
pub use sessions::SessionSettings;

use crate::{
    key::{Algorithm, Key, KeySet, KeyUse},
    token::TokenSettings,
};

/// The longest configurable lifetime of an access token: 30 days, in seconds.
const MAX_EXPIRATION: u64 = 30 * 24 * 3600;

/// The variables that name the source of keys, of which one must be set. The first two can sign.
const KEY_VARIABLES: [&str; 3] = ["JWT_SECRET_KEY", "JWT_KEYS_SECRET_ID", "JWT_JWKS"];

/// Marks a published secret, such as those of the tests, which is rejected in AWS Lambda.
const LOCAL_SECRET_MARK: &str = "not-for-deployment";

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

impl KeyUse {
    /// Returns the variable that names the secret of such keys in Secrets Manager.
    #[must_use]
    pub fn secret_variable(self) -> &'static str {
        match self {
            Self::Sign | Self::Verify => "JWT_KEYS_SECRET_ID",
            Self::Sessions => "SESSION_KEY_SECRET_ID",
        }
    }
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
        let store = read_store(reader);
        let keys = read_keys(reader, key_use, store.as_ref());
        let tokens = TokenSettings::read(reader);
        Some(Self {
            store: store?,
            keys: keys?,
            tokens: tokens?,
        })
    }
}

impl TokenSettings {
    fn read(reader: &mut SettingsReader) -> Option<Self> {
        let default = Self::default();
        let issuer = reader.optional("JWT_ISSUER", default.issuer, parse_name);
        let audience = reader.optional("JWT_AUDIENCE", default.audience, parse_name);
        let expiration = reader.optional(
            "JWT_EXPIRATION",
            default.expiration,
            seconds(1..=MAX_EXPIRATION),
        );
        let leeway = reader.optional("JWT_LEEWAY", default.leeway, seconds(0..=300));
        Some(Self {
            issuer: issuer?,
            audience: audience?,
            expiration: expiration?,
            leeway: leeway?,
        })
    }
}

fn read_store(reader: &mut SettingsReader) -> Option<Store> {
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
            Some(Store::DynamoDb { table })
        }
        "file" => {
            let path = reader.optional("AUTH_FILE", DEFAULT_FILE.into(), |path| Ok(path.into()))?;
            Some(Store::File { path })
        }
        _ => Some(Store::Memory),
    }
}

fn read_keys(
    reader: &mut SettingsReader,
    key_use: KeyUse,
    store: Option<&Store>,
) -> Option<KeySettings> {
    let algorithm = reader.optional("JWT_ALGORITHM", Algorithm::HS256, |name| {
        name.parse::<Algorithm>().map_err(|error| error.to_string())
    });
    // The keys are checked even if the algorithm is invalid, so that their problems are reported too.
    let default = algorithm.unwrap_or(Algorithm::HS256);
    let variables = match key_use {
        KeyUse::Sign | KeyUse::Sessions => &KEY_VARIABLES[..2],
        KeyUse::Verify => &KEY_VARIABLES[..],
    };
    let mut set = variables.iter().filter(|name| reader.is_set(name));
    let keys = match (set.next().copied(), set.next().copied(), store) {
        (Some(one), Some(other), _) => {
            reader.problem(other, format_args!("set either this or {one}, not both"))
        }
        (Some("JWT_KEYS_SECRET_ID"), None, _) => {
            let id = reader.required("JWT_KEYS_SECRET_ID", parse_secret_id);
            id.map(|id| KeySettings::Secret {
                id,
                algorithm: default,
                key_use,
            })
        }
        (Some("JWT_JWKS"), None, _) => {
            let keys = reader.required("JWT_JWKS", |text| {
                KeySet::parse_public(text, default).map_err(|error| error.to_string())
            });
            keys.map(KeySettings::Fixed)
        }
        (Some(_), None, _) => read_secret(reader, default).map(KeySettings::Fixed),
        (None, _, Some(Store::File { path })) => {
            check_hmac(reader, default).then(|| KeySettings::File {
                path: path.clone(),
                algorithm: default,
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
    };
    algorithm.and(keys)
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

fn read_secret(reader: &mut SettingsReader, algorithm: Algorithm) -> Option<KeySet> {
    // The secret is checked even if the algorithm is invalid, so that its problems are reported too.
    let algorithm = if check_hmac(reader, algorithm) {
        algorithm
    } else {
        Algorithm::HS256
    };
    read_hmac_secret(reader, "JWT_SECRET_KEY", algorithm)
}

fn read_hmac_secret(
    reader: &mut SettingsReader,
    variable: &str,
    algorithm: Algorithm,
) -> Option<KeySet> {
    let in_lambda = reader.is_in_lambda();
    reader.required(variable, |secret| {
        if in_lambda && secret.contains(LOCAL_SECRET_MARK) {
            return Err("is a published secret".into());
        }
        Key::from_secret(secret.as_bytes(), algorithm)
            .map(KeySet::from)
            .map_err(|error| error.to_string())
    })
}

/// Parses an id or ARN of Secrets Manager (`CreateSecret` in its API reference).
fn parse_secret_id(text: &str) -> Result<String, String> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/_+=.@:!-".contains(&byte);
    if text.len() <= 2048 && text.bytes().all(is_allowed) {
        Ok(text.to_owned())
    } else {
        Err("must be the name or ARN of a secret".into())
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
