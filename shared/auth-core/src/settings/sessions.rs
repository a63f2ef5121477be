//! The settings of sessions and attempts. Only for `login`.

use super::{
    KeySettings, Store, parse_secret_id, read_hmac_secret,
    reader::{SettingsReader, number, seconds},
};
use crate::{
    attempt::AttemptLimits,
    key::{Algorithm, KeyUse},
    session::SessionRules,
};

/// The longest configurable lifetime of a session: ten years, in seconds.
const MAX_EXPIRATION: u64 = 10 * 365 * 24 * 3600;

/// The variables that name the keys of refresh tokens, each with the variable of access tokens that must have
/// another value, because guards read it.
const KEY_VARIABLES: [(&str, &str); 2] = [
    ("SESSION_SECRET_KEY", "JWT_SECRET_KEY"),
    ("SESSION_KEY_SECRET_ID", "JWT_KEYS_SECRET_ID"),
];

/// The settings of sessions.
#[derive(Debug, Clone)]
pub struct SessionSettings {
    /// The keys of refresh tokens and of counters.
    pub keys: KeySettings,
    /// How long sessions live.
    pub rules: SessionRules,
}

impl SessionSettings {
    /// Reads the settings of a function with this store. `None` after a problem, which
    /// [`SettingsReader::finish`] reports.
    pub fn read(reader: &mut SettingsReader, store: Option<&Store>) -> Option<Self> {
        let keys = Self::read_keys(reader, store);
        let rules = SessionRules::read(reader);
        Some(Self {
            keys: keys?,
            rules: rules?,
        })
    }

    /// Reads the source of the keys. `None` after a problem.
    pub fn read_keys(reader: &mut SettingsReader, store: Option<&Store>) -> Option<KeySettings> {
        let [(secret, _), (id, _)] = KEY_VARIABLES;
        for (variable, of_access_tokens) in KEY_VARIABLES {
            if reader.has_same(variable, of_access_tokens) {
                let what =
                    format_args!("must differ from {of_access_tokens}, which `me` reads too");
                return reader.problem(variable, what);
            }
        }
        match (reader.is_set(secret), reader.is_set(id), store) {
            (true, true, _) => {
                reader.problem(id, format_args!("set either this or {secret}, not both"))
            }
            (true, false, _) => {
                read_hmac_secret(reader, secret, Algorithm::HS256).map(KeySettings::Fixed)
            }
            (false, true, _) => {
                let id = reader.required(id, parse_secret_id)?;
                Some(KeySettings::Secret {
                    id,
                    algorithm: Algorithm::HS256,
                    key_use: KeyUse::Sessions,
                })
            }
            (false, false, Some(Store::File { path })) => Some(KeySettings::File {
                path: path.clone(),
                algorithm: Algorithm::HS256,
                key_use: KeyUse::Sessions,
            }),
            (false, false, _) => {
                reader.problem(secret, format_args!("must be set, or {id} instead"))
            }
        }
    }
}

impl SessionRules {
    fn read(reader: &mut SettingsReader) -> Option<Self> {
        let default = Self::default();
        let lifetime = seconds(1..=MAX_EXPIRATION);
        let idle_expiration = reader.optional(
            "SESSION_IDLE_EXPIRATION",
            default.idle_expiration,
            &lifetime,
        );
        let expiration = reader.optional("SESSION_EXPIRATION", default.expiration, &lifetime);
        let grace = reader.optional("SESSION_GRACE", default.grace, seconds(0..=300));
        Some(Self {
            idle_expiration: idle_expiration?,
            expiration: expiration?,
            grace: grace?,
        })
    }
}

impl AttemptLimits {
    /// Reads the settings. `None` after a problem, which [`SettingsReader::finish`] reports.
    pub fn read(reader: &mut SettingsReader) -> Option<Self> {
        let default = Self::default();
        let failures = number(1..=1_000);
        let max_failures = reader.optional("LOGIN_MAX_FAILURES", default.max_failures, |text| {
            u32::try_from(failures(text)?).map_err(|error| error.to_string())
        });
        let window = reader.optional(
            "LOGIN_FAILURE_WINDOW",
            default.window,
            seconds(1..=24 * 3600),
        );
        Some(Self {
            max_failures: max_failures?,
            window: window?,
        })
    }
}
