//! Tokens that every guard must reject. Each breaks only one rule, and is signed with the real key if
//! that makes it harder to reject.
//!
//! Start at [`tokens`]. There is a submodule for each part of a token that can be wrong.

mod claims;
mod confusion;
mod headers;
mod signatures;
mod spelling;

pub use confusion::issued;
use serde_json::{Value, json};

use crate as forge;

/// The keys of the guard that a token attacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// The secret [`SECRET`](forge::SECRET).
    Secret,
    /// The public keys of [`public_keys`].
    PublicKeys,
}

/// A hostile token.
#[derive(Debug, Clone)]
pub struct Hostile {
    /// What is wrong with it.
    pub name: String,
    /// The guard that it attacks.
    pub target: Target,
    /// The token.
    pub token: String,
    /// Whether it is valid except that it has expired.
    pub is_expired: bool,
}

/// Returns the public keys in the folder `keys` as a JWK set, one for each kind of signature.
#[must_use]
pub fn public_keys() -> String {
    let keys: Vec<Value> = ["rsa", "p256", "p384", "ed25519"]
        .map(forge::public_jwk)
        .into();
    json!({ "keys": keys }).to_string()
}

/// Returns every hostile token, made at `now`, in seconds since 1970. Times in the future are `margin`
/// seconds later than the leeway allows, so that a test with a running clock can stay clear of the limit.
#[must_use]
pub fn tokens(now: u64, margin: u64) -> Vec<Hostile> {
    let mut table = Table {
        now,
        margin,
        tokens: Vec::new(),
    };
    headers::add(&mut table);
    claims::add(&mut table);
    spelling::add(&mut table);
    confusion::add(&mut table);
    signatures::add(&mut table);
    table.tokens
}

struct Table {
    now: u64,
    margin: u64,
    tokens: Vec<Hostile>,
}

impl Table {
    fn add(&mut self, name: impl Into<String>, token: impl Into<String>) {
        self.push(name.into(), Target::Secret, token.into(), false);
    }

    fn add_expired(&mut self, name: &str, token: String) {
        self.push(name.into(), Target::Secret, token, true);
    }

    fn add_public(&mut self, name: impl Into<String>, token: impl Into<String>) {
        self.push(name.into(), Target::PublicKeys, token.into(), false);
    }

    fn push(&mut self, name: String, target: Target, token: String, is_expired: bool) {
        self.tokens.push(Hostile {
            name,
            target,
            token,
            is_expired,
        });
    }

    /// Adds a token that is valid except for these members of its header.
    fn add_header(&mut self, what: &str, changes: &Value) {
        let token = forge::token(self.now, changes, &json!({}));
        self.add(format!("{what}: {changes}"), token);
    }

    /// Adds a token that is valid except for these claims.
    fn add_claims(&mut self, what: &str, changes: &Value) {
        let token = forge::token(self.now, &json!({}), changes);
        self.add(format!("{what}: {changes}"), token);
    }

    fn valid(&self) -> String {
        forge::token(self.now, &json!({}), &json!({}))
    }

    /// Returns the texts of a valid header and valid claims, without the braces.
    fn members(&self) -> (String, String) {
        let inner = |value: Value| value.to_string().trim_matches(['{', '}']).to_owned();
        (inner(forge::header()), inner(forge::claims(self.now)))
    }
}
