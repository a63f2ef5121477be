//! The real `me` rejects every hostile token. `auth-core` proves the same of the guard in process.

use auth_core::Algorithm;
use bundle_tests::{
    client::Client,
    events,
    process::{self, Process},
    signing_stack::SigningStack,
    store::TemporaryFileStore,
};
use forge::hostile::{self, Hostile, Published, Target};
use serde_json::json;

/// How much later than the leeway times in the future are, because the clock is running.
const MARGIN: u64 = 600;

#[tokio::test]
async fn every_hostile_token_is_refused_by_the_real_me() {
    let keys = hostile::public_keys();
    let store = TemporaryFileStore::new();
    let secret = Process::start("me", &store.environment()).await;
    let accepted = secret.send(&events::success("me")).await;
    assert_eq!(accepted.status(), 200, "the forged session is live");
    let public = Process::start("me", &[("AUTH_STORE", "memory"), ("JWT_JWKS", &keys)]).await;
    let tokens = hostile::tokens(process::now(), MARGIN);
    for hostile in &tokens {
        let me = match hostile.target {
            Target::Secret => &secret,
            Target::PublicKeys => &public,
        };
        assert_refused(me, hostile).await;
    }
    println!("hostile tokens rejected by the real me: {}", tokens.len());
}

async fn assert_refused(me: &Process, hostile: &Hostile) {
    let reply = me.send(&events::with_token("me", &hostile.token)).await;
    let detail = if hostile.is_expired {
        "Token has expired"
    } else {
        "Invalid token"
    };
    let refused = (reply.status(), reply.detail());
    assert_eq!(refused, (401, json!(detail)), "{}", hostile.name);
}

#[tokio::test]
async fn every_hostile_token_is_refused_by_the_real_me_with_published_keys_for_rs256() {
    check_published_keys(Algorithm::RS256).await;
}

#[tokio::test]
async fn every_hostile_token_is_refused_by_the_real_me_with_published_keys_for_es256() {
    check_published_keys(Algorithm::ES256).await;
}

/// Checks `me` on new keys that are published in the table. The attacker reads them from the real `discovery`.
async fn check_published_keys(algorithm: Algorithm) {
    let stack = SigningStack::new().await;
    let ring = stack.create_keys(algorithm).await;
    let discovery = Process::start("discovery", &stack.guard()).await;
    let jwks = discovery.send(&events::success("discovery_jwks")).await;
    let keys = Published::new(&ring.expose(), jwks.body().to_owned());
    let me = Process::start("me", &stack.guard()).await;
    for signer in [&keys.active, &keys.standby] {
        let token = signer.token(process::now(), &json!({}), &json!({}));
        assert_eq!(me.me(&token).await, 200, "the forged session is live");
    }
    let tokens = hostile::tokens_for(&keys, process::now(), MARGIN);
    for hostile in &tokens {
        assert_refused(&me, hostile).await;
    }
    println!(
        "hostile tokens for {} rejected by the real me: {}",
        algorithm.name(),
        tokens.len()
    );
}
