//! The stores that a suite runs on, and what each of their traits promises.

use auth_core::{
    Advance, AttemptKind, AttemptRepository, Counter, CredentialRepository, Email, Outcome,
    Rotation, Session, SessionDirectory, SessionId, SessionRepository, SessionRules, User,
    UserDirectory, UserRepository,
};

use crate::{app::NOW, repository_suite::user};

/// Every trait of the stores of users together, which can be used twice.
pub trait Users: UserRepository + CredentialRepository + UserDirectory + Clone {}

impl<T: UserRepository + CredentialRepository + UserDirectory + Clone> Users for T {}

/// Every trait of a store of sessions together.
pub trait SessionStore: SessionRepository + SessionDirectory + Clone {}

impl<T: SessionRepository + SessionDirectory + Clone> SessionStore for T {}

/// Every trait of a store of counters that the functions use.
pub trait Attempts: AttemptRepository + Clone {}

impl<T: AttemptRepository + Clone> Attempts for T {}

fn john() -> Email {
    Email::parse("john.doe@leapify.tech").expect("an address")
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
