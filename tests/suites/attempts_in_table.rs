//! What counted attempts leave in the table.

use bundle_tests::{
    app::{NOW, TestApp},
    dynamodb::DynamoDbLocal,
    flaky::{Failure, Script, flaky},
    forge,
};
use serde_json::json;

/// The table tells nobody who tried to sign in from where.
#[tokio::test]
async fn counters_hold_neither_addresses_nor_emails() {
    let server = DynamoDbLocal::start().await;
    server.add_tutorial_user().await;
    let app = TestApp::on(server.stores().await, &[]);
    let body = json!({"email": "nobody@example.com", "password": "wrong"});
    app.post("login", &body, "198.51.100.7").await;
    let items = server.items().await;
    let counters: Vec<String> = items
        .iter()
        .filter(|item| item["pk"].as_s().unwrap().starts_with("attempts#"))
        .map(|item| format!("{item:?}"))
        .collect();
    assert_eq!(counters.len(), 3);
    for counter in counters {
        assert!(
            !counter.contains("198.51") && !counter.contains("nobody"),
            "{counter}"
        );
        assert!(!counter.contains(forge::SESSION_SECRET), "{counter}");
        let window = NOW - NOW % 900 + 900;
        assert!(counter.contains(&format!("N(\"{window}\")")), "{counter}");
    }
}

/// Attempts that were never settled leave the table with the next one that is.
#[tokio::test]
async fn tickets_that_no_longer_count_are_removed() {
    let server = DynamoDbLocal::start().await;
    server.add_tutorial_user().await;
    let script = Script::default();
    let app = TestApp::on(flaky(server.stores().await, &script), &[]);
    let pending = async || {
        let items = server.items().await;
        items
            .iter()
            .filter(|item| item.contains_key("pending"))
            .count()
    };
    for _ in 0..3 {
        script.fail_from(3, Failure::Before);
        assert!(app.sign_in_from("198.51.100.7").await.is_err());
    }
    script.reset();
    assert_eq!(pending().await, 3);
    app.pass(30);
    assert!(app.sign_in_from("198.51.100.7").await.is_ok());
    assert_eq!(pending().await, 0);
}
