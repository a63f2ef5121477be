//! The real functions on a DynamoDB that is dead, slow, broken or busy: a 503 in time, never a 401, and a
//! 200 as soon as it is back.

use std::{
    cell::Cell,
    collections::BTreeMap,
    time::{Duration, Instant},
};

use auth_core::{PasswordHash, UserDirectory};
use bundle_tests::{
    app::App,
    client::{Client, Reply},
    dynamodb::{DynamoDbLocal, Table},
    events,
    fault_proxy::{Fault, FaultProxy},
    functions,
    process::Process,
    store::{find_with_password, john, tutorial_user},
};
use futures_util::future::join_all;

/// Every response must arrive within this time. The contract allows an operation 2 s.
const LIMIT: Duration = Duration::from_secs(3);

/// How many processes of each function are called at once.
const PROCESSES: usize = 4;

/// How often each process is called during a fault: 1,000 requests to two functions.
const ROUNDS: usize = 125;

/// Returns the address of the user as whom process `i` is called. The processes have different users, as in
/// real life: the attempts of simultaneous logins that an outage leaves unsettled would lock out one user
/// for half a minute.
fn address(i: usize) -> String {
    format!("user{i}@example.com")
}

/// Adds the tutorial's user, and a copy for each process.
async fn add_users(table: &Table) {
    table.add_tutorial_user().await;
    let (store, mut copy) = (table.store().await, tutorial_user().await);
    for i in 0..PROCESSES {
        copy.user.email = address(i);
        store.add_user(&copy).await.unwrap();
    }
}

async fn start(function: &str, table: &Table) -> Process {
    Process::start(function, &table.environment_with_keys()).await
}

/// Processes of all functions with a store, each with an event to which it responds with 200.
struct Load(Vec<(Process, String)>);

impl Load {
    async fn start(table: &Table) -> Self {
        let mut processes = Vec::new();
        for function in functions::with_routes_that_read_users() {
            for i in 0..PROCESSES {
                let event = events::as_user(function, &address(i));
                processes.push((start(function, table).await, event));
            }
        }
        Self(processes)
    }

    /// Sends every process its event `rounds` times and counts the statuses.
    async fn send(&self, rounds: usize) -> BTreeMap<u16, usize> {
        let processes = self.0.iter();
        let sent = processes.map(|(process, event)| statuses(process, event, rounds));
        let mut counts = BTreeMap::new();
        for status in join_all(sent).await.concat() {
            *counts.entry(status).or_default() += 1;
        }
        counts
    }

    /// Checks that every process responds with 200.
    async fn check(&self) {
        assert_eq!(self.send(1).await, BTreeMap::from([(200, self.0.len())]));
    }

    /// Checks that every process responds with 503, `rounds` times.
    async fn check_fault(&self, fault: &str, rounds: usize) {
        let counts = self.send(rounds).await;
        println!("{fault}: {counts:?}");
        assert_eq!(counts, BTreeMap::from([(503, rounds * self.0.len())]));
    }
}

/// Sends an event `rounds` times. Checks that each response is in time, and a 200 or the 503 of the contract.
async fn statuses(process: &Process, event: &str, rounds: usize) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..rounds {
        let begin = Instant::now();
        let reply = process.send(event).await;
        assert!(begin.elapsed() < LIMIT, "{:?}", begin.elapsed());
        if reply.status() != 200 {
            check_unavailable(&reply);
        }
        statuses.push(reply.status());
    }
    statuses
}

fn check_unavailable(reply: &Reply) {
    assert_eq!(reply.status(), 503, "{reply:?}");
    assert_eq!(reply.detail(), "Service temporarily unavailable");
    assert_eq!(reply.header("retry-after"), Some("1"));
    assert_eq!(reply.header("www-authenticate"), None);
}

#[tokio::test]
async fn a_killed_dynamodb_is_a_503_until_it_is_back() {
    let mut server = DynamoDbLocal::start_with_files().await;
    let table = server.table().await;
    add_users(&table).await;
    let load = Load::start(&table).await;
    load.check().await;
    server.kill();
    load.check_fault("killed", ROUNDS).await;
    server.start_again().await;
    // A cold server is slow at first, so its return is awaited with a client that waits longer.
    App::on(table.store().await, &[]).sign_in().await;
    load.check().await;
}

#[tokio::test]
async fn an_internal_error_of_dynamodb_is_a_503_until_it_is_over() {
    check_fault(Fault::InternalError, ROUNDS).await;
}

#[tokio::test]
async fn an_overloaded_dynamodb_is_a_503_until_it_has_recovered() {
    check_fault(Fault::Throttle, ROUNDS).await;
}

#[tokio::test]
async fn a_closed_connection_is_a_503_until_it_can_be_opened_again() {
    check_fault(Fault::Cut, ROUNDS).await;
}

#[tokio::test]
async fn a_response_that_is_not_from_dynamodb_is_a_503() {
    check_fault(Fault::EmptyResponse, ROUNDS).await;
}

#[tokio::test]
async fn keys_that_dynamodb_does_not_process_are_a_503_and_not_a_missing_user() {
    check_fault(Fault::UnprocessedKeys, ROUNDS).await;
}

#[tokio::test]
async fn a_slow_dynamodb_is_a_503_in_time() {
    check_fault(Fault::Delay(Duration::from_secs(10)), 3).await;
}

/// Checks that every function responds with 503 during a fault, and with 200 before and after it.
async fn check_fault(fault: Fault, rounds: usize) {
    let table = Table::new().await;
    add_users(&table).await;
    let proxy = FaultProxy::start(table.url()).await;
    let load = Load::start(&table.behind(proxy.url())).await;
    load.check().await;
    proxy.set(fault);
    load.check_fault(&format!("{fault:?}"), rounds).await;
    proxy.set(Fault::None);
    load.check().await;
}

/// The server is killed and started again while it is in use. Every response is a 200 or a 503.
#[tokio::test]
async fn a_restart_under_load_signs_no_one_out() {
    let mut server = DynamoDbLocal::start_with_files().await;
    let table = server.table().await;
    add_users(&table).await;
    let load = Load::start(&table).await;
    let is_back = Cell::new(false);
    let restart = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        server.kill();
        tokio::time::sleep(Duration::from_secs(1)).await;
        server.start_again().await;
        is_back.set(true);
    };
    let send = async {
        let mut counts = BTreeMap::new();
        while !is_back.get() {
            for (status, count) in load.send(5).await {
                *counts.entry(status).or_insert(0) += count;
            }
        }
        counts
    };
    let (counts, ()) = tokio::join!(send, restart);
    println!("during a restart: {counts:?}");
    assert_eq!(counts.into_keys().collect::<Vec<_>>(), [200, 503]);
    load.check().await;
}

#[tokio::test]
async fn a_response_is_sent_before_the_deadline() {
    let table = Table::with_tutorial_user().await;
    let proxy = FaultProxy::start(table.url()).await;
    let me = start("me", &table.behind(proxy.url())).await;
    proxy.set(Fault::Delay(Duration::from_secs(10)));
    me.set_timeout(Duration::from_millis(1_200));
    let begin = Instant::now();
    check_unavailable(&me.send(&events::success("me")).await);
    let elapsed = begin.elapsed();
    println!("responded after {elapsed:?}, with a deadline of 1.2 s");
    let limit = Duration::from_millis(1_100);
    assert!(
        elapsed < limit,
        "less than 100 ms are left after {elapsed:?}"
    );
    assert!(me.logs().contains("no response before the deadline"));
    proxy.set(Fault::None);
    assert_eq!(me.send(&events::success("me")).await.status(), 200);
}

/// A hash of `changeme` with the highest cost that is accepted.
const COSTLY: &str = "$2b$14$URbfu/KsPYiUPGC7QPL.mu3qDJUUzww1GkiRq30XltSRHGciZ4VMK";

/// Creates a table with the tutorial's user, who has this hash.
async fn table_with_hash(hash: &str) -> Table {
    let (table, mut john) = (Table::new().await, tutorial_user().await);
    john.password_hash = PasswordHash::parse(hash).unwrap();
    table.store().await.add_user(&john).await.unwrap();
    table
}

/// A computation cannot be interrupted, but the response does not wait for it.
#[tokio::test]
async fn a_hash_that_takes_too_long_does_not_delay_the_response() {
    let login = start("login", &table_with_hash(COSTLY).await).await;
    login.set_timeout(Duration::from_millis(500));
    let begin = Instant::now();
    check_unavailable(&login.send(&events::success("login")).await);
    let elapsed = begin.elapsed();
    println!("responded during a costly hash after {elapsed:?}, with a deadline of 0.5 s");
    assert!(elapsed < Duration::from_millis(500), "{elapsed:?}");
    login.set_timeout(Duration::from_secs(20));
    assert_eq!(login.send(&events::success("login")).await.status(), 200);
}

#[tokio::test]
async fn only_a_login_renews_a_hash_of_bcrypt() {
    check_renewal("$2b$10$gV8eQ.uFSGIvWZKHKTRteuHxJ3IJ.ApQ5v8.gbz3eUnvM4O59uMTm").await;
}

#[tokio::test]
async fn only_a_login_renews_a_hash_with_outdated_parameters() {
    check_renewal("$argon2id$v=19$m=8192,t=3,p=1$z84iGOrlaCTA5k42TuAPVA$ulXGejFuYs4FSMEDq6voV3eFhi/9WndesOzrG+MERoU").await;
}

/// Checks that a login renews an outdated hash of `changeme`, and succeeds even if that fails.
async fn check_renewal(outdated: &str) {
    let table = table_with_hash(outdated).await;
    let proxy = FaultProxy::start(table.url()).await;
    let login = start("login", &table.behind(proxy.url())).await;
    let store = table.store().await;
    let stored = async || {
        let found = find_with_password(&store, &john()).await.unwrap();
        found.unwrap().password_hash
    };
    let wrong = events::object("login_wrong_password").to_string();
    assert_eq!(login.send(&wrong).await.status(), 401);
    let hash = stored().await;
    assert_eq!(hash.expose(), outdated, "a wrong password renews nothing");

    for fault in [
        Fault::FailWritesWith("password_hash"),
        Fault::DelayWritesWith("password_hash", Duration::from_secs(10)),
    ] {
        proxy.set(fault);
        assert_eq!(statuses(&login, &events::success("login"), 1).await, [200]);
        assert_eq!(stored().await.expose(), outdated, "{fault:?}");
    }
    let logs = login.logs();
    assert_eq!(
        logs.matches("password hash not renewed").count(),
        2,
        "{logs}"
    );
    let timeout = r#""message":"password hash not renewed","user_id":"1","cause":"timeout""#;
    assert!(logs.contains(timeout), "the SDK waits longer: {logs}");

    proxy.set(Fault::None);
    for _ in 0..2 {
        assert_eq!(login.send(&events::success("login")).await.status(), 200);
        assert!(stored().await.is_current());
    }
    assert_eq!(login.send(&wrong).await.status(), 401);
    let logs = login.logs();
    assert_eq!(logs.matches(r#""renewed":true"#).count(), 1, "{logs}");
    assert!(
        !logs.contains("$argon2") && !logs.contains("$2b$"),
        "{logs}"
    );
}
