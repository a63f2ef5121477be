//! HMAC secrets: long enough, and neither copied from a tutorial nor published.

use aws_lc_rs::hmac;
use base64::Engine;
use jsonwebtoken::{DecodingKey, EncodingKey};

use super::{Algorithm, KeyError, Parts, jwk::Jwk};
use crate::encoding::BASE64URL;

/// Words that mark a secret as a placeholder, keyboard sequences, and secrets from widely copied
/// examples (jwt.io, FastAPI's security tutorial, Express, AWS). Compared with the letters and digits of a
/// secret in lower case, so that `Change-Me` is `changeme`.
///
/// Each is so long that a random secret almost never contains it by chance; a test computes how rarely
/// one does.
const PLACEHOLDERS: [&str; 27] = [
    "changeme",
    "changethis",
    "replaceme",
    "placeholder",
    "password",
    "mysecret",
    "yoursecret",
    "supersecret",
    "topsecret",
    "jwtsecret",
    "testsecret",
    "longsecret",
    "secretkey",
    "examplekey",
    "testtest",
    "keyboardcat",
    "qwertyui",
    "qwertyqwerty",
    "qwerty123",
    "xyz123456",
    "xyz012345",
    "1234567890123456",
    "0123456789abcdef",
    "00112233445566778899aabbccddeeff",
    "your256bitsecret",
    "astringsecretatleast256bitslong",
    "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
];

/// Marks the secrets of the tests and benchmarks, which are published: the letters of `not-for-deployment`.
const KNOWN_MARK: &str = "notfordeployment";

/// A random secret of 32 bytes has fewer distinct bytes with a probability below 2^-100.
const MIN_DISTINCT_BYTES: usize = 8;

/// Checks a secret and makes the parts of its key.
pub(super) fn parse(secret: &[u8], algorithm: Algorithm) -> Result<Parts, KeyError> {
    let text = letters_and_digits(secret);
    check(secret, &text, algorithm)?;
    Ok(Parts {
        verifying: DecodingKey::from_secret(secret),
        signing: Some(EncodingKey::from_secret(secret)),
        derived_kid: derived_kid(secret),
        is_known_secret: text.contains(KNOWN_MARK),
    })
}

/// Checks the secret of a JWK. A placeholder or a published secret is recognized both in its bytes and in its base64url
/// text.
pub(super) fn parse_jwk(jwk: &Jwk, algorithm: Algorithm) -> Result<Parts, KeyError> {
    let mut parts = parse(&jwk.required("k")?, algorithm)?;
    let text = letters_and_digits(jwk.text("k")?.unwrap_or_default().as_bytes());
    check_placeholders(&text)?;
    parts.is_known_secret |= text.contains(KNOWN_MARK);
    Ok(parts)
}

/// Rejects secrets that anyone can guess, secrets shorter than the hash of `algorithm`, and algorithms
/// that do not use a secret.
fn check(secret: &[u8], text: &str, algorithm: Algorithm) -> Result<(), KeyError> {
    check_placeholders(text)?;
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
    let mut seen = [false; 256];
    for byte in secret {
        seen[usize::from(*byte)] = true;
    }
    if seen.iter().filter(|seen| **seen).count() < MIN_DISTINCT_BYTES {
        return Err(KeyError::Placeholder);
    }
    Ok(())
}

fn check_placeholders(text: &str) -> Result<(), KeyError> {
    let is_placeholder = PLACEHOLDERS.iter().any(|known| text.contains(known));
    (!is_placeholder).then_some(()).ok_or(KeyError::Placeholder)
}

/// Returns the ASCII letters and digits of a secret, in lower case.
fn letters_and_digits(secret: &[u8]) -> String {
    let bytes = secret.iter().filter(|byte| byte.is_ascii_alphanumeric());
    bytes
        .map(|byte| char::from(byte.to_ascii_lowercase()))
        .collect()
}

/// Derives a `kid` from a secret. RFC 7638 section 7 warns against hashing a secret into a name; a MAC
/// under the secret reveals no more than any token does.
fn derived_kid(secret: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    BASE64URL.encode(&hmac::sign(&key, b"auth-core kid").as_ref()[..12])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(secret: impl AsRef<[u8]>, algorithm: Algorithm) -> Result<(), KeyError> {
        parse(secret.as_ref(), algorithm).map(|_| ())
    }

    #[test]
    fn secrets_shorter_than_the_hash_are_rejected() {
        let secret: Vec<u8> = (1..=64).collect();
        for (algorithm, needed) in [
            (Algorithm::HS256, 32),
            (Algorithm::HS384, 48),
            (Algorithm::HS512, 64),
        ] {
            assert_eq!(check(&secret[..needed], algorithm), Ok(()));
            let error = check(&secret[..needed - 1], algorithm).unwrap_err();
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
            "please change_me before you deploy this",
            "your-256-bit-secret-your-256-bit-secret",
            "a-string-secret-at-least-256-bits-long",
            "this is a very long secret key!!",
            "secretkeysecretkeysecretkey12345",
            "mysecretkeymysecretkeymysecretke",
            "qwertyuiopasdfghjklzxcvbnm123456",
            "abcdefghijklmnopqrstuvwxyz123456",
            "0123456789abcdef0123456789abcdef",
            "01234567890123456789012345678901",
            "12345678901234567890123456789012",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "1234123412341234123412341234123412341234",
        ] {
            let checked = check(secret, Algorithm::HS256);
            assert_eq!(checked, Err(KeyError::Placeholder), "{secret}");
        }
        assert_eq!(check([0; 32], Algorithm::HS256), Err(KeyError::Placeholder));
    }

    #[test]
    fn a_secret_with_eight_distinct_bytes_is_not_guessable() {
        let secret = |distinct: u8| (0..32).map(|i| i % distinct).collect::<Vec<u8>>();
        assert_eq!(check(secret(8), Algorithm::HS256), Ok(()));
        assert_eq!(
            check(secret(7), Algorithm::HS256),
            Err(KeyError::Placeholder)
        );
    }

    /// Bounds the probability that a random secret contains a placeholder by chance, for the usual form of
    /// a secret: 64 characters of base64, which has 62 letters and digits, or of hexadecimal digits.
    #[test]
    fn a_random_secret_contains_a_placeholder_less_often_than_once_in_a_billion() {
        // The probabilities of a letter in either case and of a digit, and whether letters above f occur.
        let forms = [
            (2.0 / 62.0, 1.0 / 62.0, true),
            (1.0 / 16.0, 1.0 / 16.0, false),
        ];
        for (letter, digit, has_all_letters) in forms {
            let is_possible =
                |word: &&&str| has_all_letters || word.chars().all(|c| c.is_ascii_hexdigit());
            let probability = |word: &&str| {
                let chance = |c: char| if c.is_ascii_digit() { digit } else { letter };
                let positions = u8::try_from((word.len()..=64).count()).unwrap();
                f64::from(positions) * word.chars().map(chance).product::<f64>()
            };
            let placeholders = PLACEHOLDERS.iter().filter(is_possible);
            let total: f64 = placeholders.map(probability).sum();
            println!("a placeholder by chance: 2^{:.1}", total.log2());
            assert!(total < 2_f64.powi(-30), "{total:e}");
        }
    }

    #[test]
    fn secrets_of_the_tests_are_published() {
        let is_known_secret = |secret: &str| {
            parse(secret.as_bytes(), Algorithm::HS256)
                .unwrap()
                .is_known_secret
        };
        assert!(is_known_secret(
            "test-not-for-deployment-pqN4wYc7Jk2vXz9mB5tR8s"
        ));
        assert!(is_known_secret(
            "Local-Only-NOT_FOR_DEPLOYMENT-8f2kq0zw6d1mxr4b"
        ));
        assert!(!is_known_secret("kq3mZ8vT1wYxP5nB7cR2dF6gH9jL4sA0"));
    }

    #[test]
    fn a_secret_signs_only_with_hmac() {
        let secret: Vec<u8> = (0..64).collect();
        assert!(matches!(
            check(&secret, Algorithm::RS256),
            Err(KeyError::Unsupported(_))
        ));
    }
}
