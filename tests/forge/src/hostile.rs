//! Tokens that every guard must reject. Each breaks only one rule, and is signed with the real key if
//! that makes it harder to reject.
//!
//! Start at [`tokens`], and at [`tokens_for`] for keys that a bundle has created. There is a submodule for each part of
//! a token that can be wrong.

mod claims;
mod confusion;
mod headers;
mod secrets;
mod signatures;
mod spelling;

use std::collections::BTreeSet;

pub use confusion::issued;
use serde_json::{Value, json};

use crate::{self as forge, Signer};

/// The keys of the guard that a token attacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// The secret [`SECRET`](forge::SECRET).
    Secret,
    /// The public keys of [`public_keys`], or published keys.
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

/// Keys for RS256 or ES256 as a bundle creates and publishes them.
pub struct Published {
    /// The key that signs.
    pub active: Signer,
    /// The next one, which is published too.
    pub standby: Signer,
    /// The key set that anyone can read.
    pub jwks: String,
}

impl Published {
    /// Parses a private set of two keys, as the bundle stores it.
    #[must_use]
    pub fn new(private_set: &str, jwks: String) -> Self {
        let set: Value = serde_json::from_str(private_set).expect("JSON");
        let [active, standby] = [0, 1].map(|index| Signer::new(&set["keys"][index]));
        Self {
            active,
            standby,
            jwks,
        }
    }
}

/// Returns every hostile token, made at `now`, in seconds since 1970. Times in the future are `margin`
/// seconds later than the leeway allows, so that a test with a running clock can stay clear of the limit.
#[must_use]
pub fn tokens(now: u64, margin: u64) -> Vec<Hostile> {
    let secret = Signer::secret();
    let mut table = Table::new(&secret, Target::Secret, now, margin);
    table.add_variants_of_a_valid_token();
    confusion::add(&mut table);
    signatures::add(&mut table);
    table.tokens
}

/// Returns every hostile token for published keys. The variants of a valid token are the same as in [`tokens`], but
/// signed with the active key.
#[must_use]
pub fn tokens_for(keys: &Published, now: u64, margin: u64) -> Vec<Hostile> {
    let mut table = Table::new(&keys.active, Target::PublicKeys, now, margin);
    table.add_variants_of_a_valid_token();
    confusion::add_for(&mut table, keys);
    signatures::add_for(&mut table, &keys.active);
    // Some attacks on signatures are also variants of the valid token.
    let mut known = BTreeSet::new();
    table.tokens.retain(|one| known.insert(one.token.clone()));
    table.tokens
}

struct Table<'a> {
    signer: &'a Signer,
    /// The guard that accepts what the signer signs.
    target: Target,
    now: u64,
    margin: u64,
    tokens: Vec<Hostile>,
}

impl<'a> Table<'a> {
    fn new(signer: &'a Signer, target: Target, now: u64, margin: u64) -> Self {
        Self {
            signer,
            target,
            now,
            margin,
            tokens: Vec::new(),
        }
    }

    fn add_variants_of_a_valid_token(&mut self) {
        headers::add(self);
        claims::add(self);
        spelling::add(self);
    }

    fn add(&mut self, name: impl Into<String>, token: impl Into<String>) {
        self.push(name.into(), self.target, token.into(), false);
    }

    fn add_expired(&mut self, name: &str, token: String) {
        self.push(name.into(), self.target, token, true);
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
        let token = self.signer.token(self.now, changes, &json!({}));
        self.add(format!("{what}: {changes}"), token);
    }

    /// Adds a token that is valid except for these claims.
    fn add_claims(&mut self, what: &str, changes: &Value) {
        let token = self.signer.token(self.now, &json!({}), changes);
        self.add(format!("{what}: {changes}"), token);
    }

    fn valid(&self) -> String {
        self.signer.token(self.now, &json!({}), &json!({}))
    }

    /// Returns the texts of a valid header and valid claims, without the braces.
    fn members(&self) -> (String, String) {
        let inner = |value: Value| value.to_string().trim_matches(['{', '}']).to_owned();
        (inner(self.signer.header()), inner(forge::claims(self.now)))
    }
}
