//! The rules of access tokens, from the environment.

use std::time::Duration;

use super::{
    names::parse_name,
    reader::{SettingsReader, seconds},
};
use crate::token::TokenSettings;

/// The longest configurable lifetime of an access token: 30 days, in seconds.
const MAX_EXPIRATION: u64 = 30 * 24 * 3600;

impl TokenSettings {
    /// Reads the `iss` of tokens. `None` after a problem, which [`SettingsReader::finish`] reports.
    pub fn read_issuer(reader: &mut SettingsReader) -> Option<String> {
        reader.optional("JWT_ISSUER", Self::default().issuer, parse_name)
    }

    /// Reads the lifetime of tokens. `None` after a problem, which [`SettingsReader::finish`] reports.
    pub fn read_expiration(reader: &mut SettingsReader) -> Option<Duration> {
        let default = Self::default().expiration;
        reader.optional("JWT_EXPIRATION", default, seconds(1..=MAX_EXPIRATION))
    }

    pub(super) fn read(reader: &mut SettingsReader) -> Option<Self> {
        let default = Self::default();
        let issuer = Self::read_issuer(reader);
        let audience = reader.optional("JWT_AUDIENCE", default.audience, parse_name);
        let expiration = Self::read_expiration(reader);
        let leeway = reader.optional("JWT_LEEWAY", default.leeway, seconds(0..=300));
        Some(Self {
            issuer: issuer?,
            audience: audience?,
            expiration: expiration?,
            leeway: leeway?,
        })
    }
}
