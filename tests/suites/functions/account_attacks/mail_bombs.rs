//! A thousand asks in a day for one address, from a hundred networks: only a few emails are sent, and the user can log
//! in throughout.

use std::time::Duration;

use bundle_tests::{
    events,
    moved_clock::MovedClock,
    process::{self, Process},
};
use serde_json::json;

use super::{JOHN, OLD, Place, Stack, send};

const ASKS: u64 = 1_000;
const NETWORKS: u64 = 100;
const DAY: u64 = 24 * 3_600;

/// Five, and then one an hour.
const MAX_MAILS: usize = 28;

/// The first asks of a day have to wait only a minute.
const MIN_MAILS: usize = 5;

/// How many asks are sent between two logins.
const ASKS_PER_LOGIN: u64 = 50;

impl Stack {
    async fn start_with_clock(&self, function: &str, clock: &MovedClock) -> Process {
        let variables = [&self.environment()[..], &clock.variables()].concat();
        let process = Process::start(function, &variables).await;
        // Lambda's deadlines do not move with the clock.
        process.set_timeout(Duration::from_secs(3 * DAY));
        process
    }

    /// Returns the number of emails that were asked for.
    async fn count_mails(&self) -> usize {
        match &self.place {
            Place::File(_) => self.mails.take().len(),
            Place::Table(table) => {
                let items = table.items().await.into_iter();
                let asks = items.filter(|item| {
                    let key = item["pk"].as_s().expect("a key");
                    key.starts_with("ask#")
                });
                asks.count()
            }
        }
    }
}

/// Spreads the asks over a day, so that all but the documented number are too early.
async fn check(stack: Stack, path: &str) {
    let Some(clock) = MovedClock::build() else {
        return;
    };
    let until_midnight = DAY - process::now() % DAY;
    clock.move_to(Duration::from_secs(until_midnight));
    let account = stack.start_with_clock("account", &clock).await;
    let login = stack.start_with_clock("login", &clock).await;
    let pause = DAY / ASKS;
    for i in 0..ASKS {
        clock.move_to(Duration::from_secs(until_midnight + i * pause));
        let network = format!("203.0.113.{}", i % NETWORKS);
        let body = json!({ "email": JOHN });
        let reply = send(&account, &events::post(path, &body, &network)).await;
        assert_eq!((reply.status(), reply.body()), (202, ""), "ask {i}");
        if i % ASKS_PER_LOGIN == 0 {
            let body = json!({"email": JOHN, "password": OLD});
            let reply = send(&login, &events::post("login", &body, &network)).await;
            assert_eq!(reply.status(), 200, "after ask {i}: {reply:?}");
        }
    }
    let mails = stack.count_mails().await;
    println!("{ASKS} asks for one address from {NETWORKS} networks in a day: {mails} emails");
    assert!((MIN_MAILS..=MAX_MAILS).contains(&mails), "{mails} emails");
}

#[tokio::test]
async fn a_thousand_asks_for_a_new_password_send_as_many_emails_as_documented() {
    check(Stack::on_file(), "password/forgot").await;
}

#[tokio::test]
async fn a_thousand_sign_ups_with_a_users_address_put_as_many_asks_as_documented_on_dynamodb() {
    check(Stack::on_table().await, "sign-up").await;
}
