//! Keys that sign forged tokens, with header and signature under the test's control.
//!
//! Start at [`Signer::secret`] and [`Signer::new`].

use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    hmac::{HMAC_SHA256, HMAC_SHA384, HMAC_SHA512},
    rand::SystemRandom,
    rsa::{KeyPair, KeyPairComponents, PublicKeyComponents},
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256,
        RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512,
        RsaSignatureEncoding,
    },
};
use serde_json::{Value, json};

use crate::{SECRET, b64, claims, hmac_tag, kid_of, message, octets, p256_pair, public_half, with};

/// A key that signs tokens whatever their header says.
pub struct Signer {
    jwk: Value,
    key: SigningKey,
}

enum SigningKey {
    Secret,
    Rsa(KeyPair),
    P256(EcdsaKeyPair),
}

impl Signer {
    /// Returns [`SECRET`] with HS256.
    #[must_use]
    pub fn secret() -> Self {
        let jwk = json!({"kty": "oct", "k": b64(SECRET), "alg": "HS256", "kid": kid_of(SECRET)});
        let key = SigningKey::Secret;
        Self { jwk, key }
    }

    /// Returns the key of a private JWK: one of RSA for RS256, or one of P-256 for ES256.
    #[must_use]
    pub fn new(jwk: &Value) -> Self {
        let key = match jwk["alg"].as_str() {
            Some("RS256") => SigningKey::Rsa(rsa_pair(jwk)),
            Some("ES256") => SigningKey::P256(p256_pair(jwk, &ECDSA_P256_SHA256_FIXED_SIGNING)),
            other => panic!("no key for {other:?}"),
        };
        let jwk = jwk.clone();
        Self { jwk, key }
    }

    /// Returns the algorithm of the key.
    #[must_use]
    pub fn algorithm(&self) -> &str {
        self.jwk["alg"].as_str().expect("a string")
    }

    /// Returns the `kid`.
    #[must_use]
    pub fn kid(&self) -> &str {
        self.jwk["kid"].as_str().expect("a string")
    }

    /// Returns the JWK with which the key verifies: the public half, or the secret.
    #[must_use]
    pub fn verifying_jwk(&self) -> Value {
        public_half(self.jwk.clone())
    }

    /// Returns the private JWK.
    #[must_use]
    pub fn private_jwk(&self) -> &Value {
        &self.jwk
    }

    /// Returns the public key in DER, as a `SubjectPublicKeyInfo` (RFC 5280 section 4.1).
    #[must_use]
    pub fn spki(&self) -> Vec<u8> {
        let der: Result<PublicKeyX509Der<'_>, _> = match &self.key {
            SigningKey::Secret => panic!("a secret has no public key"),
            SigningKey::Rsa(pair) => pair.public_key().as_der(),
            SigningKey::P256(pair) => pair.public_key().as_der(),
        };
        der.expect("DER").as_ref().to_vec()
    }

    /// Returns the public key as the type of key spells it: an `RSAPublicKey` in DER (RFC 8017 appendix A.1.1) or a point
    /// of the curve.
    #[must_use]
    pub fn public_key(&self) -> Vec<u8> {
        match &self.key {
            SigningKey::Secret => panic!("a secret has no public key"),
            SigningKey::Rsa(pair) => pair.public_key().as_ref().to_vec(),
            SigningKey::P256(pair) => pair.public_key().as_ref().to_vec(),
        }
    }

    /// Returns the header of a valid token.
    #[must_use]
    pub fn header(&self) -> Value {
        json!({"alg": self.algorithm(), "typ": "at+jwt", "kid": self.kid()})
    }

    /// Signs a message as the key's algorithm does.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.key {
            SigningKey::Secret => hmac_tag(HMAC_SHA256, SECRET.as_bytes(), message),
            SigningKey::Rsa(pair) => rsa_signature(pair, &RSA_PKCS1_SHA256, message),
            SigningKey::P256(pair) => {
                let signature = pair.sign(&SystemRandom::new(), message);
                signature.expect("a signature").as_ref().to_vec()
            }
        }
    }

    /// Signs a message as one of the [`other_algorithms`](Self::other_algorithms) does.
    #[must_use]
    pub fn sign_otherwise(&self, alg: &str, message: &[u8]) -> Vec<u8> {
        let secret = SECRET.as_bytes();
        match (&self.key, alg) {
            (SigningKey::Secret, "HS384") => hmac_tag(HMAC_SHA384, secret, message),
            (SigningKey::Secret, "HS512") => hmac_tag(HMAC_SHA512, secret, message),
            (SigningKey::Rsa(pair), "RS384") => rsa_signature(pair, &RSA_PKCS1_SHA384, message),
            (SigningKey::Rsa(pair), "RS512") => rsa_signature(pair, &RSA_PKCS1_SHA512, message),
            (SigningKey::Rsa(pair), "PS256") => rsa_signature(pair, &RSA_PSS_SHA256, message),
            (SigningKey::Rsa(pair), "PS384") => rsa_signature(pair, &RSA_PSS_SHA384, message),
            (SigningKey::Rsa(pair), "PS512") => rsa_signature(pair, &RSA_PSS_SHA512, message),
            _ => panic!("{} does not sign with {alg}", self.algorithm()),
        }
    }

    /// Returns the other algorithms for which the key could be used.
    #[must_use]
    pub fn other_algorithms(&self) -> &[&'static str] {
        match &self.key {
            SigningKey::Secret => &["HS384", "HS512"],
            SigningKey::Rsa(_) => &["RS384", "RS512", "PS256", "PS384", "PS512"],
            SigningKey::P256(_) => &[],
        }
    }

    /// Returns a token with any header and claims, signed by this key whatever the header says.
    pub fn signed(&self, header: impl AsRef<[u8]>, claims: impl AsRef<[u8]>) -> String {
        let message = message(header, claims);
        let signature = self.sign(message.as_bytes());
        format!("{message}.{}", b64(signature))
    }

    /// Returns a valid token of the tutorial's user with these changes to its header and claims.
    #[must_use]
    pub fn token(&self, now: u64, header_changes: &Value, claims_changes: &Value) -> String {
        self.signed(
            with(self.header(), header_changes).to_string(),
            with(claims(now), claims_changes).to_string(),
        )
    }
}

fn rsa_pair(jwk: &Value) -> KeyPair {
    let member = |name: &str| octets(jwk, name);
    let public_key = PublicKeyComponents {
        n: member("n"),
        e: member("e"),
    };
    let components = KeyPairComponents {
        public_key,
        d: member("d"),
        p: member("p"),
        q: member("q"),
        dP: member("dp"),
        dQ: member("dq"),
        qInv: member("qi"),
    };
    KeyPair::from_components(&components).expect("a key pair")
}

fn rsa_signature(pair: &KeyPair, with: &'static RsaSignatureEncoding, message: &[u8]) -> Vec<u8> {
    let mut signature = vec![0; pair.public_modulus_len()];
    let signed = pair.sign(with, &SystemRandom::new(), message, &mut signature);
    signed.expect("a signature");
    signature
}
