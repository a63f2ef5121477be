//! A stored hash: parsed, bounded, and compared with the parameters of new hashes.

use std::fmt;

use argon2_rust::{
    Algorithm, Params, Version,
    params::{Memory, TagLen},
};
use bcrypt::HashParts;
use phc::{Output, PasswordHash as Phc, Salt};
use serde::{Deserialize, Serialize};

/// The parameters of a new hash (OWASP Password Storage Cheat Sheet): memory, passes and lanes.
pub(super) const MEMORY_KIB: u32 = 19 * 1024;
pub(super) const PASSES: u32 = 2;
pub(super) const LANES: u32 = 1;
pub(super) const SALT_BYTES: usize = 16;
pub(super) const OUTPUT_BYTES: usize = 32;

/// The maximum parameters of a stored Argon2id hash.
const MAX_MEMORY_KIB: u32 = 64 * 1024;
const MAX_PASSES: u32 = 10;
const MAX_LANES: u32 = 4;
const MIN_OUTPUT_BYTES: usize = 16;

/// The costs of a stored bcrypt hash: each step doubles the time, and 14 takes about a second.
const BCRYPT_COSTS: std::ops::RangeInclusive<u32> = 4..=14;

/// The prefixes of sound bcrypt hashes. `2x` marks hashes of a broken implementation.
const BCRYPT_PREFIXES: [&str; 3] = ["$2a$", "$2b$", "$2y$"];

/// A stored hash within the bounds. Its `Debug` shows nothing; it is serialized only into stores.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PasswordHash {
    text: String,
    pub(super) function: Function,
}

/// The function that made a hash, with its parts.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Function {
    Argon2id {
        params: Params,
        salt: Box<Salt>,
        output: Box<Output>,
    },
    /// From an older system: verified once, then replaced.
    Bcrypt,
}

/// Why a stored string is not a usable hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordHashError {
    /// Neither bcrypt nor a PHC string with salt and output, or the parameters are not those of Argon2.
    #[error("neither a PHC string of Argon2id nor a bcrypt hash")]
    NotPhc,
    /// Not Argon2id 1.3 (RFC 9106).
    #[error("not an Argon2id hash of version 19")]
    NotArgon2id,
    /// Memory, passes, lanes, output or cost outside the bounds.
    #[error(
        "parameters out of bounds: Argon2id with m at most {MAX_MEMORY_KIB}, t at most {MAX_PASSES}, \
         p at most {MAX_LANES} and an output of at least {MIN_OUTPUT_BYTES} bytes, or bcrypt with a \
         cost from {min} to {max}", min = BCRYPT_COSTS.start(), max = BCRYPT_COSTS.end()
    )]
    OutOfBounds,
}

impl PasswordHash {
    /// Parses a PHC string, for example `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<output>`, or a
    /// bcrypt hash, for example `$2b$12$<salt and output>`.
    ///
    /// # Errors
    ///
    /// [`PasswordHashError`] for anything but an Argon2id or bcrypt hash within the bounds.
    pub fn parse(text: &str) -> Result<Self, PasswordHashError> {
        Self::try_from(text.to_owned())
    }

    /// Returns the string to store. The name makes each use easy to find.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// Returns whether the hash has the parameters of new hashes. If not, it should be replaced when its
    /// password is next available.
    #[must_use]
    pub fn is_current(&self) -> bool {
        match &self.function {
            Function::Argon2id {
                params,
                salt,
                output,
            } => {
                params.memory_kib() == MEMORY_KIB
                    && params.passes() == PASSES
                    && params.lanes() == LANES
                    && salt.len() >= SALT_BYTES
                    && output.len() == OUTPUT_BYTES
            }
            Function::Bcrypt => false,
        }
    }
}

impl TryFrom<String> for PasswordHash {
    type Error = PasswordHashError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if BCRYPT_PREFIXES.iter().any(|known| text.starts_with(known)) {
            return parse_bcrypt(text);
        }
        let not_phc = PasswordHashError::NotPhc;
        let phc = Phc::new(&text).map_err(|_| not_phc)?;
        let is_argon2id = phc.algorithm.as_str() == Algorithm::Argon2id.as_str();
        if !is_argon2id || phc.version != Some(Version::V0x13.as_u32()) {
            return Err(PasswordHashError::NotArgon2id);
        }
        // A hash with a key or associated data has more parameters, and was not made here.
        let [memory, passes, lanes] = ["m", "t", "p"].map(|name| phc.params.get_decimal(name));
        let (Some(memory), Some(passes), Some(lanes), Some(salt), Some(output), 3) = (
            memory,
            passes,
            lanes,
            phc.salt,
            phc.hash,
            phc.params.iter().count(),
        ) else {
            return Err(not_phc);
        };
        let params = Params::builder()
            .memory(Memory::kib(memory.into()))
            .passes(passes)
            .lanes(lanes)
            .tag_len(TagLen::bytes(output.len() as u64));
        let params = params.build().map_err(|_| not_phc)?;
        if memory > MAX_MEMORY_KIB
            || passes > MAX_PASSES
            || lanes > MAX_LANES
            || output.len() < MIN_OUTPUT_BYTES
        {
            return Err(PasswordHashError::OutOfBounds);
        }
        let function = Function::Argon2id {
            params,
            salt: Box::new(salt),
            output: Box::new(output),
        };
        Ok(Self { text, function })
    }
}

impl From<PasswordHash> for String {
    fn from(hash: PasswordHash) -> Self {
        hash.text
    }
}

fn parse_bcrypt(text: String) -> Result<PasswordHash, PasswordHashError> {
    let parts: HashParts = text.parse().map_err(|_| PasswordHashError::NotPhc)?;
    if !BCRYPT_COSTS.contains(&parts.get_cost()) {
        return Err(PasswordHashError::OutOfBounds);
    }
    Ok(PasswordHash {
        text,
        function: Function::Bcrypt,
    })
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CURRENT: &str = "$argon2id$v=19$m=19456,t=2,p=1$8f/ojQzpsySE4LYj8DlDjA$y3bzGs9Or3TMqalhC4uW/ejnvLxrOzNrbyDwePIN5iU";

    #[test]
    fn strings_other_than_a_hash_within_bounds_are_rejected() {
        let salt_and_output = CURRENT.split_once("p=1$").unwrap().1;
        let with = |head: &str| PasswordHash::parse(&format!("{head}${salt_and_output}"));
        for (head, error) in [
            (
                "$argon2id$v=19$m=65537,t=2,p=1",
                PasswordHashError::OutOfBounds,
            ),
            (
                "$argon2id$v=19$m=4000000,t=2,p=1",
                PasswordHashError::OutOfBounds,
            ),
            (
                "$argon2id$v=19$m=19456,t=11,p=1",
                PasswordHashError::OutOfBounds,
            ),
            (
                "$argon2id$v=19$m=19456,t=2,p=5",
                PasswordHashError::OutOfBounds,
            ),
            (
                "$argon2id$v=16$m=19456,t=2,p=1",
                PasswordHashError::NotArgon2id,
            ),
            ("$argon2id$m=19456,t=2,p=1", PasswordHashError::NotArgon2id),
            (
                "$argon2i$v=19$m=19456,t=2,p=1",
                PasswordHashError::NotArgon2id,
            ),
            (
                "$argon2d$v=19$m=19456,t=2,p=1",
                PasswordHashError::NotArgon2id,
            ),
            ("$scrypt$ln=15,r=8,p=1", PasswordHashError::NotArgon2id),
            (
                "$argon2id$v=19$m=4294967296,t=2,p=1",
                PasswordHashError::NotPhc,
            ),
            ("$argon2id$v=19$m=1,t=2,p=1", PasswordHashError::NotPhc),
            ("$argon2id$v=19$m=19456,t=0,p=1", PasswordHashError::NotPhc),
            (
                "$argon2id$v=19$m=19456,t=2,p=1,x=1",
                PasswordHashError::NotPhc,
            ),
            (
                "$argon2id$v=19$m=19456,t=2,p=1,keyid=AAAA",
                PasswordHashError::NotPhc,
            ),
            (
                "$argon2id$v=19$m=19456,t=2,p=1,p=1",
                PasswordHashError::NotPhc,
            ),
            ("$argon2id$v=19$m=19456,t=2", PasswordHashError::NotPhc),
            ("$argon2id$v=19", PasswordHashError::NotPhc),
        ] {
            assert_eq!(with(head).unwrap_err(), error, "{head}");
        }
        assert!(with("$argon2id$v=19$m=65536,t=10,p=4").is_ok());
        for text in [
            "",
            "changeme",
            "$",
            "$2b$12$abcdefghijklmnopqrstuv",
            "$argon2id$v=19$m=19456,t=2,p=1",
        ] {
            assert!(PasswordHash::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn bcrypt_hashes_are_accepted_with_a_sound_prefix_and_a_bounded_cost() {
        let with = |head: &str| {
            PasswordHash::parse(&format!(
                "{head}DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s."
            ))
        };
        for head in ["$2a$06$", "$2b$04$", "$2y$14$"] {
            assert!(with(head).is_ok(), "{head}");
        }
        assert_eq!(with("$2b$15$"), Err(PasswordHashError::OutOfBounds));
        assert_eq!(with("$2b$31$"), Err(PasswordHashError::OutOfBounds));
        assert_eq!(with("$2b$03$"), Err(PasswordHashError::OutOfBounds));
        for head in ["$2x$06$", "$2$06$", "$2b$6$0", "$2b$xx$"] {
            assert_eq!(with(head), Err(PasswordHashError::NotPhc), "{head}");
        }
    }

    #[test]
    fn only_a_hash_with_the_parameters_of_new_ones_is_current() {
        let is_current = |text: &str| PasswordHash::parse(text).unwrap().is_current();
        assert!(is_current(CURRENT));
        for (from, to) in [
            ("m=19456", "m=32768"),
            ("t=2", "t=1"),
            ("p=1", "p=2"),
            ("8f/ojQzpsySE4LYj8DlDjA", "bjIg7GSNLupiScwm"),
            (
                "y3bzGs9Or3TMqalhC4uW/ejnvLxrOzNrbyDwePIN5iU",
                "uso2uJpGEOfaSplB0ejn9R3iPmWldG50",
            ),
        ] {
            assert!(!is_current(&CURRENT.replace(from, to)), "{to}");
        }
        let bcrypt = "$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.";
        assert!(!is_current(bcrypt));
    }
}
