//! RSA keys (RFC 7518 section 6.3): 2048 to 8192 bits, a sound exponent, no ROCA modulus.

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa::{KeyPair, KeyPairComponents, PublicKeyComponents},
};
use base64::Engine;
use jsonwebtoken::{DecodingKey, EncodingKey};

use super::{KeyError, Parts, jwk::Jwk, thumbprint};
use crate::encoding::BASE64URL;

const MIN_BITS: usize = 2048;
const MAX_BITS: usize = 8192;
const MAX_EXPONENT_BYTES: usize = 4;

/// Where the PKCS#1 key begins in a PKCS#8 one: after the outer sequence, the version, the algorithm
/// identifier and the head of the octet string, which have a fixed length at these key sizes
/// (RFC 5208 section 5).
pub(super) const PKCS1_OFFSET: usize = 26;

pub(super) fn parse(jwk: &Jwk) -> Result<Parts, KeyError> {
    let (n, e) = (jwk.required("n")?, jwk.required("e")?);
    let (n, e) = (without_leading_zeros(&n), without_leading_zeros(&e));
    check_public(n, e)?;
    Ok(Parts {
        verifying: DecodingKey::from_rsa_raw_components(n, e),
        signing: parse_private(jwk, n, e)?,
        derived_kid: thumbprint(&format!(
            r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#,
            BASE64URL.encode(e),
            BASE64URL.encode(n)
        )),
        is_known_secret: false,
    })
}

fn check_public(n: &[u8], e: &[u8]) -> Result<(), KeyError> {
    let bits = n
        .first()
        .map_or(0, |first| n.len() * 8 - first.leading_zeros() as usize);
    let is_odd = |number: &[u8]| number.last().is_some_and(|last| last % 2 == 1);
    if !(MIN_BITS..=MAX_BITS).contains(&bits) {
        return Err(KeyError::WeakRsa("the modulus must have 2048 to 8192 bits"));
    }
    if !is_odd(n) {
        return Err(KeyError::WeakRsa("the modulus is even"));
    }
    if !is_odd(e) || e == [1] || e.len() > MAX_EXPONENT_BYTES {
        return Err(KeyError::WeakRsa(
            "the exponent must be odd, 3 or more and 32 bits or less",
        ));
    }
    if is_roca(n) {
        return Err(KeyError::WeakRsa(
            "the modulus can be factored (CVE-2017-15361, ROCA)",
        ));
    }
    Ok(())
}

fn parse_private(jwk: &Jwk, n: &[u8], e: &[u8]) -> Result<Option<EncodingKey>, KeyError> {
    if jwk.has("oth") {
        return Err(KeyError::Unsupported("RSA keys of more than two primes"));
    }
    let Some(d) = jwk.octets("d")? else {
        let is_half = ["p", "q", "dp", "dq", "qi"]
            .iter()
            .any(|name| jwk.has(name));
        return if is_half {
            Err(KeyError::Inconsistent)
        } else {
            Ok(None)
        };
    };
    let components = KeyPairComponents {
        public_key: PublicKeyComponents { n, e },
        d: &d[..],
        p: &jwk.required("p")?,
        q: &jwk.required("q")?,
        dP: &jwk.required("dp")?,
        dQ: &jwk.required("dq")?,
        qInv: &jwk.required("qi")?,
    };
    let pair = KeyPair::from_components(&components).map_err(|_| KeyError::Inconsistent)?;
    let pkcs8: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| KeyError::Inconsistent)?;
    let pkcs1 = pkcs8
        .as_ref()
        .get(PKCS1_OFFSET..)
        .ok_or(KeyError::Inconsistent)?;
    KeyPair::from_der(pkcs1).map_err(|_| KeyError::Inconsistent)?;
    Ok(Some(EncodingKey::from_rsa_der(pkcs1)))
}

/// Removes the sign byte that some libraries write although RFC 7518 section 6.3.1.1 forbids it.
pub(super) fn without_leading_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

/// The primes of the published ROCA fingerprint.
const ROCA_PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
    101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/// Checks whether the modulus is a power of 65537 modulo every one of the primes, as the moduli of the
/// broken generator are (Nemec et al., "The Return of Coppersmith's Attack", section 2.1). A sound
/// modulus has this property with a probability of about 2^-28.
fn is_roca(n: &[u8]) -> bool {
    ROCA_PRIMES.iter().all(|&prime| {
        let residue = n
            .iter()
            .fold(0, |rest, &byte| (rest * 256 + u32::from(byte)) % prime);
        let mut power = 1;
        (0..prime).any(|_| {
            power = power * 65537 % prime;
            power == residue
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn odd_modulus(bytes: usize) -> Vec<u8> {
        let mut n = vec![0xa5; bytes];
        n[bytes - 1] = 0x35;
        n
    }

    #[test]
    fn sizes_and_exponents_out_of_bounds_are_rejected() {
        let good = odd_modulus(256);
        assert_eq!(check_public(&good, &[1, 0, 1]), Ok(()));
        assert_eq!(check_public(&good, &[3]), Ok(()));
        assert_eq!(check_public(&good, &[0xff; 4]), Ok(()));
        let mut with_2047_bits = good.clone();
        with_2047_bits[0] = 0x7f;
        for (n, e) in [
            (odd_modulus(128), vec![1, 0, 1]),
            (odd_modulus(255), vec![1, 0, 1]),
            (with_2047_bits, vec![1, 0, 1]),
            (odd_modulus(1025), vec![1, 0, 1]),
            (vec![0xa4; 256], vec![1, 0, 1]),
            (vec![], vec![1, 0, 1]),
            (good.clone(), vec![1]),
            (good.clone(), vec![2]),
            (good.clone(), vec![]),
            (good.clone(), vec![1, 0, 0, 0, 1]),
        ] {
            assert!(matches!(check_public(&n, &e), Err(KeyError::WeakRsa(_))));
        }
    }

    #[test]
    fn a_power_of_65537_has_the_roca_fingerprint() {
        // 65537^2 as bytes, which has the fingerprint by construction.
        assert!(is_roca(&4_295_098_369_u64.to_be_bytes()));
        assert!(!is_roca(&4_295_098_371_u64.to_be_bytes()));
        assert!(!is_roca(&(4_295_098_369_u64 + 256).to_be_bytes()));
    }
}
