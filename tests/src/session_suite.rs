//! What sessions must do, as functions over any stores.

use std::collections::BTreeSet;

use auth_core::{Email, PasswordHash, Role, Session, SessionId, SessionRepository, UserChange};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::future::join_all;
use login::Stores;
use serde_json::{Value, json};

use crate::{
    app::{TestApp, Tokens},
    flaky::{Script, flaky},
    forge,
    repository_suite::HASHES,
    stores::{Attempts, SessionStore, Users},
};

const INVALID: (u16, &str) = (401, "Invalid refresh token");

/// The session of a refresh token.
#[must_use]
pub fn session_id(refresh_token: &str) -> SessionId {
    let bytes = URL_SAFE_NO_PAD.decode(refresh_token).expect("base64url");
    SessionId::parse(&forge::b64(&bytes[..16])).expect("an id")
}

pub(crate) fn john() -> Email {
    Email::parse("john.doe@leapify.tech").expect("an address")
}

pub(crate) async fn stored(sessions: &impl SessionRepository, refresh_token: &str) -> Session {
    let found = sessions.find(&session_id(refresh_token)).await;
    found.expect("an answer").expect("the session")
}

/// Whether an answer is the 401 of a refresh token that is not taken.
fn is_invalid(answer: &Result<Tokens, (u16, String)>) -> bool {
    let refused = answer.as_ref().err();
    refused.is_some_and(|(status, detail)| (*status, detail.as_str()) == INVALID)
}

/// Any number of refreshes of one token at once have one successor, and make one step.
pub async fn refreshes_at_once_converge<U: Users, S: SessionStore, A: Attempts>(
    stores: &Stores<U, S, A>,
) {
    let app = TestApp::on(stores.clone(), &[]);
    let mut token = app.sign_in().await.refresh;
    for step in 1..=3 {
        let answers = join_all((0..20).map(|_| app.refresh(&token))).await;
        let successors: BTreeSet<String> = answers
            .into_iter()
            .map(|answer| answer.expect("tokens").refresh)
            .collect();
        assert_eq!(successors.len(), 1);
        assert_eq!(stored(&stores.sessions, &token).await.generation, step);
        token = successors.into_iter().next().expect("one");
    }
}

/// The former token has the same successor within the grace. After it, the session ends.
pub async fn a_former_token_is_repeated_and_then_a_theft<U: Users, S: SessionStore, A: Attempts>(
    stores: &Stores<U, S, A>,
) {
    let app = TestApp::on(stores.clone(), &[]);
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
    assert!(stored(&stores.sessions, &first).await.revoked);
    for token in [&second, &first, &second] {
        assert!(is_invalid(&app.refresh(token).await), "the newest is dead");
    }
    assert!(app.refresh(&other).await.is_ok(), "other sessions go on");
}

/// A token two generations old ends the session at any time.
pub async fn an_older_token_is_a_theft_at_once<U: Users, S: SessionStore, A: Attempts>(
    stores: &Stores<U, S, A>,
) {
    let app = TestApp::on(stores.clone(), &[]);
    let first = app.sign_in().await.refresh;
    let second = app.refresh(&first).await.expect("tokens").refresh;
    let third = app.refresh(&second).await.expect("tokens").refresh;
    assert!(is_invalid(&app.refresh(&first).await));
    assert!(stored(&stores.sessions, &first).await.revoked);
    assert!(is_invalid(&app.refresh(&third).await));
    assert!(is_invalid(&app.refresh(&second).await));
}

/// A session ends when it is not refreshed for long, and in the end even if it is.
pub async fn a_session_expires<U: Users, S: SessionStore, A: Attempts>(stores: &Stores<U, S, A>) {
    let rules = [
        ("SESSION_IDLE_EXPIRATION", "100"),
        ("SESSION_EXPIRATION", "250"),
    ];
    let app = TestApp::on(stores.clone(), &rules);
    let idle = app.sign_in().await.refresh;
    app.pass(100);
    assert!(is_invalid(&app.refresh(&idle).await), "100 s are over");
    assert!(!stored(&stores.sessions, &idle).await.revoked);

    let mut token = app.sign_in().await.refresh;
    for _ in 0..2 {
        app.pass(99);
        token = app.refresh(&token).await.expect("tokens").refresh;
    }
    app.pass(51);
    token = app.refresh(&token).await.expect("tokens").refresh;
    app.pass(1);
    assert!(is_invalid(&app.refresh(&token).await), "250 s are over");
}

/// A logout ends its session, whatever generation it shows, and no other.
pub async fn a_logout_ends_one_session<U: Users, S: SessionStore, A: Attempts>(
    stores: &Stores<U, S, A>,
) {
    let app = TestApp::on(stores.clone(), &[]);
    let (one, other) = (app.sign_in().await, app.sign_in().await);
    let newest = app.refresh(&one.refresh).await.expect("tokens");
    for _ in 0..2 {
        app.log_out(&one.refresh, false).await;
        assert!(is_invalid(&app.refresh(&newest.refresh).await));
    }
    assert_eq!(app.me(&newest.access).await, 200, "until it expires");
    assert!(app.refresh(&other.refresh).await.is_ok());
    for token in ["", "not-a-token", &other.access] {
        app.log_out(token, true).await;
    }
    assert_eq!(app.me(&other.access).await, 200);
}

/// A logout everywhere ends all sessions and access tokens; with a token of a dead session it does not.
pub async fn a_logout_everywhere_ends_all<U: Users, S: SessionStore, A: Attempts>(
    stores: &Stores<U, S, A>,
) {
    let app = TestApp::on(stores.clone(), &[]);
    let (one, other) = (app.sign_in().await, app.sign_in().await);
    let dead = app.sign_in().await;
    app.log_out(&dead.refresh, false).await;
    app.log_out(&dead.refresh, true).await;
    assert_eq!(app.me(&one.access).await, 200, "its session had ended");

    let third = app.sign_in().await;
    let newest = app.refresh(&third.refresh).await.expect("tokens").refresh;
    let newest = app.refresh(&newest).await.expect("tokens").refresh;
    // The token was used before: its user may be the one whom a thief has overtaken.
    app.log_out(&third.refresh, true).await;
    assert!(is_invalid(&app.refresh(&newest).await));
    assert!(stored(&stores.sessions, &newest).await.revoked);
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

/// What an operator changes reaches sessions: a new password and a disabled user end them for good,
/// roles are in the next token.
pub async fn changes_of_the_user_reach_sessions<U: Users, S: SessionStore, A: Attempts>(
    stores: &Stores<U, S, A>,
) {
    let app = TestApp::on(stores.clone(), &[]);
    let change = async |change| stores.users.change(&john(), change).await.expect("changed");
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

    let hash = PasswordHash::parse(HASHES[1]).expect("the tutorial's");
    for changes in [
        vec![UserChange::Disabled(true), UserChange::Disabled(false)],
        vec![UserChange::Password(hash)],
        vec![UserChange::EndSessions],
    ] {
        let tokens = app.sign_in().await;
        assert_eq!(app.me(&tokens.access).await, 200);
        for one in changes {
            change(one).await;
            assert_eq!(app.me(&tokens.access).await, 401);
            assert!(is_invalid(&app.refresh(&tokens.refresh).await));
        }
        assert!(!stored(&stores.sessions, &tokens.refresh).await.revoked);
    }
    let tokens = app.sign_in().await;
    let found = stores.users.find_with_password(&john()).await;
    let mut found = found.expect("an answer").expect("the user");
    stores.users.delete(&john()).await.expect("deleted");
    assert!(is_invalid(&app.refresh(&tokens.refresh).await));
    let id = std::mem::replace(&mut found.user.id, "2".into());
    stores.users.add(&found).await.expect("added");
    assert!(
        is_invalid(&app.refresh(&tokens.refresh).await),
        "another user"
    );
    stores.users.delete(&john()).await.expect("deleted");
    found.user.id = id;
    stores.users.add(&found).await.expect("added");
}

/// A refresh token whose MAC is wrong is refused without asking any store, and so is an access token;
/// a refresh token is no bearer token.
pub async fn a_forged_token_reaches_no_store<U: Users, S: SessionStore, A: Attempts>(
    stores: &Stores<U, S, A>,
) {
    let script = Script::default();
    let app = TestApp::on(flaky(stores.clone(), &script), &[]);
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
            assert_eq!(app.post("logout", &body, "203.0.113.7").await.0, 204);
        }
    }
    println!(
        "forged refresh tokens: {}, calls of a store: 0",
        forged.len()
    );
    assert_eq!(script.calls(), Vec::<&str>::new());
    assert_eq!(app.me(&good.refresh).await, 401);
    assert!(
        app.refresh(&good.refresh).await.is_ok(),
        "all that time it was good"
    );
}

/// A put that arrives late, after the SDK has repeated it, does not undo what came of the session.
pub async fn a_late_start_revives_nothing<U: Users, S: SessionStore, A: Attempts>(
    stores: &Stores<U, S, A>,
) {
    let app = TestApp::on(stores.clone(), &[]);
    let first = app.sign_in().await.refresh;
    let begun = stored(&stores.sessions, &first).await;
    let second = app.refresh(&first).await.expect("tokens").refresh;
    stores.sessions.start(&begun).await.expect("an answer");
    assert_eq!(stored(&stores.sessions, &first).await.generation, 1);
    app.log_out(&second, false).await;
    stores.sessions.start(&begun).await.expect("an answer");
    assert!(is_invalid(&app.refresh(&second).await));
    assert!(is_invalid(&app.refresh(&first).await));
}
