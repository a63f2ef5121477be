//! The functions whose libraries the tests call in process. `me` represents all guards: a new function is tested only
//! as a process, and needs no line here.

use std::{collections::BTreeMap, env::VarError};

use account::AccountSettings;
use auth_core::{KeeperSettings, SettingsError, SettingsReader};
use authorizer::AuthorizerSettings;
use login::LoginSettings;
use mailer::MailerSettings;

/// A function.
pub struct Linked {
    /// The name of its folder and binary.
    pub name: &'static str,
    /// Returns its routes: methods and paths.
    pub routes: fn() -> Vec<(&'static str, &'static str)>,
    /// Reads its settings from an environment.
    pub read_settings: fn(SettingsReader) -> Result<(), SettingsError>,
}

impl Linked {
    /// Checks whether the function would start with these variables.
    ///
    /// # Errors
    ///
    /// [`SettingsError`] with all problems.
    pub fn check_settings(
        &self,
        variables: &BTreeMap<String, String>,
    ) -> Result<(), SettingsError> {
        let lookup = |name: &str| variables.get(name).cloned().ok_or(VarError::NotPresent);
        (self.read_settings)(SettingsReader::new(variables.keys().cloned(), &lookup))
    }
}

/// The functions.
pub const LINKED: [Linked; 7] = [
    Linked {
        name: "account",
        routes: || account::ROUTES.iter().map(|r| (r.method, r.path)).collect(),
        read_settings: |reader| AccountSettings::read(reader).map(|_| ()),
    },
    Linked {
        name: "authorizer",
        routes: Vec::new,
        read_settings: |reader| AuthorizerSettings::read(reader).map(|_| ()),
    },
    Linked {
        name: "discovery",
        routes: || {
            discovery::ROUTES
                .iter()
                .map(|r| (r.method, r.path))
                .collect()
        },
        read_settings: |reader| discovery::read_settings(reader).map(|_| ()),
    },
    Linked {
        name: "keys",
        routes: Vec::new,
        read_settings: |reader| KeeperSettings::read(reader).map(|_| ()),
    },
    Linked {
        name: "login",
        routes: || login::ROUTES.iter().map(|r| (r.method, r.path)).collect(),
        read_settings: |reader| LoginSettings::read(reader).map(|_| ()),
    },
    Linked {
        name: "mailer",
        routes: Vec::new,
        read_settings: |reader| MailerSettings::read(reader).map(|_| ()),
    },
    Linked {
        name: "me",
        routes: || me::ROUTES.iter().map(|r| (r.method, r.path)).collect(),
        read_settings: |reader| me::read_settings(reader).map(|_| ()),
    },
];

/// The functions that the API calls. [`App`](crate::app::App) consists of them.
pub fn with_routes() -> impl Iterator<Item = &'static Linked> {
    LINKED.iter().filter(|one| !(one.routes)().is_empty())
}
