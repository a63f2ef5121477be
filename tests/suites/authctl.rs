//! The operator's tool as a process, on a table of DynamoDB Local.

use std::process::{Command, Output};

use auth_core::{CredentialRepository, Email, Password, PasswordHasher, UserRepository};
use bundle_tests::{
    authctl::Tool,
    binaries::{self, Function, release},
    dynamodb::{self, DynamoDbLocal},
    events,
};
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse battery staple";

fn email(address: &str) -> Email {
    Email::parse(address).unwrap()
}

#[tokio::test]
async fn a_user_is_added_shown_changed_and_deleted() {
    let server = DynamoDbLocal::start().await;
    let (tool, users) = (Tool::on(&server), server.users().await);
    let jane = "jane@example.com";

    let added = tool.json(
        &[
            "user",
            "add",
            "Jane@Example.com",
            "--role",
            "Admin=read,write",
        ],
        PASSWORD,
    );
    assert_eq!(added["email"], "Jane@Example.com");
    assert_eq!(added["id"].as_str().unwrap().len(), 22);
    let roles = json!([{"name": "Admin", "permissions": ["read", "write"]}]);
    assert_eq!(added["roles"], roles);
    assert_eq!(tool.json(&["user", "show", jane], ""), added);
    assert_eq!(tool.json(&["user", "list"], ""), added);

    let has_password = async |text: &str| {
        let found = users
            .find_with_password(&email(jane))
            .await
            .unwrap()
            .unwrap();
        let password = Password::parse(text).unwrap();
        PasswordHasher::new()
            .verify(&password, Some(&found.password_hash))
            .unwrap()
    };
    assert!(has_password(PASSWORD).await);
    // A line that Windows ends, and a password that is taken as it is.
    let changed = " another horse altogether \r\n";
    assert_eq!(tool.run(&["user", "password", jane], changed).0, 0);
    assert!(has_password(" another horse altogether ").await);

    assert_eq!(tool.json(&["user", "disable", jane], "")["disabled"], true);
    assert!(
        users
            .find_by_email(&email(jane))
            .await
            .unwrap()
            .unwrap()
            .disabled
    );
    assert_eq!(tool.json(&["user", "enable", jane], "")["disabled"], false);
    let roles = tool.json(&["user", "roles", jane, "--role", "Guest"], "");
    assert_eq!(
        roles["roles"],
        json!([{"name": "Guest", "permissions": []}])
    );
    assert_eq!(
        tool.json(&["user", "roles", jane, "--none"], "")["roles"],
        json!([])
    );

    let (code, _, error) = tool.run(&["user", "delete", jane], "y\n");
    assert_eq!(code, 1, "nobody can be asked");
    assert!(error.contains("--yes"), "{error}");
    assert_eq!(
        tool.json(&["user", "delete", jane, "--yes"], "")["deleted"],
        jane
    );
    assert_eq!(users.find_by_email(&email(jane)).await.unwrap(), None);
}

#[tokio::test]
async fn what_fails_says_why_by_its_code_and_changes_nothing() {
    let server = DynamoDbLocal::start().await;
    let (tool, users) = (Tool::on(&server), server.users().await);
    let add = ["user", "add", "jane@example.com"];
    let id = tool.json(&add, PASSWORD)["id"].clone();

    for (arguments, input, code, what) in [
        (
            &add[..],
            "another horse altogether",
            3,
            "exists already; nothing was changed",
        ),
        (
            &["user", "add", "joe@example.com"],
            "k8#vQ2!",
            1,
            "less than 8 characters",
        ),
        (
            &["user", "add", "joe@example.com"],
            "password1",
            1,
            "most common passwords",
        ),
        (
            &["user", "add", "joe@example.com"],
            "",
            1,
            "less than 8 characters",
        ),
        (
            &["user", "add", "joe@example.com", "--role", "A=b c"],
            PASSWORD,
            1,
            "the role A is refused",
        ),
        (&["user", "add", "joe"], PASSWORD, 2, "is no email address"),
        (
            &["user", "show", "joe@example.com"],
            "",
            4,
            "there is no user joe@example.com",
        ),
        (
            &["user", "disable", "joe@example.com"],
            "",
            4,
            "there is no user",
        ),
        (
            &["user", "password", "joe@example.com"],
            PASSWORD,
            4,
            "there is no user",
        ),
        (&["user", "roles", "joe@example.com"], "", 2, "--role"),
        (
            &["user", "delete", "joe@example.com", "--yes"],
            "",
            4,
            "there is no user",
        ),
        (
            &["user", "import", "/nowhere.jsonl"],
            "",
            1,
            "/nowhere.jsonl",
        ),
        (&["user", "list", "--stack", "other"], "", 2, "twice"),
    ] {
        let (actual, _, error) = tool.run(arguments, input);
        assert_eq!(actual, code, "{arguments:?}: {error}");
        assert!(error.contains(what), "{arguments:?}: {error}");
        assert!(input.is_empty() || !error.contains(input), "{error}");
    }
    let found = users
        .find_by_email(&email("jane@example.com"))
        .await
        .unwrap();
    assert_eq!(found.unwrap().id, id.as_str().unwrap());
    assert_eq!(
        users
            .find_by_email(&email("joe@example.com"))
            .await
            .unwrap(),
        None
    );

    let (code, output, _) = tool.run(&["completions", "bash"], "");
    assert!(code == 0 && output.contains("complete -F _authctl"));
    let output = Command::new(binaries::authctl())
        .args(["user", "list"])
        .env_clear()
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "no table is named");
}

#[tokio::test]
async fn of_two_who_add_one_user_at_once_one_does_and_the_other_is_told() {
    let server = DynamoDbLocal::start().await;
    let tool = Tool::on(&server);
    for round in 0..5 {
        let address = format!("race{round}@example.com");
        let start = || tool.start(&["user", "add", &address], PASSWORD);
        let both = [start(), start()].map(|process| process.wait_with_output().unwrap());
        let mut codes = both.each_ref().map(|output| output.status.code().unwrap());
        codes.sort_unstable();
        assert_eq!(codes, [0, 3]);
        let lost = |output: &&Output| output.status.code() == Some(3);
        let lost = String::from_utf8(both.iter().find(lost).unwrap().stderr.clone()).unwrap();
        let told = lost.lines().last().unwrap();
        assert_eq!(
            told,
            format!("authctl: {address} exists already; nothing was changed")
        );
    }
}

/// A user disabled with the tool is refused by both functions at once, with a token issued before.
#[tokio::test]
async fn a_disabled_user_is_refused_at_once() {
    let server = DynamoDbLocal::start().await;
    let tool = Tool::on(&server);
    let added = tool.json(&["user", "add", "jane@example.com"], PASSWORD);
    assert_eq!(added["disabled"], false);
    let url = server.url();
    let variables = dynamodb::environment_with_keys(&url);
    let login = Function::start_with(&release("login"), &variables, &[]).await;
    let me = Function::start_with(&release("me"), &variables, &[]).await;

    let mut login_event = events::object("login_success");
    let body = json!({"email": "jane@example.com", "password": PASSWORD});
    login_event["body"] = body.to_string().into();
    let login_event = login_event.to_string();
    let answer = login.answer(&login_event).await;
    let body: Value = serde_json::from_str(answer.body()).unwrap();
    let mut me_event = events::object("me_no_token");
    let token = body["access_token"].as_str().unwrap();
    me_event["headers"]["authorization"] = format!("Bearer {token}").into();
    let me_event = me_event.to_string();
    assert_eq!(me.answer(&me_event).await.status(), 200);

    let disabled = tool.json(&["user", "disable", "jane@example.com"], "");
    assert_eq!(disabled["disabled"], true);
    let refused = me.answer(&me_event).await;
    assert_eq!(
        (refused.status(), refused.detail()),
        (401, json!("User not found"))
    );
    let refused = login.answer(&login_event).await;
    assert_eq!(
        (refused.status(), refused.detail()),
        (401, json!("Invalid email or password"))
    );
    let enabled = tool.json(&["user", "enable", "jane@example.com"], "");
    assert_eq!(enabled["disabled"], false);
    assert_eq!(me.answer(&me_event).await.status(), 401, "it stays dead");
    assert_eq!(login.answer(&login_event).await.status(), 200);
}
