//! The settings of sessions and of counted attempts: for `login` alone.

use super::{
    KeySettings, KeyUse, SettingsReader, parse_secret_id, read_hmac_secret, reader::number,
};
use crate::{algorithm::Algorithm, attempt::AttemptLimits, session::SessionRules};

/// The longest that a session can be set to live: ten years, in seconds.
const MAX_EXPIRATION: u64 = 10 * 365 * 24 * 3600;

/// The variables that name the keys of refresh tokens, and those of access tokens that must not be
/// the same: functions that only guard read them.
const KEY_VARIABLES: [(&str, &str); 2] = [
    ("SESSION_SECRET_KEY", "JWT_SECRET_KEY"),
    ("SESSION_KEY_SECRET_ID", "JWT_KEYS_SECRET_ID"),
];

/// How sessions are kept.
#[derive(Debug, Clone)]
pub struct SessionSettings {
    /// The keys of refresh tokens, and of the names of counters.
    pub keys: KeySettings,
    /// How long sessions live.
    pub rules: SessionRules,
}

impl SessionSettings {
    /// Reads the settings. `None` after a problem, which [`SettingsReader::finish`] reports.
    pub fn read(reader: &mut SettingsReader) -> Option<Self> {
        let keys = Self::read_keys(reader);
        let rules = SessionRules::read(reader);
        Some(Self {
            keys: keys?,
            rules: rules?,
        })
    }

    /// Reads where the keys come from, exactly one of the two. `None` after a problem.
    pub fn read_keys(reader: &mut SettingsReader) -> Option<KeySettings> {
        let [(secret, _), (id, _)] = KEY_VARIABLES;
        for (variable, of_access_tokens) in KEY_VARIABLES {
            if reader.has_same(variable, of_access_tokens) {
                let what =
                    format_args!("must differ from {of_access_tokens}, which `me` reads too");
                return reader.problem(variable, what);
            }
        }
        match (reader.is_set(secret), reader.is_set(id)) {
            (true, true) => reader.problem(id, format_args!("set it or {secret}, not both")),
            (false, false) => {
                reader.problem(secret, format_args!("must be set, or {id} in its place"))
            }
            (true, false) => {
                read_hmac_secret(reader, secret, Algorithm::HS256).map(KeySettings::Fixed)
            }
            (false, true) => {
                let id = reader.required(id, parse_secret_id)?;
                Some(KeySettings::Secret {
                    id,
                    algorithm: Algorithm::HS256,
                    key_use: KeyUse::Sessions,
                })
            }
        }
    }
}

impl SessionRules {
    fn read(reader: &mut SettingsReader) -> Option<Self> {
        let default = Self::default();
        let life = number(1..=MAX_EXPIRATION);
        let idle_expiration =
            reader.optional("SESSION_IDLE_EXPIRATION", default.idle_expiration, &life);
        let expiration = reader.optional("SESSION_EXPIRATION", default.expiration, &life);
        let grace = reader.optional("SESSION_GRACE", default.grace, number(0..=300));
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
            number(1..=24 * 3600),
        );
        Some(Self {
            max_failures: max_failures?,
            window: window?,
        })
    }
}
