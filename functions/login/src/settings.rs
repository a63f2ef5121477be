//! The settings of `login`.

use auth_core::{
    AttemptSettings, KeyUse, SessionSettings, Settings, SettingsError, SettingsReader,
};

/// The texts of refused logins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginErrors {
    /// The same text for every reason, so that it does not reveal which addresses have users.
    Uniform,
    /// The tutorial's two texts, for clients that parse them.
    Distinct,
}

/// Everything that `login` reads from its environment.
#[derive(Debug, Clone)]
pub struct LoginSettings {
    /// The settings of every function.
    pub common: Settings,
    /// The settings of sessions.
    pub sessions: SessionSettings,
    /// The settings of attempts.
    pub attempts: AttemptSettings,
    /// The texts of refused logins.
    pub errors: LoginErrors,
    /// Whether an email reports a session that has ended because an old refresh token was used.
    pub sends_notices: bool,
}

impl LoginSettings {
    /// Reads the settings.
    ///
    /// # Errors
    ///
    /// [`SettingsError`] with all problems.
    pub fn read(mut reader: SettingsReader) -> Result<Self, SettingsError> {
        let common = Settings::read(&mut reader, KeyUse::Sign);
        let sessions = SessionSettings::read(&mut reader, common.as_ref());
        let attempts = AttemptSettings::read(&mut reader, common.as_ref());
        let errors = reader.optional("LOGIN_ERRORS", LoginErrors::Uniform, parse_errors);
        let sends_notices = reader.optional("LOGIN_NOTICES", false, parse_notices);
        let settings = || {
            Some(Self {
                common: common?,
                sessions: sessions?,
                attempts: attempts?,
                errors: errors?,
                sends_notices: sends_notices?,
            })
        };
        reader.finish(settings())
    }
}

fn parse_errors(text: &str) -> Result<LoginErrors, String> {
    match text {
        "uniform" => Ok(LoginErrors::Uniform),
        "distinct" => Ok(LoginErrors::Distinct),
        _ => Err("must be uniform or distinct".into()),
    }
}

fn parse_notices(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("must be on or off".into()),
    }
}
