//! One link in twenty processes at once: with one password all succeed and one change is made, with different passwords
//! one succeeds.

use std::{collections::BTreeSet, time::Duration};

use auth_core::{Action, Email};
use bundle_tests::{
    client::{ADDRESS, Client},
    links,
    process::Process,
};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{JOHN, PASSWORD, Stack, link_body, log_in};

const PROCESSES: usize = 20;

/// How often a client repeats a request to a busy store, and how long it waits.
const TRIES: usize = 300;
const PAUSE: Duration = Duration::from_millis(200);

/// A flow whose link sets a password.
#[derive(Debug, Clone, Copy)]
enum Flow {
    SignUp,
    Reset,
}

impl Flow {
    fn path(self) -> &'static str {
        match self {
            Self::SignUp => "sign-up/confirm",
            Self::Reset => "password/reset",
        }
    }

    /// Returns a link, and the address whose password it sets.
    async fn link(self, stack: &Stack, round: usize) -> (String, String) {
        let (address, action) = match self {
            Self::SignUp => {
                let address = format!("jane{round}@example.com");
                let email = Email::parse(&address).unwrap();
                (address, Action::SignUp { email })
            }
            Self::Reset => {
                let john = stack.find(JOHN).await.unwrap();
                (JOHN.to_owned(), links::reset(&john))
            }
        };
        (Stack::links().token(action).await, address)
    }
}

/// Twenty processes of `account`, and one of `login`.
struct Crowd {
    stack: Stack,
    accounts: Vec<Process>,
    login: Process,
}

impl Crowd {
    async fn start(stack: Stack) -> Self {
        let accounts = join_all((0..PROCESSES).map(|_| stack.start("account"))).await;
        let login = stack.start("login").await;
        Self {
            stack,
            accounts,
            login,
        }
    }

    /// Uses a link in all processes at once, each with its own password. Returns the statuses and details.
    async fn use_link(&self, flow: Flow, token: &str, passwords: &[String]) -> Vec<(u16, Value)> {
        let used = self.accounts.iter().zip(passwords);
        let used = used.map(|(account, password)| use_link(account, flow, token, password));
        let mut results = Vec::new();
        // One after the other, so that no repetition fills the counter of the link.
        for (i, result) in join_all(used).await.into_iter().enumerate() {
            let (account, password) = (&self.accounts[i], &passwords[i]);
            results.push(repeat(account, flow, token, password, result).await);
        }
        results
    }

    /// Returns the ids of the users whom the processes have changed, according to their logs.
    fn changed_users(&self) -> Vec<String> {
        let logs: String = self.accounts.iter().map(Process::logs).collect();
        let lines = logs
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let successes = lines.filter(|line| line["outcome"] == "Success");
        let ids = successes.map(|line| line["user_id"].as_str().expect("an id").to_owned());
        ids.collect()
    }
}

/// Uses a link. Returns the status and the detail.
async fn use_link(account: &Process, flow: Flow, token: &str, password: &str) -> (u16, Value) {
    let body = link_body(token, password);
    let reply = account.post(flow.path(), &body, ADDRESS).await;
    (reply.status(), reply.detail())
}

/// Repeats a request while the store is busy, as a client does. On a slow machine it is busy, because all processes
/// compute hashes at the same time; attempts that it did not settle count for half a minute.
async fn repeat(
    account: &Process,
    flow: Flow,
    token: &str,
    password: &str,
    mut result: (u16, Value),
) -> (u16, Value) {
    for _ in 0..TRIES {
        if result.0 != 503 && result.0 != 429 {
            return result;
        }
        println!("{flow:?}: {result:?}");
        tokio::time::sleep(PAUSE).await;
        result = use_link(account, flow, token, password).await;
    }
    panic!("{flow:?}: the store stays busy");
}

async fn check(flow: Flow, stack: Stack) {
    let crowd = Crowd::start(stack).await;
    check_one_password(flow, &crowd).await;
    check_different_passwords(flow, &crowd).await;
}

async fn check_one_password(flow: Flow, crowd: &Crowd) {
    let (token, address) = flow.link(&crowd.stack, 1).await;
    let before = crowd.stack.find(&address).await;
    let passwords = vec![PASSWORD.to_owned(); PROCESSES];
    for result in crowd.use_link(flow, &token, &passwords).await {
        assert_eq!(result, (204, Value::Null), "{flow:?}");
    }
    let user = crowd.stack.find(&address).await.unwrap();
    let changed = crowd.changed_users();
    assert_eq!(changed.len(), PROCESSES);
    let changed: BTreeSet<String> = changed.into_iter().collect();
    assert_eq!(changed, BTreeSet::from([user.id]), "{flow:?}: one user");
    if let Some(before) = before {
        assert_eq!(user.version, before.version + 1, "{flow:?}: one change");
    }
    assert_eq!(log_in(&crowd.login, &address, PASSWORD).await, 200);
}

async fn check_different_passwords(flow: Flow, crowd: &Crowd) {
    let (token, address) = flow.link(&crowd.stack, 2).await;
    let before = crowd.stack.find(&address).await;
    let passwords: Vec<String> = (0..PROCESSES)
        .map(|i| format!("k8#vQ2!zPw{i:02}"))
        .collect();
    let results = crowd.use_link(flow, &token, &passwords).await;
    let (won, lost): (Vec<usize>, Vec<usize>) =
        (0..PROCESSES).partition(|i| results[*i] == (204, Value::Null));
    assert_eq!(won.len(), 1, "{flow:?}: {results:?}");
    for i in &lost {
        let refused = (400, json!("Invalid or expired link"));
        assert_eq!(results[*i], refused, "{flow:?}");
    }
    if let Some(before) = before {
        let user = crowd.stack.find(&address).await.unwrap();
        assert_eq!(user.version, before.version + 1, "{flow:?}: one change");
    }
    let log_in = async |i: usize| log_in(&crowd.login, &address, &passwords[i]).await;
    assert_eq!(log_in(won[0]).await, 200);
    // More would fill the counter of logins.
    for i in &lost[..4] {
        assert_eq!(log_in(*i).await, 401);
    }
    let again = use_link(&crowd.accounts[0], flow, &token, &passwords[won[0]]);
    assert_eq!(
        again.await.0,
        204,
        "{flow:?}: a repetition of the first use"
    );
}

#[tokio::test]
async fn a_reset_link_works_once_among_twenty_processes_on_dynamodb() {
    check(Flow::Reset, Stack::on_table().await).await;
}

#[tokio::test]
async fn a_reset_link_works_once_among_twenty_processes_on_a_file() {
    check(Flow::Reset, Stack::on_file()).await;
}

#[tokio::test]
async fn a_sign_up_link_works_once_among_twenty_processes_on_dynamodb() {
    check(Flow::SignUp, Stack::on_table().await).await;
}

#[tokio::test]
async fn a_sign_up_link_works_once_among_twenty_processes_on_a_file() {
    check(Flow::SignUp, Stack::on_file()).await;
}
