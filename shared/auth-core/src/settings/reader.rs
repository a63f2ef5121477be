//! Reads environment variables and collects every problem before it reports any.

use std::{
    env::{self, VarError},
    fmt,
};

/// Every variable that some function of the bundle reads. A function lets the others' through,
/// and refuses any that begins like one of these and is not here: a typo must not fall back to a
/// default.
pub const VARIABLES: [&str; 18] = [
    "AUTH_STORE",
    "AUTH_TABLE",
    "JWT_SECRET_KEY",
    "JWT_KEYS_SECRET_ID",
    "JWT_JWKS",
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
    "LOGIN_ERRORS",
    "LOGIN_MAX_FAILURES",
    "LOGIN_FAILURE_WINDOW",
];

const PREFIXES: [&str; 4] = ["JWT_", "AUTH_", "LOGIN_", "SESSION_"];

/// Set by desktop sessions, and no typo.
const FOREIGN: &str = "SESSION_MANAGER";

/// Set in every real Lambda environment; `cargo lambda watch` does not set it.
const LAMBDA_MARKER: &str = "AWS_LAMBDA_INITIALIZATION_TYPE";

/// The settings were refused. Its `Display` is one message with a line for each problem, each
/// naming its variable; no value stands in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsError {
    problems: Vec<String>,
}

impl SettingsError {
    /// The problems, each `VARIABLE: what is wrong`.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "settings refused:\n  {}", self.problems.join("\n  "))
    }
}

impl std::error::Error for SettingsError {}

/// One pass over the environment.
pub struct SettingsReader<'a> {
    lookup: &'a dyn Fn(&str) -> Result<String, VarError>,
    problems: Vec<String>,
}

impl SettingsReader<'static> {
    /// A reader of the process's own environment.
    #[must_use]
    pub fn from_env() -> Self {
        let names = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        Self::new(names, &|name| env::var(name))
    }
}

impl<'a> SettingsReader<'a> {
    /// A reader of the variables that `lookup` finds. `names` are those of all variables that are
    /// set; unknown ones among them are problems at once.
    pub fn new(
        names: impl IntoIterator<Item = String>,
        lookup: &'a dyn Fn(&str) -> Result<String, VarError>,
    ) -> Self {
        let is_unknown = |name: &String| {
            PREFIXES.iter().any(|prefix| name.starts_with(prefix))
                && !VARIABLES.contains(&name.as_str())
                && name != FOREIGN
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

    /// A variable that may be absent; `default` is taken then. `None` after a problem.
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

    /// A variable that must be set. `None` after a problem.
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

    /// Whether a variable is set, to whatever.
    #[must_use]
    pub fn is_set(&self, name: &str) -> bool {
        !matches!((self.lookup)(name), Err(VarError::NotPresent))
    }

    /// Whether two variables are set to the same.
    pub(super) fn has_same(&self, one: &str, other: &str) -> bool {
        (self.lookup)(one).is_ok_and(|text| (self.lookup)(other).as_deref() == Ok(text.as_str()))
    }

    /// Whether the process runs in AWS Lambda itself, not on a laptop or in a test.
    #[must_use]
    pub fn is_in_lambda(&self) -> bool {
        self.is_set(LAMBDA_MARKER)
    }

    /// Records what is wrong with a variable.
    pub fn problem<T>(&mut self, name: &str, what: impl fmt::Display) -> Option<T> {
        self.problems.push(format!("{name}: {what}"));
        None
    }

    /// The settings, if there was no problem at all.
    ///
    /// # Errors
    ///
    /// [`SettingsError`] with every problem of the pass.
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

/// A whole number within bounds, in digits alone.
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
