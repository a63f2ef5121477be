//! Ids that are unique and cannot be guessed.

use aws_lc_rs::rand;
use base64::Engine;

use crate::encoding::BASE64URL;

const BYTES: usize = 16;

/// Returns 128 random bits in base64url, for example as the `jti` of a token or the id of a user.
/// `None` if the machine has no randomness.
#[must_use]
pub fn random_id() -> Option<String> {
    let mut bytes = [0; BYTES];
    rand::fill(&mut bytes).ok()?;
    Some(BASE64URL.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_ids_differ_and_have_22_characters() {
        let (one, two) = (random_id().unwrap(), random_id().unwrap());
        assert_ne!(one, two);
        assert_eq!(one.len(), 22);
    }
}
