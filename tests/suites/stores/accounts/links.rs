//! Passwords that are set with links: resets, sign-ups and invitations. A link works once.

use auth_core::{
    AskContent, AskId, InvalidLink, LetterContent, Role, SelfServiceError, UserChange,
};
use bundle_tests::{
    accounts::{
        Accounts, NEW_PASSWORD, OTHER_PASSWORD, PASSWORDS, network, password, sign_up_roles,
    },
    flaky::{Failure, FlakyStore, Script},
    store::{TestStore, email, john},
};
use futures_util::future::join_all;

use super::{HOLD, MINUTE, assert_invalid, live};
use crate::on_every_store;

on_every_store![
    a_forgotten_password_is_reset_once,
    a_reset_clears_the_counters_of_the_address,
    simultaneous_resets_with_one_password_all_succeed,
    simultaneous_resets_with_different_passwords_set_one,
    simultaneous_sign_ups_add_one_user,
    a_lost_response_never_costs_a_link,
    a_reset_link_ends_with_the_version_of_its_user,
    a_sign_up_adds_a_user_only_when_the_link_is_used,
    an_invitation_adds_a_user_with_its_roles,
    no_user_whom_an_operator_deleted_comes_back,
    no_user_who_left_comes_back,
];

/// The password is set, all sessions end, and a notice is put. The link works again only with the same password.
async fn a_forgotten_password_is_reset_once(store: &impl TestStore) {
    let accounts = Accounts::new(store);
    let session = accounts.begin(&john()).await;
    let token = accounts.link(&john(), AskContent::Reset).await;
    let reset = async |text: &str| accounts.reset(&token, text).await;
    let refused = reset("changeme").await;
    assert!(matches!(refused, Err(SelfServiceError::Password(_))));
    assert!(
        accounts.guard(&session).await.is_ok(),
        "nothing was changed"
    );
    let version = accounts.version(&john()).await.expect("the user");
    assert_eq!(reset(NEW_PASSWORD).await.expect("reset"), "1");
    assert!(accounts.has_password(&john(), NEW_PASSWORD).await);
    assert!(accounts.guard(&session).await.is_err());
    assert_eq!(accounts.version(&john()).await, Some(version + 1));
    let notice = AskId::notice(&accounts.mark(&token).await, "password-changed");
    let letter = accounts.deliver(&notice).await.expect("a letter");
    assert_eq!(letter.content, LetterContent::PasswordChanged);
    assert_eq!(letter.to, john().as_str());

    assert_eq!(reset(NEW_PASSWORD).await.expect("the same again"), "1");
    assert_invalid(&reset(OTHER_PASSWORD).await, InvalidLink::Changed);
    assert!(accounts.has_password(&john(), NEW_PASSWORD).await);
    assert_eq!(accounts.version(&john()).await, Some(version + 1));
    accounts.clock.advance(30 * MINUTE);
    assert_invalid(&reset(NEW_PASSWORD).await, InvalidLink::Expired);
}

async fn a_reset_clears_the_counters_of_the_address(store: &impl TestStore) {
    let accounts = Accounts::new(store);
    let now = accounts.clock.now();
    let (john, network) = (john(), network());
    let attempt = accounts.attempts.begin(&john, &network, None, now).await;
    let counter = attempt.expect("keys").email_counter;
    let ticket = counter.ticket(now).expect("randomness");
    store
        .reserve_attempt(&counter, &ticket)
        .await
        .expect("reserved");
    let failed = auth_core::Outcome::Failed;
    let stale = auth_core::Stale::default();
    let settled = store.settle_attempt(&counter, &ticket, &stale, failed);
    settled.await.expect("settled");
    let token = accounts.link(&john, AskContent::Reset).await;
    accounts.reset(&token, NEW_PASSWORD).await.expect("reset");
    let count = store.find_attempts(&counter).await.expect("a result");
    assert_eq!(count, auth_core::Count::default());
}

async fn simultaneous_resets_with_one_password_all_succeed(store: &impl TestStore) {
    let accounts = Accounts::new(store);
    let token = accounts.link(&john(), AskContent::Reset).await;
    let version = accounts.version(&john()).await.expect("the user");
    let new = password(NEW_PASSWORD);
    let resets = (0..20).map(|_| accounts.flows.reset_password(store, &token, &new));
    for reset in join_all(resets).await {
        assert_eq!(reset.expect("reset"), "1");
    }
    assert_eq!(accounts.version(&john()).await, Some(version + 1));
}

async fn simultaneous_resets_with_different_passwords_set_one(store: &impl TestStore) {
    let accounts = Accounts::new(store);
    let token = accounts.link(&john(), AskContent::Reset).await;
    let version = accounts.version(&john()).await.expect("the user");
    let passwords = PASSWORDS[2..].iter().map(|text| password(text));
    let passwords: Vec<_> = passwords.collect();
    let resets = passwords
        .iter()
        .map(|new| accounts.flows.reset_password(store, &token, new));
    let results = join_all(resets).await;
    let won: Vec<usize> = (0..results.len()).filter(|i| results[*i].is_ok()).collect();
    assert_eq!(won.len(), 1, "{results:?}");
    for result in results.iter().filter(|result| result.is_err()) {
        assert_invalid(result, InvalidLink::Changed);
    }
    assert!(accounts.has_password(&john(), PASSWORDS[2 + won[0]]).await);
    assert_eq!(accounts.version(&john()).await, Some(version + 1));
}

async fn simultaneous_sign_ups_add_one_user(store: &impl TestStore) {
    let accounts = Accounts::new(store);
    let jane = email("jane@example.com");
    let token = accounts.link(&jane, AskContent::SignUp).await;
    let new = password(NEW_PASSWORD);
    let all = (0..20).map(|_| accounts.flows.confirm_sign_up(store, &token, &new));
    let ids = join_all(all).await.into_iter().map(|id| id.expect("added"));
    let ids: std::collections::BTreeSet<String> = ids.collect();
    let user = store.find_by_email(&jane).await.expect("a result");
    assert_eq!(ids, [user.expect("added").id].into());
}

/// Each call of each flow with a link loses its response once. Repeating the request succeeds, and one change is made.
async fn a_lost_response_never_costs_a_link(store: &impl TestStore) {
    for failure in [Failure::Before, Failure::Lost] {
        for call in 0.. {
            let accounts = Accounts::new(store);
            let script = Script::default();
            let flaky = FlakyStore::new(store.clone(), &script);
            let jane = email(&format!("jane{call}{failure:?}@example.com"));
            accounts.clock.advance(HOLD * (call + 1));
            let new = password(NEW_PASSWORD);
            let sign_up = accounts.link(&jane, AskContent::SignUp).await;
            script.fail_after(call as usize, failure);
            let first = accounts.flows.confirm_sign_up(&flaky, &sign_up, &new).await;
            let has_failed = script.failed().is_some();
            script.reset();
            let id = accounts.flows.confirm_sign_up(&flaky, &sign_up, &new).await;
            let id = id.expect("added");
            assert!(first.is_ok() != has_failed, "{first:?}");

            let reset = accounts.link(&jane, AskContent::Reset).await;
            let version = accounts.version(&jane).await.expect("the user");
            let new = password(OTHER_PASSWORD);
            script.fail_after(call as usize, failure);
            let first = accounts.flows.reset_password(&flaky, &reset, &new).await;
            let reset_failed = script.failed().is_some();
            script.reset();
            let again = accounts.flows.reset_password(&flaky, &reset, &new).await;
            assert_eq!(again.expect("reset"), id);
            assert!(first.is_ok() != reset_failed, "{first:?}");
            assert_eq!(accounts.version(&jane).await, Some(version + 1));
            if !has_failed && !reset_failed {
                break;
            }
        }
    }
}

/// A new password, a logout everywhere and a disabled user make a link invalid, even if the user is enabled again.
async fn a_reset_link_ends_with_the_version_of_its_user(store: &impl TestStore) {
    let accounts = Accounts::new(store);
    for change in [
        UserChange::EndSessions,
        UserChange::Password(bundle_tests::store::hash(0)),
        UserChange::Disabled(true),
    ] {
        let token = accounts.link(&john(), AskContent::Reset).await;
        store.change_user(&john(), change).await.expect("changed");
        let before = accounts.hasher.computed();
        let reset = async || {
            let new = password(NEW_PASSWORD);
            accounts.flows.reset_password(store, &token, &new).await
        };
        assert_invalid(&reset().await, InvalidLink::Changed);
        let enabled = store
            .change_user(&john(), UserChange::Disabled(false))
            .await;
        enabled.expect("enabled");
        assert_invalid(&reset().await, InvalidLink::Changed);
        assert_eq!(accounts.hasher.computed(), before, "it costs no hash");
        accounts.clock.advance(MINUTE);
    }
    store
        .change_user(&john(), UserChange::Disabled(true))
        .await
        .expect("disabled");
    assert_eq!(accounts.letter(&john(), AskContent::Reset).await, None);
    let unknown = email("unknown@example.com");
    assert_eq!(accounts.letter(&unknown, AskContent::Reset).await, None);
}

async fn a_sign_up_adds_a_user_only_when_the_link_is_used(store: &impl TestStore) {
    let accounts = Accounts::new(store);
    let jane = email("Jane@Example.com");
    let token = accounts.link(&jane, AskContent::SignUp).await;
    assert_eq!(accounts.version(&jane).await, None);
    let confirm = async |token: &str, text: &str| accounts.confirm(token, text).await;
    let id = confirm(&token, NEW_PASSWORD).await.expect("added");
    let user = store
        .find_by_email(&jane)
        .await
        .expect("a result")
        .expect("added");
    assert_eq!((user.id, user.roles), (id.clone(), sign_up_roles()));
    assert!(accounts.has_password(&jane, NEW_PASSWORD).await);
    assert_eq!(confirm(&token, NEW_PASSWORD).await.expect("the same"), id);
    assert_invalid(&confirm(&token, OTHER_PASSWORD).await, InvalidLink::Changed);

    // Another link that was sent before, and one for an address that has a user.
    accounts.clock.advance(MINUTE);
    let letter = accounts.letter(&jane, AskContent::SignUp).await;
    let letter = letter.expect("a letter");
    assert_eq!(letter.content, LetterContent::AlreadyRegistered);
    let action = auth_core::Action::SignUp {
        email: jane.clone(),
    };
    let issued = accounts.tokens.issue(action, accounts.clock.now()).await;
    let second = issued.expect("a token").token.expose().to_owned();
    assert_invalid(&confirm(&second, NEW_PASSWORD).await, InvalidLink::Changed);
    assert!(accounts.has_password(&jane, NEW_PASSWORD).await);
}

/// An invitation has its own roles; a link of one kind does not work as one of another.
async fn an_invitation_adds_a_user_with_its_roles(store: &impl TestStore) {
    let accounts = Accounts::new(store);
    let jane = email("jane@example.com");
    let editor = vec![Role {
        id: "7".into(),
        name: "Editor".into(),
        description: String::new(),
        permissions: vec!["write".into()],
    }];
    let content = AskContent::Invite {
        roles: editor.clone(),
    };
    let token = accounts.link(&jane, content).await;
    let new = password(NEW_PASSWORD);
    let reset = accounts.flows.reset_password(store, &token, &new).await;
    assert_invalid(&reset, InvalidLink::Forged);
    let added = accounts.flows.confirm_sign_up(store, &token, &new).await;
    added.expect("added");
    let user = store.find_by_email(&jane).await.expect("a result");
    assert_eq!(user.expect("added").roles, editor);
}

/// A link that was sent before an operator deleted the user adds none; one that is sent afterwards does.
async fn no_user_whom_an_operator_deleted_comes_back(store: &impl TestStore) {
    let accounts = Accounts::new(store);
    let jane = email("jane@example.com");
    let old = accounts.link(&jane, AskContent::SignUp).await;
    accounts.confirm(&old, NEW_PASSWORD).await.expect("added");
    let now = accounts.clock.now();
    store.delete_user(&jane, now).await.expect("deleted");
    for _ in 0..2 {
        let confirmed = accounts.confirm(&old, NEW_PASSWORD).await;
        assert_invalid(&confirmed, InvalidLink::Held);
        accounts.clock.advance(MINUTE);
    }
    let new = accounts.link(&jane, AskContent::SignUp).await;
    accounts
        .confirm(&new, NEW_PASSWORD)
        .await
        .expect("added again");
}

/// As above, and the address is held for a while.
async fn no_user_who_left_comes_back(store: &impl TestStore) {
    let accounts = Accounts::new(store);
    let jane = email("jane@example.com");
    let old = accounts.link(&jane, AskContent::SignUp).await;
    let first = accounts.confirm(&old, NEW_PASSWORD).await.expect("added");
    let caller = live(&accounts, &jane).await;
    let (network, known) = (network(), password(NEW_PASSWORD));
    let deleted = accounts
        .flows
        .delete_account(store, &caller, &network, &known);
    deleted.await.expect("deleted");
    let confirmed = accounts.confirm(&old, NEW_PASSWORD).await;
    assert_invalid(&confirmed, InvalidLink::Held);
    accounts.clock.advance(MINUTE);
    assert_eq!(accounts.letter(&jane, AskContent::SignUp).await, None);
    accounts.clock.advance(HOLD);
    let new = accounts.link(&jane, AskContent::SignUp).await;
    let second = accounts.confirm(&new, NEW_PASSWORD).await;
    assert_ne!(second.expect("another user"), first);
}
