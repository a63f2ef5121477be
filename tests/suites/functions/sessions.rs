//! Sessions of the real `login` in a table: simultaneous refreshes, lost responses, outages and thefts.

use std::{collections::BTreeSet, time::Duration};

use auth_core::{AskContent, MailDirectory, MailRepository, SessionRepository};
use bundle_tests::{
    client::{ADDRESS, Client, Tokens},
    dynamodb::Table,
    fault_proxy::{Fault, FaultProxy},
    process::Process,
    store::{john, session_id},
};
use futures_util::future::join_all;
use serde_json::{Value, json};

const INVALID: (u16, &str) = (401, "Invalid refresh token");

async fn start(table: &Table) -> Process {
    Process::start("login", &table.environment_with_keys()).await
}

/// Returns the stored generation of a token's session.
async fn generation(table: &Table, token: &str) -> u32 {
    let found = table.store().await.find_session(&session_id(token)).await;
    found.unwrap().unwrap().generation
}

/// Refreshes a token with all processes at once, and returns its only successor.
async fn refresh_at_once(processes: &[&Process], token: &str) -> String {
    let all = join_all(processes.iter().map(|login| login.refresh(token))).await;
    let successors: BTreeSet<String> = all.into_iter().map(|new| new.unwrap().refresh).collect();
    assert_eq!(successors.len(), 1);
    successors.into_iter().next().unwrap()
}

/// Twenty processes, as Lambda would start them for a burst.
#[tokio::test]
async fn refreshes_in_many_processes_converge() {
    let table = Table::with_tutorial_user().await;
    let processes = join_all((0..20).map(|_| start(&table))).await;
    let processes: Vec<&Process> = processes.iter().collect();
    for _ in 0..5 {
        let token = processes[0].sign_in().await.refresh;
        refresh_at_once(&processes, &token).await;
        assert_eq!(generation(&table, &token).await, 1);
    }
    println!("20 processes refreshed a token at once, 5 times: one successor each");
}

/// The step is written, but its response is lost, and so are those to the retries of the SDK. The client's
/// next requests find the step.
#[tokio::test]
async fn a_refresh_whose_responses_are_all_lost_has_one_successor() {
    let table = Table::with_tutorial_user().await;
    let proxy = FaultProxy::start(table.url()).await;
    let login = start(&table.behind(proxy.url())).await;
    let first = login.sign_in().await.refresh;
    proxy.set(Fault::CutResponsesToWrites);
    let lost = login.refresh(&first).await.unwrap_err();
    assert_eq!(lost, (503, "Service temporarily unavailable".into()));
    assert_eq!(generation(&table, &first).await, 1, "the step was written");
    proxy.set(Fault::None);
    let second = refresh_at_once(&[&login; 20], &first).await;
    assert_eq!(generation(&table, &first).await, 1);
    assert!(login.refresh(&second).await.is_ok());
}

/// A retry of the SDK finds the step of its first attempt.
#[tokio::test]
async fn a_refresh_whose_first_response_is_lost_succeeds() {
    let table = Table::with_tutorial_user().await;
    let proxy = FaultProxy::start(table.url()).await;
    let login = start(&table.behind(proxy.url())).await;
    let first = login.sign_in().await.refresh;
    proxy.set(Fault::CutNextResponse);
    let second = login.refresh(&first).await.unwrap();
    assert_eq!(generation(&table, &first).await, 1);
    assert!(login.refresh(&second.refresh).await.is_ok());
}

#[tokio::test]
async fn an_internal_error_of_dynamodb_ends_no_session() {
    check_outage(Fault::InternalError).await;
}

#[tokio::test]
async fn an_overloaded_dynamodb_ends_no_session() {
    check_outage(Fault::Throttle).await;
}

#[tokio::test]
async fn a_closed_connection_ends_no_session() {
    check_outage(Fault::Cut).await;
}

#[tokio::test]
async fn a_response_that_is_not_from_dynamodb_ends_no_session() {
    check_outage(Fault::EmptyResponse).await;
}

#[tokio::test]
async fn a_dynamodb_that_only_reads_ends_no_session() {
    check_outage(Fault::FailWrites).await;
}

/// Checks that refreshes and logouts are a 503 during a fault, and that the token is still valid after it.
async fn check_outage(fault: Fault) {
    let table = Table::with_tutorial_user().await;
    let proxy = FaultProxy::start(table.url()).await;
    let login = start(&table.behind(proxy.url())).await;
    let token = login.sign_in().await.refresh;
    proxy.set(fault);
    for _ in 0..5 {
        assert_eq!(login.refresh(&token).await.unwrap_err().0, 503);
        let body = json!({"refresh_token": token, "all_sessions": true});
        assert_eq!(login.post("logout", &body, ADDRESS).await.status(), 503);
    }
    proxy.set(Fault::None);
    login.refresh(&token).await.unwrap();
}

/// A refresh may meet the transaction with which the user ends all other sessions.
#[tokio::test]
async fn a_write_that_meets_a_transaction_is_repeated() {
    let table = Table::with_tutorial_user().await;
    let proxy = FaultProxy::start(table.url()).await;
    let login = start(&table.behind(proxy.url())).await;
    let token = login.sign_in().await.refresh;
    proxy.set(Fault::Conflict(3));
    let next = login.refresh(&token).await.unwrap();
    proxy.set(Fault::Conflict(3));
    login.log_out(&next.refresh, true).await;
    proxy.set(Fault::Conflict(u32::MAX));
    let body = json!({"refresh_token": next.refresh});
    assert_eq!(login.post("logout", &body, ADDRESS).await.status(), 503);
}

/// A `login` with a grace of one second.
async fn start_with_short_grace() -> Process {
    let table = Table::with_tutorial_user().await;
    let mut variables = table.environment_with_keys();
    variables.push(("SESSION_GRACE", "1"));
    Process::start("login", &variables).await
}

#[tokio::test]
async fn a_token_that_is_two_steps_old_is_a_warning_and_ends_the_session() {
    let login = start_with_short_grace().await;
    let first = login.sign_in().await;
    let second = login.refresh(&first.refresh).await.unwrap();
    // The session does not rotate again until the grace period and the life of a request have passed.
    tokio::time::sleep(Duration::from_secs(13)).await;
    let third = login.refresh(&second.refresh).await.unwrap();
    let refused = login.refresh(&first.refresh).await.unwrap_err();
    assert_eq!((refused.0, refused.1.as_str()), INVALID);
    let newest = login.refresh(&third.refresh).await.unwrap_err();
    assert_eq!((newest.0, newest.1.as_str()), INVALID);
    check_warning(&login, &[first, second, third]);
}

#[tokio::test]
async fn a_refresh_with_the_previous_token_after_the_grace_is_a_warning() {
    let login = start_with_short_grace().await;
    let first = login.sign_in().await;
    let second = login.refresh(&first.refresh).await.unwrap();
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    let refused = login.refresh(&first.refresh).await.unwrap_err();
    assert_eq!((refused.0, refused.1.as_str()), INVALID);
    check_warning(&login, &[first, second]);
}

/// The user gets an email about the session that has ended, if the stack sends emails.
#[tokio::test]
async fn a_reused_token_is_reported_to_the_user() {
    for (notices, is_expected) in [("on", true), ("off", false)] {
        let table = Table::with_tutorial_user().await;
        let mut variables = table.environment_with_keys();
        variables.extend([("SESSION_GRACE", "0"), ("LOGIN_NOTICES", notices)]);
        let login = Process::start("login", &variables).await;
        let old = login.sign_in().await.refresh;
        login.refresh(&old).await.unwrap();
        tokio::time::sleep(Duration::from_secs(2)).await;
        for _ in 0..2 {
            assert_eq!(login.refresh(&old).await.unwrap_err().0, 401);
        }
        let store = table.store().await;
        let asks = store.list_asks().await.unwrap();
        assert_eq!(asks.len(), usize::from(is_expected), "{notices}");
        for id in asks {
            assert_eq!(id.as_str(), format!("reuse#{}", session_id(&old)));
            let ask = store.find_ask(&id).await.unwrap().unwrap();
            assert_eq!(ask.email, john());
            assert_eq!(ask.content, AskContent::SessionReused);
        }
    }
}

/// Checks that a theft is logged once, with its session, and that no log contains one of its tokens.
fn check_warning(login: &Process, tokens: &[Tokens]) {
    let logs = login.logs();
    let lines = logs.lines().map(|line| serde_json::from_str(line).unwrap());
    let warnings: Vec<Value> = lines
        .filter(|line: &Value| line["level"] == "WARN")
        .collect();
    assert_eq!(warnings.len(), 1, "{logs}");
    let warning = &warnings[0];
    assert_eq!(warning["message"], "refresh token reused, session revoked");
    let session_id = session_id(&tokens[0].refresh).to_string();
    assert_eq!(warning["session_id"], session_id);
    for tokens in tokens {
        // A refresh token begins with the id of its session.
        let mac = &tokens.refresh[27..];
        assert!(
            !logs.contains(mac) && !logs.contains(&tokens.access),
            "{logs}"
        );
    }
}
