//! Passwords as they are typed, their hashes, and the computation and verification of hashes.
//!
//! [`PasswordHash::parse`] is the gate: a stored hash determines how much memory and time its own
//! verification takes, so one outside the bounds is an error and is never computed.

mod hash;
#[cfg(feature = "self-service")]
mod policy;

use std::{
    fmt,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use argon2_rust::{Algorithm, Argon2, Hasher, Params, Version};
use aws_lc_rs::rand;
use phc::{Output, Salt};
use zeroize::Zeroizing;

use hash::{Function, LANES, MEMORY_KIB, PASSES, SALT_BYTES};
pub use hash::{PasswordHash, PasswordHashError};
#[cfg(feature = "self-service")]
pub use policy::{PasswordPolicy, PasswordRefusal};

use crate::failure::HashingError;

/// The maximum length of a password in bytes: enough for any passphrase, and cheap to hash.
pub const MAX_PASSWORD_BYTES: usize = 1024;

/// A password as received: never trimmed, truncated or printed. Its memory is wiped when it is dropped.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

/// The password is longer than [`MAX_PASSWORD_BYTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("password has more than {MAX_PASSWORD_BYTES} bytes")]
pub struct PasswordTooLong;

impl Password {
    /// Parses a password as it was typed.
    ///
    /// # Errors
    ///
    /// [`PasswordTooLong`] above [`MAX_PASSWORD_BYTES`] bytes of UTF-8.
    pub fn parse(password: &str) -> Result<Self, PasswordTooLong> {
        if password.len() > MAX_PASSWORD_BYTES {
            return Err(PasswordTooLong);
        }
        Ok(Self(Zeroizing::new(password.to_owned())))
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(redacted)")
    }
}

/// A hash that no password matches, with the parameters of a new one: an unknown user costs the same as
/// a known one.
const DUMMY: &str = "$argon2id$v=19$m=19456,t=2,p=1$8f/ojQzpsySE4LYj8DlDjA$y3bzGs9Or3TMqalhC4uW/ejnvLxrOzNrbyDwePIN5iU";

impl PasswordHash {
    /// Returns a hash that no password matches, for a user whose password was removed.
    ///
    /// # Errors
    ///
    /// [`HashingError`] if the constant does not parse, which a test excludes.
    pub fn unmatchable() -> Result<Self, HashingError> {
        Self::parse(DUMMY).map_err(|_| HashingError)
    }
}

/// Computes hashes. It keeps the 19 MiB of block memory between calls, wiped, because fresh pages cost a
/// quarter of a hash. Nothing is allocated before the first call.
#[derive(Default)]
pub struct PasswordHasher {
    memory: Mutex<Option<Hasher>>,
    computed: AtomicU64,
}

impl PasswordHasher {
    /// Returns a hasher that has not allocated its memory yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Checks whether `password` matches `hash`. Without a hash it does the same work, so that the
    /// response time does not reveal whether there was one.
    ///
    /// # Errors
    ///
    /// [`HashingError`] if the memory cannot be allocated.
    pub fn verify(
        &self,
        password: &Password,
        hash: Option<&PasswordHash>,
    ) -> Result<bool, HashingError> {
        let dummy;
        let expected = if let Some(hash) = hash {
            hash
        } else {
            dummy = PasswordHash::unmatchable()?;
            &dummy
        };
        let matches = match &expected.function {
            // `Output` compares in constant time.
            Function::Argon2id {
                params,
                salt,
                output,
            } => self.compute(password, params, salt)? == **output,
            Function::Bcrypt => {
                self.computed.fetch_add(1, Ordering::Relaxed);
                bcrypt::verify(password.0.as_bytes(), expected.expose())
                    .map_err(|_| HashingError)?
            }
        };
        Ok(matches && hash.is_some())
    }

    /// Hashes a new password with a random salt.
    ///
    /// # Errors
    ///
    /// [`HashingError`] if no memory or no randomness is available.
    pub fn hash(&self, password: &Password) -> Result<PasswordHash, HashingError> {
        let mut salt = [0; SALT_BYTES];
        rand::fill(&mut salt).map_err(|_| HashingError)?;
        let salt = Salt::new(&salt).map_err(|_| HashingError)?;
        let dummy = PasswordHash::unmatchable()?;
        let Function::Argon2id { params, .. } = dummy.function else {
            return Err(HashingError);
        };
        let output = self.compute(password, &params, &salt)?;
        let text = format!(
            "$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${}${output}",
            salt.to_salt_string()
        );
        PasswordHash::try_from(text).map_err(|_| HashingError)
    }

    /// Returns how many hashes have been computed so far, for tests of what a refused login costs.
    #[must_use]
    pub fn computed(&self) -> u64 {
        self.computed.load(Ordering::Relaxed)
    }

    fn compute(
        &self,
        password: &Password,
        params: &Params,
        salt: &Salt,
    ) -> Result<Output, HashingError> {
        self.computed.fetch_add(1, Ordering::Relaxed);
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, *params);
        let mut memory = self.memory.lock().unwrap_or_else(|poisoned| {
            // Memory that a panic left half written is not used again.
            self.memory.clear_poison();
            let mut memory = poisoned.into_inner();
            *memory = None;
            memory
        });
        let hasher = memory.get_or_insert_with(|| argon2.hasher());
        hasher.set_argon2(argon2);
        let mut output = vec![0; params.tag_len_bytes()];
        let result = hasher.hash_into(password.0.as_bytes(), &salt[..], &mut output);
        // A hash with more memory must not enlarge the process permanently.
        if hasher.reserved_blocks() > MEMORY_KIB as usize {
            hasher.clear();
        }
        result.map_err(|_| HashingError)?;
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
    use argon2_rust::params::{Memory, TagLen};

    use super::*;

    fn password(text: &str) -> Password {
        Password::parse(text).unwrap()
    }

    #[test]
    fn debug_never_shows_the_password() {
        assert_eq!(format!("{:?}", password("hunter2")), "Password(redacted)");
    }

    #[test]
    fn length_is_counted_in_bytes() {
        assert!(Password::parse(&"é".repeat(512)).is_ok());
        assert!(Password::parse(&"é".repeat(513)).is_err());
    }

    #[test]
    fn a_new_hash_verifies_its_password_and_no_other() {
        let hasher = PasswordHasher::new();
        let hash = hasher.hash(&password("päss wörd ")).unwrap();
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
        assert!(PasswordHash::parse(DUMMY).unwrap().is_current());
        let new = PasswordHasher::new().hash(&password("x")).unwrap();
        assert!(new.is_current());
    }

    // jBCrypt's test vector of an empty password, and a hash made with Python's bcrypt 5.0.
    #[test]
    fn a_bcrypt_hash_verifies_its_password_and_no_other() {
        let empty = "$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.";
        let phrase = "$2b$06$/74w1fHUVRXxnqEWR7jMl.7YMXLAs2j5.C308kxkyfBMc26BvYn2e";
        let hasher = PasswordHasher::new();
        let verify = |hash: &str, text: &str| {
            let hash = PasswordHash::parse(hash).unwrap();
            hasher.verify(&password(text), Some(&hash)).unwrap()
        };
        assert!(verify(empty, ""));
        assert!(!verify(empty, "a"));
        assert!(verify(phrase, "päss wörd "));
        assert!(!verify(phrase, "päss wörd"));
        assert_eq!(hasher.computed(), 4);
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
    fn the_memory_of_a_larger_hash_is_freed() {
        let hasher = PasswordHasher::new();
        let larger = DUMMY.replace("m=19456,t=2", "m=32768,t=1");
        hasher
            .verify(&password("x"), Some(&PasswordHash::parse(&larger).unwrap()))
            .unwrap();
        let reserved = |hasher: &PasswordHasher| {
            let memory = hasher.memory.lock().unwrap();
            memory.as_ref().unwrap().reserved_blocks()
        };
        assert_eq!(reserved(&hasher), 0);
        hasher.verify(&password("x"), None).unwrap();
        assert_eq!(reserved(&hasher), MEMORY_KIB as usize);
    }

    // Release builds measure which implementation is faster, and may not use NEON.
    #[cfg(all(target_arch = "aarch64", debug_assertions))]
    #[test]
    fn debug_builds_for_arm64_hash_with_neon() {
        let backend = argon2_rust::detected_backend();
        assert_eq!(backend, argon2_rust::Backend::Neon);
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

        // Compares with an independent implementation of the same function (RFC 9106).
        #[test]
        fn a_hash_equals_the_one_that_rustcrypto_computes(
            text in "\\PC{0,80}",
            salt in proptest::collection::vec(proptest::num::u8::ANY, 8..=48),
            memory_kib in 32_u32..3_000,
            passes in 1_u32..=4,
            lanes in 1_u32..=4,
            output_bytes in 16_usize..=64,
        ) {
            let params = Params::builder()
                .memory(Memory::kib(memory_kib.into()))
                .passes(passes)
                .lanes(lanes)
                .tag_len(TagLen::bytes(output_bytes as u64));
            let params = params.build().unwrap();
            let salt = Salt::new(&salt).unwrap();
            let hasher = PasswordHasher::new();
            let ours = hasher.compute(&password(&text), &params, &salt).unwrap();
            let mut theirs = vec![0; output_bytes];
            let params = argon2::Params::new(memory_kib, passes, lanes, Some(output_bytes)).unwrap();
            argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params)
                .hash_password_into(text.as_bytes(), &salt, &mut theirs)
                .unwrap();
            proptest::prop_assert_eq!(ours.as_bytes(), theirs);
        }
    }
}
