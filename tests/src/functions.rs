//! The functions of the bundle, as the suites that compare them go through them.

use auth_core::{SettingsError, SettingsReader};
use login::LoginSettings;

/// A function.
pub struct Function {
    /// The name of its folder and binary.
    pub name: &'static str,
    /// What it serves: methods and paths.
    pub routes: fn() -> Vec<(&'static str, &'static str)>,
    /// Whether it takes an environment.
    pub read_settings: fn(SettingsReader) -> Result<(), SettingsError>,
}

/// Every function.
pub const FUNCTIONS: [Function; 2] = [
    Function {
        name: "login",
        routes: || login::ROUTES.iter().map(|r| (r.method, r.path)).collect(),
        read_settings: |reader| LoginSettings::read(reader).map(|_| ()),
    },
    Function {
        name: "me",
        routes: || me::ROUTES.iter().map(|r| (r.method, r.path)).collect(),
        read_settings: |reader| me::read_settings(reader).map(|_| ()),
    },
];
