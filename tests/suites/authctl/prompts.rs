//! The tool on a terminal: what it asks, when, and how it prints lists.

use auth_core::UserRepository;
use bundle_tests::{
    authctl::Tool,
    dynamodb::Table,
    stack::Stack,
    store::{TemporaryFileStore, email},
    terminal::Terminal,
};

use crate::{JANE, PASSWORD};

/// Types a new password each time the tool asks for it.
fn type_password(terminal: &mut Terminal, prompt: &str) {
    terminal.wait_for(prompt);
    terminal.type_line(PASSWORD);
    terminal.wait_for("Again: ");
    terminal.type_line(PASSWORD);
}

/// Returns the tool on a stack whose table is on `DynamoDB` Local.
fn on_stack(stack: &Stack, table: &Table) -> Tool {
    let mut environment = table.environment();
    environment.retain(|(name, _)| name.starts_with("AWS_"));
    Tool::with(&["--stack", "sign-in"], &environment)
        .and(&[("AWS_ENDPOINT_URL_CLOUDFORMATION", stack.url())])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_for_a_password_names_the_stack_with_region_and_account() {
    let table = Table::new().await;
    let stack = Stack::serve(&[("TableName", table.name())]).await;
    let mut terminal = on_stack(&stack, &table).start_on_terminal(&["user", "add", JANE]);
    let place = "stack sign-in (eu-central-1, account 123456789012)";
    type_password(
        &mut terminal,
        &format!("New password of {JANE} in {place}: "),
    );
    let (code, screen) = terminal.finish();
    assert_eq!(code, 0, "{screen}");
    assert!(screen.contains(&format!("added {JANE}, id ")), "{screen}");
    let found = table.store().await.find_by_email(&email(JANE)).await;
    assert!(found.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_for_a_password_names_the_table_with_region_and_account() {
    let table = Table::new().await;
    let tool = Tool::on(&table);
    tool.succeed(&["user", "add", JANE], PASSWORD);
    let mut terminal = tool.start_on_terminal(&["user", "password", JANE]);
    // The region and the account in the ARNs of DynamoDB Local.
    let place = format!("table {} (ddblocal, account 000000000000)", table.name());
    type_password(
        &mut terminal,
        &format!("New password of {JANE} in {place}: "),
    );
    let (code, screen) = terminal.finish();
    assert_eq!(code, 0, "{screen}");
}

#[test]
fn a_prompt_for_a_password_names_the_file() {
    let store = TemporaryFileStore::new();
    let tool = Tool::on_file(store.path());
    let mut terminal = tool.start_on_terminal(&["user", "add", JANE]);
    let prompt = format!("New password of {JANE} in file {}: ", store.path());
    type_password(&mut terminal, &prompt);
    let (code, screen) = terminal.finish();
    assert_eq!(code, 0, "{screen}");
}

/// Nothing is typed: a prompt would wait until the terminal is killed.
#[test]
fn a_password_that_could_not_be_used_is_not_asked_for() {
    let store = TemporaryFileStore::new();
    let tool = Tool::on_file(store.path());
    for (command, address, code, reason) in [
        ("add", "John.Doe@leapify.tech", 3, "already exists"),
        ("password", "joe@example.com", 4, "there is no user"),
    ] {
        let terminal = tool.start_on_terminal(&["user", command, address]);
        let (actual, screen) = terminal.finish();
        assert_eq!(actual, code, "{screen}");
        assert!(screen.contains(reason), "{screen}");
        assert!(!screen.contains("assword"), "{screen}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_is_confirmed_for_the_named_stack() {
    let table = Table::new().await;
    let stack = Stack::serve(&[("TableName", table.name())]).await;
    let (tool, store) = (on_stack(&stack, &table), table.store().await);
    tool.succeed(&["user", "add", JANE], PASSWORD);
    let delete = |answer: &str| {
        let mut terminal = tool.start_on_terminal(&["user", "delete", JANE]);
        let place = "stack sign-in (eu-central-1, account 123456789012)";
        terminal.wait_for(&format!("Delete {JANE} from {place} permanently? [y/N] "));
        terminal.type_line(answer);
        terminal.finish()
    };
    let (code, screen) = delete("");
    assert_eq!(code, 8, "{screen}");
    assert!(
        screen.contains("not confirmed: nothing was changed"),
        "{screen}"
    );
    assert!(store.find_by_email(&email(JANE)).await.unwrap().is_some());
    let (code, screen) = delete("y");
    assert_eq!(code, 0, "{screen}");
    assert!(store.find_by_email(&email(JANE)).await.unwrap().is_none());
}

#[test]
fn a_user_who_does_not_exist_is_not_confirmed() {
    let store = TemporaryFileStore::new();
    let tool = Tool::on_file(store.path());
    let terminal = tool.start_on_terminal(&["user", "delete", JANE]);
    let (code, screen) = terminal.finish();
    assert_eq!(code, 4, "{screen}");
    assert!(!screen.contains("[y/N]"), "{screen}");
}

#[test]
fn a_list_is_a_table_with_headers() {
    let store = TemporaryFileStore::new();
    let tool = Tool::on_file(store.path());
    tool.succeed(&["user", "add", JANE], PASSWORD);
    let (code, screen) = tool.start_on_terminal(&["user", "list"]).finish();
    assert_eq!(code, 0, "{screen}");
    // The progress line is cleared first.
    let table = &screen[screen.find("EMAIL  ").expect("a header")..];
    let table: Vec<&str> = table.lines().map(str::trim_end).collect();
    let john =
        "john.doe@leapify.tech  1                       enabled  Admin=create,read,update,delete";
    assert_eq!(table[2], john, "{screen}");
    let column = |line: &str, text: &str| line.find(text).unwrap();
    assert_eq!(column(table[0], "STATE"), column(table[1], "enabled"));
}

#[test]
fn an_export_on_a_terminal_warns_of_hashes() {
    let store = TemporaryFileStore::new();
    let tool = Tool::on_file(store.path());
    let (code, screen) = tool.start_on_terminal(&["user", "export"]).finish();
    assert_eq!(code, 0, "{screen}");
    let warning = screen.find("contain password hashes").expect("a warning");
    assert!(warning < screen.find("$argon2id$").unwrap(), "{screen}");
    let (_, _, error) = tool.run(&["user", "export"], "");
    assert_eq!(error, "", "without a terminal there is no warning");
}

#[test]
fn an_import_on_a_terminal_shows_a_bar() {
    let store = TemporaryFileStore::new();
    let tool = Tool::on_file(store.path());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users.jsonl");
    // Every byte counts: a blank line, and ends of lines as on Windows.
    let text = tool.text(&["user", "export"], "").replace('\n', "\r\n");
    std::fs::write(&path, text + "\r\n\r\n").unwrap();
    let import = ["user", "import", "--dry-run", path.to_str().unwrap()];
    let (code, screen) = tool.start_on_terminal(&import).finish();
    assert_eq!(code, 0, "{screen}");
    assert!(screen.contains("100 % "), "{screen}");
    let summary = "would add 0, already existing 1, bad lines 0";
    assert!(screen.contains(summary), "{screen}");
}
