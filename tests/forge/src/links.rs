//! Tokens of links, made without the code under test: valid ones, and those that the API must refuse.
//!
//! Start at [`hostile`].

use serde_json::{Value, json};

use crate::{COUNTER_SECRET, SECRET, SESSION_SECRET, b64, decoded, hmac_sha256, refresh_token};

/// The kinds of links.
pub const KINDS: [&str; 5] = ["sign-up", "invite", "reset", "email", "undo"];

/// The bytes of the MAC at the end of a token.
const MAC_BYTES: usize = 32;

/// The address whose user is attacked.
const VICTIM: &str = "john.doe@leapify.tech";

/// The address of an attacker, who has links of this address.
const ATTACKER: &str = "mallory@example.com";

/// A token that the API must refuse.
#[derive(Debug, Clone)]
pub struct HostileLink {
    /// What is wrong with it.
    pub name: String,
    /// The token.
    pub token: String,
}

/// Returns what a link of a kind says about the user of an address.
#[must_use]
pub fn action(kind: &str, address: &str) -> Value {
    let contents = match kind {
        "sign-up" => json!({ "email": address }),
        "invite" => json!({"email": address, "roles": []}),
        "reset" => json!({"email": address, "user_id": "1", "version": 0}),
        "email" | "undo" => {
            json!({"user_id": "1", "version": 0, "from": address, "to": "new@example.com"})
        }
        other => panic!("there are no links of the kind {other}"),
    };
    json!({ kind: contents })
}

/// Returns the contents of a token that is issued at `now`, in seconds since 1970, and works for ten minutes.
#[must_use]
pub fn claims(action: &Value, now: u64) -> Value {
    json!({"action": action, "issued_at": now, "expires_at": now + 600})
}

/// Returns a token with any contents and a valid MAC of a kind.
#[must_use]
pub fn token(secret: &str, kind: &str, contents: impl AsRef<[u8]>) -> String {
    let contents = contents.as_ref();
    let message = [b"action\n", kind.as_bytes(), b"\n", contents].concat();
    with_mac(contents, &hmac_sha256(secret.as_bytes(), &message))
}

/// Returns the token of a valid link.
#[must_use]
pub fn valid(secret: &str, kind: &str, address: &str, now: u64) -> String {
    let claims = claims(&action(kind, address), now);
    token(secret, kind, claims.to_string())
}

fn with_mac(contents: &[u8], mac: &[u8]) -> String {
    b64([contents, mac].concat())
}

/// Returns tokens that a route for links of these kinds must refuse. They are made at `now`, in seconds since 1970.
/// They are variants of a valid link of the first kind.
#[must_use]
pub fn hostile(secret: &str, accepted: &[&str], now: u64) -> Vec<HostileLink> {
    let list = HostileLinks {
        secret,
        kind: accepted[0],
        now,
        links: Vec::new(),
    };
    list.add_spellings()
        .add_cut_and_changed()
        .add_of_other_kinds(accepted)
        .add_with_other_macs()
        .add_of_other_users()
        .add_expired()
        .add_malformed()
        .links
}

struct HostileLinks<'a> {
    secret: &'a str,
    kind: &'a str,
    now: u64,
    links: Vec<HostileLink>,
}

impl HostileLinks<'_> {
    fn add(&mut self, name: impl Into<String>, token: impl Into<String>) {
        self.links.push(HostileLink {
            name: name.into(),
            token: token.into(),
        });
    }

    fn valid(&self) -> String {
        valid(self.secret, self.kind, VICTIM, self.now)
    }

    fn action(&self) -> Value {
        action(self.kind, VICTIM)
    }

    fn add_spellings(mut self) -> Self {
        let valid = self.valid();
        for (name, token) in [
            ("empty", String::new()),
            ("a space in front", format!(" {valid}")),
            ("a line break behind", format!("{valid}\n")),
            ("padding", format!("{valid}=")),
            ("more bytes", format!("{valid}AAAA")),
            ("twice", format!("{valid}{valid}")),
            ("in upper case", valid.to_uppercase()),
            ("an escaped character", format!("{valid}%41")),
            ("not in ASCII", "\u{e9}".repeat(64)),
            ("three parts", "a.b.c".into()),
            (
                "an access token",
                crate::token(self.now, &json!({}), &json!({})),
            ),
            ("a refresh token", refresh_token(self.secret, [7; 16], 0)),
            ("as long as a body allows", "A".repeat(7_000)),
        ] {
            self.add(name, token);
        }
        self
    }

    /// Adds tokens that are cut after each character, or have one bit changed in each byte.
    fn add_cut_and_changed(mut self) -> Self {
        let valid = self.valid();
        for length in 1..valid.len() {
            self.add(format!("the first {length} characters"), &valid[..length]);
        }
        let bytes = decoded(&valid);
        for (i, byte) in bytes.iter().enumerate() {
            let mut changed = bytes.clone();
            changed[i] = byte ^ 1;
            self.add(format!("byte {i} changed"), b64(changed));
        }
        self
    }

    /// Adds links of other kinds, and those whose label and contents name different kinds.
    fn add_of_other_kinds(mut self, accepted: &[&str]) -> Self {
        let (secret, now) = (self.secret, self.now);
        for other in KINDS {
            if !accepted.contains(&other) {
                self.add(
                    format!("of the kind {other}"),
                    valid(secret, other, VICTIM, now),
                );
            }
            if other != self.kind {
                let own = claims(&self.action(), now).to_string();
                self.add(format!("with the label {other}"), token(secret, other, own));
                let contents = claims(&action(other, VICTIM), now).to_string();
                let mixed = token(secret, self.kind, contents);
                self.add(format!("with the contents of {other}"), mixed);
            }
        }
        for label in ["", "RESET", "reset\n", "action"] {
            let own = claims(&self.action(), now).to_string();
            self.add(
                format!("with the label {label:?}"),
                token(secret, label, own),
            );
        }
        self
    }

    /// Adds tokens with MACs of the bundle's other keys, with none, and with those that the same key makes for other
    /// purposes.
    fn add_with_other_macs(mut self) -> Self {
        let contents = claims(&self.action(), self.now).to_string();
        for other in ["", "A", SECRET, SESSION_SECRET, COUNTER_SECRET] {
            let forged = token(other, self.kind, &contents);
            self.add(format!("of the key {other:?}"), forged);
        }
        let (secret, bytes) = (self.secret.as_bytes(), contents.as_bytes());
        let mark = format!("mark\n{}\n{contents}", self.kind);
        for (name, mac) in [
            ("no MAC", vec![]),
            ("a MAC of zeros", vec![0; MAC_BYTES]),
            ("half a MAC", hmac_sha256(secret, bytes)[..16].to_vec()),
            ("a MAC without a label", hmac_sha256(secret, bytes)),
            ("the MAC of a mark", hmac_sha256(secret, mark.as_bytes())),
        ] {
            self.add(name, with_mac(bytes, &mac));
        }
        self
    }

    /// Adds the contents of the victim's link with the MAC of the attacker's, and vice versa.
    fn add_of_other_users(mut self) -> Self {
        let own = valid(self.secret, self.kind, ATTACKER, self.now);
        for (name, contents, mac) in [
            ("the MAC of another user's link", self.valid(), &own),
            (
                "the contents of another user's link",
                own.clone(),
                &self.valid(),
            ),
        ] {
            let [contents, mac] = [decoded(&contents), decoded(mac)];
            let contents = &contents[..contents.len() - MAC_BYTES];
            self.add(name, with_mac(contents, &mac[mac.len() - MAC_BYTES..]));
        }
        self
    }

    fn add_expired(mut self) -> Self {
        for seconds in [0, 1, 60, 86_400, self.now] {
            let expiry = self.now - seconds;
            let times = json!({"issued_at": expiry.saturating_sub(600), "expires_at": expiry});
            let claims = crate::with(claims(&self.action(), self.now), &times);
            let token = token(self.secret, self.kind, claims.to_string());
            self.add(format!("expired {seconds} seconds ago"), token);
        }
        self
    }

    /// Adds malformed contents with a valid MAC, as only a bug could make them.
    fn add_malformed(mut self) -> Self {
        let claims = claims(&self.action(), self.now);
        for text in ["", "{}", "[]", "null", "0", "\"reset\"", "{", "\u{0}"] {
            self.add(
                format!("the contents {text:?}"),
                token(self.secret, self.kind, text),
            );
        }
        let bytes = [claims.to_string().as_bytes(), b"\xff"].concat();
        self.add(
            "contents that are not UTF-8",
            token(self.secret, self.kind, bytes),
        );
        let two = format!("{claims}{claims}");
        self.add("contents twice", token(self.secret, self.kind, two));
        for (name, changes) in [
            ("no action", json!({"action": null})),
            ("no time of issue", json!({"issued_at": null})),
            ("no expiry", json!({"expires_at": null})),
            ("an expiry as text", json!({"expires_at": "4000000000"})),
            ("an expiry with decimals", json!({"expires_at": 4e9})),
            ("a negative expiry", json!({"expires_at": -1})),
            ("an action as text", json!({"action": self.kind})),
            ("an unknown action", json!({"action": {"delete": {}}})),
            (
                "an action without a user",
                json!({"action": {self.kind: {}}}),
            ),
        ] {
            let changed = crate::with(claims.clone(), &changes).to_string();
            self.add(name, token(self.secret, self.kind, changed));
        }
        self
    }
}
