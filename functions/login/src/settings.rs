//! The settings of `login`.

use auth_core::{AttemptLimits, KeyUse, SessionSettings, Settings, SettingsError, SettingsReader};

/// How a refused login is worded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginErrors {
    /// One text for every reason, so that nobody learns which addresses have users.
    Uniform,
    /// The tutorial's two texts, for clients that read them.
    Distinct,
}

/// Everything `login` reads from its environment.
#[derive(Debug, Clone)]
pub struct LoginSettings {
    /// What every function reads.
    pub common: Settings,
    /// How sessions are kept.
    pub sessions: SessionSettings,
    /// How often a login may fail.
    pub limits: AttemptLimits,
    /// How a refused login is worded.
    pub errors: LoginErrors,
}

impl LoginSettings {
    /// Reads the settings.
    ///
    /// # Errors
    ///
    /// [`SettingsError`] with every problem.
    pub fn read(mut reader: SettingsReader) -> Result<Self, SettingsError> {
        let common = Settings::read(&mut reader, KeyUse::Sign);
        let sessions = SessionSettings::read(&mut reader);
        let limits = AttemptLimits::read(&mut reader);
        let errors = reader.optional("LOGIN_ERRORS", LoginErrors::Uniform, parse_errors);
        let settings = common.zip(sessions).zip(limits.zip(errors));
        let settings = settings.map(|((common, sessions), (limits, errors))| Self {
            common,
            sessions,
            limits,
            errors,
        });
        reader.finish(settings)
    }
}

fn parse_errors(text: &str) -> Result<LoginErrors, String> {
    match text {
        "uniform" => Ok(LoginErrors::Uniform),
        "distinct" => Ok(LoginErrors::Distinct),
        _ => Err("must be uniform or distinct".into()),
    }
}
