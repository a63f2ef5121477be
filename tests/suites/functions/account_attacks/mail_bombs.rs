//! A thousand asks for one address within a day, from a hundred networks: only a few emails are sent, and the user can
//! log in throughout.

use std::{fs, time::Duration};

use bundle_tests::{
    events,
    moved_clock::MovedClock,
    process::{self, Process},
};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{JOHN, OLD, Place, Stack, send};

/// A thousand asks are sent in rounds of one to each process of `account`.
const ROUNDS: u64 = 100;
const PROCESSES: u64 = 10;
const NETWORKS: u64 = 100;

const DAY: u64 = 24 * 3_600;

/// The time from one round to the next, in seconds. It divides an hour, so an ask arrives as soon as one is allowed.
const PAUSE: u64 = 720;

/// Five in the first hour, and then one an hour until the rounds end after 20 hours.
const MAILS: usize = 24;

const ROUNDS_PER_LOGIN: u64 = 5;

impl Stack {
    async fn start_with_clock(&self, function: &str, clock: &MovedClock) -> Process {
        let variables = [&self.environment()[..], &clock.variables()].concat();
        let process = Process::start(function, &variables).await;
        // Lambda's deadlines do not move with the clock.
        process.set_timeout(Duration::from_secs(3 * DAY));
        process
    }

    /// Returns the number of asks that were put. They stay for days after their emails.
    async fn count_asks(&self) -> usize {
        match &self.place {
            Place::File(store) => {
                let stored: Value =
                    serde_json::from_slice(&fs::read(store.path()).unwrap()).unwrap();
                stored["asks"].as_object().unwrap().len()
            }
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

/// Sends asks more often than allowed, and checks that exactly the documented number are put.
async fn check(stack: Stack, path: &str) {
    let Some(clock) = MovedClock::build() else {
        return;
    };
    let until_midnight = DAY - process::now() % DAY;
    clock.move_to(Duration::from_secs(until_midnight));
    let accounts = (0..PROCESSES).map(|_| stack.start_with_clock("account", &clock));
    let accounts = join_all(accounts).await;
    let login = stack.start_with_clock("login", &clock).await;
    for round in 0..ROUNDS {
        clock.move_to(Duration::from_secs(until_midnight + round * PAUSE));
        let asks = (round * PROCESSES..).zip(&accounts);
        let asks = asks.map(async |(i, account)| {
            let network = format!("203.0.113.{}", i % NETWORKS);
            let body = json!({ "email": JOHN });
            let reply = send(account, &events::post(path, &body, &network)).await;
            assert_eq!((reply.status(), reply.body()), (202, ""), "ask {i}");
        });
        join_all(asks).await;
        if round % ROUNDS_PER_LOGIN == 0 {
            let body = json!({"email": JOHN, "password": OLD});
            let reply = send(&login, &events::post("login", &body, "203.0.113.1")).await;
            assert_eq!(reply.status(), 200, "in round {round}: {reply:?}");
        }
    }
    assert_eq!(stack.count_asks().await, MAILS);
}

#[tokio::test]
async fn a_thousand_asks_for_a_new_password_put_as_many_asks_as_documented() {
    check(Stack::on_file(), "password/forgot").await;
}

#[tokio::test]
async fn a_thousand_sign_ups_with_a_users_address_put_as_many_asks_as_documented_on_dynamodb() {
    check(Stack::on_table().await, "sign-up").await;
}
