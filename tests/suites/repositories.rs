//! The repositories: one suite for the one in memory and the one in DynamoDB, and what only a store
//! of its own can hold.

use auth_core::{
    CredentialRepository, Email, InMemoryUserRepository, RepositoryError, UserRepository,
};
use aws_sdk_dynamodb::types::AttributeValue;
use bundle_tests::{
    dynamodb::{self, DynamoDbLocal, TABLE},
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
    auth_core::UserDirectory::add(&users, &user("1", "jane@example.com"))
        .await
        .unwrap();
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
}
