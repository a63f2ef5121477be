//! The settings of sessions and attempts. Only for functions that log users in.

use std::time::Duration;

use super::{
    KeySettings, Settings,
    reader::{SettingsReader, number, seconds},
};
use crate::{attempt::AttemptLimits, key::KeyUse, session::SessionRules};

/// The longest configurable lifetime of a session: ten years, in seconds.
const MAX_EXPIRATION: u64 = 10 * 365 * 24 * 3600;

/// The settings of sessions.
#[derive(Debug, Clone)]
pub struct SessionSettings {
    /// The keys of refresh tokens.
    pub keys: KeySettings,
    /// How long sessions live.
    pub rules: SessionRules,
}

impl SessionSettings {
    /// Reads the settings of a function that also has these. `None` after a problem, which
    /// [`SettingsReader::finish`] reports.
    pub fn read(reader: &mut SettingsReader, common: Option<&Settings>) -> Option<Self> {
        let store = common.map(|common| &common.store);
        let keys = KeySettings::read(reader, KeyUse::Sessions, store);
        let rules = SessionRules::read(reader);
        if let (Some(rules), Some(common)) = (rules, common) {
            check_idle_expiration(reader, &rules, common.tokens.expiration)?;
        }
        Some(Self {
            keys: keys?,
            rules: rules?,
        })
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

/// Checks that a client that refreshes when its access token expires keeps its session. After a rotation, the
/// session cannot be rotated for a while, and a refresh in that time does not extend it.
fn check_idle_expiration(
    reader: &mut SettingsReader,
    rules: &SessionRules,
    access_token: Duration,
) -> Option<()> {
    let needed = access_token + rules.rotation_pause();
    if rules.idle_expiration > needed {
        return Some(());
    }
    let what = format_args!(
        "must be more than {}: JWT_EXPIRATION plus SESSION_GRACE plus 10 seconds",
        needed.as_secs()
    );
    reader.problem("SESSION_IDLE_EXPIRATION", what)
}

/// The settings of attempts to log in.
#[derive(Debug, Clone)]
pub struct AttemptSettings {
    /// The keys of counters and of device tokens.
    pub keys: KeySettings,
    /// How often a login may fail.
    pub limits: AttemptLimits,
}

impl AttemptSettings {
    /// Reads the settings of a function that also has these. `None` after a problem, which
    /// [`SettingsReader::finish`] reports.
    pub fn read(reader: &mut SettingsReader, common: Option<&Settings>) -> Option<Self> {
        let store = common.map(|common| &common.store);
        let keys = KeySettings::read(reader, KeyUse::Counters, store);
        let limits = AttemptLimits::read(reader);
        Some(Self {
            keys: keys?,
            limits: limits?,
        })
    }
}

impl AttemptLimits {
    fn read(reader: &mut SettingsReader) -> Option<Self> {
        let default = Self::default();
        let mut failures = |variable, default, max| {
            let parse = number(1..=max);
            reader.optional(variable, default, |text| {
                u32::try_from(parse(text)?).map_err(|error| error.to_string())
            })
        };
        let max_failures = failures("LOGIN_MAX_FAILURES", default.max_failures, 1_000);
        let max_failures_per_day = failures(
            "LOGIN_MAX_FAILURES_PER_DAY",
            default.max_failures_per_day,
            100,
        );
        let max_failures_per_network = failures(
            "LOGIN_MAX_FAILURES_PER_NETWORK",
            default.max_failures_per_network,
            1_000,
        );
        let window = reader.optional(
            "LOGIN_FAILURE_WINDOW",
            default.window,
            seconds(60..=24 * 3600),
        );
        Some(Self {
            max_failures: max_failures?,
            max_failures_per_day: max_failures_per_day?,
            max_failures_per_network: max_failures_per_network?,
            window: window?,
        })
    }
}
