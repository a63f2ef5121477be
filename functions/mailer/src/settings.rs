//! The settings of `mailer`.

use auth_core::{KeySettings, KeyUse, SettingsError, SettingsReader, Store};
use auth_mail::{MailSettings, read_app_name};

/// The longest name of a configuration set (`CreateConfigurationSet` in the API reference of SES).
const MAX_SET_BYTES: usize = 64;

/// Everything that `mailer` reads from its environment.
#[derive(Debug, Clone)]
pub struct MailerSettings {
    /// The table's name or ARN.
    pub table: String,
    /// The keys of links in emails.
    pub actions: KeySettings,
    /// The settings of emails.
    pub mail: MailSettings,
    /// The configuration set of SES that counts bounces and complaints.
    pub configuration_set: Option<String>,
    /// The URL of the queue of asks that could not be sent.
    pub queue_url: String,
}

impl MailerSettings {
    /// Reads the settings.
    ///
    /// # Errors
    ///
    /// [`SettingsError`] with all problems.
    pub fn read(mut reader: SettingsReader) -> Result<Self, SettingsError> {
        let settings = Self::read_all(&mut reader);
        reader.finish(settings)
    }

    fn read_all(reader: &mut SettingsReader) -> Option<Self> {
        let store = Store::read(reader);
        let actions = KeySettings::read(reader, KeyUse::Actions, store.as_ref());
        let table = match store {
            Some(Store::DynamoDb { table }) => Some(table),
            Some(Store::File { .. } | Store::Memory) => {
                let what = "must be dynamodb: with other stores, account sends the emails itself";
                reader.problem("AUTH_STORE", what)
            }
            None => None,
        };
        let app_name = read_app_name(reader);
        let mail = MailSettings::read(reader, app_name.as_deref(), None);
        let configuration_set = reader.optional("MAIL_CONFIGURATION_SET", None, parse_set);
        let queue_url = reader.required("MAIL_QUEUE_URL", parse_url);
        Some(Self {
            table: table?,
            actions: actions?,
            mail: mail?,
            configuration_set: configuration_set?,
            queue_url: queue_url?,
        })
    }
}

fn parse_set(text: &str) -> Result<Option<String>, String> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    (text.len() <= MAX_SET_BYTES && text.bytes().all(is_allowed))
        .then(|| Some(text.to_owned()))
        .ok_or_else(|| "must be the name of a configuration set of SES".into())
}

fn parse_url(text: &str) -> Result<String, String> {
    let is_url = text.starts_with("https://") || text.starts_with("http://");
    (is_url && text.bytes().all(|byte| byte.is_ascii_graphic()))
        .then(|| text.to_owned())
        .ok_or_else(|| "must be the URL of a queue".into())
}
