//! `doctor`: what works and what does not, without changing anything.

use std::{collections::BTreeMap, fs};

use auth_core::{Algorithm, KeyUse};
use aws_sdk_dynamodb::types::TimeToLiveSpecification;
use bundle_tests::{
    authctl::Tool,
    dynamodb::Table,
    fault_proxy::{Fault, FaultProxy},
    secrets::Secrets,
    stack::{ARN, Stack},
    store::TemporaryFileStore,
};
use serde_json::Value;

use crate::{JANE, PASSWORD};

/// A key that is not published.
const KEY: &str =
    r#"{"kty":"oct","alg":"HS256","k":"a3EzbVo4dlQxd1l4UDVuQjdjUjJkRjZnSDlqTDRzQTA"}"#;

/// The names of the secrets. The fake Secrets Manager has another key for each.
const SECRETS: [(&str, &str); 3] = [
    ("JwtKeysSecretId", "JwtKeys"),
    ("SessionKeysSecretId", "SessionKeys"),
    ("CounterKeysSecretId", "CounterKeys"),
];

/// The result of each check, with its reason.
type Checks = BTreeMap<String, (String, String)>;

/// Runs `doctor`. Returns its exit code and its checks.
fn examine(tool: &Tool) -> (i32, Checks) {
    let (code, output, error) = tool.run(&["--json", "doctor"], "");
    let checks = output.lines().map(|line| {
        let check: Value = serde_json::from_str(line).unwrap();
        let text = |member: &str| check[member].as_str().unwrap().to_owned();
        (text("check"), (text("result"), text("reason")))
    });
    let checks: Checks = checks.collect();
    println!("{checks:#?}\n{error}");
    (code, checks)
}

/// Returns the names of the checks with a result.
fn with<'a>(checks: &'a Checks, result: &str) -> Vec<&'a str> {
    let found = checks.iter().filter(|(_, (actual, _))| actual == result);
    found.map(|(name, _)| name.as_str()).collect()
}

async fn enable_ttl(table: &Table) {
    let ttl = TimeToLiveSpecification::builder().enabled(true);
    let ttl = ttl.attribute_name("expires_at").build().unwrap();
    let request = table
        .client()
        .update_time_to_live()
        .table_name(table.name());
    request
        .time_to_live_specification(ttl)
        .send()
        .await
        .unwrap();
}

/// Returns the tool on a stack, whose secrets have these names.
async fn on_stack(table: &Table, secrets: &[(&str, &str)], manager: &Secrets) -> (Tool, Stack) {
    let outputs = [&[("TableName", table.name())], secrets].concat();
    let stack = Stack::serve(&outputs).await;
    let mut environment = table.environment();
    environment.retain(|(name, _)| name.starts_with("AWS_"));
    environment.push(("AWS_ENDPOINT_URL_CLOUDFORMATION", stack.url()));
    environment.push(("AWS_ENDPOINT_URL_SECRETS_MANAGER", manager.url()));
    (Tool::with(&["--stack", "sign-in"], &environment), stack)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_stack_passes_and_is_not_changed() {
    let table = Table::with_tutorial_user().await;
    enable_ttl(&table).await;
    let before = table.items().await;
    let manager = Secrets::serve(Some(KEY)).await;
    let proxy = FaultProxy::start(table.url()).await;
    proxy.set(Fault::Protect);
    let (tool, _stack) = on_stack(&table.behind(proxy.url()), &SECRETS, &manager).await;
    let (code, checks) = examine(&tool);
    assert_eq!(code, 0);
    let ok = [
        "clock",
        "deletion protection",
        "index by_owner",
        "keys are distinct",
        "keys of access tokens",
        "keys of counters",
        "keys of refresh tokens",
        "point-in-time recovery",
        "right dynamodb:BatchGetItem",
        "right dynamodb:DeleteItem",
        "right dynamodb:GetItem",
        "right dynamodb:PutItem",
        "right dynamodb:Query",
        "right dynamodb:Scan",
        "right dynamodb:UpdateItem",
        "stack",
        "status",
        "table",
        "time to live",
    ];
    assert_eq!(with(&checks, "ok"), ok);
    assert_eq!(checks.len(), ok.len());
    assert_eq!(checks["stack"].1, ARN);
    assert_eq!(checks["keys are distinct"].1, "3 of 3 sets compared");
    assert_eq!(table.items().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_without_ttl_fails_and_keys_that_no_variable_names_are_not_checked() {
    let (code, checks) = examine(&Tool::on(&Table::new().await));
    assert_eq!(code, 1);
    assert_eq!(
        with(&checks, "failed"),
        ["deletion protection", "time to live"]
    );
    let (result, reason) = &checks["keys of access tokens"];
    assert_eq!(result, "not checked");
    assert!(reason.contains("JWT_KEYS_SECRET_ID"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_right_fails_and_the_others_are_still_checked() {
    let table = Table::new().await;
    let proxy = FaultProxy::start(table.url()).await;
    proxy.set(Fault::Deny("PutItem"));
    let (code, checks) = examine(&Tool::on(&table.behind(proxy.url())));
    assert_eq!(code, 1);
    let (result, reason) = &checks["right dynamodb:PutItem"];
    assert_eq!(result, "failed");
    assert!(
        reason.contains("the permission dynamodb:PutItem is missing"),
        "{reason}"
    );
    assert!(reason.contains("user add"), "{reason}");
    assert_eq!(checks["right dynamodb:DeleteItem"].0, "ok");
}

/// Without the right to describe the table, its settings are not checked, but its rights are.
#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_described_is_not_checked() {
    let table = Table::new().await;
    let proxy = FaultProxy::start(table.url()).await;
    proxy.set(Fault::Deny("DescribeTable"));
    let (_, checks) = examine(&Tool::on(&table.behind(proxy.url())));
    assert_eq!(checks["table"].0, "not checked");
    assert_eq!(checks["right dynamodb:GetItem"].0, "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_cannot_be_reached_fails_once() {
    let table = Table::new().await.behind("http://127.0.0.1:9");
    let (code, checks) = examine(&Tool::on(&table));
    assert_eq!(code, 1);
    assert_eq!(with(&checks, "failed"), ["table"]);
    assert_eq!(checks["rights"].0, "not checked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_that_does_not_exist_fails_once() {
    let (table, stack) = (Table::new().await, Stack::serve(&[]).await);
    let tool = Tool::with(&["--stack", "other"], &table.environment()[2..])
        .and(&[("AWS_ENDPOINT_URL_CLOUDFORMATION", stack.url())]);
    let (code, output, _) = tool.run(&["doctor"], "");
    assert_eq!((code, output.lines().count()), (1, 2), "{output}");
    assert!(output.starts_with("stack\tfailed\t"), "{output}");
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_that_are_unreadable_unusable_or_shared_fail() {
    let table = Table::new().await;
    let manager = Secrets::serve(Some(KEY)).await;
    let shared = [SECRETS[0], ("SessionKeysSecretId", "Other"), SECRETS[2]];
    let (tool, _stack) = on_stack(&table, &shared, &manager).await;
    let (code, checks) = examine(&tool);
    assert_eq!(code, 1);
    let shared = "keys of access tokens and keys of refresh tokens share a secret";
    assert_eq!(
        checks["keys are distinct"],
        ("failed".into(), shared.into())
    );

    manager.set(Some("hunter2"));
    let (_, checks) = examine(&tool);
    let (result, reason) = &checks["keys of counters"];
    assert_eq!(result, "failed");
    assert!(reason.contains("the secret is rejected"), "{reason}");
    assert!(!reason.contains("hunter2"), "{reason}");

    manager.set(None);
    let (_, checks) = examine(&tool);
    let (result, reason) = &checks["keys of counters"];
    assert_eq!(result, "failed");
    assert!(reason.contains("the secret cannot be read"), "{reason}");
    assert_eq!(checks["keys are distinct"].0, "not checked");
}

#[test]
fn a_healthy_file_passes_and_is_not_changed() {
    let store = TemporaryFileStore::new();
    let tool = Tool::on_file(store.path());
    let (code, checks) = examine(&tool);
    assert_eq!(code, 0);
    assert_eq!(with(&checks, "ok"), ["file", "lock", "mode"]);
    for key_use in [KeyUse::Sign, KeyUse::Sessions, KeyUse::Counters] {
        store.keys(key_use, Algorithm::HS256).unwrap();
    }
    let before = fs::read_to_string(store.path()).unwrap();
    let (code, checks) = examine(&tool);
    assert_eq!(code, 0);
    assert_eq!(with(&checks, "failed"), [""; 0]);
    assert_eq!(with(&checks, "not checked"), [""; 0]);
    assert_eq!(fs::read_to_string(store.path()).unwrap(), before);
}

#[test]
fn a_missing_file_fails_and_is_not_created() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.json");
    let (code, checks) = examine(&Tool::on_file(path.to_str().unwrap()));
    assert_eq!(code, 1);
    assert_eq!(with(&checks, "failed"), ["file"]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_damaged_file_fails_without_repeating_its_contents() {
    let store = TemporaryFileStore::new();
    let tool = Tool::on_file(store.path());
    tool.succeed(&["user", "add", JANE], PASSWORD);
    fs::write(store.path(), r#"{"users": {}, "sessions": "hunter2"}"#).unwrap();
    let (code, checks) = examine(&tool);
    assert_eq!(code, 1);
    let (result, reason) = &checks["file"];
    assert_eq!(result, "failed");
    assert!(reason.contains("damaged at line 1"), "{reason}");
    assert!(!reason.contains("hunter2"), "{reason}");
}
