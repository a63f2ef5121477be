//! The keys of access tokens: listed, rotated, revoked, repaired and imported, on a file, a table and a stack.

use std::fs;

use auth_core::{Clock, FileStore, PublishedKeyRepository, UnixTime};
use bundle_tests::{
    authctl::Tool, dynamodb::Table, project, stack::Stack, store::TemporaryFileStore,
    versioned_secrets::VersionedSecrets,
};
use serde_json::Value;

/// A private key that the tests import.
const OWN_KEY: &str = "tests/forge/keys/p256.jwk.json";

/// Returns the kids in one state, in the order of `keys list`.
fn kids(tool: &Tool, state: &str) -> Vec<String> {
    let keys = tool.json_lines(&["keys", "list"]);
    let keys = keys.iter().filter(|key| key["state"] == state);
    keys.map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

/// Returns the tool on a table, with a secret.
fn on_table(table: &Table, secrets: &VersionedSecrets, algorithm: &str) -> Tool {
    Tool::on(table).and(&[
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", secrets.url()),
        ("JWT_KEYS_SECRET_ID", "JwtKeys"),
        ("JWT_ALGORITHM", algorithm),
        ("JWT_EXPIRATION", "3600"),
    ])
}

/// Returns the tool on a stack with a table, a secret and these parameters.
async fn on_stack(table: &Table, secrets: &VersionedSecrets, parameters: &[(&str, &str)]) -> Tool {
    let outputs = [("TableName", table.name()), ("JwtKeysSecretId", "JwtKeys")];
    let stack = Stack::serve_with(&outputs, parameters).await;
    let mut environment = table.environment();
    environment.retain(|(name, _)| name.starts_with("AWS_"));
    Tool::with(&["--stack", "sign-in"], &environment).and(&[
        ("AWS_ENDPOINT_URL_CLOUDFORMATION", stack.url()),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", secrets.url()),
        // Those of another store.
        ("JWT_ALGORITHM", "HS256"),
    ])
}

/// Creates, rotates, imports and revokes keys.
fn use_keys(tool: &Tool) {
    create_keys(tool);
    let [retired, active] = rotate(tool);
    import(tool);
    revoke(tool, [&retired, &active]);
}

fn create_keys(tool: &Tool) {
    let (code, output, error) = tool.run(&["keys", "list"], "");
    assert_eq!((code, &*output), (0, ""));
    assert!(error.contains("there are no keys"), "{error}");
    let (code, _, error) = tool.run(&["keys", "rotate"], "");
    assert_eq!(code, 4, "{error}");
    assert!(error.contains("keys repair"), "{error}");

    tool.succeed(&["keys", "repair"], "");
    let first = kids(tool, "signs");
    assert_eq!((first.len(), kids(tool, "next").len()), (1, 1));
    tool.succeed(&["keys", "repair"], "");
    assert_eq!(kids(tool, "signs"), first);
}

/// Returns the key that no longer signs and the one that signs.
fn rotate(tool: &Tool) -> [String; 2] {
    let (first, second) = (kids(tool, "signs"), kids(tool, "next"));
    let (code, _, error) = tool.run(&["keys", "rotate"], "");
    assert_eq!(code, 1, "{error}");
    assert!(error.contains("at once with --now"), "{error}");
    assert_eq!(kids(tool, "signs"), first);
    tool.succeed(&["keys", "rotate", "--now"], "");
    assert_eq!(kids(tool, "signs"), second);
    assert_eq!(kids(tool, "verifies"), first);
    let (code, _, error) = tool.run(&["keys", "rotate"], "");
    assert_eq!(code, 1, "twice within three hours: {error}");
    [first, second].map(|mut kids| kids.remove(0))
}

fn import(tool: &Tool) {
    let dropped = kids(tool, "next");
    let own = project::root().join(OWN_KEY);
    tool.succeed(&["keys", "import", own.to_str().unwrap()], "");
    let imported = kids(tool, "next");
    tool.succeed(&["keys", "import", own.to_str().unwrap()], "");
    assert_eq!(kids(tool, "next"), imported, "it is the next one already");
    // What was public stays public until its time ends.
    assert!(kids(tool, "verifies").contains(&dropped[0]));
}

/// Revokes the key that no longer signs, then the one that signs.
fn revoke(tool: &Tool, victims: [&str; 2]) {
    let (next, mut others) = (kids(tool, "next"), kids(tool, "verifies"));
    let (code, _, error) = tool.run(&["keys", "revoke", victims[0]], "");
    assert_eq!(code, 8, "no terminal: {error}");
    for kid in victims {
        tool.succeed(&["keys", "revoke", kid, "--yes"], "");
        tool.succeed(&["keys", "revoke", kid, "--yes"], "");
    }
    assert_eq!(kids(tool, "signs"), next);
    assert_eq!(kids(tool, "next").len(), 1);
    others.retain(|kid| kid != victims[0]);
    assert_eq!(kids(tool, "verifies"), others);
    assert_eq!(kids(tool, "revoked").len(), 2);
    let (code, _, error) = tool.run(&["keys", "revoke", "unknown", "--yes"], "");
    assert_eq!(code, 4, "{error}");
}

#[test]
fn keys_are_changed_in_a_file() {
    let store = TemporaryFileStore::new();
    use_keys(&Tool::on_file(store.path()).and(&[("JWT_ALGORITHM", "ES256")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_changed_in_a_table_and_a_secret() {
    let (table, secrets) = (Table::new().await, VersionedSecrets::serve().await);
    use_keys(&on_table(&table, &secrets, "ES256"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keys_of_a_stack_have_the_algorithm_and_the_lifetime_of_its_parameters() {
    let (table, secrets) = (Table::new().await, VersionedSecrets::serve().await);
    let parameters = [("JwtAlgorithm", "ES256"), ("JwtExpiration", "60")];
    let tool = on_stack(&table, &secrets, &parameters).await;
    use_keys(&tool);
    tool.succeed(&["keys", "rotate", "--now"], "");
    let keys = tool.json_lines(&["keys", "list"]);
    assert_eq!(keys[0]["algorithm"], "ES256");
    let retired = keys.iter().find(|key| key["state"] == "verifies").unwrap();
    let until = retired["until"].as_u64().unwrap();
    let expected = Clock::system().now().as_secs() + 60 + 25 * 3600;
    assert!(until.abs_diff(expected) < 60, "{until} {expected}");
}

/// The stack is of an earlier version, whose functions know no standby.
#[tokio::test(flavor = "multi_thread")]
async fn a_stack_without_the_parameter_of_the_algorithm_is_refused_and_not_changed() {
    let (table, secrets) = (Table::new().await, VersionedSecrets::serve().await);
    let tool = on_stack(&table, &secrets, &[("JwtExpiration", "60")]).await;
    let own = project::root().join(OWN_KEY);
    for command in [
        &["list"][..],
        &["rotate", "--now"],
        &["revoke", "kid", "--yes"],
        &["repair"],
        &["import", own.to_str().unwrap()],
    ] {
        let (code, output, error) = tool.run(&[&["keys"][..], command].concat(), "");
        assert_eq!((code, &*output), (1, ""), "{error}");
        let expected = "the stack has no parameter JwtAlgorithm, so its keys are those of an earlier version: deploy \
                        it first";
        assert!(error.contains(expected), "{error}");
    }
    assert_eq!(secrets.calls(), [""; 0]);
    let published = table.store().await.load_published().await.unwrap();
    assert_eq!(published.contents, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_says_since_when_and_until_when() {
    let (table, secrets) = (Table::new().await, VersionedSecrets::serve().await);
    let tool = on_table(&table, &secrets, "EdDSA");
    tool.succeed(&["keys", "repair"], "");
    tool.succeed(&["keys", "rotate", "--now"], "");
    let keys = tool.json_lines(&["keys", "list"]);
    let now = Clock::system().now().as_secs();
    let is_recent = |time: &Value| time.as_u64().is_some_and(|time| time.abs_diff(now) < 60);
    for (key, state, signs) in [
        (&keys[0], "signs", true),
        (&keys[1], "next", false),
        (&keys[2], "verifies", false),
    ] {
        assert_eq!(key["state"], state);
        assert_eq!(is_recent(&key["signs_since"]), signs, "{key}");
        assert!(is_recent(&key["public_since"]), "{key}");
        assert_eq!(key["until"].is_null(), state != "verifies", "{key}");
    }
    let text = tool.text(&["keys", "list"], "");
    let fields: Vec<&str> = text.lines().next().unwrap().split('\t').collect();
    assert_eq!(fields.len(), 6, "{text}");
    assert_eq!(fields[1..3], ["EdDSA", "signs"]);
    let ring: Value = serde_json::from_str(&secrets.current().unwrap()).unwrap();
    for key in ring["keys"].as_array().unwrap() {
        assert!(!text.contains(key["d"].as_str().unwrap()), "{text}");
    }
}

/// Generating an RSA key takes long enough for two runs to overlap; whatever they do, one of them succeeds.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_operators_at_once_one_succeeds_and_the_other_gets_an_error() {
    let (table, secrets) = (Table::new().await, VersionedSecrets::serve().await);
    let tool = on_table(&table, &secrets, "RS256");
    tool.succeed(&["keys", "repair"], "");
    for _ in 0..20 {
        let runs = [(); 2].map(|()| tool.start(&["keys", "rotate", "--now"], ""));
        let outputs = runs.map(|run| run.wait_with_output().unwrap());
        let codes = outputs
            .each_ref()
            .map(|output| output.status.code().unwrap());
        assert!(codes.contains(&0), "{outputs:?}");
        assert_eq!(
            (kids(&tool, "signs").len(), kids(&tool, "next").len()),
            (1, 1)
        );
        if let Some(loser) = codes.iter().position(|code| *code != 0) {
            assert_eq!(codes[loser], 9, "{outputs:?}");
            let error = String::from_utf8_lossy(&outputs[loser].stderr);
            assert!(
                error.contains("another run changed the keys at the same time"),
                "{error}"
            );
            return;
        }
    }
    panic!("no two runs overlapped");
}

/// Revokes a key and answers the question. Returns the exit code, and what is on the screen without its line breaks.
fn revoke_on_terminal(tool: &Tool, kid: &str, question: &str, answer: &str) -> (i32, String) {
    let mut terminal = tool.start_on_terminal(&["keys", "revoke", kid]);
    terminal.wait_for(question);
    terminal.type_line(answer);
    let (code, screen) = terminal.finish();
    let words: Vec<&str> = screen.split_whitespace().collect();
    (code, words.join(" "))
}

#[test]
fn a_revocation_says_what_it_breaks_before_it_asks() {
    let store = TemporaryFileStore::new();
    let tool = Tool::on_file(store.path()).and(&[("JWT_ALGORITHM", "EdDSA")]);
    tool.succeed(&["keys", "repair"], "");
    tool.succeed(&["keys", "rotate", "--now"], "");
    for (state, answer, code, parts) in [
        (
            "next",
            "n",
            8,
            &["has never signed", "not confirmed: nothing was changed"][..],
        ),
        ("verifies", "n", 8, &["no longer signs", "until 20"]),
        (
            "signs",
            "y",
            0,
            &[
                "after 15 minutes",
                "two hours",
                "signs now",
                "for only 0 minutes",
            ],
        ),
    ] {
        let kid = kids(&tool, state).remove(0);
        let question = format!("Revoke {kid} in file {}? [y/N] ", store.path());
        let (actual, screen) = revoke_on_terminal(&tool, &kid, &question, answer);
        assert_eq!(actual, code, "{screen}");
        for part in parts {
            assert!(screen.contains(part), "{part}: {screen}");
        }
        assert_eq!(kids(&tool, "revoked").contains(&kid), code == 0);
    }
}

#[test]
fn a_revocation_of_an_unknown_key_does_not_ask() {
    let store = TemporaryFileStore::new();
    let tool = Tool::on_file(store.path()).and(&[("JWT_ALGORITHM", "EdDSA")]);
    tool.succeed(&["keys", "repair"], "");
    let terminal = tool.start_on_terminal(&["keys", "revoke", "unknown"]);
    let (code, screen) = terminal.finish();
    assert_eq!(code, 4, "{screen}");
    assert!(!screen.contains("[y/N]"), "{screen}");
}

/// A table that was restored to before a rotation and a revocation.
#[tokio::test]
async fn a_repair_publishes_what_a_restored_table_lacks() {
    let file = TemporaryFileStore::new();
    let tool = Tool::on_file(file.path()).and(&[("JWT_ALGORITHM", "EdDSA")]);
    tool.succeed(&["keys", "repair"], "");
    let store = FileStore::open(file.path()).unwrap();
    let old = store.load_published().await.unwrap().contents.unwrap();
    let first = kids(&tool, "signs").remove(0);
    tool.succeed(&["keys", "rotate", "--now"], "");
    tool.succeed(&["keys", "revoke", &first, "--yes"], "");
    let version = store.load_published().await.unwrap().version;
    let restored = store.replace_published(version.as_deref(), &old).await;
    assert!(restored.unwrap());

    tool.succeed(&["keys", "repair"], "");
    let keys = store.load_published().await.unwrap().contents.unwrap();
    let usable: Vec<&str> = keys
        .usable(UnixTime::from_secs(1))
        .map(|key| key.jwk().kid())
        .collect();
    let expected = [kids(&tool, "signs"), kids(&tool, "next")].concat();
    assert_eq!(usable, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_names_no_key_or_no_secret_is_rejected() {
    let table = Table::new().await;
    let (code, _, error) = Tool::on(&table).run(&["keys", "list"], "");
    assert_eq!(code, 2, "{error}");
    assert!(error.contains("JWT_KEYS_SECRET_ID"), "{error}");

    let file = TemporaryFileStore::new();
    let tool = Tool::on_file(file.path());
    for (variable, value) in [("JWT_ALGORITHM", "HS256"), ("JWT_EXPIRATION", "0")] {
        let (code, _, error) = Tool::on_file(file.path())
            .and(&[(variable, value)])
            .run(&["keys", "list"], "");
        assert_eq!(code, 1, "{error}");
        assert!(error.contains(variable), "{error}");
    }
    tool.succeed(&["keys", "repair"], "");
    assert_eq!(tool.json_lines(&["keys", "list"])[0]["algorithm"], "RS256");
    let secret = format!("{}.secret", file.path());
    fs::write(
        &secret,
        r#"{"kty":"oct","k":"a3EzbVo4dlQxd1l4UDVuQjdjUjJkRjZnSDlqTDRzQTA"}"#,
    )
    .unwrap();
    let (code, _, error) = tool.run(&["keys", "import", &secret], "");
    assert_eq!(code, 1, "{error}");
    assert!(error.contains("cannot be published"), "{error}");
    assert!(!error.contains("a3Ez"), "{error}");
    let (code, _, error) = tool.run(&["keys", "import", "/nowhere.json"], "");
    assert_eq!(code, 1, "{error}");
}
