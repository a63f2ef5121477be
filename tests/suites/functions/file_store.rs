//! The file store of many processes at once, and of processes that are killed while they write.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    hash::{BuildHasher, RandomState},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use auth_core::{FileStore, UserRepository};
use bundle_tests::{
    client::Client,
    process::Process,
    store::{TemporaryFileStore, email, john, johns_sessions, session_id},
};
use futures_util::{FutureExt, future::join_all};
use serde_json::{Map, Value, json};

/// How many processes use one file at once.
const PROCESSES: usize = 20;

/// How many sessions each process begins, and how often it refreshes each.
const SESSIONS: usize = 3;
const REFRESHES: u32 = 2;

/// How often a session rotates: its newest token returns itself for a while.
const ROTATIONS: u32 = 1;

/// The processes begin on an empty file, so they also create its keys at once. Every other session is ended by
/// a logout.
#[tokio::test]
async fn many_processes_on_one_file_lose_nothing() {
    let store = TemporaryFileStore::new();
    let path = store.path();
    let variables = [
        ("AUTH_STORE", "file"),
        ("AUTH_FILE", path),
        // The logins are simultaneous, so all of them count until they are settled.
        ("LOGIN_MAX_FAILURES", "100"),
    ];
    let processes = join_all((0..PROCESSES).map(|_| Process::start("login", &variables))).await;
    let begin = Instant::now();
    let used = join_all(processes.iter().map(use_login)).await.concat();
    println!(
        "{PROCESSES} processes: {} sessions in {:?}",
        used.len(),
        begin.elapsed()
    );

    let sessions = johns_sessions(&*store).await;
    let stored: BTreeMap<_, _> = sessions
        .into_iter()
        .map(|session| (session.id.clone(), (session.generation, session.revoked)))
        .collect();
    let expected = used
        .iter()
        .map(|(token, is_ended)| (session_id(token), (ROTATIONS, *is_ended)));
    assert_eq!(stored, expected.collect());
    assert_eq!(stored.len(), PROCESSES * SESSIONS);
    for (counter, stored) in read(path, "attempts") {
        let count = &stored["count"];
        let count = (&count["failures"], &count["tickets"]);
        assert_eq!(count, (&json!(0), &json!([])), "{counter} is not settled");
    }
}

/// Begins, refreshes and ends sessions. Returns a token of each session, and whether it has ended.
async fn use_login(login: &Process) -> Vec<(String, bool)> {
    let mut used = Vec::new();
    for i in 0..SESSIONS {
        let first = login.sign_in().await.refresh;
        let mut token = first.clone();
        for _ in 0..REFRESHES {
            token = login.refresh(&token).await.unwrap().refresh;
            assert_ne!(token, first);
        }
        let is_ended = i % 2 == 1;
        if is_ended {
            login.log_out(&token, false).await;
        }
        used.push((token, is_ended));
    }
    used
}

/// Returns a part of the file of a store.
fn read(path: impl AsRef<Path>, member: &str) -> Map<String, Value> {
    let text = fs::read(path).unwrap();
    let mut store: Value = serde_json::from_slice(&text).expect("the file is readable");
    serde_json::from_value(store[member].take()).unwrap()
}

/// How often a process is killed while it writes.
const KILLS: usize = 200;

/// How many users the file contains at first, so that a write takes a while.
const USERS: usize = 2_000;

/// After each kill the file has the old or the new state: the users who were reported as stored, and at most
/// one more, who was stored but not reported yet.
#[test]
fn a_process_that_is_killed_inside_a_write_leaves_a_readable_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.json");
    fill(&path);
    let mut expected: BTreeSet<String> = addresses(&path).collect();
    let (mut incomplete, mut unreported) = ([0, 0], 0);
    let begin = Instant::now();
    for kill in 0..KILLS {
        let reported = write_until_killed(&path, kill);
        incomplete[kill % 2] += usize::from(is_incomplete(&temporary(&path)));
        let newest = reported.last().map_or(john(), |address| email(address));
        let store = FileStore::open(&path).expect("the file is readable");
        let found = store.find_by_email(&newest).now_or_never().unwrap();
        assert!(found.unwrap().is_some(), "{newest} is lost");

        let next = user_of(kill, reported.len());
        expected.extend(reported);
        let stored: BTreeSet<String> = addresses(&path).collect();
        if stored.contains(&next) {
            unreported += 1;
            expected.insert(next);
        }
        assert_eq!(stored, expected);
    }
    let [random, aimed] = incomplete;
    println!(
        "{KILLS} kills in {:?}, half of them at random moments, half when a write began: {random} and {aimed} \
         left an incomplete temporary file, {unreported} were between a write and its report; {} users were \
         added, and none was lost",
        begin.elapsed(),
        expected.len() - USERS - 1,
    );
    assert!(random + aimed > 0, "no kill was inside a write");
}

/// Returns whether a file exists but is not a complete store.
fn is_incomplete(path: &Path) -> bool {
    fs::read(path).is_ok_and(|text| serde_json::from_slice::<Value>(&text).is_err())
}

/// Adds users to a new file in one step: copies of the tutorial's.
fn fill(path: &Path) {
    FileStore::open(path).unwrap();
    let mut store: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let users = store["users"].as_object_mut().unwrap();
    let john = users[john().as_str()].clone();
    for i in 0..USERS {
        users.insert(format!("user{i}@example.com"), john.clone());
    }
    fs::write(path, store.to_string()).unwrap();
}

/// Returns the addresses of all users.
fn addresses(path: &Path) -> impl Iterator<Item = String> {
    read(path, "users").into_iter().map(|(address, _)| address)
}

fn temporary(path: &Path) -> PathBuf {
    path.with_extension("json.tmp")
}

/// Returns the address of a user of the writer that is killed as number `kill`.
fn user_of(kill: usize, i: usize) -> String {
    format!("writer{kill}.{i}@example.com")
}

/// Starts a process that adds users, and kills it at a random moment; every other time, when the next write
/// has begun. Returns the users that it reported as stored.
fn write_until_killed(path: &Path, kill: usize) -> Vec<String> {
    let reports = path.with_extension("reports");
    let mut writer = Command::new(env!("CARGO_BIN_EXE_file_writer"))
        .arg(path)
        .arg(format!("writer{kill}"))
        .stdout(File::create(&reports).unwrap())
        .spawn()
        .unwrap();
    let random = RandomState::new().hash_one(kill);
    thread::sleep(Duration::from_micros(random % 300_000));
    let begin = Instant::now();
    while kill % 2 == 1 && !temporary(path).exists() {
        assert!(begin.elapsed() < Duration::from_secs(20), "it never writes");
        thread::sleep(Duration::from_micros(10));
    }
    writer.kill().unwrap();
    writer.wait().unwrap();
    let reports = fs::read_to_string(reports).unwrap();
    let reported: Vec<String> = reports.lines().map(str::to_owned).collect();
    let expected = (0..reported.len()).map(|i| user_of(kill, i));
    assert!(reported.iter().cloned().eq(expected), "{reported:?}");
    reported
}
