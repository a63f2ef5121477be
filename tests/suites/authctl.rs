//! The operator's tool as a process, on a table of DynamoDB Local.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    io::Write as _,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    sync::OnceLock,
    time::Duration,
};

use auth_core::{
    CredentialRepository, Email, Password, PasswordHasher, UserDirectory, UserRepository,
};
use bundle_tests::{
    dynamodb::{self, DynamoDbLocal, TABLE},
    project,
    repository_suite::HASHES,
};
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse battery staple";

fn binary() -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| {
        let status = Command::new(env!("CARGO"))
            .args([
                "build",
                "--target-dir",
                "target",
                "--locked",
                "--package",
                "authctl",
            ])
            .current_dir(project::root())
            .status();
        assert!(status.expect("cargo runs").success(), "the build failed");
    });
    project::root().join("target/debug/authctl")
}

/// The tool on the table of a server.
struct Tool {
    url: String,
}

impl Tool {
    fn start(&self, arguments: &[&str], input: &str) -> Child {
        let mut process = Command::new(binary())
            .args(["--table", TABLE])
            .args(arguments)
            .env_clear()
            .envs(dynamodb::environment(&self.url))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("authctl starts");
        // One that refuses before it reads has closed its end.
        let _ = process.stdin.take().unwrap().write_all(input.as_bytes());
        process
    }

    /// The exit code, standard output and standard error.
    fn run(&self, arguments: &[&str], input: &str) -> (i32, String, String) {
        let output = self.start(arguments, input).wait_with_output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (
            output.status.code().unwrap(),
            text(&output.stdout),
            text(&output.stderr),
        )
    }

    /// What it answers in JSON where it succeeds.
    fn json(&self, arguments: &[&str], input: &str) -> Value {
        let arguments = [&["--json"], arguments].concat();
        let (code, output, error) = self.run(&arguments, input);
        assert_eq!(code, 0, "{arguments:?}: {error}");
        serde_json::from_str(&output).unwrap()
    }
}

fn email(address: &str) -> Email {
    Email::parse(address).unwrap()
}

#[tokio::test]
async fn a_user_is_added_shown_changed_and_deleted() {
    let server = DynamoDbLocal::start().await;
    let (tool, users) = (Tool { url: server.url() }, server.users().await);
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
    let (tool, users) = (Tool { url: server.url() }, server.users().await);
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
    let output = Command::new(binary())
        .args(["user", "list"])
        .env_clear()
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "no table is named");
}

#[tokio::test]
async fn of_two_who_add_one_user_at_once_one_does_and_the_other_is_told() {
    let server = DynamoDbLocal::start().await;
    let tool = Tool { url: server.url() };
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

/// 10,000 users: an import is killed halfway, run again, and run once more; a bad line is told by its
/// number each time. The list prints each user once.
#[tokio::test]
async fn an_import_that_broke_is_finished_by_the_next_and_doubles_nobody() {
    let server = DynamoDbLocal::start().await;
    let tool = Tool { url: server.url() };
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let mut text = String::from("{\"email\": \"nobody\"}\n");
    for i in 0..10_000 {
        let user = json!({"email": format!("u{i}@example.com"), "password_hash": HASHES[i % 2], "id": i.to_string()});
        writeln!(text, "{user}").unwrap();
    }
    file.write_all(text.as_bytes()).unwrap();
    let path = file.path().to_str().unwrap();

    let mut broken = tool.start(&["user", "import", path], "");
    let users = server.users().await;
    while users.page(None).await.unwrap().users.is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    broken.kill().unwrap();
    broken.wait().unwrap();

    let import = || {
        let (code, output, error) = tool.run(&["--json", "user", "import", path], "");
        assert_eq!(code, 5, "{error}");
        assert!(
            error.contains("line 1: email is no email address"),
            "{error}"
        );
        serde_json::from_str::<Value>(&output).unwrap()
    };
    let second = import();
    println!("after a break: {second}");
    let count = |member: &str| second[member].as_u64().unwrap();
    assert!(count("added") > 0 && count("existing") > 0, "{second}");
    assert_eq!(count("added") + count("existing"), 10_000);
    assert_eq!(import(), json!({"added": 0, "existing": 10_000, "bad": 1}));

    let (_, output, _) = tool.run(&["user", "list"], "");
    let listed: BTreeSet<&str> = output
        .lines()
        .filter_map(|line| line.split('\t').next())
        .collect();
    assert_eq!((output.lines().count(), listed.len()), (10_000, 10_000));
}

/// A user disabled with the tool is refused by both functions at once, with a token issued before.
#[tokio::test]
async fn a_disabled_user_is_refused_at_once() {
    use bundle_tests::{
        binaries::{Function, release},
        forge,
    };
    let server = DynamoDbLocal::start().await;
    let tool = Tool { url: server.url() };
    tool.json(&["user", "add", "jane@example.com"], PASSWORD);
    let url = server.url();
    let mut variables = dynamodb::environment(&url);
    variables.push(("JWT_SECRET_KEY", forge::SECRET));
    let login = Function::start_with(&release("login"), &variables, &[]).await;
    let me = Function::start_with(&release("me"), &variables, &[]).await;

    let mut login_event = bundle_tests::events::object("login_success");
    let body = json!({"email": "jane@example.com", "password": PASSWORD});
    login_event["body"] = body.to_string().into();
    let login_event = login_event.to_string();
    let answer = login.answer(&login_event).await;
    let body: Value = serde_json::from_str(answer.body()).unwrap();
    let mut me_event = bundle_tests::events::object("me_no_token");
    let token = body["access_token"].as_str().unwrap();
    me_event["headers"]["authorization"] = format!("Bearer {token}").into();
    let me_event = me_event.to_string();
    assert_eq!(me.answer(&me_event).await.status(), 200);

    tool.json(&["user", "disable", "jane@example.com"], "");
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
    tool.json(&["user", "enable", "jane@example.com"], "");
    assert_eq!(me.answer(&me_event).await.status(), 200);
}
