//! The commands about users.

use std::process::{Command, Output};

use auth_core::{Password, PasswordHasher, UserRepository};
use bundle_tests::{
    authctl::Tool,
    client::{ADDRESS, Client},
    dynamodb::Table,
    events,
    process::{self, Processes},
    store::{email, find_with_password},
};
use serde_json::json;

use crate::{JANE, PASSWORD};

/// The arguments that add Jane.
const ADD: [&str; 3] = ["user", "add", JANE];

#[tokio::test]
async fn a_user_is_added_shown_and_listed() {
    let tool = Tool::on(&Table::new().await);
    let add = [
        "user",
        "add",
        "Jane@Example.com",
        "--role",
        "Admin=read,write",
    ];
    let added = tool.json(&add, PASSWORD);
    assert_eq!(added["email"], "Jane@Example.com");
    assert_eq!(added["id"].as_str().unwrap().len(), 22);
    let roles = json!([{"name": "Admin", "permissions": ["read", "write"]}]);
    assert_eq!(added["roles"], roles);
    assert_eq!(added["disabled"], false);
    assert_eq!(tool.json(&["user", "show", JANE], ""), added);
    assert_eq!(tool.json(&["user", "list"], ""), added);
}

#[tokio::test]
async fn a_password_is_set_as_typed_without_the_end_of_the_line() {
    let table = Table::new().await;
    let (tool, store) = (Tool::on(&table), table.store().await);
    let has_password = async |text: &str| {
        let found = find_with_password(&store, &email(JANE)).await.unwrap();
        let (password, hash) = (Password::parse(text).unwrap(), found.unwrap().password_hash);
        PasswordHasher::new()
            .verify(&password, Some(&hash))
            .unwrap()
    };
    tool.succeed(&ADD, PASSWORD);
    assert!(has_password(PASSWORD).await);
    // A line as Windows ends it.
    let changed = " another horse altogether \r\n";
    tool.succeed(&["user", "password", JANE], changed);
    assert!(has_password(" another horse altogether ").await);
}

#[tokio::test]
async fn a_user_is_disabled_and_enabled() {
    let table = Table::new().await;
    let (tool, store) = (Tool::on(&table), table.store().await);
    tool.succeed(&ADD, PASSWORD);
    assert_eq!(tool.json(&["user", "disable", JANE], "")["disabled"], true);
    let found = store.find_by_email(&email(JANE)).await.unwrap();
    assert!(found.unwrap().disabled);
    assert_eq!(tool.json(&["user", "enable", JANE], "")["disabled"], false);
    let found = store.find_by_email(&email(JANE)).await.unwrap();
    assert!(!found.unwrap().disabled);
}

#[tokio::test]
async fn roles_are_replaced_and_removed() {
    let tool = Tool::on(&Table::new().await);
    tool.succeed(&[&ADD[..], &["--role", "Admin=read"]].concat(), PASSWORD);
    let changed = tool.json(&["user", "roles", JANE, "--role", "Guest"], "");
    let guest = json!([{"name": "Guest", "permissions": []}]);
    assert_eq!(changed["roles"], guest);
    let changed = tool.json(&["user", "roles", JANE, "--none"], "");
    assert_eq!(changed["roles"], json!([]));
}

#[tokio::test]
async fn a_user_is_deleted_after_a_confirmation() {
    let table = Table::new().await;
    let (tool, store) = (Tool::on(&table), table.store().await);
    tool.succeed(&ADD, PASSWORD);
    let (code, _, error) = tool.run(&["user", "delete", JANE], "y\n");
    assert_eq!(code, 8, "there is no terminal to ask on");
    assert!(error.contains("--yes"), "{error}");
    assert!(store.find_by_email(&email(JANE)).await.unwrap().is_some());
    let deleted = tool.json(&["user", "delete", JANE, "--yes"], "");
    assert_eq!(deleted["deleted"], JANE);
    assert_eq!(store.find_by_email(&email(JANE)).await.unwrap(), None);
}

#[tokio::test]
async fn a_failed_command_reports_why_by_its_exit_code_and_changes_nothing() {
    let table = Table::new().await;
    let (tool, store) = (Tool::on(&table), table.store().await);
    let added = tool.json(&ADD, PASSWORD);
    let joe = "joe@example.com";
    for (arguments, input, code, reason) in [
        (
            &ADD[..],
            "another horse altogether",
            3,
            "already exists; nothing was changed",
        ),
        (
            &["user", "add", joe],
            "k8#vQ2!",
            1,
            "fewer than 8 characters",
        ),
        (
            &["user", "add", joe],
            "password1",
            1,
            "similar to a common password",
        ),
        (&["user", "add", joe], "", 1, "fewer than 8 characters"),
        (
            &["user", "add", joe, "--role", "A=b c"],
            PASSWORD,
            1,
            "the role A is rejected",
        ),
        (
            &["user", "add", "joe"],
            PASSWORD,
            2,
            "is not an email address",
        ),
        (
            &["user", "show", joe],
            "",
            4,
            "there is no user joe@example.com",
        ),
        (&["user", "disable", joe], "", 4, "there is no user"),
        (&["user", "password", joe], PASSWORD, 4, "there is no user"),
        (&["user", "roles", joe], "", 2, "--role"),
        (&["user", "delete", joe, "--yes"], "", 4, "there is no user"),
        (
            &["user", "import", "/nowhere.jsonl"],
            "",
            1,
            "/nowhere.jsonl",
        ),
    ] {
        let (actual, _, error) = tool.run(arguments, input);
        assert_eq!(actual, code, "{arguments:?}: {error}");
        assert!(error.contains(reason), "{arguments:?}: {error}");
        assert!(input.is_empty() || !error.contains(input), "{error}");
    }
    let jane = store.find_by_email(&email(JANE)).await.unwrap();
    assert_eq!(jane.unwrap().id, added["id"].as_str().unwrap());
    assert_eq!(store.find_by_email(&email(joe)).await.unwrap(), None);
}

#[test]
fn two_stores_are_a_usage_error_wherever_the_options_are() {
    for (before, after) in [
        (["--table", "users"], ["--stack", "sign-in"]),
        (["--table", "users"], ["--file", "/nowhere.json"]),
        (["--stack", "sign-in"], ["--file", "/nowhere.json"]),
    ] {
        for arguments in [
            [&before[..], &["user", "list"], &after].concat(),
            [&after[..], &before, &["user", "list"]].concat(),
        ] {
            let output = run(&arguments);
            assert_eq!(output.status.code(), Some(2), "{arguments:?}");
            let error = String::from_utf8(output.stderr).unwrap();
            let reason = "use only one of --table, --stack and --file";
            assert!(error.contains(reason), "{arguments:?}: {error}");
        }
    }
}

#[test]
fn a_missing_store_is_a_usage_error() {
    assert_eq!(run(&["user", "list"]).status.code(), Some(2));
}

#[test]
fn completions_need_no_store() {
    let output = run(&["completions", "bash"]);
    let script = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(script.contains("complete -F _authctl"), "{script}");
}

/// Runs the tool without a store.
fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(process::authctl());
    command.args(arguments).env_clear().output().unwrap()
}

#[tokio::test]
async fn of_two_simultaneous_calls_one_adds_the_user_and_the_other_reports_it() {
    let tool = Tool::on(&Table::new().await);
    for round in 0..5 {
        let address = format!("race{round}@example.com");
        let start = || tool.start(&["user", "add", &address], PASSWORD);
        let both = [start(), start()].map(|process| process.wait_with_output().unwrap());
        let mut codes = both.each_ref().map(|output| output.status.code().unwrap());
        codes.sort_unstable();
        assert_eq!(codes, [0, 3]);
        let lost = both.iter().find(|output| !output.status.success()).unwrap();
        let error = String::from_utf8(lost.stderr.clone()).unwrap();
        let expected = format!("authctl: {address} already exists; nothing was changed");
        assert_eq!(error.lines().last(), Some(expected.as_str()));
    }
}

/// Both functions refuse a disabled user at once, even with a token that was issued before.
#[tokio::test]
async fn a_disabled_user_is_refused_at_once() {
    let table = Table::new().await;
    let tool = Tool::on(&table);
    tool.succeed(&ADD, PASSWORD);
    let functions = Processes::start_with(&table.environment_with_keys()).await;
    let jane = json!({"email": JANE, "password": PASSWORD});
    let log_in = async || functions.post("login", &jane, ADDRESS).await;
    let token = log_in().await.tokens().unwrap().access;
    assert_eq!(functions.me(&token).await, 200);

    tool.succeed(&["user", "disable", JANE], "");
    let refused = functions
        .invoke("me", &events::with_token("me", &token))
        .await;
    let expected = (401, json!("User not found"));
    assert_eq!((refused.status(), refused.detail()), expected);
    let refused = log_in().await;
    let expected = (401, json!("Invalid email or password"));
    assert_eq!((refused.status(), refused.detail()), expected);

    tool.succeed(&["user", "enable", JANE], "");
    assert_eq!(functions.me(&token).await, 401, "its session has ended");
    assert_eq!(log_in().await.status(), 200);
}
