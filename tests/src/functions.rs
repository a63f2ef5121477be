//! The functions of the bundle. Every list of functions in the tests comes from this table.

use std::{collections::BTreeMap, env::VarError};

use auth_core::{SettingsError, SettingsReader};
use login::LoginSettings;

/// A function.
pub struct Function {
    /// The name of its folder and binary.
    pub name: &'static str,
    /// Whether it reads keys and a store.
    pub has_store: bool,
    /// Returns its routes: methods and paths.
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
pub const FUNCTIONS: [Function; 3] = [
    Function {
        name: "discovery",
        has_store: false,
        routes: || {
            discovery::ROUTES
                .iter()
                .map(|r| (r.method, r.path))
                .collect()
        },
        read_settings: discovery::check_settings,
    },
    Function {
        name: "login",
        has_store: true,
        routes: || login::ROUTES.iter().map(|r| (r.method, r.path)).collect(),
        read_settings: |reader| LoginSettings::read(reader).map(|_| ()),
    },
    Function {
        name: "me",
        has_store: true,
        routes: || me::ROUTES.iter().map(|r| (r.method, r.path)).collect(),
        read_settings: |reader| me::read_settings(reader).map(|_| ()),
    },
];

/// The names of all functions.
pub fn names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().map(|function| function.name)
}

/// The names of the functions that read keys and a store.
pub fn with_store() -> impl Iterator<Item = &'static str> {
    let functions = FUNCTIONS.iter().filter(|function| function.has_store);
    functions.map(|function| function.name)
}

/// Returns the function that serves a route.
#[must_use]
pub fn serving(method: &str, path: &str) -> &'static Function {
    let serves = |function: &&Function| (function.routes)().contains(&(method, path));
    let function = FUNCTIONS.iter().find(serves);
    function.unwrap_or_else(|| panic!("{method} {path} is not a route"))
}
