//! The functions of the bundle. Every list of functions in the tests comes from this table.

use std::{collections::BTreeMap, env::VarError};

use auth_core::{KeeperSettings, SettingsError, SettingsReader};
use login::LoginSettings;

/// A function.
pub struct Function {
    /// The name of its folder and binary.
    pub name: &'static str,
    /// Whether it reads users.
    pub reads_users: bool,
    /// Returns its routes: methods and paths. Without any, the API does not call it.
    pub routes: fn() -> Vec<(&'static str, &'static str)>,
    /// Reads its settings from an environment.
    pub read_settings: fn(SettingsReader) -> Result<(), SettingsError>,
}

impl Function {
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

/// All functions.
pub const FUNCTIONS: [Function; 4] = [
    Function {
        name: "discovery",
        reads_users: false,
        routes: || {
            discovery::ROUTES
                .iter()
                .map(|r| (r.method, r.path))
                .collect()
        },
        read_settings: |reader| discovery::read_settings(reader).map(|_| ()),
    },
    Function {
        name: "keys",
        reads_users: false,
        routes: Vec::new,
        read_settings: |reader| KeeperSettings::read(reader).map(|_| ()),
    },
    Function {
        name: "login",
        reads_users: true,
        routes: || login::ROUTES.iter().map(|r| (r.method, r.path)).collect(),
        read_settings: |reader| LoginSettings::read(reader).map(|_| ()),
    },
    Function {
        name: "me",
        reads_users: true,
        routes: || me::ROUTES.iter().map(|r| (r.method, r.path)).collect(),
        read_settings: |reader| me::read_settings(reader).map(|_| ()),
    },
];

/// The names of all functions.
pub fn names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().map(|function| function.name)
}

/// The names of the functions that the API calls.
pub fn with_routes() -> impl Iterator<Item = &'static str> {
    let functions = FUNCTIONS
        .iter()
        .filter(|function| !(function.routes)().is_empty());
    functions.map(|function| function.name)
}

/// The names of the functions that read users.
pub fn that_read_users() -> impl Iterator<Item = &'static str> {
    let functions = FUNCTIONS.iter().filter(|function| function.reads_users);
    functions.map(|function| function.name)
}

/// Returns the function that serves a route.
#[must_use]
pub fn serving(method: &str, path: &str) -> &'static Function {
    let serves = |function: &&Function| (function.routes)().contains(&(method, path));
    let function = FUNCTIONS.iter().find(serves);
    function.unwrap_or_else(|| panic!("{method} {path} is not a route"))
}
