//! The import of users.

use std::{collections::BTreeSet, fmt::Write as _, io::Write as _, time::Duration};

use auth_core::{UserDirectory, UserRepository};
use bundle_tests::{
    authctl::Tool,
    dynamodb::Table,
    fault_proxy::{Fault, FaultProxy},
    store::{HASHES, email},
};
use serde_json::{Value, json};

/// 10,000 users: an import is killed halfway, repeated, and repeated again. Each time, a bad line is reported
/// by its number. The list prints each user once.
#[tokio::test]
async fn an_interrupted_import_is_completed_by_the_next_one_and_adds_no_user_twice() {
    let table = Table::new().await;
    let (tool, store) = (Tool::on(&table), table.store().await);
    let mut text = String::from("{\"email\": \"unknown\"}\n");
    for i in 0..10_000 {
        let email = format!("u{i}@example.com");
        let user = json!({"email": email, "password_hash": HASHES[i % 2], "id": i.to_string()});
        writeln!(text, "{user}").unwrap();
    }
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let path = file.path().to_str().unwrap();

    let mut interrupted = tool.start(&["user", "import", path], "");
    while store.list_users(None).await.unwrap().users.is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    interrupted.kill().unwrap();
    interrupted.wait().unwrap();

    let import = || {
        let (code, output, error) = tool.run(&["--json", "user", "import", path], "");
        assert_eq!(code, 5, "{error}");
        let reason = "line 1: email is not an email address";
        assert!(error.contains(reason), "{error}");
        serde_json::from_str::<Value>(&output).unwrap()
    };
    let second = import();
    println!("after an interruption: {second}");
    let count = |member: &str| second[member].as_u64().unwrap();
    assert!(count("added") > 0 && count("existing") > 0, "{second}");
    assert_eq!(count("added") + count("existing"), 10_000);
    let nothing = json!({"added": 0, "existing": 10_000, "bad": 1, "dry_run": false});
    assert_eq!(import(), nothing);

    let output = tool.text(&["user", "list"], "");
    let addresses = output.lines().filter_map(|line| line.split('\t').next());
    let listed: BTreeSet<&str> = addresses.collect();
    assert_eq!((output.lines().count(), listed.len()), (10_000, 10_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_reports_each_line_that_would_not_be_added_and_writes_nothing() {
    let table = Table::new().await;
    let proxy = FaultProxy::start(table.url()).await;
    let tool = Tool::on(&table.behind(proxy.url()));
    let user = |email: &str| json!({"email": email, "password_hash": HASHES[0]}).to_string();
    tool.succeed(&["user", "import", "-"], &user("a@example.com"));
    let before = (table.items().await, proxy.requests().len());
    let lines = [
        user("A@example.com"),
        user("b@example.com"),
        "{\"email\": \"c@example.com\"}".into(),
        user("B@example.com"),
        user("d@example.com"),
    ];
    let dry_run = ["--json", "user", "import", "--dry-run", "-"];
    let (code, output, error) = tool.run(&dry_run, &lines.join("\n"));
    assert_eq!(code, 5, "{error}");
    let report: Value = serde_json::from_str(&output).unwrap();
    assert_eq!(
        report,
        json!({"added": 2, "existing": 2, "bad": 1, "dry_run": true})
    );
    for reason in [
        "line 1: A@example.com already exists",
        "line 3: password_hash is missing",
        "line 4: the address is already in line 2",
        "authctl: bad lines skipped: 1",
    ] {
        assert!(error.lines().any(|line| line == reason), "{error}");
    }
    assert_eq!(error.lines().count(), 4, "{error}");
    let calls = proxy.requests().into_iter().skip(before.1);
    let calls: BTreeSet<String> = calls.map(|(call, _)| call).collect();
    assert_eq!(calls, ["DynamoDB_20120810.GetItem".to_owned()].into());
    assert_eq!(table.items().await, before.0);
}

/// Writes are simultaneous, so without a check in the tool the second line would be faster.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_lines_with_one_address_the_earlier_one_is_imported() {
    let table = Table::new().await;
    let proxy = FaultProxy::start(table.url()).await;
    proxy.set(Fault::DelayWritesWith("FIRST", Duration::from_secs(1)));
    let lines = [("FIRST", HASHES[0]), ("SECOND", HASHES[1])]
        .map(|(id, hash)| json!({"email": "a@b.c", "password_hash": hash, "id": id}).to_string());
    let tool = Tool::on(&table.behind(proxy.url()));
    let report = tool.text(&["user", "import", "-"], &lines.join("\n"));
    assert_eq!(report, "1\t1\t0\n");
    let found = table.store().await.find_by_email(&email("a@b.c")).await;
    assert_eq!(found.unwrap().unwrap().id, "FIRST");
}
