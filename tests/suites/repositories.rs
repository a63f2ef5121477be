//! The repositories: one suite for the one in memory and the one in DynamoDB, and what only a store
//! of its own can hold.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use auth_core::{
    CredentialRepository, DirectoryError, Email, InMemoryUserRepository, RepositoryError,
    UserDirectory, UserRepository,
};
use aws_sdk_dynamodb::types::AttributeValue;
use bundle_tests::{
    binaries::{Function, release},
    dynamodb::{self, DynamoDbLocal, TABLE},
    events,
    fault_proxy::{Fault, FaultProxy},
    repository_suite::{self as suite, HASHES, Users, user},
};

async fn pass_the_suite(users: &impl Users) {
    suite::a_user_is_found_as_added(users).await;
    suite::a_second_user_of_an_address_is_refused(users).await;
    suite::of_several_who_add_an_address_at_once_one_does(users).await;
    suite::a_change_changes_one_thing(users).await;
    suite::a_deleted_user_is_gone(users).await;
    suite::a_hash_is_replaced_unless_there_is_a_newer_one(users).await;
    suite::many_users_are_added_listed_and_read_back(users, 10_000).await;
}

#[tokio::test]
async fn the_repository_in_memory_passes_the_suite() {
    pass_the_suite(&InMemoryUserRepository::default()).await;
}

#[tokio::test]
async fn the_repository_in_dynamodb_passes_the_suite() {
    // A build of the binaries beside it would starve the server.
    let _ = release("login");
    let server = DynamoDbLocal::start().await;
    // Items of other kinds share the table, and are no users.
    let put = server.client().put_item().table_name(TABLE);
    let put = put.item("pk", AttributeValue::S("session#1".into()));
    put.send().await.unwrap();
    pass_the_suite(&server.users().await).await;
}

/// The SDK repeats a write whose answer was lost; the repetition must not be taken for a rival.
#[tokio::test]
async fn a_write_whose_answer_is_lost_is_done_once_and_said_to_be_done() {
    let server = DynamoDbLocal::start().await;
    let proxy = FaultProxy::start(&server.url()).await;
    let users = dynamodb::users(proxy.url()).await;
    let email = Email::parse("jane@example.com").unwrap();

    proxy.set(Fault::CutNextAnswer);
    users.add(&user("1", "jane@example.com")).await.unwrap();
    assert_eq!(users.find_by_email(&email).await.unwrap().unwrap().id, "1");

    let [old, new] = HASHES.map(|text| auth_core::PasswordHash::parse(text).unwrap());
    proxy.set(Fault::CutNextAnswer);
    assert!(
        users
            .replace_password_hash(&email, &old, &new)
            .await
            .unwrap()
    );
    let found = users.find_with_password(&email).await.unwrap().unwrap();
    assert_eq!(found.password_hash, new);

    // An empty 200 is not an answer of DynamoDB, and not believed.
    proxy.set(Fault::EmptyAnswer);
    let added = users.add(&user("2", "joe@example.com")).await;
    assert!(matches!(added, Err(DirectoryError::Repository(_))));
    assert!(users.page(None).await.is_err());
    assert!(
        users
            .replace_password_hash(&email, &new, &old)
            .await
            .is_err()
    );

    // A delete has nothing to recognise itself by: it is not repeated, and says that it cannot tell.
    proxy.set(Fault::CutNextAnswer);
    let deleted = users.delete(&email).await;
    assert!(matches!(
        deleted,
        Err(DirectoryError::Repository(RepositoryError::Unavailable(_)))
    ));
    assert_eq!(users.find_by_email(&email).await.unwrap(), None);
}

/// Rows that no version of the bundle has written, and the functions that have to read what is wrong.
fn rows() -> [(
    &'static str,
    HashMap<String, AttributeValue>,
    &'static [&'static str],
); 4] {
    let text = |text: &str| AttributeValue::S(text.into());
    let row: HashMap<String, AttributeValue> = [
        ("pk", text("user#john.doe@leapify.tech")),
        ("id", text("1")),
        ("email", text("john.doe@leapify.tech")),
        ("disabled", AttributeValue::Bool(false)),
        ("roles", AttributeValue::L(vec![])),
        ("password_hash", text(HASHES[1])),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    let with = |name: &str, value: AttributeValue| {
        let mut row = row.clone();
        row.insert(name.to_owned(), value);
        row
    };
    let mut not_said = row.clone();
    not_said.remove("disabled");
    let costly = HASHES[1].replace("m=19456", "m=4000000");
    [
        ("whether disabled", not_said, &["login", "me"]),
        ("roles", with("roles", text("Admin")), &["login", "me"]),
        ("hash", with("password_hash", text("")), &["login"]),
        ("cost", with("password_hash", text(&costly)), &["login"]),
    ]
}

/// A mistake in the table is nobody's wrong password: a 500 that is logged, and at once, whatever
/// work the row asks for.
#[tokio::test]
async fn a_row_that_is_no_user_is_a_500_of_the_real_functions() {
    let server = DynamoDbLocal::start().await;
    let url = server.url();
    let variables = dynamodb::environment_with_keys(&url);
    for (what, row, functions) in rows() {
        let put = server.client().put_item().table_name(TABLE);
        put.set_item(Some(row)).send().await.unwrap();
        for name in functions {
            let function = Function::start_with(&release(name), &variables, &[]).await;
            let event = events::object(&format!("{name}_success")).to_string();
            let begin = Instant::now();
            let answer = function.answer(&event).await;
            assert!(begin.elapsed() < Duration::from_secs(3), "{what}");
            assert_eq!(answer.status(), 500, "{what}: {answer:?}");
            assert_eq!(answer.detail(), "Internal Server Error");
            assert_eq!(answer.header("www-authenticate"), None);
            let logs = function.logs();
            assert!(logs.contains("a stored item cannot be read"), "{logs}");
            assert!(!logs.contains("$argon2id"), "{logs}");
        }
    }
}

#[tokio::test]
async fn an_item_that_is_no_user_is_an_error_and_not_a_stranger() {
    let server = DynamoDbLocal::start().await;
    let users = server.users().await;
    let email = Email::parse("broken@example.com").unwrap();
    let put = server.client().put_item().table_name(TABLE);
    let put = put.item("pk", AttributeValue::S("user#broken@example.com".into()));
    put.send().await.unwrap();
    let found = users.find_by_email(&email).await;
    assert!(matches!(found, Err(RepositoryError::Malformed(_))));
    let found = users.find_with_password(&email).await;
    assert!(matches!(found, Err(RepositoryError::Malformed(_))));
    let Err(RepositoryError::Malformed(what)) = users.page(None).await else {
        panic!("the row is listed");
    };
    assert!(what.starts_with("user#broken@example.com: "), "{what}");
}
