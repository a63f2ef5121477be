//! The settings of `account`.

use std::path::PathBuf;

use auth_core::{
    AttemptSettings, KeySettings, KeyUse, LAMBDA_MARKER, PasswordPolicy, Role, Settings,
    SettingsError, SettingsReader, is_scope_token,
};
use auth_mail::{MailSettings, read_app_name, read_folder};

/// The maximum size in bytes of the roles of users who sign up. Every token contains them, and AWS Lambda allows 4 KB
/// for all variables of a function. Roles that `authctl` sets are not in a variable and may have 4,096 bytes.
const MAX_ROLES_BYTES: usize = 1024;

/// Everything that `account` reads from its environment.
#[derive(Debug, Clone)]
pub struct AccountSettings {
    /// The settings of every function.
    pub common: Settings,
    /// The settings of attempts to guess a password.
    pub attempts: AttemptSettings,
    /// The keys of links in emails.
    pub actions: KeySettings,
    /// Which passwords are accepted.
    pub policy: PasswordPolicy,
    /// Whether anyone may sign up.
    pub is_sign_up_open: bool,
    /// The roles of users who sign up.
    pub sign_up_roles: Vec<Role>,
    /// How the function sends emails itself. Only outside Lambda.
    pub local_mail: Option<LocalMail>,
}

/// How the function sends emails itself.
#[derive(Debug, Clone)]
pub struct LocalMail {
    /// The settings of emails.
    pub settings: MailSettings,
    /// Where they are written.
    pub folder: PathBuf,
}

impl AccountSettings {
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
        let common = Settings::read(reader, KeyUse::Verify);
        let attempts = AttemptSettings::read(reader, common.as_ref());
        let store = common.as_ref().map(|common| &common.store);
        let actions = KeySettings::read(reader, KeyUse::Actions, store);
        let app_name = read_app_name(reader);
        let policy = PasswordPolicy::read(reader, app_name.as_deref().unwrap_or_default());
        let is_sign_up_open = reader.optional("SIGN_UP", false, parse_sign_up);
        let sign_up_roles = reader.optional("SIGN_UP_ROLES", Vec::new(), parse_roles);
        let issuer = common.as_ref().map(|common| common.tokens.issuer.as_str());
        let local_mail = if reader.is_set(LAMBDA_MARKER) {
            Some(None)
        } else {
            LocalMail::read(reader, app_name.as_deref(), issuer).map(Some)
        };
        Some(Self {
            common: common?,
            attempts: attempts?,
            actions: actions?,
            policy: policy?,
            is_sign_up_open: is_sign_up_open?,
            sign_up_roles: sign_up_roles?,
            local_mail: local_mail?,
        })
    }
}

impl LocalMail {
    fn read(
        reader: &mut SettingsReader,
        app_name: Option<&str>,
        issuer: Option<&str>,
    ) -> Option<Self> {
        let settings = MailSettings::read(reader, app_name, issuer);
        let folder = read_folder(reader);
        Some(Self {
            settings: settings?,
            folder: folder?,
        })
    }
}

fn parse_sign_up(text: &str) -> Result<bool, String> {
    match text {
        "open" => Ok(true),
        "closed" => Ok(false),
        _ => Err("must be open or closed".into()),
    }
}

/// Parses roles as `authctl` does, separated by semicolons: `Reader=read;Editor=read,write`.
fn parse_roles(text: &str) -> Result<Vec<Role>, String> {
    let roles: Option<Vec<Role>> = text.split(';').map(parse_role).collect();
    let is_repeated = |roles: &[Role]| {
        let mut names: Vec<&str> = roles.iter().map(|role| role.name.as_str()).collect();
        names.sort_unstable();
        names.windows(2).any(|pair| pair[0] == pair[1])
    };
    roles
        .filter(|roles| text.len() <= MAX_ROLES_BYTES && !is_repeated(roles))
        .ok_or_else(|| {
            format!("must be different roles such as Reader=read;Editor=read,write, at most {MAX_ROLES_BYTES} bytes")
        })
}

fn parse_role(text: &str) -> Option<Role> {
    let (name, permissions) = text.split_once('=').unwrap_or((text, ""));
    let permissions = permissions.split(',').filter(|one| !one.is_empty());
    let permissions: Vec<String> = permissions.map(str::to_owned).collect();
    let is_name = !name.trim().is_empty() && !name.contains(char::is_control);
    (is_name && permissions.iter().all(|one| is_scope_token(one))).then(|| Role {
        id: name.to_owned(),
        name: name.to_owned(),
        description: String::new(),
        permissions,
    })
}
