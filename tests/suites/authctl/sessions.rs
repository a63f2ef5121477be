//! The commands about sessions and failed logins of the real `login`.

use std::time::Instant;

use bundle_tests::{
    authctl::Tool,
    client::{ADDRESS, Client, Tokens},
    dynamodb::Table,
    fault_proxy::FaultProxy,
    process::Process,
    store::session_id,
};
use serde_json::{Value, json};

use crate::{JANE, PASSWORD};

/// Adds Jane with the tool, and starts a `login` on the same table.
async fn login_with_jane(table: &Table) -> Process {
    Tool::on(table).succeed(&["user", "add", JANE], PASSWORD);
    let mut variables = table.environment_with_keys();
    // A window that does not end during a test, except at midnight.
    variables.push(("LOGIN_FAILURE_WINDOW", "86400"));
    Process::start("login", &variables).await
}

/// Logs in as Jane. Returns tokens or the status of a refusal.
async fn log_in(login: &Process, password: &str) -> Result<Tokens, u16> {
    let body = json!({"email": JANE, "password": password});
    let reply = login.post("login", &body, ADDRESS).await;
    reply.tokens().map_err(|(status, _)| status)
}

fn list(tool: &Tool) -> Vec<Value> {
    tool.json_lines(&["session", "list", "Jane@Example.com"])
}

#[tokio::test]
async fn live_sessions_are_listed() {
    let table = Table::new().await;
    let (tool, login) = (Tool::on(&table), login_with_jane(&table).await);
    log_in(&login, PASSWORD).await.unwrap();
    let second = log_in(&login, PASSWORD).await.unwrap();
    login.refresh(&second.refresh).await.unwrap();
    let ended = log_in(&login, PASSWORD).await.unwrap();
    login.log_out(&ended.refresh, false).await;

    let sessions = list(&tool);
    let mut generations: Vec<_> = sessions.iter().map(|one| &one["generation"]).collect();
    generations.sort_by_key(|generation| generation.as_u64());
    assert_eq!(
        generations,
        [0, 1],
        "the one that was logged out is not listed"
    );
    for session in &sessions {
        let time = |member: &str| session[member].as_u64().unwrap();
        assert_eq!(time("expires_at") - time("created_at"), 7_776_000);
    }
    let text = tool.text(&["session", "list", JANE], "");
    let fields: Vec<Vec<&str>> = text
        .lines()
        .map(|line| line.split('\t').collect())
        .collect();
    assert!(fields.iter().all(|fields| fields.len() == 5), "{text}");
    assert!(fields.iter().any(|fields| fields[3] == "1"), "{text}");
    assert!(
        fields.iter().all(|fields| fields[2].starts_with("20")),
        "{text}"
    );
}

#[tokio::test]
async fn a_revocation_ends_all_sessions() {
    check_end(&["session", "revoke", JANE]).await;
}

#[tokio::test]
async fn a_new_password_ends_all_sessions() {
    check_end(&["user", "password", JANE]).await;
}

/// Checks that a command ends all sessions, and that the user can log in again.
async fn check_end(command: &[&str]) {
    let table = Table::new().await;
    let (tool, login) = (Tool::on(&table), login_with_jane(&table).await);
    let first = log_in(&login, PASSWORD).await.unwrap();
    let second = log_in(&login, PASSWORD).await.unwrap();
    let second = login.refresh(&second.refresh).await.unwrap();
    assert_eq!(list(&tool).len(), 2);
    tool.succeed(command, PASSWORD);
    assert_eq!(list(&tool), Vec::<Value>::new());
    for tokens in [&first, &second] {
        let refused = login.refresh(&tokens.refresh).await;
        assert_eq!(refused.unwrap_err().0, 401);
    }
    log_in(&login, PASSWORD).await.unwrap();
}

#[tokio::test]
async fn commands_about_the_sessions_of_an_unknown_user_fail() {
    let tool = Tool::on(&Table::new().await);
    for command in ["list", "revoke"] {
        let (code, _, error) = tool.run(&["session", command, "joe@example.com"], "");
        let reason = "authctl: there is no user joe@example.com\n";
        assert_eq!((code, error.as_str()), (4, reason));
    }
}

#[tokio::test]
async fn one_session_is_revoked_with_its_access_tokens() {
    let table = Table::new().await;
    let (tool, login) = (Tool::on(&table), login_with_jane(&table).await);
    let me = Process::start("me", &table.environment_with_keys()).await;
    let first = log_in(&login, PASSWORD).await.unwrap();
    let second = log_in(&login, PASSWORD).await.unwrap();
    let id = session_id(&first.refresh).to_string();
    tool.succeed(&["user", "add", "joe@example.com"], PASSWORD);
    let revoke = |email: &str| tool.run(&["session", "revoke", email, "--session", &id], "");
    let (code, _, error) = revoke("joe@example.com");
    let reason = format!("authctl: joe@example.com has no session {id}\n");
    assert_eq!((code, error), (4, reason), "it is Jane's");
    assert_eq!(me.me(&first.access).await, 200);
    assert_eq!(revoke(JANE).0, 0);
    assert_eq!(me.me(&first.access).await, 401);
    assert_eq!(login.refresh(&first.refresh).await.unwrap_err().0, 401);
    assert_eq!(me.me(&second.access).await, 200);
    assert_eq!(list(&tool).len(), 1);
    let (code, _, error) = tool.run(&["session", "revoke", JANE, "--session", "x"], "");
    assert_eq!(code, 2, "{error}");
}

#[tokio::test]
async fn attempts_are_shown_and_cleared() {
    let table = Table::new().await;
    let (tool, login) = (Tool::on(&table).with_keys(), login_with_jane(&table).await);
    let shown = || {
        let lines = tool.json_lines(&["attempts", "show", "Jane@example.com"]);
        let counts = lines
            .into_iter()
            .map(|line| (line["subject"].clone(), line["failures"].clone()));
        counts.collect::<Vec<_>>()
    };
    assert_eq!(shown(), []);
    let known = log_in(&login, PASSWORD).await.unwrap().device.unwrap();
    let wrong = json!({"email": JANE, "password": "wrong", "device_token": known});
    for _ in 0..10 {
        assert_eq!(login.post("login", &wrong, ADDRESS).await.status(), 401);
    }
    assert_eq!(login.post("login", &wrong, ADDRESS).await.status(), 429);
    assert_eq!(log_in(&login, PASSWORD).await, Err(429));
    let counts = [(json!("email"), json!(5)), (json!("devices"), json!(5))];
    assert_eq!(shown(), counts);
    let cleared = tool.json(&["attempts", "clear", JANE], "");
    assert_eq!(cleared, json!({"cleared": 2}));
    assert_eq!(shown(), []);
    assert!(log_in(&login, PASSWORD).await.is_ok());
}

#[tokio::test]
async fn attempts_in_a_table_cannot_be_shown_without_the_key() {
    let tool = Tool::on(&Table::new().await);
    let (code, _, error) = tool.run(&["attempts", "show", JANE], "");
    assert_eq!(code, 2);
    let reason = "use --stack NAME, or set COUNTER_KEY_SECRET_ID or COUNTER_SECRET_KEY";
    assert!(error.contains(reason), "{error}");
}

/// The number of other users' items in a large table.
const OTHERS: usize = 100_000;

/// No command about one user scans the table.
#[tokio::test(flavor = "multi_thread")]
async fn commands_about_one_user_are_quick_in_a_large_table() {
    let table = Table::new().await;
    let login = login_with_jane(&table).await;
    let tokens = log_in(&login, PASSWORD).await.unwrap();
    assert_eq!(log_in(&login, "wrong").await, Err(401));
    table.fill(OTHERS).await;
    let proxy = FaultProxy::start(table.url()).await;
    let tool = Tool::on(&table.behind(proxy.url())).with_keys();
    let id = session_id(&tokens.refresh).to_string();
    for command in [
        &["session", "list", JANE][..],
        &["attempts", "show", JANE],
        &["attempts", "clear", JANE],
        &["session", "revoke", JANE, "--session", &id],
    ] {
        let _ = proxy.take_units();
        let begin = Instant::now();
        let text = tool.text(command, "");
        let (elapsed, units) = (begin.elapsed(), proxy.take_units());
        println!(
            "{command:?} among {OTHERS} items: {elapsed:?}, {} calls",
            units.requests
        );
        assert!(!text.is_empty(), "{command:?}");
        assert!(units.requests <= 4, "{command:?}: {units:?}");
        assert!(units.read <= 4.0, "{command:?}: {units:?}");
    }
    let mut calls = proxy.requests().into_iter().map(|(call, _)| call);
    assert!(calls.all(|call| call != "DynamoDB_20120810.Scan"));
}
