//! Sessions: refreshed, reused, expired and ended.

use std::{collections::BTreeSet, sync::Barrier, thread};

use auth_core::{
    Advance, InMemoryStore, Role, Rotation, Session, SessionId, SessionRepository, SessionRules,
    UnixTime, UserChange,
};
use bundle_tests::{
    app::{App, NOW},
    client::{ADDRESS, Client, Tokens},
    flaky::{FlakyStore, Script},
    store::{TestStore, hash, john, session_id, user},
};
use futures_util::{FutureExt, future::join_all};
use serde_json::{Value, json};
use tokio::runtime::Builder;

use crate::on_every_store;

on_every_store![
    a_session_advances_once_from_each_generation,
    simultaneous_refreshes_converge,
    the_previous_token_ends_the_session_after_the_grace_period,
    an_older_token_ends_the_session_at_once,
    a_session_expires,
    a_logout_ends_one_session,
    a_logout_everywhere_ends_all_sessions,
    changes_to_a_user_affect_sessions,
    a_forged_token_never_reaches_the_store,
    a_late_start_does_not_undo_later_steps,
];

const INVALID: (u16, &str) = (401, "Invalid refresh token");

pub(crate) async fn stored(store: &impl SessionRepository, refresh_token: &str) -> Session {
    let found = store.find_session(&session_id(refresh_token)).await;
    found.expect("a result").expect("the session")
}

/// Returns whether a result is the 401 of an invalid refresh token.
fn is_invalid(result: &Result<Tokens, (u16, String)>) -> bool {
    let refused = result.as_ref().err();
    refused.is_some_and(|(status, detail)| (*status, detail.as_str()) == INVALID)
}

/// A session advances only from the previous generation, and only while it is live.
async fn a_session_advances_once_from_each_generation(store: &impl TestStore) {
    let (rules, now) = (SessionRules::default(), UnixTime::from_secs(NOW));
    let second = std::time::Duration::from_secs(1);
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
    let later = next(&first, now + second);
    let latest = next(&later, now + 2 * second);
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
        absolute_expires_at: now + 10 * second,
        ..begin()
    };
    store.start_session(&expired).await.expect("started");
    let late = Session {
        generation: 1,
        rotated_at: now + 10 * second,
        ..expired.clone()
    };
    assert_eq!(advance(&late).await, Advance::Refused(Some(expired)));

    store.revoke_session(&latest.id).await.expect("revoked");
    let step = next(&latest, now + 3 * second);
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
    for seconds in [0, 9, 1] {
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

/// A token two generations old ends the session at any time.
async fn an_older_token_ends_the_session_at_once(store: &impl TestStore) {
    let app = App::on(store.clone(), &[]);
    let first = app.sign_in().await.refresh;
    let second = app.refresh(&first).await.expect("tokens").refresh;
    let third = app.refresh(&second).await.expect("tokens").refresh;
    assert!(is_invalid(&app.refresh(&first).await));
    assert!(stored(store, &first).await.revoked);
    assert!(is_invalid(&app.refresh(&third).await));
    assert!(is_invalid(&app.refresh(&second).await));
}

/// A session ends if it is not refreshed for long, and eventually even if it is.
async fn a_session_expires(store: &impl TestStore) {
    let rules = [
        ("SESSION_IDLE_EXPIRATION", "100"),
        ("SESSION_EXPIRATION", "250"),
    ];
    let app = App::on(store.clone(), &rules);
    let idle = app.sign_in().await.refresh;
    app.pass(100);
    assert!(is_invalid(&app.refresh(&idle).await), "100 s have passed");
    assert!(!stored(store, &idle).await.revoked);

    let mut token = app.sign_in().await.refresh;
    for _ in 0..2 {
        app.pass(99);
        token = app.refresh(&token).await.expect("tokens").refresh;
    }
    app.pass(51);
    token = app.refresh(&token).await.expect("tokens").refresh;
    app.pass(1);
    assert!(is_invalid(&app.refresh(&token).await), "250 s have passed");
}

/// A logout ends the session of its token, whatever the generation, and no other.
async fn a_logout_ends_one_session(store: &impl TestStore) {
    let app = App::on(store.clone(), &[]);
    let (one, other) = (app.sign_in().await, app.sign_in().await);
    let newest = app.refresh(&one.refresh).await.expect("tokens");
    for _ in 0..2 {
        app.log_out(&one.refresh, false).await;
        assert!(is_invalid(&app.refresh(&newest.refresh).await));
    }
    assert_eq!(
        app.me(&newest.access).await,
        200,
        "the access token is valid until it expires"
    );
    assert!(app.refresh(&other.refresh).await.is_ok());
    for token in ["", "not-a-token", &other.access] {
        app.log_out(token, true).await;
    }
    assert_eq!(app.me(&other.access).await, 200);
}

/// A logout everywhere ends all sessions and access tokens, but not with a token of an ended session.
async fn a_logout_everywhere_ends_all_sessions(store: &impl TestStore) {
    let app = App::on(store.clone(), &[]);
    let (one, other) = (app.sign_in().await, app.sign_in().await);
    let ended = app.sign_in().await;
    app.log_out(&ended.refresh, false).await;
    app.log_out(&ended.refresh, true).await;
    assert_eq!(app.me(&one.access).await, 200, "its session had ended");

    let third = app.sign_in().await;
    let newest = app.refresh(&third.refresh).await.expect("tokens").refresh;
    let newest = app.refresh(&newest).await.expect("tokens").refresh;
    // A reused token: its owner may be the user whose session a thief has refreshed.
    app.log_out(&third.refresh, true).await;
    assert!(is_invalid(&app.refresh(&newest).await));
    assert!(stored(store, &newest).await.revoked);
    assert_eq!(app.me(&other.access).await, 401);

    let (one, other) = (app.sign_in().await, app.sign_in().await);
    app.log_out(&one.refresh, true).await;
    for tokens in [&one, &other] {
        assert_eq!(app.me(&tokens.access).await, 401);
        assert!(is_invalid(&app.refresh(&tokens.refresh).await));
        app.log_out(&tokens.refresh, true).await;
    }
    let again = app.sign_in().await;
    assert_eq!(app.me(&again.access).await, 200);
    assert!(app.refresh(&again.refresh).await.is_ok());
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
    let claims = forge::decoded(tokens.access.split('.').nth(1).expect("claims"));
    let claims: Value = serde_json::from_slice(&claims).expect("JSON");
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
    let found = store.find_with_password(&john()).await;
    let mut found = found.expect("a result").expect("the user");
    store.delete_user(&john()).await.expect("deleted");
    assert!(is_invalid(&app.refresh(&tokens.refresh).await));
    let id = std::mem::replace(&mut found.user.id, "2".into());
    store.add_user(&found).await.expect("added");
    assert!(
        is_invalid(&app.refresh(&tokens.refresh).await),
        "another user with the same address"
    );
    store.delete_user(&john()).await.expect("deleted");
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
    let store = InMemoryStore::with_tutorial_user();
    let app = App::on(store.clone(), &[]);
    let runtime = || Builder::new_current_thread().enable_time().build().unwrap();
    let mut token = runtime().block_on(app.sign_in()).refresh;
    for step in 1..=20 {
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
