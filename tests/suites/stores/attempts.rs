//! Guessing passwords: the same limits on every store.

use std::collections::BTreeMap;

use bundle_tests::{
    app::{App, NOW},
    client::{Client, Reply},
    events,
    store::{TestStore, tutorial_user},
};
use futures_util::{StreamExt, future::join_all, stream};
use serde_json::{Value, json};

use crate::on_every_store;

on_every_store![
    an_attempt_is_settled_once,
    simultaneous_guesses_are_limited,
    the_second_simultaneous_login_must_wait_if_one_is_allowed,
    a_network_may_fail_20_times_as_often_as_an_email_from_it,
    an_email_may_fail_100_times_from_anywhere,
    refused_logins_do_not_lock_an_email,
    successes_do_not_lock_anyone_out,
    a_success_clears_earlier_failures,
];

const JOHN: &str = "john.doe@leapify.tech";

fn body(email: &str, password: &str) -> Value {
    json!({"email": email, "password": password})
}

async fn status(app: &impl Client, email: &str, password: &str, address: &str) -> u16 {
    let reply = app.post("login", &body(email, password), address).await;
    reply.status()
}

/// Counts responses by their statuses.
fn count(statuses: impl IntoIterator<Item = u16>) -> BTreeMap<u16, usize> {
    let mut counts = BTreeMap::new();
    for status in statuses {
        *counts.entry(status).or_default() += 1;
    }
    counts
}

/// An attempt is settled once. One that was never reserved, or whose counter is gone, is not.
async fn an_attempt_is_settled_once(store: &impl TestStore) {
    use auth_core::{AttemptKind, Counter, Outcome, UnixTime};
    let counter = Counter {
        kind: AttemptKind::Pair,
        key: "pair#mac#0".into(),
        email_mac: Some("mac".into()),
        limit: 5,
        expires_at: UnixTime::from_secs(NOW + 1_000_000),
    };
    let settle = async |ticket: &str, outcome| {
        let settled = store.settle_attempt(&counter, ticket, &[], outcome).await;
        settled.expect("settled");
    };
    let reserve = async |ticket: &str| {
        let count = store.reserve_attempt(&counter, ticket).await;
        let count = count.expect("a count");
        let pending: Vec<String> = count.pending.into_iter().collect();
        (count.failures, pending.join(" "))
    };
    for outcome in [Outcome::Failed, Outcome::Released, Outcome::Reset] {
        settle("none", outcome).await;
    }
    assert_eq!(reserve("a").await, (0, "a".into()));
    assert_eq!(reserve("a").await, (0, "a".into()), "retried");
    for _ in 0..2 {
        settle("a", Outcome::Failed).await;
    }
    assert_eq!(reserve("b").await, (1, "b".into()));
    assert_eq!(reserve("c").await, (1, "b c".into()));
    for _ in 0..2 {
        settle("b", Outcome::Released).await;
    }
    settle("none", Outcome::Reset).await;
    assert_eq!(reserve("d").await, (1, "c d".into()));
    settle("c", Outcome::Reset).await;
    assert_eq!(reserve("e").await, (0, "d e".into()), "others are pending");
}

/// The parts of a response that a client sees.
#[derive(Debug, PartialEq, Eq)]
struct Visible {
    status: u16,
    body: String,
    headers: Vec<(String, String)>,
}

impl From<Reply> for Visible {
    fn from(reply: Reply) -> Self {
        Self {
            status: reply.status(),
            body: reply.body().to_owned(),
            headers: reply.headers(),
        }
    }
}

impl Visible {
    fn retry_after(&mut self) -> Option<&mut String> {
        let mut headers = self.headers.iter_mut();
        headers
            .find(|(name, _)| name == "retry-after")
            .map(|(_, value)| value)
    }
}

/// Sends fifty wrong passwords at once for one email from one address, then the right password from there and
/// from another address, and twice more around the end of the window.
async fn guess(store: &impl TestStore, email: &str) -> Vec<Visible> {
    let app = App::on(store.clone(), &[]);
    let login = async |password: &str, address: &str| {
        Visible::from(app.post("login", &body(email, password), address).await)
    };
    let mut replies = join_all((0..50).map(|_| login("wrong", "198.51.100.7"))).await;
    replies.sort_by_key(|reply| reply.status);
    let counts = count(replies.iter().map(|reply| reply.status));
    assert_eq!(counts, BTreeMap::from([(401, 5), (429, 45)]));
    assert_eq!(app.hashes_computed(), 5);
    for reply in &mut replies {
        // While attempts are in progress, one of them may make room before the window ends.
        if let Some(seconds) = reply.retry_after() {
            assert!(["30", "900"].contains(&seconds.as_str()), "{seconds}");
            seconds.clear();
        }
    }
    for address in ["198.51.100.7", "198.51.100.8"] {
        replies.push(login("changeme", address).await);
    }
    app.pass(899);
    replies.push(login("changeme", "198.51.100.7").await);
    app.pass(1);
    replies.push(login("changeme", "198.51.100.7").await);
    replies
}

async fn simultaneous_guesses_are_limited(store: &impl TestStore) {
    let mut disabled = tutorial_user().await;
    disabled.user.email = "disabled@leapify.tech".into();
    disabled.user.disabled = true;
    store.add_user(&disabled).await.unwrap();

    let mut known = guess(store, JOHN).await;
    let statuses: Vec<u16> = known[50..].iter().map(|reply| reply.status).collect();
    assert_eq!(statuses, [429, 200, 429, 200]);
    assert_eq!(known[50].retry_after().unwrap(), "900");
    assert_eq!(known[52].retry_after().unwrap(), "1");
    assert_eq!(known[50].body, r#"{"detail":"Too many attempts"}"#);
    // An unknown email and a disabled user get the same responses, except that they have no right password.
    let unknown = guess(store, "jane.doe@leapify.tech").await;
    let statuses: Vec<u16> = unknown[50..].iter().map(|reply| reply.status).collect();
    assert_eq!(statuses, [429, 401, 429, 401]);
    assert_eq!(known[..=50], unknown[..=50]);
    assert_eq!(known[52], unknown[52]);
    assert_eq!(unknown, guess(store, "disabled@leapify.tech").await);
}

/// The second login may try again as soon as the first one stops counting.
async fn the_second_simultaneous_login_must_wait_if_one_is_allowed(store: &impl TestStore) {
    let app = App::on(store.clone(), &[("LOGIN_MAX_FAILURES", "1")]);
    let right = events::credentials();
    let login = || app.post("login", &right, "198.51.100.50");
    let (one, other) = tokio::join!(login(), login());
    let (allowed, refused) = if one.status() == 200 {
        (one, other)
    } else {
        (other, one)
    };
    assert_eq!((allowed.status(), refused.status()), (200, 429));
    assert_eq!(refused.header("retry-after"), Some("30"));
    assert_eq!(login().await.status(), 200);
}

async fn a_network_may_fail_20_times_as_often_as_an_email_from_it(store: &impl TestStore) {
    let app = App::on(store.clone(), &[("LOGIN_MAX_FAILURES", "1")]);
    for i in 0..25 {
        let email = format!("user{i}@example.com");
        let expected = if i < 20 { 401 } else { 429 };
        let status = status(&app, &email, "wrong", "198.51.100.20").await;
        assert_eq!(status, expected, "{i}");
    }
    assert_eq!(status(&app, JOHN, "changeme", "198.51.100.20").await, 429);
    assert_eq!(status(&app, JOHN, "changeme", "198.51.100.21").await, 200);
}

async fn an_email_may_fail_100_times_from_anywhere(store: &impl TestStore) {
    let app = App::on(store.clone(), &[("LOGIN_MAX_FAILURES", "1")]);
    for i in 0..105 {
        let address = format!("10.0.0.{i}");
        let expected = if i < 100 { 401 } else { 429 };
        let status = status(&app, JOHN, "wrong", &address).await;
        assert_eq!(status, expected, "{i}");
    }
    assert_eq!(status(&app, JOHN, "changeme", "198.51.100.22").await, 429);
    app.pass(900);
    assert_eq!(status(&app, JOHN, "changeme", "198.51.100.22").await, 200);
}

/// Logins that are refused without a check do not count, so one network cannot lock an email for all others.
async fn refused_logins_do_not_lock_an_email(store: &impl TestStore) {
    let app = App::on(store.clone(), &[]);
    for _ in 0..10 {
        join_all((0..20).map(|_| status(&app, JOHN, "wrong", "198.51.100.30"))).await;
    }
    assert_eq!(app.hashes_computed(), 5);
    assert_eq!(status(&app, JOHN, "changeme", "198.51.100.31").await, 200);
}

/// In a busy office, 50 users log in 500 times from one address.
async fn successes_do_not_lock_anyone_out(store: &impl TestStore) {
    let mut user = tutorial_user().await;
    let address = |i: usize| format!("office{i}@example.com");
    for i in 0..50 {
        user.user.email = address(i);
        user.user.id = i.to_string();
        store.add_user(&user).await.unwrap();
    }
    let app = App::on(store.clone(), &[]);
    let logins = (0..500).map(|i| {
        let (app, email) = (&app, address(i % 50));
        async move { status(app, &email, "changeme", "198.51.100.40").await }
    });
    let statuses: Vec<u16> = stream::iter(logins).buffer_unordered(20).collect().await;
    assert_eq!(count(statuses), BTreeMap::from([(200, 500)]));
}

async fn a_success_clears_earlier_failures(store: &impl TestStore) {
    let app = App::on(store.clone(), &[]);
    for _ in 0..10 {
        for _ in 0..4 {
            assert_eq!(status(&app, JOHN, "wrong", "198.51.100.41").await, 401);
        }
        assert_eq!(status(&app, JOHN, "changeme", "198.51.100.41").await, 200);
    }
}

#[tokio::test]
async fn a_429_says_when_to_try_again() {
    let app = App::new(&[("LOGIN_FAILURE_WINDOW", "600")]);
    app.pass(250);
    for _ in 0..5 {
        assert_eq!(status(&app, JOHN, "wrong", "198.51.100.7").await, 401);
    }
    let reply = app
        .post("login", &body(JOHN, "wrong"), "198.51.100.7")
        .await;
    assert_eq!(reply.status(), 429);
    let seconds: u64 = reply.header("retry-after").unwrap().parse().unwrap();
    assert_eq!(seconds, 600 - (NOW + 250) % 600);
}
