//! What every user store must do, as functions over any of them.

use std::collections::BTreeSet;

use auth_core::{
    CredentialRepository, DirectoryError, Email, PageKey, PasswordHash, RepositoryError, Role,
    StoredUser, User, UserChange, UserDirectory, UserPage, UserRepository,
};
use futures_util::{StreamExt, TryStreamExt, stream};

/// Every trait of a store together.
pub trait Users: UserRepository + CredentialRepository + UserDirectory {}

impl<T: UserRepository + CredentialRepository + UserDirectory> Users for T {}

/// Two hashes of no password that anybody has to know.
pub const HASHES: [&str; 2] = [
    "$argon2id$v=19$m=19456,t=2,p=1$8f/ojQzpsySE4LYj8DlDjA$y3bzGs9Or3TMqalhC4uW/ejnvLxrOzNrbyDwePIN5iU",
    "$argon2id$v=19$m=19456,t=2,p=1$RuRJBszvg0QI1SNWzZIR4Q$P/I3Lz5JLQxCvBvJkmX14vGzfJRxr/60lJNk726WP0I",
];

fn hash(i: usize) -> PasswordHash {
    PasswordHash::parse(HASHES[i]).expect("a hash")
}

fn email(address: &str) -> Email {
    Email::parse(address).expect("an address")
}

/// A user with two roles.
#[must_use]
pub fn user(id: &str, address: &str) -> StoredUser {
    let role = |name: &str| Role {
        id: name.into(),
        name: name.into(),
        description: "a role, \u{fc} and all".into(),
        permissions: vec!["read".into(), "write".into()],
    };
    StoredUser {
        user: User {
            id: id.into(),
            email: address.into(),
            disabled: false,
            version: 0,
            roles: vec![role("Admin"), role("Editor")],
        },
        password_hash: hash(0),
    }
}

/// A user is found as added, whatever the case of the address; a stranger is not.
pub async fn a_user_is_found_as_added(users: &impl Users) {
    let added = user("1", "Jane.Doe@Example.com");
    users.add(&added).await.expect("added");
    for address in ["jane.doe@example.com", "JANE.DOE@EXAMPLE.COM"] {
        let found = users
            .find_by_email(&email(address))
            .await
            .expect("an answer");
        assert_eq!(found.as_ref(), Some(&added.user));
        let found = users.find_with_password(&email(address)).await;
        let found = found.expect("an answer").expect("the user");
        assert_eq!(
            (found.user, found.password_hash),
            (added.user.clone(), hash(0))
        );
    }
    for address in ["", "jane.doe@example.co", "jane.doe@example.com "] {
        let found = users
            .find_by_email(&email(address))
            .await
            .expect("an answer");
        assert_eq!(found, None, "{address}");
        let found = users.find_with_password(&email(address)).await;
        assert!(found.expect("an answer").is_none(), "{address}");
    }
}

/// Adding an address that has a user is an error and changes nothing.
pub async fn a_second_user_of_an_address_is_refused(users: &impl Users) {
    users
        .add(&user("1", "twice@example.com"))
        .await
        .expect("added");
    let second = users.add(&user("2", "Twice@Example.com")).await;
    assert!(matches!(second, Err(DirectoryError::AlreadyExists)));
    let found = users.find_by_email(&email("twice@example.com")).await;
    assert_eq!(
        found.expect("an answer"),
        Some(user("1", "twice@example.com").user)
    );
}

/// Of several at once, one adds the user.
pub async fn of_several_who_add_an_address_at_once_one_does(users: &impl Users) {
    for round in 0..20 {
        let address = format!("race{round}@example.com");
        let all = (0..8).map(|i| {
            let user = user(&i.to_string(), &address);
            async move { (i, users.add(&user).await) }
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
        let found = users
            .find_by_email(&email(&address))
            .await
            .expect("an answer");
        assert_eq!(found.expect("the user").id, won[0].to_string());
    }
}

/// Each change changes one thing, and returns the user as changed; a stranger has nothing to change.
pub async fn a_change_changes_one_thing(users: &impl Users) {
    let key = email("change@example.com");
    let mut expected = user("1", "change@example.com");
    users.add(&expected).await.expect("added");
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
        // A new password, a disabled user and nothing else raise the version.
        let raises = [true, true, false, false, false, true];
        expected.user.version += u64::from(raises[i]);
        let changed = users.change(&key, change.clone()).await.expect("changed");
        assert_eq!(changed, expected.user);
        let found = users.find_with_password(&key).await.expect("an answer");
        let found = found.expect("the user");
        assert_eq!(found.user, expected.user);
        assert_eq!(found.password_hash, expected.password_hash);
        let stranger = users.change(&email("stranger@example.com"), change).await;
        assert!(matches!(stranger, Err(DirectoryError::NotFound)));
    }
    let stranger = users.find_by_email(&email("stranger@example.com")).await;
    assert_eq!(stranger.expect("an answer"), None, "a change adds nobody");
}

/// A deleted user is gone, and can be deleted once.
pub async fn a_deleted_user_is_gone(users: &impl Users) {
    let key = email("delete@example.com");
    users
        .add(&user("1", "delete@example.com"))
        .await
        .expect("added");
    users.delete(&key).await.expect("deleted");
    assert_eq!(users.find_by_email(&key).await.expect("an answer"), None);
    assert!(matches!(
        users.delete(&key).await,
        Err(DirectoryError::NotFound)
    ));
    users
        .add(&user("2", "delete@example.com"))
        .await
        .expect("added again");
}

/// A hash is replaced where it is still the one that was verified, and never a newer one.
pub async fn a_hash_is_replaced_unless_there_is_a_newer_one(users: &impl Users) {
    let key = email("hash@example.com");
    users
        .add(&user("1", "hash@example.com"))
        .await
        .expect("added");
    assert!(
        users
            .replace_password_hash(&key, &hash(0), &hash(1))
            .await
            .expect("an answer")
    );
    let stored = async || {
        let found = users.find_with_password(&key).await.expect("an answer");
        found.expect("the user").password_hash
    };
    assert_eq!(stored().await, hash(1));
    let newer = PasswordHash::parse(&HASHES[0].replace("8f/", "9f/")).expect("a hash");
    let replaced = users.replace_password_hash(&key, &hash(0), &newer).await;
    assert!(!replaced.expect("an answer"));
    assert_eq!(stored().await, hash(1), "the newer password stays");
    let stranger = email("stranger@example.com");
    let replaced = users
        .replace_password_hash(&stranger, &hash(0), &hash(1))
        .await;
    assert!(!replaced.expect("an answer"));
    let found = users
        .find_with_password(&stranger)
        .await
        .expect("an answer");
    assert!(found.is_none(), "a stranger does not get a hash");
}

/// Many users are added at once, listed page by page, each once, and read back.
pub async fn many_users_are_added_listed_and_read_back(users: &impl Users, count: usize) {
    let address = |i: usize| format!("User{i}@example.com");
    let before = addresses(users).await.0.len();
    stream::iter(0..count)
        .map(|i| async move { users.add(&user(&i.to_string(), &address(i))).await })
        .buffer_unordered(32)
        .try_collect::<()>()
        .await
        .expect("all are added");
    let (listed, pages) = addresses(users).await;
    let unique: BTreeSet<&String> = listed.iter().collect();
    assert_eq!(
        (listed.len(), unique.len()),
        (before + count, before + count)
    );
    assert!(pages > 1, "{pages} pages");
    stream::iter(0..count)
        .for_each_concurrent(32, |i| async move {
            let found = users.find_by_email(&email(&address(i))).await;
            assert_eq!(
                found.expect("an answer"),
                Some(user(&i.to_string(), &address(i)).user)
            );
        })
        .await;
    println!("users added, listed in {pages} pages and read back: {count}");
}

async fn addresses(users: &impl Users) -> (Vec<String>, usize) {
    let (mut all, mut pages, mut after) = (Vec::new(), 0, None);
    loop {
        let page = page(users, after).await;
        all.extend(page.users.into_iter().map(|user| user.email));
        pages += 1;
        after = page.next;
        if after.is_none() {
            return (all, pages);
        }
    }
}

/// A page. It may be a megabyte, and on a busy machine take longer than a function waits.
async fn page(users: &impl Users, after: Option<PageKey>) -> UserPage {
    for _ in 0..10 {
        match users.page(after.clone()).await {
            Err(RepositoryError::Unavailable(_)) => {}
            page => return page.expect("a page"),
        }
    }
    panic!("no page in ten attempts")
}
