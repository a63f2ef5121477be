//! Guessing passwords: counted on every store alike, by the address that API Gateway saw.

use std::collections::BTreeMap;

use auth_core::{CredentialRepository, Email, InMemoryUserRepository};
use bundle_tests::{
    app::{NOW, TestApp, memory},
    dynamodb::DynamoDbLocal,
    events,
    stores::{Attempts, SessionStore, Users},
};
use futures_util::{StreamExt, future::join_all, stream};
use http::HeaderValue;
use login::Stores;
use serde_json::{Value, json};

const JOHN: &str = "john.doe@leapify.tech";

fn body(email: &str, password: &str) -> Value {
    json!({"email": email, "password": password})
}

/// Status, body and the headers that tell answers apart.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    status: u16,
    body: String,
    headers: BTreeMap<String, String>,
}

/// Counts answers by their statuses.
fn count(statuses: impl IntoIterator<Item = u16>) -> BTreeMap<u16, usize> {
    let mut counts = BTreeMap::new();
    for status in statuses {
        *counts.entry(status).or_default() += 1;
    }
    counts
}

/// Fifty wrong logins at once for one email from one address, then the right one, from there and from
/// elsewhere, and again when the window is over. The answers.
async fn guess<U: Users, S: SessionStore, A: Attempts>(
    stores: &Stores<U, S, A>,
    email: &str,
) -> Vec<Told> {
    let app = TestApp::on(stores.clone(), &[]);
    let tell = async |password: &str, address: &str| {
        let response = app.answer("login", &body(email, password), address).await;
        let headers = response.headers().iter();
        let text = |value: &HeaderValue| value.to_str().unwrap().to_owned();
        Told {
            status: response.status().as_u16(),
            headers: headers
                .map(|(name, value)| (name.to_string(), text(value)))
                .collect(),
            body: response.into_body(),
        }
    };
    let mut answers = join_all((0..50).map(|_| tell("wrong", "198.51.100.7"))).await;
    answers.sort_by_key(|told| told.status);
    let counts = count(answers.iter().map(|told| told.status));
    assert_eq!(counts, BTreeMap::from([(401, 5), (429, 45)]));
    assert_eq!(app.login.hashes_computed(), 5);
    println!("50 wrong logins at once for {email}: 5 hashes, {counts:?}");
    for told in &mut answers {
        // An attempt under way is over sooner than a window: it depends on who came first.
        if let Some(seconds) = told.headers.get_mut("retry-after") {
            assert!(["30", "900"].contains(&seconds.as_str()), "{seconds}");
            seconds.clear();
        }
    }
    for address in ["198.51.100.7", "198.51.100.8"] {
        answers.push(tell("changeme", address).await);
    }
    app.pass(899);
    answers.push(tell("changeme", "198.51.100.7").await);
    app.pass(1);
    answers.push(tell("changeme", "198.51.100.7").await);
    answers
}

async fn guessing_is_stopped<U: Users, S: SessionStore, A: Attempts>(stores: &Stores<U, S, A>) {
    let john = Email::parse(JOHN).unwrap();
    let found = stores.users.find_with_password(&john).await;
    let mut disabled = found.unwrap().unwrap();
    disabled.user.email = "disabled@leapify.tech".into();
    disabled.user.disabled = true;
    stores.users.add(&disabled).await.unwrap();

    let known = guess(stores, JOHN).await;
    let statuses: Vec<u16> = known[50..].iter().map(|told| told.status).collect();
    assert_eq!(statuses, [429, 200, 429, 200]);
    assert_eq!(known[50].headers["retry-after"], "900");
    assert_eq!(known[52].headers["retry-after"], "1");
    assert_eq!(known[50].body, r#"{"detail":"Too many attempts"}"#);
    // An unknown email and a disabled user have the same answers, but for the right password that they
    // do not have.
    let unknown = guess(stores, "jane.doe@leapify.tech").await;
    let statuses: Vec<u16> = unknown[50..].iter().map(|told| told.status).collect();
    assert_eq!(statuses, [429, 401, 429, 401]);
    assert_eq!(known[..=50], unknown[..=50]);
    assert_eq!(known[52], unknown[52]);
    assert_eq!(unknown, guess(stores, "disabled@leapify.tech").await);
}

/// One more than there may be failures, all right and all at once: the last is asked to come back soon,
/// and may.
async fn right_logins_at_once_are_told_to_come_back_soon<U: Users, S: SessionStore, A: Attempts>(
    stores: &Stores<U, S, A>,
) {
    let app = TestApp::on(stores.clone(), &[("LOGIN_MAX_FAILURES", "1")]);
    app.pass(4_500);
    let right = events::credentials();
    let login = || app.answer("login", &right, "198.51.100.50");
    let (one, other) = tokio::join!(login(), login());
    let mut statuses = [one.status().as_u16(), other.status().as_u16()];
    statuses.sort_unstable();
    // In memory nothing waits, and so one login is over before the other.
    if statuses == [200, 429] {
        let refused = if one.status() == 429 { &one } else { &other };
        assert_eq!(refused.headers()["retry-after"], "30");
    } else {
        assert_eq!(statuses, [200, 200]);
    }
    assert_eq!(login().await.status(), 200);
}

/// An address may fail for 20 emails as often as for one, and an email from anywhere 100 times.
async fn addresses_and_emails_have_limits<U: Users, S: SessionStore, A: Attempts>(
    stores: &Stores<U, S, A>,
) {
    let app = TestApp::on(stores.clone(), &[("LOGIN_MAX_FAILURES", "1")]);
    app.pass(9_000);
    for i in 0..25 {
        let wrong = body(&format!("user{i}@example.com"), "wrong");
        let (status, _) = app.post("login", &wrong, "198.51.100.20").await;
        assert_eq!(status, if i < 20 { 401 } else { 429 }, "{i}");
    }
    let right = body(JOHN, "changeme");
    assert_eq!(app.post("login", &right, "198.51.100.20").await.0, 429);
    assert_eq!(app.post("login", &right, "198.51.100.21").await.0, 200);

    for i in 0..105 {
        let (status, _) = app
            .post("login", &body(JOHN, "wrong"), &format!("10.0.0.{i}"))
            .await;
        assert_eq!(status, if i < 100 { 401 } else { 429 }, "{i}");
    }
    assert_eq!(app.post("login", &right, "198.51.100.22").await.0, 429);
    app.pass(900);
    assert_eq!(app.post("login", &right, "198.51.100.22").await.0, 200);
}

/// What is refused unseen counts for nobody: one address cannot lock an email for all others.
async fn one_address_does_not_lock_an_email<U: Users, S: SessionStore, A: Attempts>(
    stores: &Stores<U, S, A>,
) {
    let app = TestApp::on(stores.clone(), &[]);
    app.pass(18_000);
    for _ in 0..10 {
        let wrong = body(JOHN, "wrong");
        join_all((0..20).map(|_| app.post("login", &wrong, "198.51.100.30"))).await;
    }
    assert_eq!(app.login.hashes_computed(), 5);
    let right = body(JOHN, "changeme");
    assert_eq!(app.post("login", &right, "198.51.100.31").await.0, 200);
}

/// A busy office: successes behind one address lock nobody out, and failures between them are
/// forgotten with each.
async fn successes_lock_nobody_out<U: Users, S: SessionStore, A: Attempts>(
    stores: &Stores<U, S, A>,
) {
    let tutorial = InMemoryUserRepository::with_tutorial_user();
    let john = Email::parse(JOHN).unwrap();
    let mut user = tutorial.find_with_password(&john).await.unwrap().unwrap();
    let address = |i: usize| format!("office{i}@example.com");
    for i in 0..50 {
        user.user.email = address(i);
        user.user.id = i.to_string();
        stores.users.add(&user).await.unwrap();
    }
    let app = TestApp::on(stores.clone(), &[]);
    app.pass(27_000);
    let begin = std::time::Instant::now();
    let logins = (0..500).map(|i| {
        let (app, email) = (&app, address(i % 50));
        async move {
            app.post("login", &body(&email, "changeme"), "198.51.100.40")
                .await
        }
    });
    let answers: Vec<_> = stream::iter(logins).buffer_unordered(20).collect().await;
    let statuses = answers.into_iter().map(|(status, _)| status);
    assert_eq!(count(statuses), BTreeMap::from([(200, 500)]));
    println!(
        "500 logins of 50 users from one address: {:?}",
        begin.elapsed()
    );

    for _ in 0..10 {
        for _ in 0..4 {
            let (status, _) = app
                .post("login", &body(JOHN, "wrong"), "198.51.100.41")
                .await;
            assert_eq!(status, 401);
        }
        let right = body(JOHN, "changeme");
        assert_eq!(app.post("login", &right, "198.51.100.41").await.0, 200);
    }
}

async fn pass_the_suite<U: Users, S: SessionStore, A: Attempts>(stores: &Stores<U, S, A>) {
    guessing_is_stopped(stores).await;
    right_logins_at_once_are_told_to_come_back_soon(stores).await;
    addresses_and_emails_have_limits(stores).await;
    one_address_does_not_lock_an_email(stores).await;
    successes_lock_nobody_out(stores).await;
}

#[tokio::test]
async fn guessing_is_stopped_in_memory() {
    pass_the_suite(&memory()).await;
}

#[tokio::test]
async fn guessing_is_stopped_in_dynamodb() {
    let server = DynamoDbLocal::start().await;
    server.add_tutorial_user().await;
    pass_the_suite(&server.stores().await).await;
}

#[tokio::test]
async fn the_answer_says_when_to_come_back() {
    let app = TestApp::new(&[("LOGIN_FAILURE_WINDOW", "600")]);
    app.pass(250);
    let event = events::post("login", &body(JOHN, "wrong"), "198.51.100.7");
    let mut last = None;
    for _ in 0..=5 {
        last = Some(app.replay("login", &event).await);
    }
    let last = last.unwrap();
    assert_eq!(last.status(), 429);
    let seconds: u64 = last.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(seconds, 600 - (NOW + 250) % 600);
}
