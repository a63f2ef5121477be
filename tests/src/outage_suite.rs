//! What logins and sessions do while their stores fail, as functions over any stores.

use auth_core::SessionDirectory;
use login::Stores;
use serde_json::json;

use crate::{
    app::TestApp,
    events,
    flaky::{Failure, Script, flaky},
    session_suite::{john, stored},
    stores::{Attempts, SessionStore, Users},
};

/// A store that fails at any step of a refresh or a logout is a 503; nothing is revoked, and the
/// client's token has its successor when the store is back.
pub async fn an_outage_at_any_step_ends_nothing<U: Users, S: SessionStore, A: Attempts>(
    stores: &Stores<U, S, A>,
) {
    let script = Script::default();
    let app = TestApp::on(flaky(stores.clone(), &script), &[]);
    for failure in [Failure::Before, Failure::Lost] {
        for step in 0..3 {
            let token = app.sign_in().await.refresh;
            script.fail_after(step, failure);
            let refused = app.refresh(&token).await.expect_err("an outage");
            let expected = (503, "Service temporarily unavailable".to_owned());
            assert_eq!(refused, expected, "{:?}", script.failed());
            script.reset();
            assert!(!stored(&stores.sessions, &token).await.revoked);
            let retried = app.refresh(&token).await.expect("tokens");
            assert_eq!(stored(&stores.sessions, &token).await.generation, 1);
            assert!(app.refresh(&retried.refresh).await.is_ok());
        }
        for step in 0..2 {
            let tokens = app.sign_in().await;
            script.fail_after(step, failure);
            let body = json!({"refresh_token": tokens.refresh, "all_sessions": true});
            assert_eq!(app.post("logout", &body, "203.0.113.7").await.0, 503);
            app.log_out(&tokens.refresh, true).await;
            assert_eq!(app.me(&tokens.access).await, 401);
        }
    }
}

/// A store that fails at any step of a login is a 503 without a session that is half made, or a 200;
/// and however often it fails, nobody is locked out by it.
pub async fn an_outage_locks_nobody_out<U: Users, S: SessionStore, A: Attempts>(
    stores: &Stores<U, S, A>,
) {
    let script = Script::default();
    let app = TestApp::on(flaky(stores.clone(), &script), &[]);
    app.sign_in().await;
    script.reset();
    app.sign_in().await;
    let steps = script.calls().len();
    assert_eq!(steps, 8, "{:?}", script.calls());
    for step in 0..steps {
        // One less than LOGIN_MAX_FAILURES: what a success could not settle counts for half a minute.
        for _ in 0..4 {
            let before = sessions_of_john(&stores.sessions).await;
            script.fail_after(step, Failure::Before);
            let (status, body) = app
                .post("login", &events::credentials(), "203.0.113.9")
                .await;
            let made = sessions_of_john(&stores.sessions).await - before;
            // What is given back after a success is not worth refusing it.
            let (call, _) = script.failed().expect("a failure");
            let is_late = call == "settle";
            let expected = if is_late { (200, 1) } else { (503, 0) };
            assert_eq!((status, made), expected, "{call}: {body}");
        }
        script.reset();
        let signed_in = app.sign_in_from("203.0.113.9").await;
        assert!(signed_in.is_ok(), "after {step}: {signed_in:?}");
    }
    // Answers that are lost: what was done may stay, and nobody is locked out by it either.
    for step in 0..steps {
        script.fail_after(step, Failure::Lost);
        let signed_in = app.sign_in_from("203.0.113.9").await;
        assert!(
            signed_in.map_or_else(|(status, _)| status == 503, |_| true),
            "{step}"
        );
        script.reset();
        let signed_in = app.sign_in_from("203.0.113.9").await;
        assert!(signed_in.is_ok(), "after {step}: {signed_in:?}");
    }
}

/// What was reserved where the store or the process then broke counts for half a minute, and a client is
/// told so.
pub async fn an_attempt_that_is_never_settled_lets_go<U: Users, S: SessionStore, A: Attempts>(
    stores: &Stores<U, S, A>,
) {
    let script = Script::default();
    let app = TestApp::on(flaky(stores.clone(), &script), &[]);
    for _ in 0..5 {
        // The three reservations are made, and everything after them fails.
        script.fail_from(3, Failure::Before);
        let refused = app.sign_in_from("203.0.113.10").await;
        assert_eq!(refused.expect_err("an outage").0, 503);
    }
    script.reset();
    app.pass(29);
    let refused = app
        .answer("login", &events::credentials(), "203.0.113.10")
        .await;
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["retry-after"], "1");
    app.pass(1);
    let signed_in = app.sign_in_from("203.0.113.10").await;
    assert!(signed_in.is_ok(), "{signed_in:?}");
}

/// A wrong password that cannot be counted is not told: nobody guesses through a failing store.
pub async fn a_guess_that_cannot_be_counted_is_a_503<U: Users, S: SessionStore, A: Attempts>(
    stores: &Stores<U, S, A>,
) {
    let script = Script::default();
    let app = TestApp::on(flaky(stores.clone(), &script), &[]);
    let wrong = json!({"email": "john.doe@leapify.tech", "password": "wrong"});
    // Three counters, the user, three counters.
    for step in 0..7 {
        script.fail_after(step, Failure::Before);
        let (status, _) = app.post("login", &wrong, "203.0.113.11").await;
        assert_eq!(status, 503, "{:?}", script.failed());
    }
}

async fn sessions_of_john(sessions: &impl SessionDirectory) -> usize {
    sessions.of_user(&john()).await.expect("an answer").len()
}
