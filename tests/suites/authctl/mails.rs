//! Invitations, and the commands about emails.

use auth_core::{AskId, MailDirectory, UserRepository};
use auth_mail::KINDS;
use bundle_tests::{
    authctl::Tool,
    client::{ADDRESS, Client},
    dynamodb::Table,
    mails::Mails,
    process::Process,
    queue::Queue,
    stack::{NAME, Stack},
    store::{TemporaryFileStore, email},
};
use serde_json::json;

use crate::{JANE, PASSWORD};

const INVITE: [&str; 5] = ["user", "invite", JANE, "--role", "Editor=read,write"];

#[tokio::test]
async fn an_invited_user_chooses_a_password_and_has_the_roles_of_the_invitation() {
    let (store, mails) = (TemporaryFileStore::new(), Mails::default());
    let tool = Tool::on_file(store.path());
    let variables = [
        ("AUTH_STORE", "file"),
        ("AUTH_FILE", store.path()),
        ("MAIL_DIR", mails.path()),
    ];
    let account = Process::start("account", &variables).await;
    assert_eq!(tool.json(&INVITE, ""), json!({"invited": JANE}));

    // Any request makes account write the emails that are due.
    let forgot = json!({"email": "ann@example.com"});
    assert_eq!(
        account
            .post("password/forgot", &forgot, ADDRESS)
            .await
            .status(),
        202
    );
    let mail = mails.take_to(JANE);
    let confirmation = json!({"token": mail.token(), "password": PASSWORD});
    let confirmed = account
        .post("sign-up/confirm", &confirmation, ADDRESS)
        .await;
    assert_eq!(confirmed.status(), 204);

    let roles = json!([{"name": "Editor", "permissions": ["read", "write"]}]);
    assert_eq!(tool.json(&["user", "show", JANE], "")["roles"], roles);
    let login = Process::start("login", &variables).await;
    let jane = json!({"email": JANE, "password": PASSWORD});
    assert_eq!(login.post("login", &jane, ADDRESS).await.status(), 200);
    let (code, _, error) = tool.run(&INVITE, "");
    assert_eq!(code, 3, "{error}");
}

#[test]
fn a_second_invitation_within_a_minute_is_refused() {
    let store = TemporaryFileStore::new();
    let tool = Tool::on_file(store.path());
    tool.succeed(&INVITE, "");
    let (code, _, error) = tool.run(&INVITE, "");
    assert!(
        code == 1 && error.contains("try again in an hour"),
        "{code}: {error}"
    );
}

#[test]
fn an_invitation_with_roles_that_no_link_has_room_for_is_refused() {
    let store = TemporaryFileStore::new();
    let tool = Tool::on_file(store.path());
    let role = format!("Editor={}", "a".repeat(3_500));
    let (code, _, error) = tool.run(&["user", "invite", JANE, "--role", &role], "");
    assert!(
        code == 1 && error.contains("too long for a link"),
        "{code}: {error}"
    );
}

#[test]
fn an_address_that_gets_no_email_is_not_invited() {
    let store = TemporaryFileStore::new();
    let tool = Tool::on_file(store.path());
    let (code, _, error) = tool.run(&["user", "invite", "root@localhost"], "");
    assert!(
        code == 1 && error.contains("no email can be sent"),
        "{code}: {error}"
    );
}

#[test]
fn the_address_of_a_user_who_was_deleted_by_an_operator_can_be_invited() {
    let store = TemporaryFileStore::new();
    let tool = Tool::on_file(store.path());
    tool.succeed(&["user", "add", JANE], PASSWORD);
    tool.succeed(&["user", "delete", JANE, "--yes"], "");
    tool.succeed(&INVITE, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_without_self_service_invites_no_one() {
    let table = Table::new().await;
    let outputs = [("TableName", table.name()), ("CounterKeysSecretId", "Keys")];
    let stack = Stack::serve(&outputs).await;
    let tool = Tool::with(&["--stack", NAME], &table.environment()[2..]).and(&[
        ("AWS_ENDPOINT_URL_CLOUDFORMATION", stack.url()),
        ("COUNTER_SECRET_KEY", ""),
    ]);
    let (code, _, error) = tool.run(&INVITE, "");
    assert!(
        code == 1 && error.contains("AskQueueUrl"),
        "{code}: {error}"
    );
    let store = table.store().await;
    assert!(store.list_asks().await.unwrap().is_empty());
    assert!(store.find_by_email(&email(JANE)).await.unwrap().is_none());
}

#[test]
fn every_kind_of_email_can_be_previewed() {
    let store = TemporaryFileStore::new();
    let tool = Tool::on_file(store.path()).and(&[("APP_NAME", "Example")]);
    for kind in KINDS {
        let mail = tool.text(&["mail", "preview", kind, "--to", JANE], "");
        assert!(mail.contains(&format!("To: <{JANE}>")), "{kind}: {mail}");
        assert!(
            mail.contains("Subject: ") && mail.contains("Example"),
            "{kind}"
        );
    }
    let (code, _, error) = tool.run(&["mail", "preview", "other", "--to", JANE], "");
    assert!(
        code == 2 && error.contains("email-changed"),
        "{code}: {error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_emails_of_a_stack_are_queued_again() {
    let (table, queue) = (Table::new().await, Queue::serve().await);
    let outputs = [("TableName", table.name()), ("AskQueueUrl", queue.url())];
    let stack = Stack::serve(&outputs).await;
    let table_tool = Tool::on(&table).with_keys();
    for address in [JANE, "joe@example.com"] {
        table_tool.succeed(&["user", "invite", address], "");
    }
    let tool = Tool::with(&["--stack", NAME], &table.environment()[2..]).and(&[
        ("AWS_ENDPOINT_URL_CLOUDFORMATION", stack.url()),
        ("AWS_ENDPOINT_URL_SQS", queue.url()),
    ]);
    assert_eq!(tool.json(&["mail", "retry"], ""), json!({"retried": 2}));
    let mut queued = queue.take();
    queued.sort_unstable();
    let asks = table.store().await.list_asks().await.unwrap();
    let mut asks: Vec<&str> = asks.iter().map(AskId::as_str).collect();
    asks.sort_unstable();
    assert_eq!(queued, asks);
}

#[test]
fn only_a_stack_has_a_queue_of_emails() {
    let store = TemporaryFileStore::new();
    let (code, _, error) = Tool::on_file(store.path()).run(&["mail", "retry"], "");
    assert!(
        code == 2 && error.contains("--stack NAME"),
        "{code}: {error}"
    );
}
