//! Guessing passwords against the real `login`: the limits hold whatever the number of processes, and
//! whatever address a client claims to have.

use bundle_tests::{
    app::environment_with, client::Client, dynamodb::Table, events, process::Process,
};
use futures_util::future::join_all;
use serde_json::{Value, json};

/// A window that does not end during a test, except at midnight.
const WINDOW: (&str, &str) = ("LOGIN_FAILURE_WINDOW", "86400");

/// The address of the guesses.
const V4: &str = "198.51.100.7";

fn wrong() -> Value {
    json!({"email": "john.doe@leapify.tech", "password": "wrong"})
}

/// Five processes share only the table.
#[tokio::test]
async fn more_processes_do_not_allow_more_guesses() {
    let table = Table::with_tutorial_user().await;
    let variables = [table.environment_with_keys(), vec![WINDOW]].concat();
    let processes = join_all((0..5).map(|_| Process::start("login", &variables))).await;
    // The first requests of a process are slow.
    for login in &processes {
        login.sign_in().await;
    }
    let guesses = processes.iter().map(async |login| {
        let mut replies = Vec::new();
        for _ in 0..10 {
            let reply = login.post("login", &wrong(), V4).await;
            replies.push((reply.status(), reply.header("retry-after").is_some()));
        }
        replies
    });
    let replies = join_all(guesses).await.concat();
    let count = |reply| replies.iter().filter(|one| **one == reply).count();
    let counts = (count((401, false)), count((429, true)));
    assert_eq!(counts, (5, 45), "{replies:?}");
    let logs: String = processes.iter().map(Process::logs).collect();
    assert_eq!(logs.matches(r#""outcome":"WrongPassword""#).count(), 5);
    let full = r#""outcome":"TooManyAttempts","counter":"email""#;
    assert_eq!(logs.matches(full).count(), 45, "{logs}");
}

/// Twenty processes, 500 guesses from 200 addresses. Meanwhile the user logs in from a known device.
#[tokio::test]
async fn a_distributed_attack_on_many_processes_has_100_guesses_a_day() {
    let table = Table::with_tutorial_user().await;
    let variables = [table.environment_with_keys(), vec![WINDOW]].concat();
    let processes = join_all((0..20).map(|_| Process::start("login", &variables))).await;
    let known = processes[0].sign_in().await.device.unwrap();
    let attack = processes.iter().enumerate().map(async |(i, login)| {
        let mut statuses = Vec::new();
        for j in 0..25 {
            let address = format!("10.9.{}.1", (i * 25 + j) % 200);
            statuses.push(login.post("login", &wrong(), &address).await.status());
        }
        statuses
    });
    let log_in = async {
        let mut body = events::credentials();
        body["device_token"] = known.into();
        for (i, login) in processes.iter().enumerate().take(5) {
            let reply = login.post("login", &body, &format!("10.9.{i}.1")).await;
            assert_eq!(reply.status(), 200, "{reply:?}");
        }
    };
    let (statuses, ()) = tokio::join!(join_all(attack), log_in);
    let statuses = statuses.concat();
    let count = |status| statuses.iter().filter(|one| **one == status).count();
    println!(
        "20 processes, 500 guesses: {} checked, {} refused",
        count(401),
        count(429)
    );
    assert!(count(401) <= 100, "{}", count(401));
    assert_eq!(count(401) + count(429), 500);
    let hashes: String = processes.iter().map(Process::logs).collect();
    assert_eq!(
        hashes.matches(r#""outcome":"WrongPassword""#).count(),
        count(401)
    );
}

#[tokio::test]
async fn the_address_is_the_one_that_an_http_api_has_seen() {
    check_addresses(|address, claim| {
        let text = events::post("login", &wrong(), address);
        let mut event: Value = serde_json::from_str(&text).unwrap();
        for header in ["x-forwarded-for", "forwarded", "x-real-ip"] {
            event["headers"][header] = claim.into();
        }
        event
    })
    .await;
}

#[tokio::test]
async fn the_address_is_the_one_that_a_rest_api_has_seen() {
    check_addresses(|address, claim| {
        let mut event = events::object("login_success.v1");
        event["body"] = wrong().to_string().into();
        event["requestContext"]["identity"]["sourceIp"] = address.into();
        event["headers"]["X-Forwarded-For"] = claim.into();
        event["multiValueHeaders"]["X-Forwarded-For"] = json!([claim]);
        event
    })
    .await;
}

/// Checks that the address in a client's own headers does not count, and neither does the lower half of an
/// IPv6 address. `event` makes the event of a wrong password from an address with a claimed address.
async fn check_addresses(event: impl Fn(&str, &str) -> Value) {
    let login = Process::start("login", &environment_with(WINDOW)).await;
    let mut claims = (0..).map(|i| format!("10.1.2.{i}"));
    let mut status = async |address: &str| {
        let event = event(address, &claims.next().unwrap());
        login.send(&event.to_string()).await.status()
    };
    for _ in 0..5 {
        assert_eq!(status(V4).await, 401);
    }
    assert_eq!(status(V4).await, 429);
    for i in 0..5 {
        assert_eq!(status(&format!("2001:db8:0:7:{i}::{i}")).await, 401);
    }
    assert_eq!(status("2001:db8:0:7:ffff::").await, 429);
    assert_eq!(status("2001:db8:1::1").await, 401, "another /64");
}
