//! Guessing passwords: the same limits on every store.

use std::{collections::BTreeMap, time::Duration};

use auth_core::{
    Algorithm, AttemptLimits, Attempts, Counter, Key, KeySet, Outcome, Reserved, SourceNetwork,
    Stale, UnixTime,
};
use bundle_tests::{
    app::{App, NOW},
    client::{ADDRESS, Client, Reply},
    events,
    flaky::{FlakyStore, Script},
    store::{self, TestStore, tutorial_user},
};
use futures_util::{StreamExt, future::join_all, stream};
use serde_json::{Value, json};

use crate::on_every_store;

on_every_store![
    an_attempt_is_settled_once,
    a_counter_without_room_refuses_a_ticket,
    simultaneous_guesses_are_limited,
    the_second_simultaneous_login_must_wait_if_one_is_allowed,
    a_network_may_fail_100_times_over_all_emails,
    an_email_may_fail_100_times_a_day_from_anywhere,
    a_distributed_attack_has_100_guesses_a_day,
    a_stolen_device_token_adds_few_guesses,
    a_device_token_is_bound_to_its_email_and_lapses,
    a_full_counter_is_remembered_and_read_again,
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

/// Returns the rules of attempts with the keys of the functions and the default limits.
fn rules() -> Attempts {
    let key = Key::from_secret(forge::COUNTER_SECRET.as_bytes(), Algorithm::HS256);
    let keys = KeySet::from(key.expect("a key"));
    Attempts::new(keys, AttemptLimits::default(), Duration::from_hours(1))
}

/// Returns the counter of an email for attempts from an address at [`NOW`].
async fn email_counter(email: &str, address: &str) -> Counter {
    let (email, network) = (store::email(email), SourceNetwork::parse(address));
    let attempt = rules()
        .begin(&email, &network, None, UnixTime::from_secs(NOW))
        .await;
    attempt.expect("an attempt").email_counter
}

/// An attempt is settled once. One that was never reserved, or whose counter is gone, is not.
async fn an_attempt_is_settled_once(store: &impl TestStore) {
    let counter = email_counter(JOHN, "198.51.100.7").await;
    let settle = async |ticket: &str, outcome| {
        let none = Stale::default();
        let settled = store.settle_attempt(&counter, ticket, &none, outcome).await;
        settled.expect("settled");
    };
    let reserve = async |ticket: &str| {
        let reserved = store.reserve_attempt(&counter, ticket).await;
        let Reserved::Done(count) = reserved.expect("a count") else {
            panic!("no room");
        };
        let tickets: Vec<String> = count.tickets.into_iter().collect();
        let source_failures = count.sources.get(&counter.source).copied();
        (
            count.failures,
            source_failures.unwrap_or_default(),
            tickets.join(" "),
        )
    };
    for outcome in [Outcome::Failed, Outcome::Released, Outcome::Succeeded] {
        settle("none", outcome).await;
    }
    assert_eq!(reserve("a").await, (0, 0, "a".into()));
    assert_eq!(reserve("a").await, (0, 0, "a".into()), "retried");
    for _ in 0..2 {
        settle("a", Outcome::Failed).await;
    }
    assert_eq!(reserve("b").await, (1, 1, "b".into()));
    assert_eq!(reserve("c").await, (1, 1, "b c".into()));
    for _ in 0..2 {
        settle("b", Outcome::Released).await;
    }
    settle("none", Outcome::Succeeded).await;
    assert_eq!(reserve("d").await, (1, 1, "c d".into()));
    settle("c", Outcome::Succeeded).await;
    // The failures of the source are forgotten, not those of the day. The ticket of another attempt stays.
    assert_eq!(reserve("e").await, (1, 0, "d e".into()));
}

/// The stores agree with [`Count::has_room`].
async fn a_counter_without_room_refuses_a_ticket(store: &impl TestStore) {
    let limits = |counter: &mut Counter, per_source, per_day| {
        counter.max_per_source = per_source;
        counter.max_per_day = per_day;
    };
    let mut counter = email_counter(JOHN, "198.51.100.7").await;
    let none = Stale::default();
    for ticket in ["a", "b"] {
        store
            .reserve_attempt(&counter, ticket)
            .await
            .expect("a count");
        let failed = store
            .settle_attempt(&counter, ticket, &none, Outcome::Failed)
            .await;
        failed.expect("settled");
    }
    for (per_source, per_day, has_room) in [(2, 100, false), (3, 2, false), (3, 3, true)] {
        limits(&mut counter, per_source, per_day);
        let reserved = store.reserve_attempt(&counter, "c").await.expect("a count");
        assert_eq!(
            matches!(reserved, Reserved::Done(_)),
            has_room,
            "{per_source} {per_day}"
        );
    }
    limits(&mut counter, 100, 100);
    for i in 1..=20 {
        let reserved = store.reserve_attempt(&counter, &format!("t{i}")).await;
        let has_room = matches!(reserved.expect("a count"), Reserved::Done(_));
        assert_eq!(has_room, i < 20, "{i}");
    }
    // A ticket that is there is found again, although there is no room for another one.
    let again = store
        .reserve_attempt(&counter, "t1")
        .await
        .expect("a count");
    assert!(matches!(again, Reserved::Done(_)));
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

async fn a_network_may_fail_100_times_over_all_emails(store: &impl TestStore) {
    let app = App::on(store.clone(), &[("LOGIN_MAX_FAILURES_PER_NETWORK", "20")]);
    let known = app.sign_in().await.device.expect("a device token");
    for i in 0..25 {
        let email = format!("user{i}@example.com");
        let expected = if i < 20 { 401 } else { 429 };
        let status = status(&app, &email, "wrong", "198.51.100.20").await;
        assert_eq!(status, expected, "{i}");
    }
    assert_eq!(status(&app, JOHN, "changeme", "198.51.100.20").await, 429);
    assert_eq!(status(&app, JOHN, "changeme", "198.51.100.21").await, 200);
    let from_device = with_device(&app, JOHN, "changeme", "198.51.100.20", &known).await;
    assert_eq!(
        from_device.status(),
        200,
        "a known device is not refused by its network"
    );
    app.pass(900);
    assert_eq!(status(&app, JOHN, "changeme", "198.51.100.20").await, 200);
}

async fn an_email_may_fail_100_times_a_day_from_anywhere(store: &impl TestStore) {
    let app = App::on(store.clone(), &[("LOGIN_MAX_FAILURES", "1")]);
    let known = app.sign_in().await.device.expect("a device token");
    for i in 0..105 {
        let address = format!("10.0.0.{i}");
        let expected = if i < 100 { 401 } else { 429 };
        let status = status(&app, JOHN, "wrong", &address).await;
        assert_eq!(status, expected, "{i}");
    }
    assert_eq!(status(&app, JOHN, "changeme", "198.51.100.22").await, 429);
    app.pass(900);
    let refused = app
        .post("login", &body(JOHN, "changeme"), "198.51.100.22")
        .await;
    assert_eq!(refused.status(), 429);
    let day_ends = 86_400 - (NOW + 900) % 86_400;
    assert_eq!(
        refused.header("retry-after"),
        Some(day_ends.to_string().as_str())
    );
    // Strangers cannot lock out someone who has logged in on the device before, even from their own network.
    let from_device = with_device(&app, JOHN, "changeme", "10.0.0.1", &known).await;
    assert_eq!(from_device.status(), 200);
    app.pass(day_ends);
    assert_eq!(status(&app, JOHN, "changeme", "198.51.100.22").await, 200);
}

/// Logs in with a device token.
async fn with_device(
    app: &impl Client,
    email: &str,
    password: &str,
    address: &str,
    device_token: &str,
) -> Reply {
    let mut body = body(email, password);
    body["device_token"] = device_token.into();
    app.post("login", &body, address).await
}

/// A stolen device token adds five guesses in a window, and all stolen ones share one limit a day.
async fn a_stolen_device_token_adds_few_guesses(store: &impl TestStore) {
    let app = App::on(store.clone(), &[]);
    let mut tokens = Vec::new();
    for _ in 0..25 {
        tokens.push(app.sign_in().await.device.expect("a device token"));
    }
    let guess_until_full = async |token: &str, address: &str| {
        let mut checked = 0;
        while with_device(&app, JOHN, "wrong", address, token)
            .await
            .status()
            == 401
        {
            checked += 1;
        }
        checked
    };
    // Five as a known device, then five as any client of the network.
    assert_eq!(guess_until_full(&tokens[0], "198.51.100.60").await, 10);
    assert_eq!(guess_until_full(&tokens[0], "198.51.100.60").await, 0);
    let mut known = 5;
    for (i, token) in tokens[1..].iter().enumerate() {
        let guessed = guess_until_full(token, &format!("198.51.100.{}", 61 + i)).await;
        known += guessed.min(5);
        assert!(known <= 100, "{i}");
    }
    assert_eq!(known, 100);
    app.pass(900);
    assert_eq!(app.hashes_computed(), 25 + 100 + 100);
    assert_eq!(
        guess_until_full(&tokens[0], "198.51.100.99").await,
        0,
        "both days are full"
    );
}

/// A device token is bound to its email and lapses. An invalid one is ignored.
async fn a_device_token_is_bound_to_its_email_and_lapses(store: &impl TestStore) {
    let mut jane = tutorial_user().await;
    jane.user.email = "jane@leapify.tech".into();
    store.add_user(&jane).await.unwrap();
    let app = App::on(store.clone(), &[("LOGIN_MAX_FAILURES_PER_NETWORK", "5")]);
    let johns_token = app.sign_in().await.device.expect("a device token");
    let janes_token = app
        .post("login", &body("jane@leapify.tech", "changeme"), ADDRESS)
        .await;
    let janes_token = janes_token
        .tokens()
        .unwrap()
        .device
        .expect("a device token");
    for _ in 0..5 {
        assert_eq!(status(&app, "x@example.com", "wrong", ADDRESS).await, 401);
    }
    let log_in = async |token: &str| {
        with_device(&app, JOHN, "changeme", ADDRESS, token)
            .await
            .status()
    };
    let mut changed = forge::decoded(&johns_token);
    changed[20] ^= 1;
    for token in [
        "",
        "not-a-token",
        &janes_token,
        &forge::b64(changed),
        &format!("{johns_token}="),
    ] {
        assert_eq!(log_in(token).await, 429, "{token}");
    }
    assert_eq!(log_in(&johns_token).await, 200);

    let app = App::on(store.clone(), &[("SESSION_EXPIRATION", "7200")]);
    let token = app.sign_in().await.device.expect("a device token");
    app.pass(7_199);
    let renewed = with_device(&app, JOHN, "changeme", ADDRESS, &token).await;
    let renewed = renewed.tokens().unwrap().device.expect("a device token");
    let id = |token: &str| forge::decoded(token)[..16].to_vec();
    assert_eq!(id(&renewed), id(&token), "the device keeps its id");
    app.pass(1);
    let lapsed = with_device(&app, JOHN, "changeme", ADDRESS, &token).await;
    let new = lapsed.tokens().unwrap().device.expect("a device token");
    assert_ne!(id(&new), id(&token));
}

/// 500 guesses of one password from 200 addresses, 20 at a time. Meanwhile the user logs in from a known device, even
/// from an address of the attack.
async fn a_distributed_attack_has_100_guesses_a_day(store: &impl TestStore) {
    let app = App::on(store.clone(), &[]);
    let known = app.sign_in().await.device.expect("a device token");
    let before = app.hashes_computed();
    let guesses = (0..500).map(|i| {
        let (app, address) = (&app, format!("10.9.{}.1", i % 200));
        async move { status(app, JOHN, "wrong", &address).await }
    });
    let attack = stream::iter(guesses)
        .buffer_unordered(20)
        .collect::<Vec<_>>();
    let log_in = async {
        for i in 0..5 {
            let reply = with_device(&app, JOHN, "changeme", &format!("10.9.{i}.1"), &known).await;
            assert_eq!(reply.status(), 200);
        }
    };
    let (statuses, ()) = tokio::join!(attack, log_in);
    let counts = count(statuses);
    assert_eq!(app.hashes_computed() - before, counts[&401] as u64 + 5);
    assert!(
        counts[&401] <= 100 && counts[&401] + counts[&429] == 500,
        "{counts:?}"
    );
    assert_eq!(
        status(&app, JOHN, "changeme", "10.8.0.1").await,
        if counts[&401] == 100 { 429 } else { 200 }
    );
}

/// A full counter is remembered, so a flood costs no writes. It is read again before each refusal, so a counter that
/// an operator clears has room at once.
async fn a_full_counter_is_remembered_and_read_again(store: &impl TestStore) {
    let script = Script::default();
    let app = App::on(FlakyStore::new(store.clone(), &script), &[]);
    let address = "198.51.100.80";
    for _ in 0..5 {
        assert_eq!(status(&app, JOHN, "wrong", address).await, 401);
    }
    script.reset();
    assert_eq!(status(&app, JOHN, "changeme", address).await, 429);
    assert!(script.calls().contains(&"reserve_attempt"));
    for _ in 0..3 {
        script.reset();
        assert_eq!(status(&app, JOHN, "changeme", address).await, 429);
        let writes = script
            .calls()
            .into_iter()
            .filter(|call| !call.starts_with("find"));
        assert_eq!(writes.count(), 0, "{:?}", script.calls());
    }
    let counter = email_counter(JOHN, address).await;
    assert!(store.clear_attempts(&counter).await.unwrap());
    assert_eq!(status(&app, JOHN, "changeme", address).await, 200);
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

/// In a busy office, 20 users log in 200 times from one address: twice as many as one network may fail.
async fn successes_do_not_lock_anyone_out(store: &impl TestStore) {
    let mut user = tutorial_user().await;
    let address = |i: usize| format!("office{i}@example.com");
    for i in 0..20 {
        user.user.email = address(i);
        user.user.id = i.to_string();
        store.add_user(&user).await.unwrap();
    }
    let app = App::on(store.clone(), &[]);
    let logins = (0..200).map(|i| {
        let (app, email) = (&app, address(i % 20));
        async move { status(app, &email, "changeme", "198.51.100.40").await }
    });
    let statuses: Vec<u16> = stream::iter(logins).buffer_unordered(20).collect().await;
    assert_eq!(count(statuses), BTreeMap::from([(200, 200)]));
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
