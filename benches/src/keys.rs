//! Keys of access tokens as a deployed function finds them, and tokens that they sign.

use auth_core::{
    Algorithm, Clock, InMemoryStore, KeyKeeper, KeyRules, TokenIssuer, TokenSettings, UnixTime,
};
use bundle_tests::{
    authorizer::Api,
    dynamodb::Table,
    events,
    process::now,
    store::{forged_session_id, tutorial_user},
};
use serde_json::{Value, json};

/// Keys for RS256 as a deploy creates them. The public set is in the table.
pub(crate) struct DeployedKeys {
    /// The private set.
    pub(crate) secret: String,
    /// The event of `me` with a token that they sign.
    pub(crate) me_event: String,
    /// The event of an HTTP API's authorizer with the same token.
    pub(crate) authorizer_event: String,
    /// The public set, as anyone can read it.
    pub(crate) jwks: String,
}

impl DeployedKeys {
    /// Creates keys and publishes them in a table.
    pub(crate) async fn create(table: &Table) -> Self {
        let settings = TokenSettings::default();
        let rules = KeyRules {
            algorithm: Algorithm::RS256,
            expiration: settings.expiration,
        };
        let (private, published) = (InMemoryStore::default(), table.store().await);
        let keeper = KeyKeeper::new(private, published, rules, Clock::system());
        let state = keeper.repair().await.expect("keys");
        let ring = state.ring.expect("a private set");
        let keys = ring.key_set().expect("keys");
        let issuer = TokenIssuer::new(keys, settings, Clock::system());
        let (user, session) = (tutorial_user().await.user, forged_session_id());
        let end = UnixTime::from_secs(4_000_000_000);
        let token = issuer.issue(&user, &session, end).await.expect("a token");
        Self {
            jwks: public_set(&ring.expose()),
            authorizer_event: Api::Http.with_token(token.expose()),
            secret: ring.expose(),
            me_event: events::with_token("me", token.expose()),
        }
    }
}

/// Returns the public halves of a private set.
fn public_set(private: &str) -> String {
    let mut set: Value = serde_json::from_str(private).expect("JSON");
    let keys = set["keys"].as_array_mut().expect("keys");
    for key in keys {
        *key = forge::public_half(key.take());
    }
    json!({ "keys": set["keys"] }).to_string()
}

/// Returns a secret for HS256. Functions refuse the published one in Secrets Manager.
pub(crate) fn hs256() -> String {
    let kid = forge::kid_of(forge::SECRET);
    json!({"kty": "oct", "kid": kid, "alg": "HS256", "k": forge::b64(hmac_key())}).to_string()
}

/// Returns the event of `me` with a token that is signed with the secret for HS256.
pub(crate) fn hs256_me_event() -> String {
    let token = forge::token(now(), &json!({}), &json!({}));
    let (message, _) = token.rsplit_once('.').expect("a token");
    let tag = forge::hmac_sha256(&hmac_key(), message.as_bytes());
    events::with_token("me", &format!("{message}.{}", forge::b64(tag)))
}

fn hmac_key() -> Vec<u8> {
    forge::hmac_sha256(forge::SECRET.as_bytes(), b"unpublished")
}
