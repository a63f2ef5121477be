//! `authctl user import` on a table of DynamoDB Local.

use std::{collections::BTreeSet, fmt::Write as _, io::Write as _, time::Duration};

use auth_core::UserDirectory;
use bundle_tests::{authctl::Tool, dynamodb::DynamoDbLocal, repository_suite::HASHES};
use serde_json::{Value, json};

/// 10,000 users: an import is killed halfway, run again, and run once more; a bad line is told by its
/// number each time. The list prints each user once.
#[tokio::test]
async fn an_import_that_broke_is_finished_by_the_next_and_doubles_nobody() {
    let server = DynamoDbLocal::start().await;
    let tool = Tool::on(&server);
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
