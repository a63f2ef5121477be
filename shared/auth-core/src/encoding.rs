//! The encodings of JOSE: base64url and JSON, each in a single strict form.

pub(crate) mod json;

use base64::engine::{GeneralPurpose, general_purpose::URL_SAFE_NO_PAD};

/// Base64url without padding (RFC 7515 section 2). Decoding rejects padding, other alphabets, whitespace and
/// unused bits that are not zero: each would give one token a second spelling.
pub(crate) const BASE64URL: GeneralPurpose = URL_SAFE_NO_PAD;

#[cfg(test)]
mod tests {
    use base64::Engine;

    use super::*;

    #[test]
    fn only_the_canonical_spelling_decodes() {
        assert_eq!(BASE64URL.decode("-_8"), Ok(vec![0xfb, 0xff]));
        for text in ["-_8=", "+/8", "-_9", "-_ 8", "-_8\n", "a", "é"] {
            assert!(BASE64URL.decode(text).is_err(), "{text:?}");
        }
    }
}
