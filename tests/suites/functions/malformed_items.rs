//! Items that no version of the bundle has written are a 500 of the functions that read them.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use aws_sdk_dynamodb::types::AttributeValue;
use bundle_tests::{
    client::Client,
    dynamodb::Table,
    events, functions,
    process::Process,
    store::{HASHES, session_id, start_forged_session, tutorial_user},
};

type Item = HashMap<String, AttributeValue>;

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.into())
}

/// The functions that read password hashes.
const HASH_READERS: [&str; 1] = ["login"];

#[tokio::test]
async fn a_user_who_is_neither_disabled_nor_enabled_is_a_500() {
    check_user(
        |_| true,
        |item| {
            item.remove("disabled");
        },
    )
    .await;
}

#[tokio::test]
async fn a_user_whose_roles_are_not_a_list_is_a_500() {
    check_user(
        |_| true,
        |item| {
            item.insert("roles".into(), text("Admin"));
        },
    )
    .await;
}

#[tokio::test]
async fn a_user_with_an_empty_password_hash_is_a_500() {
    check_user(
        |function| HASH_READERS.contains(&function),
        |item| {
            item.insert("password_hash".into(), text(""));
        },
    )
    .await;
}

#[tokio::test]
async fn a_user_whose_password_hash_costs_too_much_is_a_500() {
    let costly = HASHES[1].replace("m=19456", "m=4000000");
    check_user(
        |function| HASH_READERS.contains(&function),
        |item| {
            item.insert("password_hash".into(), text(&costly));
        },
    )
    .await;
}

/// Returns the roles of the tutorial's user as the table has them.
async fn roles() -> AttributeValue {
    let roles = tutorial_user().await.user.roles.into_iter();
    let roles = roles.map(|role| {
        let permissions = role.permissions.iter().map(|one| text(one)).collect();
        AttributeValue::M(HashMap::from([
            ("id".to_owned(), text(&role.id)),
            ("name".to_owned(), text(&role.name)),
            ("description".to_owned(), text(&role.description)),
            ("permissions".to_owned(), AttributeValue::L(permissions)),
        ]))
    });
    AttributeValue::L(roles.collect())
}

/// Checks that a malformed user is a logged 500 for the functions that read what is wrong, at once however
/// much work the item asks for. It must not look like a wrong password. Other functions respond with 200.
async fn check_user(reads: impl Fn(&str) -> bool, damage: impl FnOnce(&mut Item)) {
    let mut item: Item = [
        ("pk", text("user#john.doe@leapify.tech")),
        ("id", text("1")),
        ("email", text("john.doe@leapify.tech")),
        ("disabled", AttributeValue::Bool(false)),
        ("roles", roles().await),
        ("password_hash", text(HASHES[1])),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    damage(&mut item);
    let table = Table::new().await;
    table.put(item).await;
    start_forged_session(&table.store().await).await;
    for name in functions::with_routes_that_read_users() {
        let function = Process::start(name, &table.environment_with_keys()).await;
        let begin = Instant::now();
        let reply = function.send(&events::success(name)).await;
        assert!(begin.elapsed() < Duration::from_secs(3), "{name}");
        if !reads(name) {
            assert_eq!(reply.status(), 200, "{name}: {reply:?}");
            continue;
        }
        assert_eq!(reply.status(), 500, "{name}: {reply:?}");
        assert_eq!(reply.detail(), "Internal Server Error");
        assert_eq!(reply.header("www-authenticate"), None);
        let logs = function.logs();
        assert!(logs.contains("a stored item cannot be read"), "{logs}");
        assert!(!logs.contains("$argon2id"), "{logs}");
    }
}

#[tokio::test]
async fn a_malformed_session_is_a_500() {
    let table = Table::with_tutorial_user().await;
    let login = Process::start("login", &table.environment_with_keys()).await;
    let token = login.sign_in().await.refresh;
    let key = text(&format!("session#{}", session_id(&token)));
    let update = table.client().update_item().table_name(table.name());
    let update = update
        .key("pk", key)
        .update_expression("REMOVE user_version");
    update.send().await.unwrap();
    assert_eq!(login.refresh(&token).await.unwrap_err().0, 500);
    assert!(login.logs().contains("a stored item cannot be read"));
}
