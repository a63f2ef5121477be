//! Logins and sessions while the store fails.

use std::time::Duration;

use auth_core::{Algorithm, AttemptLimits, Attempts, Key, KeySet};
use bundle_tests::{
    app::App,
    client::{ADDRESS, Client},
    events,
    flaky::{Failure, FlakyStore, Script},
    store::{TestStore, john, johns_sessions},
};
use serde_json::json;

use crate::{on_every_store, sessions::stored};

on_every_store![
    an_outage_at_any_step_does_not_end_a_session,
    an_outage_does_not_lock_anyone_out,
    an_attempt_that_is_never_settled_stops_counting,
    a_guess_that_cannot_be_counted_is_a_503,
    expired_tickets_make_room,
];

/// If the store fails at any step of a refresh or a logout, the response is a 503, nothing is revoked, and the
/// client's token works when the store is back.
async fn an_outage_at_any_step_does_not_end_a_session(store: &impl TestStore) {
    let script = Script::default();
    let app = App::on(FlakyStore::new(store.clone(), &script), &[]);
    for failure in [Failure::Before, Failure::Lost] {
        for step in 0..3 {
            let token = app.sign_in().await.refresh;
            script.fail_after(step, failure);
            let refused = app.refresh(&token).await.expect_err("an outage");
            let expected = (503, "Service temporarily unavailable".to_owned());
            assert_eq!(refused, expected, "{:?}", script.failed());
            script.reset();
            assert!(!stored(store, &token).await.revoked);
            let retried = app.refresh(&token).await.expect("tokens");
            assert_eq!(stored(store, &token).await.generation, 1);
            assert!(app.refresh(&retried.refresh).await.is_ok());
        }
        for step in 0..2 {
            let tokens = app.sign_in().await;
            script.fail_after(step, failure);
            let body = json!({"refresh_token": tokens.refresh, "all_sessions": true});
            assert_eq!(app.post("logout", &body, ADDRESS).await.status(), 503);
            app.log_out(&tokens.refresh, true).await;
            assert_eq!(app.me(&tokens.access).await, 401);
        }
    }
}

/// If the store fails at any step of a login, the response is a 503 without a session, or a 200. However often it
/// fails, no one is locked out.
async fn an_outage_does_not_lock_anyone_out(store: &impl TestStore) {
    let script = Script::default();
    let app = App::on(FlakyStore::new(store.clone(), &script), &[]);
    app.sign_in().await;
    script.reset();
    app.sign_in().await;
    let steps = script.calls().len();
    assert_eq!(steps, 4, "{:?}", script.calls());
    for step in 0..steps {
        // One less than LOGIN_MAX_FAILURES: an attempt that could not be settled counts for 30 seconds.
        for _ in 0..4 {
            let before = count_sessions(store).await;
            script.fail_after(step, Failure::Before);
            let reply = app
                .post("login", &events::credentials(), "203.0.113.9")
                .await;
            let started = count_sessions(store).await - before;
            // A success is not refused because it cannot be settled.
            let (call, _) = script.failed().expect("a failure");
            let is_late = call == "settle_attempt";
            let expected = if is_late { (200, 1) } else { (503, 0) };
            assert_eq!((reply.status(), started), expected, "{call}: {reply:?}");
        }
        script.reset();
        let signed_in = app.sign_in_from("203.0.113.9").await;
        assert!(signed_in.is_ok(), "after {step}: {signed_in:?}");
    }
    app.pass(30);
    // If responses are lost, the calls may have been executed; this does not lock anyone out either.
    for step in 0..steps {
        script.fail_after(step, Failure::Lost);
        let signed_in = app.sign_in_from("203.0.113.9").await;
        // After the password is verified, only a failure to store the session fails the login.
        let (call, _) = script.failed().expect("a failure");
        let expected = if call == "settle_attempt" {
            Ok(())
        } else {
            Err(503)
        };
        let result = signed_in.map(|_| ()).map_err(|(status, _)| status);
        assert_eq!(result, expected, "{call}");
        script.reset();
        let signed_in = app.sign_in_from("203.0.113.9").await;
        assert!(signed_in.is_ok(), "after {step}: {signed_in:?}");
    }
}

/// An attempt whose process or store failed counts for 30 seconds, which is the `Retry-After` of a 429.
async fn an_attempt_that_is_never_settled_stops_counting(store: &impl TestStore) {
    let script = Script::default();
    let app = App::on(FlakyStore::new(store.clone(), &script), &[]);
    for _ in 0..5 {
        // The reservation succeeds, and everything after it fails.
        script.fail_from(1, Failure::Before);
        let refused = app.sign_in_from("203.0.113.10").await;
        assert_eq!(refused.expect_err("an outage").0, 503);
    }
    script.reset();
    app.pass(29);
    let credentials = events::credentials();
    let refused = app.post("login", &credentials, "203.0.113.10").await;
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.header("retry-after"), Some("1"));
    app.pass(1);
    let signed_in = app.sign_in_from("203.0.113.10").await;
    assert!(signed_in.is_ok(), "{signed_in:?}");
}

/// A wrong password that cannot be counted is not revealed, so a failing store does not help with guessing.
async fn a_guess_that_cannot_be_counted_is_a_503(store: &impl TestStore) {
    let script = Script::default();
    let app = App::on(FlakyStore::new(store.clone(), &script), &[]);
    let wrong = json!({"email": "john.doe@leapify.tech", "password": "wrong"});
    // The reservation, the user, the two counters.
    for step in 0..4 {
        script.fail_after(step, Failure::Before);
        let reply = app.post("login", &wrong, "203.0.113.11").await;
        assert_eq!(reply.status(), 503, "{:?}", script.failed());
    }
}

async fn count_sessions(store: &impl TestStore) -> usize {
    johns_sessions(store).await.len()
}

/// Attempts that were never settled do not keep others out for longer than they count.
async fn expired_tickets_make_room(store: &impl TestStore) {
    let script = Script::default();
    let limits = [("LOGIN_MAX_FAILURES", "100")];
    let app = App::on(FlakyStore::new(store.clone(), &script), &limits);
    for _ in 0..20 {
        // The reservation succeeds, and everything after it fails.
        script.fail_from(1, Failure::Before);
        let refused = app.sign_in_from("203.0.113.12").await;
        assert_eq!(refused.expect_err("an outage").0, 503);
    }
    script.reset();
    assert_eq!(in_progress(store, &app).await, 20);
    let refused = app
        .post("login", &events::credentials(), "203.0.113.12")
        .await;
    assert_eq!(refused.status(), 429, "20 attempts are in progress");
    assert_eq!(refused.header("retry-after"), Some("30"));
    app.pass(30);
    assert!(app.sign_in_from("203.0.113.12").await.is_ok());
    assert_eq!(in_progress(store, &app).await, 0);
}

/// Returns the number of tickets in the counter of the tutorial's user.
async fn in_progress(store: &impl TestStore, app: &impl Client) -> usize {
    let key = Key::from_secret(forge::COUNTER_SECRET.as_bytes(), Algorithm::HS256);
    let keys = KeySet::from(key.unwrap());
    let attempts = Attempts::new(keys, AttemptLimits::default(), Duration::ZERO);
    let counters = attempts.counters(&john(), app.now()).await.unwrap();
    store
        .find_attempts(&counters[0])
        .await
        .unwrap()
        .tickets
        .len()
}
