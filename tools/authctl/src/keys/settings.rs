//! The algorithm of new keys, and the lifetime of tokens, which decides how long old keys stay public. They come from
//! the parameters of a stack, or from the variables of the functions.

use std::{env::VarError, time::Duration};

use auth_core::{Algorithm, KeyRules, PrivateKeyRepository, SettingsReader, TokenSettings};

use super::{PrivateStore, Target};
use crate::{error::CommandError, store::Lookup};

/// The settings of the functions that the keys depend on.
pub(super) struct RingSettings {
    /// `None` if nothing names one.
    algorithm: Option<Algorithm>,
    expiration: Duration,
}

impl RingSettings {
    pub(super) fn read(target: &Target, lookup: Lookup<'_>) -> Result<Self, CommandError> {
        let stack = match target {
            Target::Stack(stack) => stack,
            // With too short a lifetime, keys would retire before their tokens.
            Target::Table(_) if lookup("JWT_EXPIRATION").is_err() => {
                return Err(CommandError::NoExpiration);
            }
            Target::Table(_) | Target::File(_) => return Self::parse(lookup),
        };
        if stack.parameter("JwtAlgorithm").is_none() {
            return Err(CommandError::NoAlgorithm);
        }
        let parameter = |name: &str| {
            let value = match name {
                "JWT_ALGORITHM" => stack.parameter("JwtAlgorithm"),
                "JWT_EXPIRATION" => stack.parameter("JwtExpiration"),
                _ => None,
            };
            value.map(str::to_owned).ok_or(VarError::NotPresent)
        };
        Self::parse(&parameter)
    }

    fn parse(lookup: Lookup<'_>) -> Result<Self, CommandError> {
        // Without names of variables, the reader does not look for typos among those of other tools.
        let mut reader = SettingsReader::new([], lookup);
        let algorithm = reader.optional("JWT_ALGORITHM", None, |name| {
            KeyRules::parse_algorithm(name).map(Some)
        });
        let expiration = TokenSettings::read_expiration(&mut reader);
        let settings = algorithm.zip(expiration);
        Ok(reader.finish(settings.map(|(algorithm, expiration)| Self {
            algorithm,
            expiration,
        }))?)
    }

    /// Returns the rules for a private set. If nothing names an algorithm, new keys have that of the active one.
    pub(super) async fn rules(&self, private: &PrivateStore) -> Result<KeyRules, CommandError> {
        let algorithm = if let Some(algorithm) = self.algorithm {
            algorithm
        } else {
            let ring = private.load_ring().await?.contents;
            ring.map_or(Algorithm::RS256, |ring| ring.active().algorithm())
        };
        Ok(KeyRules {
            algorithm,
            expiration: self.expiration,
        })
    }
}
