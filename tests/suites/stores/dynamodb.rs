//! What only `DynamoDB` can show: the items of the table, lost responses, and items that the bundle did not
//! write.

use auth_core::{
    CredentialRepository, DirectoryError, RepositoryError, UnixTime, UserDirectory, UserRepository,
};
use aws_sdk_dynamodb::types::AttributeValue;
use bundle_tests::{
    app::{App, NOW},
    client::Client,
    dynamodb::Table,
    fault_proxy::{Fault, FaultProxy},
    flaky::{Failure, FlakyStore, Script},
    store::{email, find_with_password, hash, user},
};
use serde_json::json;

type Item = std::collections::HashMap<String, AttributeValue>;

/// The table does not reveal who tried to log in from where.
#[tokio::test]
async fn counters_contain_neither_addresses_nor_emails() {
    let table = Table::with_tutorial_user().await;
    let app = App::on(table.store().await, &[]);
    let body = json!({"email": "unknown@example.com", "password": "wrong"});
    app.post("login", &body, "198.51.100.7").await;
    let (day_ends, window_ends) = (NOW - NOW % 86_400 + 86_400, NOW - NOW % 900 + 900);
    for (kind, ends) in [("attempts#", day_ends), ("network#", window_ends)] {
        let items = table.items().await.into_iter();
        let of_kind = |item: &Item| item["pk"].as_s().unwrap().starts_with(kind);
        let items: Vec<String> = items
            .filter(of_kind)
            .map(|item| format!("{item:?}"))
            .collect();
        let [item] = &items[..] else {
            panic!("{items:?}");
        };
        for secret in ["198.51", "unknown", forge::COUNTER_SECRET] {
            assert!(!item.contains(secret), "{item}");
        }
        assert!(item.contains(&format!("N(\"{ends}\")")), "{item}");
    }
}

/// When an attempt is settled, the expired tickets of its counter and the sources of earlier windows are removed.
#[tokio::test]
async fn what_no_longer_counts_is_removed() {
    let table = Table::with_tutorial_user().await;
    let script = Script::default();
    let app = App::on(FlakyStore::new(table.store().await, &script), &[]);
    let counter = async || {
        let items = table.items().await.into_iter();
        let mut counters = items.filter(|item| item["pk"].as_s().unwrap().starts_with("attempts#"));
        let counter = counters.next().unwrap();
        let sources = counter.keys().filter(|name| name.len() == 5).count();
        (
            counter
                .get("tickets")
                .map_or(0, |tickets| tickets.as_ss().unwrap().len()),
            sources,
        )
    };
    let wrong = json!({"email": "john.doe@leapify.tech", "password": "wrong"});
    Box::pin(app.post("login", &wrong, "198.51.100.8")).await;
    for _ in 0..3 {
        // The reservation succeeds, and everything after it fails.
        script.fail_from(1, Failure::Before);
        assert!(Box::pin(app.sign_in_from("198.51.100.7")).await.is_err());
    }
    script.reset();
    assert_eq!(counter().await, (3, 1));
    app.pass(900);
    assert!(Box::pin(app.sign_in_from("198.51.100.7")).await.is_ok());
    assert_eq!(counter().await, (0, 0));
}

/// A table behind a proxy, with the user `jane@example.com`.
async fn with_proxy() -> (FaultProxy, auth_aws::DynamoDbStore) {
    let table = Table::new().await;
    let proxy = FaultProxy::start(table.url()).await;
    let store = table.behind(proxy.url()).function_store().await;
    let jane = user("1", "jane@example.com");
    store.add_user(&jane).await.unwrap();
    (proxy, store)
}

/// The SDK retries a write whose response was lost; the retry must not be mistaken for another caller.
#[tokio::test]
async fn adding_a_user_succeeds_although_the_first_response_is_lost() {
    let (proxy, store) = with_proxy().await;
    proxy.set(Fault::CutNextResponse);
    let joe = user("2", "joe@example.com");
    store.add_user(&joe).await.unwrap();
    let found = store.find_by_email(&email("joe@example.com")).await;
    assert_eq!(found.unwrap().unwrap().id, "2");
}

#[tokio::test]
async fn replacing_a_hash_succeeds_although_the_first_response_is_lost() {
    let (proxy, store) = with_proxy().await;
    let jane = email("jane@example.com");
    proxy.set(Fault::CutNextResponse);
    let replaced = store.replace_password_hash(&jane, &hash(0), &hash(1)).await;
    assert!(replaced.unwrap());
    let found = find_with_password(&store, &jane).await.unwrap().unwrap();
    assert_eq!(found.password_hash, hash(1));
}

#[tokio::test]
async fn deleting_a_user_succeeds_although_the_first_response_is_lost() {
    let (proxy, store) = with_proxy().await;
    let jane = email("jane@example.com");
    proxy.set(Fault::CutNextResponse);
    let deleted = store.delete_user(&jane, UnixTime::from_secs(NOW)).await;
    deleted.unwrap();
    assert_eq!(store.find_by_email(&jane).await.unwrap(), None);
}

#[tokio::test]
async fn an_empty_200_is_not_a_response_of_dynamodb() {
    let (proxy, store) = with_proxy().await;
    let jane = email("jane@example.com");
    proxy.set(Fault::EmptyResponse);
    let added = store.add_user(&user("2", "joe@example.com")).await;
    assert!(matches!(added, Err(DirectoryError::Repository(_))));
    assert!(store.list_users(None).await.is_err());
    assert!(store.find_by_email(&jane).await.is_err());
    let replaced = store.replace_password_hash(&jane, &hash(0), &hash(1)).await;
    assert!(replaced.is_err());
}

#[tokio::test]
async fn an_item_that_is_not_a_user_is_an_error_and_not_an_unknown_user() {
    let table = Table::new().await;
    let store = table.store().await;
    let key = AttributeValue::S("user#broken@example.com".into());
    table.put([("pk".to_owned(), key)].into()).await;
    let broken = email("broken@example.com");
    let found = store.find_by_email(&broken).await;
    assert!(matches!(found, Err(RepositoryError::Malformed(_))));
    let found = find_with_password(&store, &broken).await;
    assert!(matches!(found, Err(RepositoryError::Malformed(_))));
    let Err(RepositoryError::Malformed(what)) = store.list_users(None).await else {
        panic!("the item is listed");
    };
    assert!(what.starts_with("user#broken@example.com: "), "{what}");
}
