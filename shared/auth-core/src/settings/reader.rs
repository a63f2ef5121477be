//! Reads environment variables and reports all problems together.

use std::{
    env::{self, VarError},
    fmt,
    time::Duration,
};

/// Every variable that a function of the bundle or `authctl` reads. A function ignores those of others, but
/// rejects any other variable with one of their prefixes: a typo must not fall back to a default.
pub const VARIABLES: [&str; 40] = [
    "AUTH_STACK",
    "AUTH_STORE",
    "AUTH_TABLE",
    "AUTH_FILE",
    "JWT_SECRET_KEY",
    "JWT_KEYS_SECRET_ID",
    "JWT_KEYS_TABLE",
    "JWT_JWKS",
    "JWT_JWKS_URL",
    "JWT_ALGORITHM",
    "JWT_EXPIRATION",
    "JWT_ISSUER",
    "JWT_AUDIENCE",
    "JWT_LEEWAY",
    "SESSION_SECRET_KEY",
    "SESSION_KEY_SECRET_ID",
    "SESSION_IDLE_EXPIRATION",
    "SESSION_EXPIRATION",
    "SESSION_GRACE",
    "COUNTER_SECRET_KEY",
    "COUNTER_KEY_SECRET_ID",
    "ACTION_SECRET_KEY",
    "ACTION_KEY_SECRET_ID",
    "PASSWORD_MIN_LENGTH",
    "MAIL_FROM",
    "MAIL_DIR",
    "MAIL_CONFIGURATION_SET",
    "MAIL_QUEUE_URL",
    "APP_NAME",
    "APP_URL",
    "SIGN_UP",
    "SIGN_UP_ROLES",
    "LOGIN_ERRORS",
    "LOGIN_MAX_FAILURES",
    "LOGIN_MAX_FAILURES_PER_DAY",
    "LOGIN_MAX_FAILURES_PER_NETWORK",
    "LOGIN_FAILURE_WINDOW",
    "LOGIN_NOTICES",
    "AUTHORIZER_LEVEL",
    "AUTHORIZER_SCOPES",
];

const PREFIXES: [&str; 10] = [
    "JWT_",
    "AUTH_",
    "LOGIN_",
    "SESSION_",
    "COUNTER_",
    "ACTION_",
    "PASSWORD_",
    "MAIL_",
    "SIGN_UP",
    "AUTHORIZER_",
];

/// Set by desktop sessions; not a typo.
const DESKTOP_VARIABLE: &str = "SESSION_MANAGER";

/// The variable that is set in every real Lambda environment, but not by `cargo lambda watch`.
pub const LAMBDA_MARKER: &str = "AWS_LAMBDA_INITIALIZATION_TYPE";

/// The settings are invalid. `Display` has a line for each problem, with its variable but without its
/// value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsError {
    problems: Vec<String>,
}

impl SettingsError {
    /// Returns the error for a single problem.
    pub(super) fn new(name: &str, what: &str) -> Self {
        Self {
            problems: vec![format!("{name}: {what}")],
        }
    }

    /// Returns the problems, each `VARIABLE: what is wrong`.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid settings:\n  {}", self.problems.join("\n  "))
    }
}

impl std::error::Error for SettingsError {}

/// Reads the environment in one pass.
pub struct SettingsReader<'a> {
    lookup: &'a dyn Fn(&str) -> Result<String, VarError>,
    problems: Vec<String>,
}

impl SettingsReader<'static> {
    /// Returns a reader of the environment of the process.
    #[must_use]
    pub fn from_env() -> Self {
        let names = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        Self::new(names, &|name| env::var(name))
    }
}

impl<'a> SettingsReader<'a> {
    /// Returns a reader of the variables that `lookup` finds. `names` are the names of all variables that
    /// are set; unknown ones among them are problems.
    pub fn new(
        names: impl IntoIterator<Item = String>,
        lookup: &'a dyn Fn(&str) -> Result<String, VarError>,
    ) -> Self {
        let is_unknown = |name: &String| {
            PREFIXES.iter().any(|prefix| name.starts_with(prefix))
                && !VARIABLES.contains(&name.as_str())
                && name != DESKTOP_VARIABLE
        };
        let mut unknown: Vec<String> = names.into_iter().filter(is_unknown).collect();
        unknown.sort();
        Self {
            lookup,
            problems: unknown
                .into_iter()
                .map(|name| format!("{name}: unknown variable"))
                .collect(),
        }
    }

    /// Reads an optional variable. `None` after a problem.
    pub fn optional<T>(
        &mut self,
        name: &str,
        default: T,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        match self.text(name) {
            Ok(None) => Some(default),
            Ok(Some(text)) => self.parsed(name, &text, parse),
            Err(()) => None,
        }
    }

    /// Reads a required variable. `None` after a problem.
    pub fn required<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        match self.text(name) {
            Ok(None) => self.problem(name, "must be set"),
            Ok(Some(text)) => self.parsed(name, &text, parse),
            Err(()) => None,
        }
    }

    /// Returns whether a variable is set.
    #[must_use]
    pub fn is_set(&self, name: &str) -> bool {
        !matches!((self.lookup)(name), Err(VarError::NotPresent))
    }

    /// Returns whether two variables are set to the same value.
    #[cfg(feature = "sign-in")]
    pub(super) fn has_same(&self, one: &str, other: &str) -> bool {
        (self.lookup)(one).is_ok_and(|text| (self.lookup)(other).as_deref() == Ok(text.as_str()))
    }

    /// Returns whether the process runs in AWS Lambda, not on a laptop or in a test.
    pub(super) fn is_in_lambda(&self) -> bool {
        self.is_set(LAMBDA_MARKER)
    }

    /// Records a problem with a variable.
    pub fn problem<T>(&mut self, name: &str, what: impl fmt::Display) -> Option<T> {
        self.problems.push(format!("{name}: {what}"));
        None
    }

    /// Returns the settings if there was no problem.
    ///
    /// # Errors
    ///
    /// [`SettingsError`] with all problems.
    pub fn finish<T>(self, settings: Option<T>) -> Result<T, SettingsError> {
        let problems = self.problems;
        settings
            .filter(|_| problems.is_empty())
            .ok_or(SettingsError { problems })
    }

    fn parsed<T>(
        &mut self,
        name: &str,
        text: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        parse(text).map_or_else(|what| self.problem(name, what), Some)
    }

    fn text(&mut self, name: &str) -> Result<Option<String>, ()> {
        match (self.lookup)(name) {
            Ok(text) if text.is_empty() => self.problem(name, "is empty").ok_or(()),
            Ok(text) => Ok(Some(text)),
            Err(VarError::NotPresent) => Ok(None),
            Err(VarError::NotUnicode(_)) => self.problem(name, "is not UTF-8").ok_or(()),
        }
    }
}

/// Returns a parser of whole numbers in a range, written only in digits.
pub(super) fn number(range: std::ops::RangeInclusive<u64>) -> impl Fn(&str) -> Result<u64, String> {
    move |text| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|_| digits);
        number
            .filter(|number| range.contains(number))
            .ok_or_else(|| {
                format!(
                    "must be a whole number from {} to {}",
                    range.start(),
                    range.end()
                )
            })
    }
}

/// Returns a parser of a duration in whole seconds.
pub(super) fn seconds(
    range: std::ops::RangeInclusive<u64>,
) -> impl Fn(&str) -> Result<Duration, String> {
    let parse = number(range);
    move |text| parse(text).map(Duration::from_secs)
}
