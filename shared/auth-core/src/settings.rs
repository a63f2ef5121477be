//! Settings from environment variables, parsed once at start into types.
//!
//! Start at [`Settings::read`]. A function with settings of its own reads them with the same
//! [`SettingsReader`], so that all problems come in one message.

mod reader;
mod sessions;

pub use reader::{SettingsError, SettingsReader, VARIABLES};
pub use sessions::SessionSettings;

use reader::number;

use crate::{algorithm::Algorithm, key::Key, key_set::KeySet};

/// The longest life of an access token that can be set: 30 days, in seconds.
const MAX_EXPIRATION: u64 = 30 * 24 * 3600;

/// Where keys may come from, one of them. The first two can sign.
const KEY_VARIABLES: [&str; 3] = ["JWT_SECRET_KEY", "JWT_KEYS_SECRET_ID", "JWT_JWKS"];

/// A local secret says this of itself, and is refused in AWS Lambda: it is published.
const LOCAL_SECRET_MARK: &str = "not-for-deployment";

/// Where users are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Store {
    /// In the process, with the tutorial's user: for laptops and tests.
    Memory,
    /// In `DynamoDB`.
    DynamoDb {
        /// The table's name or ARN.
        table: String,
    },
}

/// Where keys come from.
#[derive(Debug, Clone)]
pub enum KeySettings {
    /// From the environment: they stay as they are while the process lives.
    Fixed(KeySet),
    /// From AWS Secrets Manager: a JWK or JWK set, which may change.
    Secret {
        /// The secret's name or ARN.
        id: String,
        /// The algorithm of a key that names none and whose type leaves a choice.
        algorithm: Algorithm,
        /// What the keys are for.
        key_use: KeyUse,
    },
}

/// What keys are used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyUse {
    /// It issues tokens, and needs a key that signs.
    Sign,
    /// It only verifies them; public keys are enough.
    Verify,
    /// It makes and checks refresh tokens, which takes HS256 keys of their own.
    Sessions,
}

impl KeyUse {
    /// The variable that names the secret of such keys in Secrets Manager.
    #[must_use]
    pub fn secret_variable(self) -> &'static str {
        match self {
            Self::Sign | Self::Verify => "JWT_KEYS_SECRET_ID",
            Self::Sessions => "SESSION_KEY_SECRET_ID",
        }
    }
}

/// The rules that issuer and guard agree on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenSettings {
    /// The `iss` of tokens.
    pub issuer: String,
    /// The `aud` of tokens, and the realm of `WWW-Authenticate`.
    pub audience: String,
    /// The life of an access token in seconds; the guard takes none that lives longer.
    pub expiration: u64,
    /// How far two clocks may differ, in seconds.
    pub leeway: u64,
}

impl Default for TokenSettings {
    fn default() -> Self {
        Self {
            issuer: "auth".into(),
            audience: "api".into(),
            expiration: 3600,
            leeway: 5,
        }
    }
}

/// The settings that every function reads.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where users are kept.
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
        let keys = read_keys(reader, key_use);
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
            number(1..=MAX_EXPIRATION),
        );
        let leeway = reader.optional("JWT_LEEWAY", default.leeway, number(0..=300));
        Some(Self {
            issuer: issuer?,
            audience: audience?,
            expiration: expiration?,
            leeway: leeway?,
        })
    }
}

fn read_store(reader: &mut SettingsReader) -> Option<Store> {
    let is_memory = reader.required("AUTH_STORE", |text| match text {
        "memory" => Ok(true),
        "dynamodb" => Ok(false),
        _ => Err("must be dynamodb or memory".into()),
    })?;
    if !is_memory {
        let table = reader.required("AUTH_TABLE", parse_table)?;
        return Some(Store::DynamoDb { table });
    }
    if reader.is_in_lambda() {
        return reader.problem(
            "AUTH_STORE",
            "memory is for local work: its one user has a published password",
        );
    }
    Some(Store::Memory)
}

fn read_keys(reader: &mut SettingsReader, key_use: KeyUse) -> Option<KeySettings> {
    let algorithm = reader.optional("JWT_ALGORITHM", Algorithm::HS256, |name| {
        name.parse::<Algorithm>().map_err(|error| error.to_string())
    });
    // After a problem with the algorithm the keys are checked all the same, for their own.
    let default = algorithm.unwrap_or(Algorithm::HS256);
    let variables = match key_use {
        KeyUse::Sign | KeyUse::Sessions => &KEY_VARIABLES[..2],
        KeyUse::Verify => &KEY_VARIABLES[..],
    };
    let mut set = variables.iter().filter(|name| reader.is_set(name));
    let keys = match (set.next().copied(), set.next().copied()) {
        (Some(one), Some(other)) => {
            reader.problem(other, format_args!("set it or {one}, not both"))
        }
        (Some("JWT_KEYS_SECRET_ID"), None) => {
            let id = reader.required("JWT_KEYS_SECRET_ID", parse_secret_id);
            id.map(|id| KeySettings::Secret {
                id,
                algorithm: default,
                key_use,
            })
        }
        (Some("JWT_JWKS"), None) => {
            let keys = reader.required("JWT_JWKS", |text| {
                KeySet::parse_public(text, default).map_err(|error| error.to_string())
            });
            keys.map(KeySettings::Fixed)
        }
        (Some(_), None) => read_secret(reader, default).map(KeySettings::Fixed),
        (None, _) => {
            let others = variables[1..].join(" or ");
            let what = format_args!("must be set, or {others} in its place");
            reader.problem(variables[0], what)
        }
    };
    algorithm.and(keys)
}

fn read_secret(reader: &mut SettingsReader, algorithm: Algorithm) -> Option<KeySet> {
    let is_hmac = algorithm.min_secret_bytes().is_some();
    if !is_hmac {
        reader.problem::<()>(
            "JWT_ALGORITHM",
            "must be HS256, HS384 or HS512 with JWT_SECRET_KEY",
        );
    }
    // The secret is checked all the same, for problems of its own.
    let algorithm = if is_hmac { algorithm } else { Algorithm::HS256 };
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
            return Err("is the published secret of local work".into());
        }
        Key::from_secret(secret.as_bytes(), algorithm)
            .map(KeySet::from)
            .map_err(|error| error.to_string())
    })
}

/// An id or ARN of Secrets Manager (`CreateSecret` in its API reference).
fn parse_secret_id(text: &str) -> Result<String, String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"/_+=.@:!-".contains(&byte);
    if text.len() <= 2048 && text.bytes().all(fits) {
        Ok(text.to_owned())
    } else {
        Err("must be the name or ARN of a secret".into())
    }
}

/// A name or ARN of `DynamoDB` (`CreateTable` in its API reference).
fn parse_table(text: &str) -> Result<String, String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-:/".contains(&byte);
    if (3..=1024).contains(&text.len()) && text.bytes().all(fits) {
        Ok(text.to_owned())
    } else {
        Err("must be the name or ARN of a table".into())
    }
}

/// A name that fits into a quoted string of a header without escapes (RFC 9110 section 5.6.4).
fn parse_name(text: &str) -> Result<String, String> {
    let fits = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b',');
    if text.len() <= 256 && text.bytes().all(fits) {
        Ok(text.to_owned())
    } else {
        Err(
            "must be 1 to 256 visible ASCII characters without quotes, backslashes and commas"
                .into(),
        )
    }
}

#[cfg(test)]
mod tests;
