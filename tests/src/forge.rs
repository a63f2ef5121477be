//! Tokens made by hand, without the code under test: any header, any claims, any key.

use aws_lc_rs::{hmac, signature};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// The secret of every HMAC test.
pub const SECRET: &str = "test-not-for-deployment-pqN4wYc7Jk2vXz9mB5tR8s";

/// The secret of refresh tokens in every test.
pub const SESSION_SECRET: &str = "test-not-for-deployment-sessions-Lw7Tq2Xz8Vn4Rb";

/// A refresh token of a session and a generation.
#[must_use]
pub fn refresh_token(secret: &str, session: [u8; 16], generation: u32) -> String {
    let message = [&session[..], &generation.to_be_bytes()].concat();
    let mac = hmac_sha256(secret.as_bytes(), &message);
    b64([message, mac].concat())
}

/// Base64url without padding.
pub fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The name that the bundle derives for a secret without one: the first twelve bytes of
/// HMAC-SHA-256 of `auth-core kid`.
#[must_use]
pub fn kid_of(secret: &str) -> String {
    b64(&hmac_sha256(secret.as_bytes(), b"auth-core kid")[..12])
}

/// HMAC-SHA-256.
#[must_use]
pub fn hmac_sha256(secret: &[u8], message: &[u8]) -> Vec<u8> {
    hmac_tag(hmac::HMAC_SHA256, secret, message)
}

/// An HMAC of any hash.
#[must_use]
pub fn hmac_tag(algorithm: hmac::Algorithm, secret: &[u8], message: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(algorithm, secret), message)
        .as_ref()
        .to_vec()
}

/// The header of a good token.
#[must_use]
pub fn header() -> Value {
    json!({"alg": "HS256", "typ": "at+jwt", "kid": kid_of(SECRET)})
}

/// The claims of a good token of the tutorial's user, issued at `now`.
#[must_use]
pub fn claims(now: u64) -> Value {
    json!({
        "iss": "auth", "sub": "1", "aud": "api", "iat": now, "nbf": now, "exp": now + 3600,
        "jti": "c2Vzc2lvbi1pZA", "sid": "AAECAwQFBgcICQoLDA0ODw", "user_version": 0, "email": "john.doe@leapify.tech", "roles": ["Admin"],
        "scope": "create delete read update",
    })
}

/// `base` with some members set, or removed where the value is `null`.
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

/// The part of a token that is signed.
pub fn message(header: impl AsRef<[u8]>, claims: impl AsRef<[u8]>) -> String {
    format!("{}.{}", b64(header), b64(claims))
}

/// A token over any two texts, signed with [`SECRET`] and HS256 whatever they say.
pub fn signed(header: impl AsRef<[u8]>, claims: impl AsRef<[u8]>) -> String {
    let message = message(header, claims);
    let tag = hmac_sha256(SECRET.as_bytes(), message.as_bytes());
    format!("{message}.{}", b64(tag))
}

/// A good token of the tutorial's user, with changes to header and claims.
#[must_use]
pub fn token(now: u64, header_changes: &Value, claims_changes: &Value) -> String {
    signed(
        with(header(), header_changes).to_string(),
        with(claims(now), claims_changes).to_string(),
    )
}

/// A private JWK of `tests/keys`, as an object.
#[must_use]
pub fn private_jwk(name: &str) -> Value {
    let text = crate::project::read(&format!("tests/keys/{name}.jwk.json"));
    serde_json::from_str(&text).expect("a JWK")
}

/// Its public half.
#[must_use]
pub fn public_jwk(name: &str) -> Value {
    let private = json!({"d": null, "p": null, "q": null, "dp": null, "dq": null, "qi": null});
    with(private_jwk(name), &private)
}

/// The bytes of a member of a JWK.
#[must_use]
pub fn octets(jwk: &Value, member: &str) -> Vec<u8> {
    decoded(jwk[member].as_str().expect("a string"))
}

/// The bytes behind base64url.
#[must_use]
pub fn decoded(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).expect("base64url")
}

/// An ECDSA P-256 key pair of `tests/keys`, to sign in other formats than JWS asks for.
#[must_use]
pub fn p256_pair(algorithm: &'static signature::EcdsaSigningAlgorithm) -> signature::EcdsaKeyPair {
    let jwk = private_jwk("p256");
    let point = [&[4][..], &octets(&jwk, "x"), &octets(&jwk, "y")].concat();
    signature::EcdsaKeyPair::from_private_key_and_public_key(algorithm, &octets(&jwk, "d"), &point)
        .expect("a key pair")
}
