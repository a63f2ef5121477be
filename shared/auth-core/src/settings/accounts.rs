//! The settings of self-service that `account`, `mailer` and `authctl` share.

use super::reader::{SettingsReader, number};
use crate::password::PasswordPolicy;

/// The largest configurable minimum of a password. More would refuse passphrases that no one can guess.
const MAX_MIN_CHARS: u64 = 64;

impl PasswordPolicy {
    /// Reads the policy of an application with this name: `PASSWORD_MIN_LENGTH` in characters, from 8 to 64. `None`
    /// after a problem, which [`SettingsReader::finish`] reports.
    pub fn read(reader: &mut SettingsReader, app_name: &str) -> Option<Self> {
        let parse = number(Self::MIN_CHARS as u64..=MAX_MIN_CHARS);
        let min_chars = reader.optional("PASSWORD_MIN_LENGTH", Self::MIN_CHARS, |text| {
            usize::try_from(parse(text)?).map_err(|error| error.to_string())
        });
        Some(Self {
            min_chars: min_chars?,
            app_name: app_name.to_owned(),
        })
    }
}
