//! Sessions: refreshed, reused, expired and ended.

use std::{collections::BTreeSet, sync::Barrier, thread, time::Duration};

use auth_core::{
    Advance, Role, Rotation, Session, SessionId, SessionRepository, SessionRules, UnixTime,
    UserChange,
};
use bundle_tests::{
    app::{App, NOW},
    client::{ADDRESS, Client, Tokens},
    flaky::{Failure, FlakyStore, Script},
    store::{TestStore, find_with_password, hash, john, memory, session_id, user},
};
use futures_util::{FutureExt, future::join_all};
use serde_json::{Value, json};
use tokio::runtime::Builder;

use crate::on_every_store;

on_every_store![
    a_session_advances_once_from_each_generation,
    simultaneous_refreshes_converge,
    the_previous_token_ends_the_session_after_the_grace_period,
    a_session_rotates_once_in_the_grace_and_the_life_of_a_request,
    restored_tabs_stay_signed_in,
    tabs_on_a_slow_store_stay_signed_in,
    a_retry_recognizes_its_own_step,
    the_grace_begins_with_the_write,
    an_older_token_ends_the_session_at_once,
    a_session_expires,
    a_logout_ends_one_session,
    a_logout_everywhere_ends_all_sessions,
    a_detected_theft_ends_the_access_token_of_the_thief,
    a_token_of_an_expired_session_ends_nothing,
    changes_to_a_user_affect_sessions,
    a_forged_token_never_reaches_the_store,
    a_late_start_does_not_undo_later_steps,
];

const INVALID: (u16, &str) = (401, "Invalid refresh token");

/// The seconds after a rotation before a session may rotate again: `SESSION_GRACE`, the life of a request, and one.
const ROTATION_PAUSE: u64 = 30 + 10 + 1;

pub(crate) async fn stored(store: &impl SessionRepository, refresh_token: &str) -> Session {
    let found = store.find_session(&session_id(refresh_token)).await;
    found.expect("a result").expect("the session")
}

/// Returns whether a result is the 401 of an invalid refresh token.
fn is_invalid(result: &Result<Tokens, (u16, String)>) -> bool {
    let refused = result.as_ref().err();
    refused.is_some_and(|(status, detail)| (*status, detail.as_str()) == INVALID)
}

/// Returns the claims of an access token.
fn claims(token: &str) -> Value {
    let claims = forge::decoded(token.split('.').nth(1).expect("claims"));
    serde_json::from_slice(&claims).expect("JSON")
}

/// A session advances only from the previous generation, and only while it is live.
async fn a_session_advances_once_from_each_generation(store: &impl TestStore) {
    let (rules, now) = (SessionRules::default(), UnixTime::from_secs(NOW));
    let minute = Duration::from_mins(1);
    let begin = || {
        let user = user("1", "john.doe@leapify.tech").user;
        Session::new(&john(), &user, &rules, now).expect("randomness")
    };
    let next = |session: &Session, now| match session.rotation(session.generation, &rules, now) {
        Rotation::Advance(next) => next,
        other => panic!("{other:?}"),
    };
    let advance = async |step: &Session| store.advance_session(step).await.expect("a result");

    let first = begin();
    assert_eq!(advance(&next(&first, now)).await, Advance::Refused(None));
    store.start_session(&first).await.expect("started");
    let later = next(&first, now + minute);
    let latest = next(&later, now + 2 * minute);
    for (step, expected) in [
        (&latest, Advance::Refused(Some(first.clone()))),
        (&later, Advance::Done),
        (&later, Advance::Refused(Some(later.clone()))),
        (&latest, Advance::Done),
        (&later, Advance::Refused(Some(latest.clone()))),
    ] {
        assert_eq!(advance(step).await, expected);
    }
    let late = Session {
        generation: 3,
        rotated_at: latest.idle_expires_at,
        ..latest.clone()
    };
    assert_eq!(advance(&late).await, Advance::Refused(Some(latest.clone())));

    let expired = Session {
        absolute_expires_at: now + 10 * minute,
        ..begin()
    };
    store.start_session(&expired).await.expect("started");
    let late = Session {
        generation: 1,
        rotated_at: now + 10 * minute,
        ..expired.clone()
    };
    assert_eq!(advance(&late).await, Advance::Refused(Some(expired)));

    store.revoke_session(&latest.id).await.expect("revoked");
    let step = next(&latest, now + 3 * minute);
    let latest = Session {
        revoked: true,
        ..latest
    };
    assert_eq!(advance(&step).await, Advance::Refused(Some(latest)));
    let unknown = SessionId::random().expect("randomness");
    store.revoke_session(&unknown).await.expect("nothing to do");
    assert_eq!(store.find_session(&unknown).await.expect("a result"), None);
}

/// Any number of simultaneous refreshes of one token get the same new token and make one step.
async fn simultaneous_refreshes_converge(store: &impl TestStore) {
    let app = App::on(store.clone(), &[]);
    let mut token = app.sign_in().await.refresh;
    for step in 1..=3 {
        app.pass(ROTATION_PAUSE);
        let results = join_all((0..20).map(|_| app.refresh(&token))).await;
        let successors: BTreeSet<String> = results
            .into_iter()
            .map(|result| result.expect("tokens").refresh)
            .collect();
        assert_eq!(successors.len(), 1);
        assert_eq!(stored(store, &token).await.generation, step);
        token = successors.into_iter().next().expect("one");
    }
}

/// Within the grace period, the previous token gets the same new token. After it, the session ends.
async fn the_previous_token_ends_the_session_after_the_grace_period(store: &impl TestStore) {
    let app = App::on(store.clone(), &[]);
    let first = app.sign_in().await.refresh;
    let second = app.refresh(&first).await.expect("tokens").refresh;
    assert_ne!(first, second);
    for seconds in [0, 29, 1] {
        app.pass(seconds);
        assert_eq!(app.refresh(&first).await.expect("tokens").refresh, second);
    }
    app.pass(1);
    let other = app.sign_in().await.refresh;
    assert!(is_invalid(&app.refresh(&first).await));
    assert!(stored(store, &first).await.revoked);
    for token in [&second, &first, &second] {
        assert!(
            is_invalid(&app.refresh(token).await),
            "the newest token is invalid too"
        );
    }
    assert!(app.refresh(&other).await.is_ok(), "other sessions continue");
}

/// The newest token is returned again for a while after a rotation, and nothing is written.
async fn a_session_rotates_once_in_the_grace_and_the_life_of_a_request(store: &impl TestStore) {
    let app = App::on(store.clone(), &[]);
    let first = app.sign_in().await.refresh;
    let second = app.refresh(&first).await.expect("tokens").refresh;
    let rotated = stored(store, &first).await;
    for seconds in [0, 31, 9] {
        app.pass(seconds);
        let repeated = app.refresh(&second).await.expect("tokens");
        assert_eq!(repeated.refresh, second);
        assert_eq!(app.me(&repeated.access).await, 200);
    }
    assert_eq!(stored(store, &first).await, rotated);
    app.pass(1);
    let third = app.refresh(&second).await.expect("tokens").refresh;
    assert_ne!(third, second);
    assert_eq!(app.refresh(&second).await.expect("tokens").refresh, third);
}

/// A browser restores eight tabs within one second, just before or just after the session may rotate again. Half of
/// them miss the first response. No one is signed out.
async fn restored_tabs_stay_signed_in(store: &impl TestStore) {
    for pause in [ROTATION_PAUSE - 1, ROTATION_PAUSE] {
        let app = App::on(store.clone(), &[]);
        let first = app.sign_in().await.refresh;
        let mut tabs = vec![app.refresh(&first).await.expect("tokens").refresh; 8];
        app.pass(pause);
        for round in 0..4 {
            let tokens = join_all(tabs.iter().map(|tab| app.refresh(tab))).await;
            for (tab, tokens) in tokens.into_iter().enumerate() {
                let newest = tokens.expect("tokens").refresh;
                if round > 0 || tab % 2 == 0 {
                    tabs[tab] = newest;
                }
            }
            app.pass(u64::from(round == 0));
        }
        assert!(tabs.iter().all(|tab| *tab == tabs[0]), "{pause}");
        assert!(!stored(store, &first).await.revoked);
    }
}

/// Each call of the store takes a second, so eight tabs that refresh at once need 24 seconds.
async fn tabs_on_a_slow_store_stay_signed_in(store: &impl TestStore) {
    let script = Script::default();
    let app = App::on(FlakyStore::new(store.clone(), &script), &[]);
    let first = app.sign_in().await.refresh;
    script.delay_each(&app.test_clock(), 1);
    let tabs = join_all((0..8).map(|_| app.refresh(&first))).await;
    for tokens in tabs {
        let newest = tokens.expect("tokens").refresh;
        assert!(app.refresh(&newest).await.is_ok());
    }
    assert_eq!(stored(store, &first).await.generation, 1);
}

/// Without a grace period, a retry of the SDK still recognizes the step that its first attempt has written, however
/// long it took.
async fn a_retry_recognizes_its_own_step(store: &impl TestStore) {
    let script = Script::default();
    let app = App::on(
        FlakyStore::new(store.clone(), &script),
        &[("SESSION_GRACE", "0")],
    );
    let first = app.sign_in().await.refresh;
    script.repeat("advance_session");
    script.delay_each(&app.test_clock(), 2);
    let second = app.refresh(&first).await.expect("tokens").refresh;
    assert_eq!(stored(store, &first).await.generation, 1);
    script.reset();
    assert!(app.refresh(&second).await.is_ok());
}

/// The write of a slow refresh is made late and its response is lost. The grace period begins with the write, so a
/// retry within it gets the same token.
async fn the_grace_begins_with_the_write(store: &impl TestStore) {
    let script = Script::default();
    let app = App::on(FlakyStore::new(store.clone(), &script), &[]);
    let first = app.sign_in().await.refresh;
    script.fail_after(2, Failure::Lost);
    script.delay_each(&app.test_clock(), 3);
    assert_eq!(app.refresh(&first).await.expect_err("lost").0, 503);
    script.reset();
    let rotated_at = stored(store, &first).await.rotated_at;
    assert_eq!(
        app.now().since(rotated_at).as_secs(),
        3,
        "only the write is older"
    );
    app.pass(27);
    let second = app.refresh(&first).await.expect("tokens").refresh;
    assert_eq!(stored(store, &first).await.generation, 1);
    app.pass(ROTATION_PAUSE);
    assert!(app.refresh(&second).await.is_ok());
}

/// A token two generations old ends the session at any time, and the access tokens of whoever refreshed it.
async fn an_older_token_ends_the_session_at_once(store: &impl TestStore) {
    let app = App::on(store.clone(), &[]);
    let first = app.sign_in().await.refresh;
    let second = app.refresh(&first).await.expect("tokens").refresh;
    app.pass(ROTATION_PAUSE);
    let third = app.refresh(&second).await.expect("tokens");
    assert_eq!(app.me(&third.access).await, 200);
    assert!(is_invalid(&app.refresh(&first).await));
    assert!(stored(store, &first).await.revoked);
    assert_eq!(app.me(&third.access).await, 401);
    assert!(is_invalid(&app.refresh(&third.refresh).await));
    assert!(is_invalid(&app.refresh(&second).await));
}

/// A session ends if it is not refreshed for long, and eventually even if it is.
async fn a_session_expires(store: &impl TestStore) {
    let rules = [
        ("SESSION_IDLE_EXPIRATION", "100"),
        ("SESSION_EXPIRATION", "250"),
        ("SESSION_GRACE", "10"),
        ("JWT_EXPIRATION", "60"),
    ];
    let app = App::on(store.clone(), &rules);
    let idle = app.sign_in().await.refresh;
    app.pass(100);
    assert!(is_invalid(&app.refresh(&idle).await), "100 s have passed");
    assert!(!stored(store, &idle).await.revoked);

    let mut tokens = app.sign_in().await;
    for _ in 0..2 {
        app.pass(99);
        tokens = app.refresh(&tokens.refresh).await.expect("tokens");
    }
    app.pass(51);
    let body = json!({"refresh_token": tokens.refresh});
    let reply = app.post("refresh", &body, ADDRESS).await;
    assert_eq!(reply.json()["expires_in"], 1, "the rest of the session");
    tokens = reply.tokens().expect("tokens");
    let claims = claims(&tokens.access);
    assert_eq!(claims["exp"].as_u64(), Some(app.now().as_secs() + 1));
    assert_eq!(app.me(&tokens.access).await, 200);
    app.pass(1);
    assert_eq!(app.me(&tokens.access).await, 401, "within the leeway");
    let refused = app.refresh(&tokens.refresh).await;
    assert!(is_invalid(&refused), "250 s have passed");
}

/// A logout ends the session of its token, whatever the generation, with its access tokens, and no other.
async fn a_logout_ends_one_session(store: &impl TestStore) {
    let app = App::on(store.clone(), &[]);
    let (one, other) = (app.sign_in().await, app.sign_in().await);
    let newest = app.refresh(&one.refresh).await.expect("tokens");
    for _ in 0..2 {
        app.log_out(&one.refresh, false).await;
        assert!(is_invalid(&app.refresh(&newest.refresh).await));
        assert_eq!(app.me(&newest.access).await, 401);
    }
    assert!(app.refresh(&other.refresh).await.is_ok());
    for token in ["", "not-a-token", &other.access] {
        app.log_out(token, true).await;
    }
    assert_eq!(app.me(&other.access).await, 200);
}

/// A logout everywhere ends all sessions and access tokens, even with a token of a revoked session: its owner may be
/// the user whose session a thief has refreshed.
async fn a_logout_everywhere_ends_all_sessions(store: &impl TestStore) {
    let app = App::on(store.clone(), &[]);
    for is_revoked in [false, true] {
        let (one, other) = (app.sign_in().await, app.sign_in().await);
        if is_revoked {
            app.log_out(&one.refresh, false).await;
        }
        assert_eq!(app.me(&other.access).await, 200);
        app.log_out(&one.refresh, true).await;
        for tokens in [&one, &other] {
            assert_eq!(app.me(&tokens.access).await, 401);
            assert!(is_invalid(&app.refresh(&tokens.refresh).await));
        }
        let again = app.sign_in().await;
        // The version of these sessions is not the user's any more.
        app.log_out(&one.refresh, true).await;
        assert_eq!(app.me(&again.access).await, 200);
        assert!(app.refresh(&again.refresh).await.is_ok());
    }
}

/// A thief refreshes a stolen token. The user's next refresh detects it, and ends the thief's access token.
async fn a_detected_theft_ends_the_access_token_of_the_thief(store: &impl TestStore) {
    let app = App::on(store.clone(), &[]);
    let stolen = app.sign_in().await.refresh;
    let laptop = app.sign_in().await;
    let thief = app.refresh(&stolen).await.expect("tokens");
    app.pass(600);
    assert_eq!(app.me(&thief.access).await, 200);
    assert!(is_invalid(&app.refresh(&stolen).await));
    assert_eq!(app.me(&thief.access).await, 401);
    assert_eq!(app.me(&laptop.access).await, 200);
    app.log_out(&stolen, true).await;
    assert_eq!(app.me(&laptop.access).await, 401);
}

/// A logout everywhere with a token of an expired session ends nothing.
async fn a_token_of_an_expired_session_ends_nothing(store: &impl TestStore) {
    let app = App::on(store.clone(), &[]);
    let expired = app.sign_in().await;
    app.pass(14 * 24 * 3600);
    let tokens = app.sign_in().await;
    app.log_out(&expired.refresh, true).await;
    assert_eq!(app.me(&tokens.access).await, 200);
}

/// A new password and disabling the user end sessions permanently. New roles are in the next token.
async fn changes_to_a_user_affect_sessions(store: &impl TestStore) {
    let app = App::on(store.clone(), &[]);
    let change = async |change| store.change_user(&john(), change).await.expect("changed");
    let role = Role {
        id: "2".into(),
        name: "Guest".into(),
        description: String::new(),
        permissions: vec!["read".into()],
    };
    let tokens = app.sign_in().await;
    change(UserChange::Roles(vec![role])).await;
    let tokens = app.refresh(&tokens.refresh).await.expect("tokens");
    let claims = claims(&tokens.access);
    assert_eq!(claims["roles"], json!(["Guest"]));
    assert_eq!(claims["sid"], session_id(&tokens.refresh).to_string());

    for changes in [
        vec![UserChange::Disabled(true), UserChange::Disabled(false)],
        vec![UserChange::Password(hash(1))],
        vec![UserChange::EndSessions],
    ] {
        let tokens = app.sign_in().await;
        assert_eq!(app.me(&tokens.access).await, 200);
        for one in changes {
            change(one).await;
            assert_eq!(app.me(&tokens.access).await, 401);
            assert!(is_invalid(&app.refresh(&tokens.refresh).await));
        }
        assert!(!stored(store, &tokens.refresh).await.revoked);
    }
    let tokens = app.sign_in().await;
    let found = find_with_password(store, &john()).await;
    let mut found = found.expect("a result").expect("the user");
    store
        .delete_user(&john(), UnixTime::from_secs(NOW))
        .await
        .expect("deleted");
    assert!(is_invalid(&app.refresh(&tokens.refresh).await));
    let id = std::mem::replace(&mut found.user.id, "2".into());
    store.add_user(&found).await.expect("added");
    assert!(
        is_invalid(&app.refresh(&tokens.refresh).await),
        "another user with the same address"
    );
    store
        .delete_user(&john(), UnixTime::from_secs(NOW))
        .await
        .expect("deleted");
    found.user.id = id;
    store.add_user(&found).await.expect("added");
}

/// A refresh token with a wrong MAC is rejected without calling the store, and so is an access token. A
/// refresh token is not a bearer token.
async fn a_forged_token_never_reaches_the_store(store: &impl TestStore) {
    let script = Script::default();
    let app = App::on(FlakyStore::new(store.clone(), &script), &[]);
    let good = app.sign_in().await;
    let id = session_id(&good.refresh).to_string();
    let id: [u8; 16] = forge::decoded(&id).try_into().expect("16 bytes");
    let mut forged = vec![
        forge::refresh_token(forge::SECRET, id, 0),
        forge::refresh_token("", id, 0),
        good.access.clone(),
        String::new(),
        good.refresh[..69].to_owned(),
        format!("{}=", good.refresh),
    ];
    let bytes = forge::decoded(&good.refresh);
    forged.extend((0..bytes.len() * 8).map(|bit| {
        let mut bytes = bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        forge::b64(bytes)
    }));
    script.reset();
    for token in &forged {
        assert!(is_invalid(&app.refresh(token).await), "{token}");
        for all_sessions in [false, true] {
            let body = json!({"refresh_token": token, "all_sessions": all_sessions});
            assert_eq!(app.post("logout", &body, ADDRESS).await.status(), 204);
        }
    }
    assert_eq!(script.calls(), Vec::<&str>::new());
    assert_eq!(app.me(&good.refresh).await, 401);
    assert!(
        app.refresh(&good.refresh).await.is_ok(),
        "the token stayed valid"
    );
}

/// A put that arrives late, after the SDK has retried it, does not undo later steps of the session.
async fn a_late_start_does_not_undo_later_steps(store: &impl TestStore) {
    let app = App::on(store.clone(), &[]);
    let first = app.sign_in().await.refresh;
    let begun = stored(store, &first).await;
    let second = app.refresh(&first).await.expect("tokens").refresh;
    store.start_session(&begun).await.expect("a result");
    assert_eq!(stored(store, &first).await.generation, 1);
    app.log_out(&second, false).await;
    store.start_session(&begun).await.expect("a result");
    assert!(is_invalid(&app.refresh(&second).await));
    assert!(is_invalid(&app.refresh(&first).await));
}

/// The store in memory never waits, so only threads run at the same time.
#[test]
fn refreshes_on_many_threads_converge_in_memory() {
    let store = memory();
    let app = App::on(store.clone(), &[]);
    let runtime = || Builder::new_current_thread().enable_time().build().unwrap();
    let mut token = runtime().block_on(app.sign_in()).refresh;
    for step in 1..=20 {
        app.pass(ROTATION_PAUSE);
        let barrier = Barrier::new(20);
        let successors: BTreeSet<String> = thread::scope(|scope| {
            let refresh = || {
                barrier.wait();
                runtime().block_on(app.refresh(&token)).unwrap().refresh
            };
            let threads: Vec<_> = (0..20).map(|_| scope.spawn(refresh)).collect();
            let results = threads.into_iter().map(|thread| thread.join().unwrap());
            results.collect()
        });
        assert_eq!(successors.len(), 1);
        token = successors.into_iter().next().unwrap();
        let found = stored(&store, &token).now_or_never().unwrap();
        assert_eq!(found.generation, step);
    }
}
