//! The import of users.

use std::{collections::BTreeSet, fmt::Write as _, io::Write as _, time::Duration};

use auth_core::UserDirectory;
use bundle_tests::{authctl::Tool, dynamodb::Table, store::HASHES};
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
    assert_eq!(import(), json!({"added": 0, "existing": 10_000, "bad": 1}));

    let output = tool.text(&["user", "list"], "");
    let addresses = output.lines().filter_map(|line| line.split('\t').next());
    let listed: BTreeSet<&str> = addresses.collect();
    assert_eq!((output.lines().count(), listed.len()), (10_000, 10_000));
}
