//! Names that nobody can guess and that no two things share.

use aws_lc_rs::rand;

use crate::base64url;

const BYTES: usize = 16;

/// 128 random bits in base64url: the `jti` of a token, the id of a user. `None` where the machine
/// has no randomness.
#[must_use]
pub fn random_id() -> Option<String> {
    let mut bytes = [0; BYTES];
    rand::fill(&mut bytes).ok()?;
    Some(base64url::encode(bytes))
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
