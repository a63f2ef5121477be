//! The tool on a file, which functions and the tool share.

use std::fs;

use bundle_tests::{
    authctl::Tool,
    client::{ADDRESS, Client},
    process::Processes,
    store::TemporaryFileStore,
};
use serde_json::json;

use crate::{JANE, PASSWORD};

/// Starts all functions on a file. Their keys are in it.
async fn start_functions(path: &str) -> Processes {
    Processes::start_with(&[("AUTH_STORE", "file"), ("AUTH_FILE", path)]).await
}

#[test]
fn a_user_is_added_shown_and_listed() {
    let store = TemporaryFileStore::new();
    let tool = Tool::on_file(store.path());
    let added = tool.json(&["user", "add", JANE, "--role", "Admin=read"], PASSWORD);
    assert_eq!(added["email"], JANE);
    let roles = json!([{"name": "Admin", "permissions": ["read"]}]);
    assert_eq!(added["roles"], roles);
    assert_eq!(tool.json(&["user", "show", JANE], ""), added);
    let listed = tool.text(&["user", "list"], "");
    let addresses = listed.lines().filter_map(|line| line.split('\t').next());
    let expected = [JANE, "john.doe@leapify.tech"];
    assert_eq!(addresses.collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn a_user_who_was_added_can_log_in_at_once_and_one_who_was_disabled_cannot() {
    let store = TemporaryFileStore::new();
    let (tool, functions) = (
        Tool::on_file(store.path()),
        start_functions(store.path()).await,
    );
    let jane = json!({"email": JANE, "password": PASSWORD});
    let log_in = async || functions.post("login", &jane, ADDRESS).await;
    assert_eq!(log_in().await.status(), 401);
    tool.succeed(&["user", "add", JANE], PASSWORD);
    let token = log_in().await.tokens().unwrap().access;
    assert_eq!(functions.me(&token).await, 200);
    tool.succeed(&["user", "disable", JANE], "");
    assert_eq!(functions.me(&token).await, 401);
    assert_eq!(log_in().await.status(), 401);
}

#[tokio::test]
async fn sessions_are_listed_and_revoked() {
    let store = TemporaryFileStore::new();
    let (tool, functions) = (
        Tool::on_file(store.path()),
        start_functions(store.path()).await,
    );
    let tokens = functions.sign_in().await;
    let tokens = functions.refresh(&tokens.refresh).await.unwrap();
    let john = "john.doe@leapify.tech";
    let mut listed = tool.json_lines(&["session", "list", john]);
    listed.retain(|session| session["id"] != forge::SESSION_ID);
    let generations: Vec<_> = listed.iter().map(|one| &one["generation"]).collect();
    assert_eq!(generations, [1]);
    tool.succeed(&["session", "revoke", john], "");
    assert_eq!(tool.text(&["session", "list", john], ""), "");
    assert_eq!(functions.me(&tokens.access).await, 401);
    let refused = functions.refresh(&tokens.refresh).await;
    assert_eq!(refused.unwrap_err().0, 401);
}

/// The tool finds the counters with the key in the file.
#[tokio::test]
async fn attempts_are_shown_and_cleared() {
    let store = TemporaryFileStore::new();
    let (tool, functions) = (
        Tool::on_file(store.path()),
        start_functions(store.path()).await,
    );
    let wrong = json!({"email": JANE, "password": "wrong"});
    let reply = functions.post("login", &wrong, ADDRESS).await;
    assert_eq!(reply.status(), 401);
    let shown = tool.text(&["attempts", "show", JANE], "");
    assert_eq!(shown, "email\t1\t0\n");
    let cleared = tool.json(&["attempts", "clear", JANE], "");
    assert_eq!(cleared, json!({"cleared": 1}));
    assert_eq!(tool.text(&["attempts", "show", JANE], ""), "");
}

#[test]
fn a_damaged_file_is_an_error_that_names_it_and_changes_nothing() {
    let store = TemporaryFileStore::new();
    let path = store.path();
    let damaged = r#"{"users": {}, "sessions": "hunter2"}"#;
    fs::write(path, damaged).unwrap();
    let tool = Tool::on_file(path);
    for (arguments, input) in [
        (&["user", "list"][..], ""),
        (&["user", "add", JANE], PASSWORD),
        (&["session", "revoke", "john.doe@leapify.tech"], ""),
        (&["attempts", "clear", "john.doe@leapify.tech"], ""),
    ] {
        let (code, _, error) = tool.run(arguments, input);
        assert_eq!(code, 1, "{arguments:?}: {error}");
        assert!(error.contains(&format!("{path}: damaged")), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
        assert_eq!(fs::read_to_string(path).unwrap(), damaged);
    }
}
