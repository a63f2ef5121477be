//! The real `me` rejects every hostile token. `auth-core` proves the same of the guard in process.

use bundle_tests::{
    events,
    process::{self, Process},
    store::TemporaryFileStore,
};
use forge::hostile::{self, Target};
use serde_json::json;

#[tokio::test]
async fn every_hostile_token_is_refused_by_the_real_me() {
    let keys = hostile::public_keys();
    let store = TemporaryFileStore::new();
    let secret = Process::start("me", &store.environment()).await;
    let accepted = secret.send(&events::success("me")).await;
    assert_eq!(accepted.status(), 200, "the forged session is live");
    let public = Process::start("me", &[("AUTH_STORE", "memory"), ("JWT_JWKS", &keys)]).await;
    let tokens = hostile::tokens(process::now(), 600);
    for hostile in &tokens {
        let me = match hostile.target {
            Target::Secret => &secret,
            Target::PublicKeys => &public,
        };
        let reply = me.send(&events::me(&hostile.token)).await;
        let detail = if hostile.is_expired {
            "Token has expired"
        } else {
            "Invalid token"
        };
        let refused = (reply.status(), reply.detail());
        assert_eq!(refused, (401, json!(detail)), "{}", hostile.name);
    }
    println!("hostile tokens rejected by the real me: {}", tokens.len());
}
