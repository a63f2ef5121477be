//! What sessions must do, as functions over any stores.

use std::collections::BTreeSet;

use auth_core::{
    Advance, AttemptKind, AttemptRepository, Counter, CredentialRepository, Email, Outcome,
    PasswordHash, Role, Rotation, Session, SessionDirectory, SessionId, SessionRepository,
    SessionRules, User, UserChange, UserDirectory, UserRepository,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::future::join_all;
use login::Stores;
use serde_json::{Value, json};

use crate::{
    app::{NOW, TestApp, Tokens},
    events,
    flaky::{Failure, Script, flaky},
    forge,
    repository_suite::{HASHES, user},
};

/// Every trait of the stores of users together, which can be used twice.
pub trait Users: UserRepository + CredentialRepository + UserDirectory + Clone {}

impl<T: UserRepository + CredentialRepository + UserDirectory + Clone> Users for T {}

/// Every trait of a store of sessions together.
pub trait SessionStore: SessionRepository + SessionDirectory + Clone {}

impl<T: SessionRepository + SessionDirectory + Clone> SessionStore for T {}

/// Every trait of a store of counters that the functions use.
pub trait Attempts: AttemptRepository + Clone {}

impl<T: AttemptRepository + Clone> Attempts for T {}

const INVALID: (u16, &str) = (401, "Invalid refresh token");

/// The session of a refresh token.
#[must_use]
pub fn session_id(refresh_token: &str) -> SessionId {
    let bytes = URL_SAFE_NO_PAD.decode(refresh_token).expect("base64url");
    SessionId::parse(&forge::b64(&bytes[..16])).expect("an id")
}

fn john() -> Email {
    Email::parse("john.doe@leapify.tech").expect("an address")
}

async fn stored(sessions: &impl SessionRepository, refresh_token: &str) -> Session {
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

/// A step is made from the generation before it alone, and from a live session alone.
pub async fn a_step_is_made_once(sessions: &impl SessionStore) {
    let rules = SessionRules::default();
    let begin = || {
        let id = SessionId::random().expect("randomness");
        Session::begin(
            id,
            &john(),
            &user("1", "john.doe@leapify.tech").user,
            &rules,
            NOW,
        )
    };
    let after = |session: &Session, now| match session.rotation(session.generation, &rules, now) {
        Rotation::Advance(next) => next,
        other => panic!("{other:?}"),
    };
    let first = begin();
    let unknown = sessions.advance(&after(&first, NOW)).await;
    assert_eq!(unknown.expect("an answer"), Advance::Refused(None));

    sessions.start(&first).await.expect("started");
    let second = after(&first, NOW + 1);
    let third = after(&second, NOW + 2);
    for (step, advance) in [
        (&third, Advance::Refused(Some(first.clone()))),
        (&second, Advance::Done),
        (&second, Advance::Refused(Some(second.clone()))),
        (&third, Advance::Done),
        (&second, Advance::Refused(Some(third.clone()))),
    ] {
        assert_eq!(sessions.advance(step).await.expect("an answer"), advance);
    }
    let late = Session {
        generation: 3,
        rotated_at: third.idle_expires_at,
        ..third.clone()
    };
    let expired = sessions.advance(&late).await.expect("an answer");
    assert_eq!(expired, Advance::Refused(Some(third.clone())));

    let over = Session {
        expires_at: NOW + 10,
        ..begin()
    };
    sessions.start(&over).await.expect("started");
    let late = Session {
        generation: 1,
        rotated_at: NOW + 10,
        ..over.clone()
    };
    let expired = sessions.advance(&late).await.expect("an answer");
    assert_eq!(expired, Advance::Refused(Some(over)));

    sessions.revoke(&third.id).await.expect("revoked");
    let revoked = sessions.advance(&after(&third, NOW + 3)).await;
    let third = Session {
        revoked: true,
        ..third
    };
    assert_eq!(revoked.expect("an answer"), Advance::Refused(Some(third)));
    let stranger = SessionId::random().expect("randomness");
    sessions.revoke(&stranger).await.expect("nothing to do");
    assert_eq!(sessions.find(&stranger).await.expect("an answer"), None);
}

/// An attempt is settled once; one that was never reserved, or on a counter that is gone, not at all.
pub async fn an_attempt_is_settled_once(attempts: &impl Attempts) {
    let counter = Counter {
        kind: AttemptKind::Pair,
        key: format!("pair#{}#0", SessionId::random().expect("randomness")),
        email_mac: Some("mac".into()),
        limit: 5,
        expires_at: NOW + 1_000_000,
    };
    let settle = async |ticket: &str, outcome| {
        let settled = attempts.settle(&counter, ticket, &[], outcome).await;
        settled.expect("settled");
    };
    let count = async |ticket: &str| {
        let count = attempts.reserve(&counter, ticket).await.expect("a count");
        (
            count.failures,
            count.pending.into_iter().collect::<Vec<_>>().join(" "),
        )
    };
    for outcome in [Outcome::Failed, Outcome::GivenBack, Outcome::Cleared] {
        settle("none", outcome).await;
    }
    assert_eq!(count("a").await, (0, "a".into()));
    assert_eq!(count("a").await, (0, "a".into()), "asked again");
    for _ in 0..2 {
        settle("a", Outcome::Failed).await;
    }
    assert_eq!(count("b").await, (1, "b".into()));
    assert_eq!(count("c").await, (1, "b c".into()));
    for _ in 0..2 {
        settle("b", Outcome::GivenBack).await;
    }
    settle("none", Outcome::Cleared).await;
    assert_eq!(count("d").await, (1, "c d".into()));
    settle("c", Outcome::Cleared).await;
    assert_eq!(count("e").await, (0, "d e".into()), "others are under way");
}

/// The sessions of a user end once, and those of another user or version not at all.
pub async fn sessions_of_a_user_end_once(users: &impl Users) {
    let email = Email::parse("version@example.com").expect("an address");
    let version = async || {
        let found = users.find_by_email(&email).await.expect("an answer");
        found.map(|user| user.version)
    };
    users.end_sessions(&email, "1", 0).await.expect("nobody");
    assert_eq!(version().await, None);
    let added = user("1", "version@example.com");
    users.add(&added).await.expect("added");
    for (id, from, now) in [
        ("2", 0, 0),
        ("1", 1, 0),
        ("1", 0, 1),
        ("1", 0, 1),
        ("1", 1, 2),
    ] {
        users
            .end_sessions(&email, id, from)
            .await
            .expect("an answer");
        assert_eq!(version().await, Some(now), "{id} {from}");
    }
    let found = users.find_with_password(&email).await.expect("an answer");
    let expected = User {
        version: 2,
        ..added.user
    };
    assert_eq!(found.expect("the user").user, expected);
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
