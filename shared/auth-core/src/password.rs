//! Password hashes: Argon2id in PHC strings, parsed and bounded before any use.
//!
//! [`PasswordHash::parse`] is the gate: a stored string decides how much memory and time its own
//! verification takes, so one outside the bounds is an error and is never computed.

use std::{
    fmt,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{Output, PasswordHash as Phc, Salt},
};
use aws_lc_rs::rand;

use crate::credentials::Password;

/// Memory of a new hash in KiB, with [`PASSES`] and [`LANES`] (OWASP Password Storage Cheat Sheet).
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// What a stored hash may ask for at most.
const MAX_MEMORY_KIB: u32 = 64 * 1024;
const MAX_PASSES: u32 = 10;
const MAX_LANES: u32 = 4;
const MIN_OUTPUT_BYTES: usize = 16;
const SALT_BYTES: usize = 16;

/// A hash of no password, with the parameters of a new hash: an unknown user costs what a known one does.
const DUMMY: &str = "$argon2id$v=19$m=19456,t=2,p=1$8f/ojQzpsySE4LYj8DlDjA$y3bzGs9Or3TMqalhC4uW/ejnvLxrOzNrbyDwePIN5iU";

/// A stored hash within the bounds. Its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    params: Params,
    salt: Salt,
    output: Output,
}

/// Why a stored string is no usable hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordHashError {
    /// Not a PHC string with salt and output, or with parameters that Argon2 does not have.
    #[error("not a PHC string")]
    NotPhc,
    /// Another function, or another version of it, than Argon2id 1.3 (RFC 9106).
    #[error("not an Argon2id hash of version 19")]
    NotArgon2id,
    /// Memory, passes, lanes or output outside the bounds.
    #[error(
        "parameters out of bounds: m at most {MAX_MEMORY_KIB}, t at most {MAX_PASSES}, \
         p at most {MAX_LANES}, output at least {MIN_OUTPUT_BYTES} bytes"
    )]
    OutOfBounds,
}

impl PasswordHash {
    /// Parses a PHC string, for example `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<output>`.
    ///
    /// # Errors
    ///
    /// [`PasswordHashError`] for anything but an Argon2id hash within the bounds.
    pub fn parse(phc: &str) -> Result<Self, PasswordHashError> {
        let phc = Phc::new(phc).map_err(|_| PasswordHashError::NotPhc)?;
        if phc.algorithm != argon2::ARGON2ID_IDENT || phc.version != Some(Version::V0x13.into()) {
            return Err(PasswordHashError::NotArgon2id);
        }
        let params = Params::try_from(&phc).map_err(|_| PasswordHashError::NotPhc)?;
        let (Some(salt), Some(output)) = (phc.salt, phc.hash) else {
            return Err(PasswordHashError::NotPhc);
        };
        let within = params.m_cost() <= MAX_MEMORY_KIB
            && params.t_cost() <= MAX_PASSES
            && params.p_cost() <= MAX_LANES
            && output.len() >= MIN_OUTPUT_BYTES
            && params.keyid().is_empty()
            && params.data().is_empty();
        within
            .then_some(Self {
                params,
                salt,
                output,
            })
            .ok_or(PasswordHashError::OutOfBounds)
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(redacted)")
    }
}

/// A hash could not be computed: no memory or no randomness was to be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the password hash could not be computed")]
pub struct HashingError;

/// Computes hashes, and keeps the 19 MiB of block memory between calls: touching fresh pages
/// costs a third of a hash. Nothing is allocated before the first call.
#[derive(Default)]
pub struct PasswordHasher {
    memory: Mutex<Vec<Block>>,
    computed: AtomicU64,
}

impl PasswordHasher {
    /// A hasher without memory yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether `password` is the one of `hash`. Without a hash the same work is done for nothing,
    /// so that the time to answer does not tell whether there was one.
    ///
    /// # Errors
    ///
    /// [`HashingError`] where the memory cannot be allocated.
    pub fn verify(
        &self,
        password: &Password,
        hash: Option<&PasswordHash>,
    ) -> Result<bool, HashingError> {
        let dummy = PasswordHash::parse(DUMMY).map_err(|_| HashingError)?;
        let expected = hash.unwrap_or(&dummy);
        let computed = self.compute(
            password,
            &expected.params,
            &expected.salt,
            expected.output.len(),
        )?;
        // `Output` compares in constant time.
        Ok(computed == expected.output && hash.is_some())
    }

    /// Hashes a new password with a random salt into a PHC string.
    ///
    /// # Errors
    ///
    /// [`HashingError`] where the memory cannot be allocated or no randomness is to be had.
    pub fn hash(&self, password: &Password) -> Result<String, HashingError> {
        let mut salt = [0; SALT_BYTES];
        rand::fill(&mut salt).map_err(|_| HashingError)?;
        let salt = Salt::new(&salt).map_err(|_| HashingError)?;
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| HashingError)?;
        let output = self.compute(password, &params, &salt, Params::DEFAULT_OUTPUT_LEN)?;
        let phc = Phc {
            algorithm: argon2::ARGON2ID_IDENT,
            version: Some(Version::V0x13.into()),
            params: (&params).try_into().map_err(|_| HashingError)?,
            salt: Some(salt),
            hash: Some(output),
        };
        Ok(phc.to_string())
    }

    /// How many hashes were computed so far: a test can tell that a refusal cost one, or none.
    #[must_use]
    pub fn computed(&self) -> u64 {
        self.computed.load(Ordering::Relaxed)
    }

    fn compute(
        &self,
        password: &Password,
        params: &Params,
        salt: &Salt,
        output_bytes: usize,
    ) -> Result<Output, HashingError> {
        self.computed.fetch_add(1, Ordering::Relaxed);
        // A panic while the lock was held leaves only garbage that the next call overwrites.
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let blocks = params.block_count();
        if memory.len() < blocks {
            let missing = blocks - memory.len();
            memory
                .try_reserve_exact(missing)
                .map_err(|_| HashingError)?;
            memory.resize(blocks, Block::new());
        }
        let mut output = vec![0; output_bytes];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone())
            .hash_password_into_with_memory(password.expose(), salt, &mut output, &mut memory[..])
            .map_err(|_| HashingError)?;
        // An old hash with more memory does not make the process larger for good.
        memory.truncate(MEMORY_KIB as usize);
        memory.shrink_to(MEMORY_KIB as usize);
        Output::new(&output).map_err(|_| HashingError)
    }
}

impl fmt::Debug for PasswordHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHasher")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::parse(text).unwrap()
    }

    #[test]
    fn a_new_hash_verifies_its_password_and_no_other() {
        let hasher = PasswordHasher::new();
        let hash = PasswordHash::parse(&hasher.hash(&password("päss wörd ")).unwrap()).unwrap();
        assert_eq!(
            hasher.verify(&password("päss wörd "), Some(&hash)),
            Ok(true)
        );
        assert_eq!(
            hasher.verify(&password("päss wörd"), Some(&hash)),
            Ok(false)
        );
        assert_eq!(hasher.verify(&password(""), Some(&hash)), Ok(false));
    }

    #[test]
    fn two_hashes_of_one_password_differ() {
        let hasher = PasswordHasher::new();
        assert_ne!(
            hasher.hash(&password("same")).unwrap(),
            hasher.hash(&password("same")).unwrap()
        );
    }

    #[test]
    fn no_password_matches_without_a_hash() {
        let hasher = PasswordHasher::new();
        for guess in ["", "changeme", "dummy"] {
            assert_eq!(hasher.verify(&password(guess), None), Ok(false));
        }
        assert_eq!(hasher.computed(), 3, "each guess costs a hash");
    }

    #[test]
    fn the_dummy_has_the_parameters_of_a_new_hash() {
        let new = PasswordHasher::new().hash(&password("x")).unwrap();
        let (new, dummy) = (
            PasswordHash::parse(&new).unwrap(),
            PasswordHash::parse(DUMMY).unwrap(),
        );
        assert_eq!(new.params, dummy.params);
        assert_eq!(new.output.len(), dummy.output.len());
    }

    // Made with the reference implementation (argon2-cffi 25.1.0 on libargon2), password "password".
    const REFERENCE: &str =
        "$argon2id$v=19$m=4096,t=3,p=2$bjIg7GSNLupiScwm$uso2uJpGEOfaSplB0ejn9R3iPmWldG50";

    #[test]
    fn a_hash_of_the_reference_implementation_verifies() {
        let hash = PasswordHash::parse(REFERENCE).unwrap();
        let hasher = PasswordHasher::new();
        assert_eq!(hasher.verify(&password("password"), Some(&hash)), Ok(true));
        assert_eq!(hasher.verify(&password("Password"), Some(&hash)), Ok(false));
    }

    #[test]
    fn strings_that_are_no_bounded_argon2id_hash_are_refused() {
        let salt_and_output = DUMMY.split_once("p=1$").unwrap().1;
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
    fn the_memory_of_a_larger_hash_is_given_back() {
        let hasher = PasswordHasher::new();
        let larger = DUMMY.replace("m=19456,t=2", "m=32768,t=1");
        hasher
            .verify(&password("x"), Some(&PasswordHash::parse(&larger).unwrap()))
            .unwrap();
        assert_eq!(
            hasher.memory.lock().unwrap().capacity(),
            MEMORY_KIB as usize
        );
    }
}
