//! Tokens that no guard may take. Each breaks one rule and keeps all others, and is signed with
//! the real key wherever that makes it harder to refuse.

mod claims;
mod confusion;
mod headers;
mod signatures;
mod spelling;

pub use confusion::issued;
use serde_json::{Value, json};

use crate::forge;

/// The keys of the guard that a token is aimed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// The one secret of [`forge::SECRET`].
    Secret,
    /// The public keys of [`public_keys`].
    PublicKeys,
}

/// A hostile token.
#[derive(Debug, Clone)]
pub struct Hostile {
    /// What is wrong with it.
    pub name: String,
    /// Whom it is to fool.
    pub target: Target,
    /// The token.
    pub token: String,
    /// Whether the one thing wrong is that it has expired.
    pub is_expired: bool,
}

/// The public keys of `tests/keys` as a set, one for each kind of signature.
#[must_use]
pub fn public_keys() -> String {
    let keys: Vec<Value> = ["rsa", "p256", "p384", "ed25519"]
        .map(forge::public_jwk)
        .into();
    json!({ "keys": keys }).to_string()
}

/// Every hostile token, made at `now`. Times in the future lie `margin` seconds past the leeway, so
/// that a test with a running clock can keep away from the limit.
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

    /// A token that is good but for these members of its header.
    fn add_header(&mut self, what: &str, changes: &Value) {
        let token = forge::token(self.now, changes, &json!({}));
        self.add(format!("{what}: {changes}"), token);
    }

    /// A token that is good but for these claims.
    fn add_claims(&mut self, what: &str, changes: &Value) {
        let token = forge::token(self.now, &json!({}), changes);
        self.add(format!("{what}: {changes}"), token);
    }

    fn good(&self) -> String {
        forge::token(self.now, &json!({}), &json!({}))
    }

    /// The texts of a good header and good claims, without the braces.
    fn members(&self) -> (String, String) {
        let inner = |value: Value| value.to_string().trim_matches(['{', '}']).to_owned();
        (inner(forge::header()), inner(forge::claims(self.now)))
    }
}
