//! How the tool fails: by exit codes that a script can distinguish, with a reason.

use std::{collections::HashMap, io::Write};

use aws_sdk_dynamodb::types::AttributeValue::{Bool, L, S};
use bundle_tests::{
    authctl::Tool,
    dynamodb::Table,
    fault_proxy::{Fault, FaultProxy},
    stack::Stack,
    store::{HASHES, TemporaryFileStore},
};
use serde_json::json;

use crate::{JANE, PASSWORD};

/// An address on which no one listens.
const NOWHERE: &str = "http://127.0.0.1:9";

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_cannot_be_reached_is_exit_code_6() {
    let table = Table::new().await;
    let tool = Tool::on(&table.behind(NOWHERE));
    let (code, _, error) = tool.run(&["user", "show", JANE], "");
    assert_eq!(code, 6, "{error}");
    assert!(error.contains("the store cannot be reached"), "{error}");
    let proxy = FaultProxy::start(table.url()).await;
    proxy.set(Fault::InternalError);
    let tool = Tool::on(&table.behind(proxy.url()));
    let (code, _, error) = tool.run(&["user", "show", JANE], "");
    assert_eq!(code, 6, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_that_cannot_be_reached_is_exit_code_6() {
    let table = Table::new().await;
    let tool = Tool::with(&["--stack", "sign-in"], &table.environment()[2..])
        .and(&[("AWS_ENDPOINT_URL_CLOUDFORMATION", NOWHERE)]);
    let (code, _, error) = tool.run(&["user", "list"], "");
    assert_eq!(code, 6, "{error}");
    assert!(error.contains("the stack cannot be read"), "{error}");
}

#[test]
fn a_file_that_cannot_be_opened_is_exit_code_6() {
    let (code, _, error) = Tool::on_file("/dev/null/store.json").run(&["user", "list"], "");
    assert_eq!(code, 6, "{error}");
    assert!(error.contains("/dev/null"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_permission_is_exit_code_7_and_named() {
    let table = Table::new().await;
    let proxy = FaultProxy::start(table.url()).await;
    proxy.set(Fault::DenyAll);
    let tool = Tool::on(&table.behind(proxy.url()));
    for (command, action) in [
        (&["user", "show", JANE][..], "dynamodb:GetItem"),
        (&["user", "list"], "dynamodb:Scan"),
        (&["user", "disable", JANE], "dynamodb:UpdateItem"),
        (&["user", "delete", JANE, "--yes"], "dynamodb:GetItem"),
    ] {
        let (code, _, error) = tool.run(command, PASSWORD);
        assert_eq!(code, 7, "{command:?}: {error}");
        let reason = format!("access to the store is refused: the permission {action} is missing");
        assert!(error.contains(&reason), "{command:?}: {error}");
    }
}

#[test]
fn missing_credentials_are_exit_code_7() {
    let tool = Tool::with(
        &["--table", "users", "--profile", "nowhere"],
        &[
            ("AWS_REGION", "eu-central-1"),
            ("AWS_CONFIG_FILE", "/dev/null"),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
            ("AWS_ACCESS_KEY_ID", "local"),
            ("AWS_SECRET_ACCESS_KEY", "local"),
        ],
    );
    let (code, _, error) = tool.run(&["user", "list"], "");
    assert_eq!(code, 7, "{error}");
}

#[test]
fn a_missing_region_is_wrong_usage() {
    let environment = [
        ("AWS_CONFIG_FILE", "/dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
    ];
    for store in ["--table", "--stack"] {
        let (code, _, error) =
            Tool::with(&[store, "users"], &environment).run(&["user", "list"], "");
        assert_eq!(code, 2, "{error}");
        assert!(
            error.ends_with("no region: use --region or AWS_REGION\n"),
            "{error}"
        );
    }
}

/// STS may be reached later, and the credentials of the profile may be valid.
#[test]
fn credentials_from_a_service_that_cannot_be_reached_are_exit_code_6() {
    let mut config = tempfile::NamedTempFile::new().unwrap();
    config
        .write_all(
            b"[profile base]\naws_access_key_id = local\naws_secret_access_key = local\n\
              [profile role]\nrole_arn = arn:aws:iam::123456789012:role/operator\nsource_profile = base\n",
        )
        .unwrap();
    let tool = Tool::with(
        &["--table", "users", "--profile", "role"],
        &[
            ("AWS_REGION", "eu-central-1"),
            ("AWS_CONFIG_FILE", config.path().to_str().unwrap()),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
            ("AWS_ENDPOINT_URL", NOWHERE),
        ],
    );
    let (code, _, error) = tool.run(&["user", "list"], "");
    assert_eq!(code, 6, "{error}");
    assert!(error.contains("credential"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_or_a_stack_that_does_not_exist_is_exit_code_1() {
    let table = Table::new().await;
    let environment = &table.environment()[2..];
    let tool = Tool::with(&["--table", "other"], environment);
    let (code, _, error) = tool.run(&["user", "list"], "");
    assert_eq!(code, 1, "{error}");
    let stack = Stack::serve(&[]).await;
    let endpoint = ("AWS_ENDPOINT_URL_CLOUDFORMATION", stack.url());
    for (name, reason) in [
        ("other", "does not exist"),
        ("sign-in", "has no output TableName"),
    ] {
        let tool = Tool::with(&["--stack", name], environment).and(&[endpoint]);
        let (code, _, error) = tool.run(&["user", "list"], "");
        assert_eq!(code, 1, "{error}");
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn an_empty_result_is_reported_and_succeeds() {
    let store = TemporaryFileStore::new();
    let tool = Tool::on_file(store.path());
    tool.succeed(&["user", "add", JANE], PASSWORD);
    let none = |arguments: &[&str], reason: &str| {
        for json in [&[][..], &["--json"]] {
            let (code, output, error) = tool.run(&[json, arguments].concat(), "");
            assert_eq!((code, output.as_str()), (0, ""), "{arguments:?}");
            assert_eq!(error, format!("authctl: {reason}\n"));
        }
    };
    none(
        &["session", "list", JANE],
        "jane@example.com has no live sessions",
    );
    none(
        &["attempts", "show", JANE],
        "nothing is counted today for jane@example.com",
    );
    for address in [JANE, "john.doe@leapify.tech"] {
        tool.succeed(&["user", "delete", address, "--yes"], "");
    }
    none(&["user", "list"], "there are no users");
    none(&["user", "export"], "there are no users");
}

/// A user whom another program wrote into the table, with names that would break lines and terminals.
#[tokio::test(flavor = "multi_thread")]
async fn no_stored_name_breaks_a_line_or_a_field() {
    let table = Table::new().await;
    let text = |text: &str| S(text.to_owned());
    let item = [
        ("pk", text("user#odd@example.com")),
        ("email", text("odd\n\u{1b}[2J@example.com")),
        ("id", text("1\t2")),
        ("disabled", Bool(false)),
        ("roles", L(vec![])),
    ];
    let item = item.map(|(name, value)| (name.to_owned(), value));
    table.put(HashMap::from(item)).await;
    let tool = Tool::on(&table);
    let expected = "odd\\n\\u{1b}[2J@example.com\t1\\t2\tenabled\t\n";
    assert_eq!(tool.text(&["user", "list"], ""), expected);
    let json = tool.json(&["user", "list"], "");
    assert_eq!(json["email"], "odd\n\u{1b}[2J@example.com");
}

#[tokio::test]
async fn no_imported_address_controls_a_terminal_as_json() {
    let tool = Tool::on(&Table::new().await);
    let line = json!({"email": "a\u{202e}@b.c", "password_hash": HASHES[0]}).to_string();
    tool.succeed(&["user", "import", "-"], &line);
    for arguments in [&["--json", "user", "list"][..], &["user", "export"]] {
        let output = tool.text(arguments, "");
        assert!(output.contains(r"a\u202e@b.c"), "{output:?}");
    }
}

/// An item that cannot be read, and imported lines whose texts would control a terminal.
#[tokio::test(flavor = "multi_thread")]
async fn no_stored_or_imported_text_controls_a_terminal_through_an_error() {
    let table = Table::new().await;
    let tool = Tool::on(&table);
    let error = |arguments: &[&str], input: &str| {
        let (_, _, error) = tool.run(arguments, input);
        let is_odd = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
        assert!(!error.is_empty() && !error.contains(is_odd), "{error:?}");
        error
    };
    let line = |email: &str, role: &str| {
        json!({"email": email, "password_hash": HASHES[0], "roles": [{"name": role}]}).to_string()
    };
    let dry_run = ["user", "import", "--dry-run", "-"];
    let rejected = error(&dry_run, &line("a@b.c", "A\u{1b}[31m"));
    assert!(
        rejected.starts_with("line 1: a role is rejected: it needs a name"),
        "{rejected}"
    );
    let odd = line("a\u{202e}@b.c", "A");
    tool.succeed(&["user", "import", "-"], &odd);
    let existing = error(&dry_run, &odd);
    assert_eq!(existing, "line 1: a\\u{202e}@b.c already exists\n");

    let item = [
        ("pk", "user#\u{1b}[31m@example.com"),
        ("email", "b@b.c"),
        ("id", "1"),
    ];
    let item = item.map(|(name, value)| (name.to_owned(), S(value.to_owned())));
    table.put(HashMap::from(item)).await;
    let malformed = error(&["user", "list"], "");
    assert!(
        malformed.contains("user#\\u{1b}[31m@example.com"),
        "{malformed}"
    );
}
