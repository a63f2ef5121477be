//! HMAC secrets: long enough, and not copied from a tutorial.

use aws_lc_rs::hmac;
use base64::Engine;
use jsonwebtoken::{DecodingKey, EncodingKey};

use super::{Algorithm, KeyError, Parts, jwk::Jwk};
use crate::encoding::BASE64URL;

/// Words that mark a secret as a placeholder, and secrets from widely copied examples
/// (jwt.io, FastAPI's security tutorial). Compared in lower case.
const PLACEHOLDERS: [&str; 21] = [
    "changeme",
    "change-me",
    "change_me",
    "change me",
    "change this",
    "change-this",
    "change_this",
    "placeholder",
    "password",
    "my-secret",
    "my_secret",
    "super-secret",
    "super_secret",
    "supersecret",
    "replace-me",
    "replace_me",
    "your-secret",
    "your_secret",
    "your-256-bit-secret",
    "a-string-secret-at-least-256-bits-long",
    "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
];

/// A random secret of 32 bytes has fewer distinct bytes with a probability below 2^-100.
const MIN_DISTINCT_BYTES: usize = 8;

/// Rejects secrets shorter than the hash of `algorithm`, and algorithms that do not use a secret.
pub(super) fn check_length(secret: &[u8], algorithm: Algorithm) -> Result<(), KeyError> {
    let needed = algorithm.min_secret_bytes().ok_or(KeyError::Unsupported(
        "a secret needs HS256, HS384 or HS512",
    ))?;
    if secret.len() < needed {
        return Err(KeyError::TooShort {
            algorithm,
            needed,
            actual: secret.len(),
        });
    }
    Ok(())
}

/// Rejects secrets that anyone can guess.
pub(super) fn check_guessable(secret: &[u8]) -> Result<(), KeyError> {
    let text = String::from_utf8_lossy(secret).to_lowercase();
    let mut seen = [false; 256];
    for byte in secret {
        seen[usize::from(*byte)] = true;
    }
    let distinct = seen.iter().filter(|seen| **seen).count();
    if distinct < MIN_DISTINCT_BYTES || PLACEHOLDERS.iter().any(|known| text.contains(known)) {
        return Err(KeyError::Placeholder);
    }
    Ok(())
}

pub(super) fn parse(jwk: &Jwk, algorithm: Algorithm) -> Result<Parts, KeyError> {
    let secret = jwk.required("k")?;
    check_length(&secret, algorithm)?;
    Ok(Parts {
        verifying: DecodingKey::from_secret(&secret),
        signing: Some(EncodingKey::from_secret(&secret)),
        derived_kid: derived_kid(&secret),
    })
}

/// Derives a `kid` for a secret without one. RFC 7638 section 7 warns against hashing a secret into a
/// name; a MAC under the secret reveals no more than any token does.
pub(super) fn derived_kid(secret: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    BASE64URL.encode(&hmac::sign(&key, b"auth-core kid").as_ref()[..12])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_shorter_than_the_hash_are_rejected() {
        let secret: Vec<u8> = (1..=64).collect();
        for (algorithm, needed) in [
            (Algorithm::HS256, 32),
            (Algorithm::HS384, 48),
            (Algorithm::HS512, 64),
        ] {
            assert_eq!(check_length(&secret[..needed], algorithm), Ok(()));
            let error = check_length(&secret[..needed - 1], algorithm).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!(
                    "must be at least {needed} bytes for {}, has {}",
                    algorithm.name(),
                    needed - 1
                )
            );
        }
    }

    #[test]
    fn secrets_anyone_can_guess_are_rejected() {
        for secret in [
            "changeme",
            "CHANGEME-CHANGEME-CHANGEME-CHANGEME",
            "your-256-bit-secret-your-256-bit-secret",
            "a-string-secret-at-least-256-bits-long",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "1234123412341234123412341234123412341234",
        ] {
            assert_eq!(
                check_guessable(secret.as_bytes()),
                Err(KeyError::Placeholder),
                "{secret}"
            );
        }
    }

    #[test]
    fn a_secret_with_eight_distinct_bytes_is_not_guessable() {
        let secret = |distinct: u8| (0..32).map(|i| i % distinct).collect::<Vec<u8>>();
        assert_eq!(check_guessable(&secret(8)), Ok(()));
        assert_eq!(check_guessable(&secret(7)), Err(KeyError::Placeholder));
    }

    #[test]
    fn a_secret_signs_only_with_hmac() {
        let secret: Vec<u8> = (0..64).collect();
        assert!(matches!(
            check_length(&secret, Algorithm::RS256),
            Err(KeyError::Unsupported(_))
        ));
    }
}
