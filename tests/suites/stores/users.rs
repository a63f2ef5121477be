//! Users: found, added, changed, deleted and listed.

use std::collections::BTreeSet;

use auth_core::{
    DirectoryError, InMemoryStore, PageKey, PasswordHash, RepositoryError, Role, Session,
    SessionRules, UnixTime, UserChange, UserPage,
};
use bundle_tests::{
    app::NOW,
    dynamodb::Table,
    store::{HASHES, TemporaryFileStore, TestStore, email, find_with_password, hash, user},
};
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::on_every_store;

on_every_store![
    a_user_is_found_as_added,
    a_second_user_with_the_same_address_is_not_added,
    one_of_several_simultaneous_calls_adds_a_user,
    each_change_changes_only_one_thing,
    a_deleted_user_is_gone,
    a_hash_is_replaced_unless_there_is_a_newer_one,
    the_sessions_of_a_user_end_once,
    as_many_sessions_are_listed_as_the_limit_says,
];

/// A user is found as added, whatever the case of the address. Other addresses do not find the user.
async fn a_user_is_found_as_added(store: &impl TestStore) {
    let added = user("1", "Jane.Doe@Example.com");
    store.add_user(&added).await.expect("added");
    for address in ["jane.doe@example.com", "JANE.DOE@EXAMPLE.COM"] {
        let found = store
            .find_by_email(&email(address))
            .await
            .expect("a result");
        assert_eq!(found.as_ref(), Some(&added.user));
        let found = find_with_password(store, &email(address)).await;
        let found = found.expect("a result").expect("the user");
        assert_eq!(
            (found.user, found.password_hash),
            (added.user.clone(), hash(0))
        );
    }
    for address in ["", "jane.doe@example.co", "jane.doe@example.com "] {
        let found = store
            .find_by_email(&email(address))
            .await
            .expect("a result");
        assert_eq!(found, None, "{address}");
        let found = find_with_password(store, &email(address)).await;
        assert!(found.expect("a result").is_none(), "{address}");
    }
}

/// Adding an address that has a user is an error and changes nothing.
async fn a_second_user_with_the_same_address_is_not_added(store: &impl TestStore) {
    store
        .add_user(&user("1", "twice@example.com"))
        .await
        .expect("added");
    let second = store.add_user(&user("2", "Twice@Example.com")).await;
    assert!(matches!(second, Err(DirectoryError::AlreadyExists)));
    let found = store.find_by_email(&email("twice@example.com")).await;
    assert_eq!(
        found.expect("a result"),
        Some(user("1", "twice@example.com").user)
    );
}

async fn one_of_several_simultaneous_calls_adds_a_user(store: &impl TestStore) {
    for round in 0..20 {
        let address = format!("race{round}@example.com");
        let all = (0..8).map(|i| {
            let user = user(&i.to_string(), &address);
            async move { (i, store.add_user(&user).await) }
        });
        let all: Vec<_> = stream::iter(all).buffer_unordered(8).collect().await;
        let won: Vec<i32> = all
            .iter()
            .filter(|(_, added)| added.is_ok())
            .map(|(i, _)| *i)
            .collect();
        assert_eq!(won.len(), 1, "{all:?}");
        let lost = |added: &Result<(), DirectoryError>| {
            matches!(added, Err(DirectoryError::AlreadyExists))
        };
        assert_eq!(
            all.iter().filter(|(_, added)| lost(added)).count(),
            7,
            "{all:?}"
        );
        let found = store
            .find_by_email(&email(&address))
            .await
            .expect("a result");
        assert_eq!(found.expect("the user").id, won[0].to_string());
    }
}

/// Each change changes one thing and returns the changed user. An unknown user is not found.
async fn each_change_changes_only_one_thing(store: &impl TestStore) {
    let key = email("change@example.com");
    let mut expected = user("1", "change@example.com");
    store.add_user(&expected).await.expect("added");
    let role = Role {
        permissions: vec![],
        ..expected.user.roles[0].clone()
    };
    for (i, change) in [
        UserChange::Disabled(true),
        UserChange::Password(hash(1)),
        UserChange::Roles(vec![role]),
        UserChange::Roles(vec![]),
        UserChange::Disabled(false),
        UserChange::EndSessions,
    ]
    .into_iter()
    .enumerate()
    {
        match &change {
            UserChange::Disabled(disabled) => expected.user.disabled = *disabled,
            UserChange::Password(hash) => expected.password_hash = hash.clone(),
            UserChange::Roles(roles) => expected.user.roles.clone_from(roles),
            UserChange::EndSessions => {}
        }
        // Only a disabled user, a new password and the end of sessions raise the version.
        let raises = [true, true, false, false, false, true];
        expected.user.version += u64::from(raises[i]);
        let changed = store
            .change_user(&key, change.clone())
            .await
            .expect("changed");
        assert_eq!(changed, expected.user);
        let found = find_with_password(store, &key).await.expect("a result");
        let found = found.expect("the user");
        assert_eq!(found.user, expected.user);
        assert_eq!(found.password_hash, expected.password_hash);
        let unknown = store
            .change_user(&email("unknown@example.com"), change)
            .await;
        assert!(matches!(unknown, Err(DirectoryError::NotFound)));
    }
    let unknown = store.find_by_email(&email("unknown@example.com")).await;
    assert_eq!(
        unknown.expect("a result"),
        None,
        "a change does not add a user"
    );
}

/// A deleted user is gone and cannot be deleted again.
async fn a_deleted_user_is_gone(store: &impl TestStore) {
    let key = email("delete@example.com");
    store
        .add_user(&user("1", "delete@example.com"))
        .await
        .expect("added");
    let now = UnixTime::from_secs(NOW);
    store.delete_user(&key, now).await.expect("deleted");
    assert_eq!(store.find_by_email(&key).await.expect("a result"), None);
    assert!(matches!(
        store.delete_user(&key, now).await,
        Err(DirectoryError::NotFound)
    ));
    store
        .add_user(&user("2", "delete@example.com"))
        .await
        .expect("added again");
}

/// A hash is replaced if it is still the one that was verified, never if there is a newer one.
async fn a_hash_is_replaced_unless_there_is_a_newer_one(store: &impl TestStore) {
    let key = email("hash@example.com");
    store
        .add_user(&user("1", "hash@example.com"))
        .await
        .expect("added");
    assert!(
        store
            .replace_password_hash(&key, &hash(0), &hash(1))
            .await
            .expect("a result")
    );
    let stored = async || {
        let found = find_with_password(store, &key).await.expect("a result");
        found.expect("the user").password_hash
    };
    assert_eq!(stored().await, hash(1));
    let newer = PasswordHash::parse(&HASHES[0].replace("8f/", "9f/")).expect("a hash");
    let replaced = store.replace_password_hash(&key, &hash(0), &newer).await;
    assert!(!replaced.expect("a result"));
    assert_eq!(stored().await, hash(1), "the newer password stays");
    let unknown = email("unknown@example.com");
    let replaced = store
        .replace_password_hash(&unknown, &hash(0), &hash(1))
        .await;
    assert!(!replaced.expect("a result"));
    let found = find_with_password(store, &unknown).await.expect("a result");
    assert!(found.is_none(), "an unknown user does not get a hash");
}

/// Many users are added at once, listed page by page, each once, and read back.
async fn many_users_are_added_listed_and_read_back(store: &impl TestStore, count: usize) {
    let address = |i: usize| format!("User{i}@example.com");
    let before = addresses(store).await.0.len();
    stream::iter(0..count)
        .map(|i| async move { store.add_user(&user(&i.to_string(), &address(i))).await })
        .buffer_unordered(32)
        .try_collect::<()>()
        .await
        .expect("all are added");
    let (listed, pages) = addresses(store).await;
    let unique: BTreeSet<&String> = listed.iter().collect();
    assert_eq!(
        (listed.len(), unique.len()),
        (before + count, before + count)
    );
    assert!(pages > 1, "{pages} pages");
    stream::iter(0..count)
        .for_each_concurrent(32, |i| async move {
            let found = store.find_by_email(&email(&address(i))).await;
            assert_eq!(
                found.expect("a result"),
                Some(user(&i.to_string(), &address(i)).user)
            );
        })
        .await;
    println!("users added, listed in {pages} pages and read back: {count}");
}

async fn addresses(store: &impl TestStore) -> (Vec<String>, usize) {
    let (mut all, mut pages, mut after) = (Vec::new(), 0, None);
    loop {
        let page = page(store, after).await;
        all.extend(page.users.into_iter().map(|user| user.email));
        pages += 1;
        after = page.next;
        if after.is_none() {
            return (all, pages);
        }
    }
}

/// Returns a page. A page may be a megabyte in size and, on a busy machine, take longer than a function
/// waits.
async fn page(store: &impl TestStore, after: Option<PageKey>) -> UserPage {
    for _ in 0..10 {
        match store.list_users(after.clone()).await {
            Err(RepositoryError::Unavailable(_)) => {}
            page => return page.expect("a page"),
        }
    }
    panic!("no page in ten attempts")
}

#[tokio::test]
async fn many_users_in_memory() {
    many_users_are_added_listed_and_read_back(&InMemoryStore::default(), 10_000).await;
}

/// Each operation reads the whole file.
#[tokio::test]
async fn many_users_in_a_file() {
    many_users_are_added_listed_and_read_back(&*TemporaryFileStore::new(), 200).await;
}

#[tokio::test]
async fn many_users_in_dynamodb() {
    let table = Table::new().await;
    // Items of other kinds share the table and are not users.
    let key = auth_core::random_id().unwrap();
    let item = [(
        "pk".to_owned(),
        aws_sdk_dynamodb::types::AttributeValue::S(format!("session#{key}")),
    )];
    table.put(item.into()).await;
    many_users_are_added_listed_and_read_back(&table.store().await, 10_000).await;
}

/// More than one page of a store, and less than two.
async fn as_many_sessions_are_listed_as_the_limit_says(store: &impl TestStore) {
    let key = email("john@example.com");
    let owner = user("7", "john@example.com").user;
    for _ in 0..130 {
        let now = UnixTime::from_secs(1_000);
        let session = Session::new(&key, &owner, &SessionRules::default(), now).unwrap();
        store.start_session(&session).await.expect("started");
    }
    for (limit, expected) in [
        (0, 0),
        (1, 1),
        (100, 100),
        (101, 101),
        (130, 130),
        (usize::MAX, 130),
    ] {
        let listed = store.list_sessions("7", limit).await.expect("a list");
        let ids: BTreeSet<_> = listed.iter().map(|session| &session.id).collect();
        assert_eq!((listed.len(), ids.len()), (expected, expected), "{limit}");
    }
}

/// The sessions of a user end once. A call for another version ends nothing.
async fn the_sessions_of_a_user_end_once(store: &impl TestStore) {
    let key = email("version@example.com");
    let version = async || {
        let found = store.find_by_email(&key).await.expect("a result");
        found.map(|user| user.version)
    };
    store.end_sessions(&key, 0).await.expect("nothing to do");
    assert_eq!(version().await, None);
    let added = user("1", "version@example.com");
    store.add_user(&added).await.expect("added");
    for (ended, current) in [(1, 0), (0, 1), (0, 1), (1, 2)] {
        store.end_sessions(&key, ended).await.expect("a result");
        assert_eq!(version().await, Some(current), "{ended}");
    }
    let found = find_with_password(store, &key).await.expect("a result");
    let expected = auth_core::User {
        version: 2,
        ..added.user
    };
    assert_eq!(found.expect("the user").user, expected);
}
