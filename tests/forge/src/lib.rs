//! Forges tokens without the code under test: any header, any claims, any key.
//!
//! Start at [`token`]. [`hostile`] has tokens that every guard must reject. Its [`hostile::issued`]
//! is the only function that uses the bundle's own issuer.

pub mod hostile;
pub mod links;
mod signer;

pub use signer::Signer;

use aws_lc_rs::{hmac, signature};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// The HMAC secret of access tokens in every test.
pub const SECRET: &str = "test-not-for-deployment-pqN4wYc7Jk2vXz9mB5tR8s";

/// The secret of refresh tokens in every test.
pub const SESSION_SECRET: &str = "test-not-for-deployment-sessions-Lw7Tq2Xz8Vn4Rb";

/// The secret of counters and device tokens.
pub const COUNTER_SECRET: &str = "test-not-for-deployment-counters-Hs3Gm9Yc5Kd1Pj";

/// The secret of the links in emails in tests.
pub const ACTION_SECRET: &str = "test-not-for-deployment-actions-Tz6Wn3Bv8Fq2Mx";

/// Returns the refresh token for a generation of a session.
#[must_use]
pub fn refresh_token(secret: &str, session: [u8; 16], generation: u32) -> String {
    let message = [&session[..], &generation.to_be_bytes()].concat();
    let mac = hmac_sha256(secret.as_bytes(), &message);
    b64([message, mac].concat())
}

/// Encodes bytes in base64url without padding.
pub fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Returns the `kid` that the bundle derives for a secret without one: the first twelve bytes of
/// HMAC-SHA-256 of `auth-core kid`.
#[must_use]
pub fn kid_of(secret: &str) -> String {
    b64(&hmac_sha256(secret.as_bytes(), b"auth-core kid")[..12])
}

/// Returns the HMAC-SHA-256 of a message.
#[must_use]
pub fn hmac_sha256(secret: &[u8], message: &[u8]) -> Vec<u8> {
    hmac_tag(hmac::HMAC_SHA256, secret, message)
}

/// Returns the HMAC of a message with any hash.
#[must_use]
pub fn hmac_tag(algorithm: hmac::Algorithm, secret: &[u8], message: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(algorithm, secret), message)
        .as_ref()
        .to_vec()
}

/// Returns the header of a valid token.
#[must_use]
pub fn header() -> Value {
    Signer::secret().header()
}

/// The session of the tokens.
pub const SESSION_ID: &str = "AAECAwQFBgcICQoLDA0ODw";

/// The claims of a token, all of which are required.
pub const CLAIMS: [&str; 12] = [
    "iss",
    "sub",
    "aud",
    "client_id",
    "iat",
    "nbf",
    "exp",
    "jti",
    "sid",
    "email",
    "roles",
    "scope",
];

/// Returns the claims of a valid token of the tutorial's user, issued at `now`, in seconds since 1970.
#[must_use]
pub fn claims(now: u64) -> Value {
    json!({
        "iss": "auth", "sub": "1", "aud": "api", "client_id": "api", "iat": now, "nbf": now, "exp": now + 3600,
        "jti": "c2Vzc2lvbi1pZA", "sid": SESSION_ID, "email": "john.doe@leapify.tech", "roles": ["Admin"], "scope": "create delete read update",
    })
}

/// Returns `base` with these members set, or removed if their value is `null`.
#[must_use]
pub fn with(mut base: Value, changes: &Value) -> Value {
    let members = base.as_object_mut().expect("an object");
    for (name, value) in changes.as_object().expect("an object") {
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    base
}

/// Returns the part of a token that is signed.
pub fn message(header: impl AsRef<[u8]>, claims: impl AsRef<[u8]>) -> String {
    format!("{}.{}", b64(header), b64(claims))
}

/// Returns a token with any header and claims, signed with [`SECRET`] and HS256 whatever the header says.
pub fn signed(header: impl AsRef<[u8]>, claims: impl AsRef<[u8]>) -> String {
    Signer::secret().signed(header, claims)
}

/// Returns a valid token of the tutorial's user with these changes to its header and claims.
#[must_use]
pub fn token(now: u64, header_changes: &Value, claims_changes: &Value) -> String {
    Signer::secret().token(now, header_changes, claims_changes)
}

/// Returns a private JWK from the folder `keys` by its `kid`: `rsa`, `p256`, `p384` or `ed25519`.
#[must_use]
pub fn private_jwk(kid: &str) -> Value {
    let text = match kid {
        "rsa" => include_str!("../keys/rsa.jwk.json"),
        "p256" => include_str!("../keys/p256.jwk.json"),
        "p384" => include_str!("../keys/p384.jwk.json"),
        "ed25519" => include_str!("../keys/ed25519.jwk.json"),
        other => panic!("there is no key {other}"),
    };
    serde_json::from_str(text).expect("a JWK")
}

/// Returns the public half of a [`private_jwk`].
#[must_use]
pub fn public_jwk(kid: &str) -> Value {
    public_half(private_jwk(kid))
}

/// Removes the private members of a JWK.
#[must_use]
pub fn public_half(jwk: Value) -> Value {
    let private = json!({"d": null, "p": null, "q": null, "dp": null, "dq": null, "qi": null});
    with(jwk, &private)
}

/// Returns the bytes of a member of a JWK.
#[must_use]
pub fn octets(jwk: &Value, member: &str) -> Vec<u8> {
    decoded(jwk[member].as_str().expect("a string"))
}

/// Decodes base64url.
#[must_use]
pub fn decoded(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).expect("base64url")
}

/// Returns the key pair of a private JWK of P-256, to sign also in formats other than that of JWS.
#[must_use]
pub fn p256_pair(
    jwk: &Value,
    algorithm: &'static signature::EcdsaSigningAlgorithm,
) -> signature::EcdsaKeyPair {
    let point = [&[4][..], &octets(jwk, "x"), &octets(jwk, "y")].concat();
    signature::EcdsaKeyPair::from_private_key_and_public_key(algorithm, &octets(jwk, "d"), &point)
        .expect("a key pair")
}
