//! The documented actions of each command are exactly those that it uses.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use auth_core::{Clock, Session, SessionRepository, SessionRules, UserRepository};
use bundle_tests::{
    authctl::Tool,
    dynamodb::Table,
    fault_proxy::FaultProxy,
    policy, project,
    queue::Queue,
    secrets::Secrets,
    stack::Stack,
    store::{HASHES, email},
    versioned_secrets::VersionedSecrets,
};
use serde_json::json;

use crate::{JANE, PASSWORD};

const KEY: &str =
    r#"{"kty":"oct","alg":"HS256","k":"a3EzbVo4dlQxd1l4UDVuQjdjUjJkRjZnSDlqTDRzQTA"}"#;

/// The first line of the documented table.
const HEADER: &str = "| command of `authctl` | actions |";

/// Returns the actions that the documentation names for each command, or for an option that needs more.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let pages = fs::read_dir(project::root().join("docs")).unwrap();
    let pages = pages.map(|page| page.unwrap().path());
    let pages = pages.chain([project::root().join("README.md")]);
    let texts = pages.filter_map(|page| fs::read_to_string(page).ok());
    let texts: Vec<String> = texts.filter(|text| text.contains(HEADER)).collect();
    let [text] = &texts[..] else {
        panic!("{} pages have the table {HEADER}", texts.len());
    };
    let rows = text.lines().skip_while(|line| *line != HEADER).skip(2);
    let mut actions = BTreeMap::new();
    for row in rows.take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.split('|').collect();
        let used: BTreeSet<String> = text_in_backticks(cells[2])
            .filter(|text| text.contains(':'))
            .collect();
        for command in text_in_backticks(cells[1]) {
            assert!(
                actions.insert(command.clone(), used.clone()).is_none(),
                "{command}"
            );
        }
    }
    actions
}

fn text_in_backticks(cell: &str) -> impl Iterator<Item = String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned)
}

/// A table, secrets and a stack that record who is asked for what.
struct Recorder {
    proxy: FaultProxy,
    manager: Secrets,
    stack: Stack,
    queue: Queue,
    table: Table,
    taken: usize,
}

impl Recorder {
    async fn start() -> Self {
        let (table, queue) = (Table::new().await, Queue::serve().await);
        let outputs = [
            ("AskQueueUrl", queue.url()),
            ("TableName", table.name()),
            ("JwtKeysSecretId", "JwtKeys"),
            ("SessionKeysSecretId", "SessionKeys"),
            ("CounterKeysSecretId", "CounterKeys"),
        ];
        Self {
            proxy: FaultProxy::start(table.url()).await,
            manager: Secrets::serve(Some(KEY)).await,
            stack: Stack::serve(&outputs).await,
            queue,
            table,
            taken: 0,
        }
    }

    fn tool(&self, options: &[&str]) -> Tool {
        let table = self.table.behind(self.proxy.url());
        Tool::with(options, &table.environment()[2..]).and(&[
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", self.manager.url()),
            ("AWS_ENDPOINT_URL_CLOUDFORMATION", self.stack.url()),
            ("AWS_ENDPOINT_URL_SQS", self.queue.url()),
        ])
    }

    /// Returns the actions on the table since the last call.
    fn take(&mut self) -> BTreeSet<String> {
        let requests = self.proxy.requests();
        let new = requests[self.taken..].iter();
        let actions = new.flat_map(|(target, body)| {
            let operation = target.replace("DynamoDB_20120810.", "");
            let body = serde_json::from_slice(body).unwrap();
            policy::writes(&operation, &body)
        });
        let actions = actions.map(|(operation, _)| format!("dynamodb:{operation}"));
        let actions = actions.collect();
        self.taken = requests.len();
        actions
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_actions_of_each_command_are_those_that_it_uses() {
    let mut documented = documented();
    let mut recorder = Recorder::start().await;
    let tool = recorder.tool(&["--table", recorder.table.name()]);
    let tool = tool.and(&[("COUNTER_KEY_SECRET_ID", "CounterKeys")]);
    let line = json!({"email": "joe@example.com", "password_hash": HASHES[0]}).to_string();
    let session = "AAECAwQFBgcICQoLDA0ODw";
    for (command, arguments, input) in [
        ("user add", &["user", "add", JANE][..], PASSWORD),
        (
            "user import --dry-run",
            &["user", "import", "--dry-run", "-"],
            &line,
        ),
        ("user import", &["user", "import", "-"], &line),
        ("user show", &["user", "show", JANE], ""),
        ("user list", &["user", "list"], ""),
        ("user export", &["user", "export"], ""),
        ("user enable", &["user", "enable", JANE], ""),
        ("user password", &["user", "password", JANE], PASSWORD),
        ("user roles", &["user", "roles", JANE, "--none"], ""),
        ("session revoke", &["session", "revoke", JANE], ""),
        ("user disable", &["user", "disable", JANE], ""),
        ("user delete --yes", &["user", "delete", JANE, "--yes"], ""),
    ] {
        tool.succeed(arguments, input);
        let expected = documented.remove(command);
        assert_eq!(Some(recorder.take()), expected, "{command}");
    }
    assert!(recorder.manager.requested().is_empty());

    // These need a live session.
    tool.succeed(&["user", "add", JANE], PASSWORD);
    let store = recorder.table.store().await;
    start_session(&store, session).await;
    let _ = recorder.take();
    for (command, arguments) in [
        ("session list", &["session", "list", JANE][..]),
        (
            "session revoke --session",
            &["session", "revoke", JANE, "--session", session],
        ),
    ] {
        assert!(!tool.text(arguments, "").is_empty(), "{command}");
        let expected = documented.remove(command);
        assert_eq!(Some(recorder.take()), expected, "{command}");
    }

    for (command, email) in [
        ("attempts show", JANE),
        ("attempts clear", JANE),
        ("user unlock", JANE),
        ("user invite", "ann@example.com"),
    ] {
        let words: Vec<&str> = command.split(' ').chain([email]).collect();
        tool.succeed(&words, "");
        let mut actions = recorder.take();
        assert_eq!(recorder.manager.requested().len(), 1, "of one secret");
        actions.insert("secretsmanager:GetSecretValue".into());
        assert_eq!(Some(actions), documented.remove(command), "{command}");
    }

    check_keys(&mut recorder, &mut documented).await;

    // With a prompt.
    let mut terminal = tool.start_on_terminal(&["user", "delete", JANE]);
    terminal.wait_for("[y/N] ");
    terminal.type_line("y");
    assert_eq!(terminal.finish().0, 0);
    let mut expected = documented.remove("user delete").unwrap();
    expected.extend(documented.remove("--table").unwrap());
    assert_eq!(recorder.take(), expected, "user delete");

    assert!(recorder.stack.callers().is_empty());
    let tool = recorder.tool(&["--stack", "sign-in"]);
    let _ = tool.run(&["doctor"], "");
    let mut actions = recorder.take();
    assert_eq!(recorder.manager.requested().len(), 3);
    actions.insert("secretsmanager:GetSecretValue".into());
    assert_eq!(Some(actions), documented.remove("doctor"));
    tool.succeed(&["mail", "retry"], "");
    let mut actions = recorder.take();
    assert_eq!(recorder.queue.take().len(), 1, "the invitation");
    actions.insert("sqs:SendMessage".into());
    assert_eq!(Some(actions), documented.remove("mail retry"));
    assert!(!recorder.stack.callers().is_empty());
    let stack = documented.remove("--stack").unwrap();
    assert_eq!(stack, ["cloudformation:DescribeStacks".to_owned()].into());
    assert_eq!(
        documented,
        BTreeMap::new(),
        "commands that the test does not know"
    );
}

/// Checks the commands about keys, whose secret has versions.
async fn check_keys(recorder: &mut Recorder, documented: &mut BTreeMap<String, BTreeSet<String>>) {
    let secrets = VersionedSecrets::serve().await;
    let tool = recorder.tool(&["--table", recorder.table.name()]).and(&[
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", secrets.url()),
        ("JWT_KEYS_SECRET_ID", "JwtKeys"),
        ("JWT_ALGORITHM", "ES256"),
        ("JWT_EXPIRATION", "3600"),
    ]);
    // A key that was stored by hand, without a standby.
    let own = project::read("tests/forge/keys/ed25519.jwk.json");
    secrets.put(&format!(r#"{{"keys":[{own}]}}"#));
    let import = project::root().join("tests/forge/keys/p256.jwk.json");
    let import = import.to_str().unwrap();
    for (command, arguments) in [
        ("keys repair", &["keys", "repair"][..]),
        ("keys rotate", &["keys", "rotate", "--now"]),
        ("keys import", &["keys", "import", import]),
        ("keys revoke", &["keys", "revoke", "KID", "--yes"]),
        ("keys list", &["keys", "list"]),
    ] {
        let standby = &tool.json_lines(&["keys", "list"]);
        let standby = standby.get(1).and_then(|key| key["kid"].as_str());
        let standby = standby.unwrap_or_default().to_owned();
        let called = secrets.calls().len();
        recorder.take();
        let arguments: Vec<&str> = arguments
            .iter()
            .map(|word| if *word == "KID" { &standby } else { *word })
            .collect();
        tool.succeed(&arguments, "");
        let mut actions = recorder.take();
        let calls = secrets.calls();
        actions.extend(
            calls[called..]
                .iter()
                .map(|call| format!("secretsmanager:{call}")),
        );
        assert_eq!(Some(actions), documented.remove(command), "{command}");
    }
}

/// Starts a session of Jane, with this id.
async fn start_session(store: &(impl UserRepository + SessionRepository), id: &str) {
    let jane = store.find_by_email(&email(JANE)).await.unwrap().unwrap();
    let rules = SessionRules::default();
    let session = Session::new(&email(JANE), &jane, &rules, Clock::system().now()).unwrap();
    let id = id.to_owned().try_into().unwrap();
    store
        .start_session(&Session { id, ..session })
        .await
        .unwrap();
}
