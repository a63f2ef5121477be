//! What the real binaries make of a DynamoDB that is dead, slow, broken or busy: a 503 in time,
//! never a 401, and a 200 as soon as it is back.

use std::{
    cell::Cell,
    collections::BTreeMap,
    time::{Duration, Instant},
};

use auth_core::{CredentialRepository, Email, InMemoryUserRepository, PasswordHash, UserDirectory};
use bundle_tests::{
    binaries::{Answer, Function, release},
    dynamodb::{self, DynamoDbLocal},
    events,
    fault_proxy::{Fault, FaultProxy},
};
use futures_util::future::join_all;

/// Every answer must come within this time. It is a limit of the contract, with room to spare: an
/// operation ends after 2 s.
const LIMIT: Duration = Duration::from_secs(3);

/// The processes of each function that are asked at once.
const PROCESSES: usize = 4;

fn john() -> Email {
    Email::parse("john.doe@leapify.tech").unwrap()
}

/// A server whose table has the tutorial's user with a hash, or with the one of the tutorial.
async fn server_with_john(hash: Option<&str>) -> DynamoDbLocal {
    let server = DynamoDbLocal::start_with_files().await;
    let tutorial = InMemoryUserRepository::with_tutorial_user();
    let mut stored = tutorial.find_with_password(&john()).await.unwrap().unwrap();
    if let Some(hash) = hash {
        stored.password_hash = PasswordHash::parse(hash).unwrap();
    }
    let users = server.users().await;
    users.add(&stored).await.unwrap();
    for i in 0..PROCESSES {
        stored.user.email = address(i);
        users.add(&stored).await.unwrap();
    }
    server
}

async fn start(name: &str, url: &str) -> Function {
    let variables = dynamodb::environment_with_keys(url);
    Function::start_with(&release(name), &variables, &[]).await
}

fn event(name: &str) -> String {
    events::object(&format!("{name}_success")).to_string()
}

/// The address of the user that a process is asked for. Each has one of its own, as people do: what is
/// reserved for several logins of one user at once, and not settled in an outage, would lock that user
/// out for half a minute.
fn address(i: usize) -> String {
    format!("user{i}@example.com")
}

/// The processes, each with the event that it answers with 200.
async fn processes(url: &str) -> Vec<(Function, String)> {
    let mut all = Vec::new();
    for name in ["login", "me"] {
        for i in 0..PROCESSES {
            all.push((start(name, url).await, events::by(name, &address(i))));
        }
    }
    all
}

/// Sends every process its event `rounds` times, and counts the statuses. Each answer but a 200 is
/// the 503 of the contract.
async fn ask(processes: &[(Function, String)], rounds: usize) -> BTreeMap<u16, usize> {
    let asked = processes
        .iter()
        .map(|(function, event)| statuses(function, event, rounds));
    let mut counts = BTreeMap::new();
    for status in join_all(asked).await.concat() {
        *counts.entry(status).or_default() += 1;
    }
    counts
}

async fn statuses(function: &Function, event: &str, rounds: usize) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..rounds {
        let begin = Instant::now();
        let answer = function.answer(event).await;
        assert!(begin.elapsed() < LIMIT, "{:?}", begin.elapsed());
        if answer.status() != 200 {
            check_unavailable(&answer);
        }
        statuses.push(answer.status());
    }
    statuses
}

fn check_unavailable(answer: &Answer) {
    assert_eq!(answer.status(), 503, "{answer:?}");
    assert_eq!(answer.detail(), "Service temporarily unavailable");
    assert_eq!(answer.header("retry-after").as_deref(), Some("1"));
    assert_eq!(answer.header("www-authenticate"), None);
}

#[tokio::test]
async fn a_fault_of_dynamodb_is_a_503_in_time_and_over_when_it_is_over() {
    let mut server = server_with_john(None).await;
    let mut faults = 0;

    let direct = processes(&server.url()).await;
    let all = direct.len();
    assert_eq!(ask(&direct, 1).await, BTreeMap::from([(200, all)]));
    server.kill();
    let counts = ask(&direct, 60).await;
    println!("DynamoDB killed: {counts:?}");
    assert_eq!(counts, BTreeMap::from([(503, 60 * all)]));
    faults += 60 * all;
    server.start_again().await;
    assert_eq!(
        ask(&direct, 1).await,
        BTreeMap::from([(200, all)]),
        "back at once"
    );
    drop(direct);

    let proxy = FaultProxy::start(&server.url()).await;
    let proxied = processes(proxy.url()).await;
    for (fault, rounds) in [
        (Fault::InternalError, 60),
        (Fault::Throttle, 20),
        (Fault::Cut, 20),
        (Fault::EmptyAnswer, 10),
        (Fault::Delay(Duration::from_secs(10)), 3),
    ] {
        assert_eq!(
            ask(&proxied, 1).await,
            BTreeMap::from([(200, all)]),
            "before {fault:?}"
        );
        proxy.set(fault);
        let counts = ask(&proxied, rounds).await;
        println!("{fault:?}: {counts:?}");
        assert_eq!(counts, BTreeMap::from([(503, rounds * all)]), "{fault:?}");
        faults += rounds * all;
        proxy.set(Fault::None);
        assert_eq!(
            ask(&proxied, 1).await,
            BTreeMap::from([(200, all)]),
            "after {fault:?}"
        );
    }
    println!("requests during faults: {faults}, answers of 401: 0");
    assert!(faults >= 1000);
}

/// The server is killed and started again while requests are under way: each is answered, with 200
/// or 503.
#[tokio::test]
async fn a_restart_under_load_signs_nobody_out() {
    let mut server = server_with_john(None).await;
    let processes = processes(&server.url()).await;
    let is_back = Cell::new(false);
    let restart = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        server.kill();
        tokio::time::sleep(Duration::from_secs(1)).await;
        server.start_again().await;
        is_back.set(true);
    };
    let load = async {
        let mut counts = BTreeMap::new();
        while !is_back.get() {
            for (status, count) in ask(&processes, 5).await {
                *counts.entry(status).or_insert(0) += count;
            }
        }
        counts
    };
    let (counts, ()) = tokio::join!(load, restart);
    println!("under load: {counts:?}");
    let statuses: Vec<u16> = counts.into_keys().collect();
    assert_eq!(statuses, [200, 503]);
    assert_eq!(
        ask(&processes, 1).await,
        BTreeMap::from([(200, processes.len())])
    );
}

#[tokio::test]
async fn a_request_is_answered_before_its_deadline() {
    let server = server_with_john(None).await;
    let proxy = FaultProxy::start(&server.url()).await;
    let me = start("me", proxy.url()).await;
    proxy.set(Fault::Delay(Duration::from_secs(10)));
    me.set_timeout(Duration::from_millis(1_200));
    let begin = Instant::now();
    check_unavailable(&me.answer(&event("me")).await);
    let elapsed = begin.elapsed();
    println!("answered {elapsed:?} into a deadline of 1.2 s");
    assert!(
        elapsed < Duration::from_millis(1_100),
        "less than 100 ms are left after {elapsed:?}"
    );
    assert!(me.logs().contains("no answer before the deadline"));
    proxy.set(Fault::None);
    assert_eq!(me.answer(&event("me")).await.status(), 200);
}

/// A hash of `changeme` whose cost is the highest that is taken.
const COSTLY: &str = "$2b$14$URbfu/KsPYiUPGC7QPL.mu3qDJUUzww1GkiRq30XltSRHGciZ4VMK";

/// A computation cannot be cut short, but the answer does not wait for it.
#[tokio::test]
async fn a_hash_that_takes_too_long_does_not_hold_the_answer_up() {
    let server = server_with_john(Some(COSTLY)).await;
    let login = start("login", &server.url()).await;
    login.set_timeout(Duration::from_millis(500));
    let begin = Instant::now();
    check_unavailable(&login.answer(&event("login")).await);
    let elapsed = begin.elapsed();
    println!("a costly hash is answered {elapsed:?} into a deadline of 0.5 s");
    assert!(elapsed < Duration::from_millis(500), "{elapsed:?}");
    login.set_timeout(Duration::from_secs(20));
    assert_eq!(login.answer(&event("login")).await.status(), 200);
}

/// Hashes of `changeme`: of bcrypt, and of Argon2id with other parameters.
const OUTDATED: [&str; 2] = [
    "$2b$10$gV8eQ.uFSGIvWZKHKTRteuHxJ3IJ.ApQ5v8.gbz3eUnvM4O59uMTm",
    "$argon2id$v=19$m=8192,t=3,p=1$z84iGOrlaCTA5k42TuAPVA$ulXGejFuYs4FSMEDq6voV3eFhi/9WndesOzrG+MERoU",
];

#[tokio::test]
async fn an_outdated_hash_is_renewed_by_a_login_and_by_nothing_else() {
    for hash in OUTDATED {
        let server = server_with_john(Some(hash)).await;
        let proxy = FaultProxy::start(&server.url()).await;
        let login = start("login", proxy.url()).await;
        let users = server.users().await;
        let stored = async || {
            let found = users.find_with_password(&john()).await.unwrap();
            found.unwrap().password_hash
        };
        let wrong = events::object("login_wrong_password").to_string();
        assert_eq!(login.answer(&wrong).await.status(), 401);
        assert_eq!(
            stored().await.expose(),
            hash,
            "a wrong password renews nothing"
        );

        for fault in [
            Fault::FailWritesOf("password_hash"),
            Fault::DelayWritesOf("password_hash", Duration::from_secs(10)),
        ] {
            proxy.set(fault);
            assert_eq!(statuses(&login, &event("login"), 1).await, [200]);
            assert_eq!(stored().await.expose(), hash, "{fault:?}: it can wait");
        }
        let logs = login.logs();
        assert_eq!(
            logs.matches("password hash not renewed").count(),
            2,
            "{logs}"
        );
        assert!(
            logs.contains("it took too long"),
            "the SDK waits longer: {logs}"
        );

        proxy.set(Fault::None);
        for _ in 0..2 {
            assert_eq!(login.answer(&event("login")).await.status(), 200);
            assert!(stored().await.is_current());
        }
        assert_eq!(login.answer(&wrong).await.status(), 401);
        let logs = login.logs();
        assert_eq!(logs.matches(r#""renewed":true"#).count(), 1, "{logs}");
        assert!(
            !logs.contains("$argon2") && !logs.contains("$2b$"),
            "{logs}"
        );
    }
}
