//! Changes of the address and their undoing.

use auth_core::{
    Account, ActionKind, Ask, AskContent, AskId, Asked, Email, HeldAddress, InvalidLink,
    LetterContent, LiveUser, MoveKind, Relocation, SelfServiceError, UserChange,
};
use bundle_tests::{
    accounts::{Accounts, NEW_PASSWORD, OTHER_PASSWORD, link, network, password},
    store::{TestStore, email, john, user},
};
use futures_util::future::join_all;

use super::{HOLD, HOUR, MINUTE, assert_invalid, live, request_change, set_cheap_password};
use crate::on_every_store;

on_every_store![
    simultaneous_changes_of_the_address_make_one_change,
    a_confirmed_email_moves_the_user,
    both_addresses_get_a_notice_of_a_change,
    an_old_address_is_held_for_its_user,
    another_change_and_a_deletion_are_refused_for_a_while,
    an_email_change_is_undone_before_its_confirmation,
    an_email_change_is_undone_after_its_confirmation,
    an_undone_change_stays_undone,
    an_undo_link_does_not_undo_a_later_change,
    an_undo_link_of_another_request_at_the_same_version_undoes_the_change,
    a_user_is_not_moved_to_an_address_that_was_taken_or_held_meanwhile,
];

/// Whether they confirm a change, undo it or cancel it before the confirmation: all requests with one link succeed.
async fn simultaneous_changes_of_the_address_make_one_change(store: &impl TestStore) {
    let accounts = Accounts::new(store);
    let new = email("johnny@example.com");
    let version = accounts.version(&john()).await.expect("the user");
    let (confirm, undo) = request_change(&accounts, &new).await;
    let all = (0..20).map(|_| accounts.flows.confirm_email(store, &confirm));
    for confirmed in join_all(all).await {
        assert_eq!(confirmed.expect("moved"), "1");
    }
    assert_eq!(accounts.version(&new).await, Some(version + 1));
    let all = (0..20).map(|_| accounts.flows.undo_email(store, &undo));
    for undone in join_all(all).await {
        assert_eq!(undone.expect("undone"), "1");
    }
    assert_eq!(accounts.version(&john()).await, Some(version + 2));
    accounts.clock.advance(MINUTE);
    let (_, undo) = request_change(&accounts, &new).await;
    let all = (0..20).map(|_| accounts.flows.undo_email(store, &undo));
    for undone in join_all(all).await {
        assert_eq!(undone.expect("undone"), "1");
    }
    assert_eq!(accounts.version(&john()).await, Some(version + 3));
}

/// Confirms a change of the address of John, whose password hash is cheap. Returns the new address and the links.
async fn move_john<S: TestStore>(accounts: &Accounts<S>) -> (Email, String, String) {
    set_cheap_password(accounts, NEW_PASSWORD).await;
    let new = email("johnny@example.com");
    let (confirm, undo) = request_change(accounts, &new).await;
    let confirmed = accounts.flows.confirm_email(&accounts.store, &confirm);
    assert_eq!(confirmed.await.expect("moved"), "1");
    (new, confirm, undo)
}

/// Everything but the address and the version stays the same, and all sessions end.
async fn a_confirmed_email_moves_the_user(store: &impl TestStore) {
    let accounts = Accounts::new(store);
    set_cheap_password(&accounts, NEW_PASSWORD).await;
    let session = accounts.begin(&john()).await;
    let before = store.find_account(&john()).await.expect("a result");
    let before = before.expect("the user").stored;
    let new = email("johnny@example.com");
    let (confirm, _) = request_change(&accounts, &new).await;
    for _ in 0..2 {
        let confirmed = accounts.flows.confirm_email(store, &confirm).await;
        assert_eq!(confirmed.expect("moved"), "1");
    }
    assert_eq!(accounts.version(&john()).await, None);
    let moved = store.find_account(&new).await.expect("a result");
    let moved = moved.expect("the user").stored;
    let mut expected = before;
    expected.user.email = new.to_string();
    expected.user.version += 1;
    assert_eq!(moved, expected);
    assert!(accounts.guard(&session).await.is_err());
}

/// The old address gets a link that undoes the change, the new one does not.
async fn both_addresses_get_a_notice_of_a_change(store: &impl TestStore) {
    let accounts = Accounts::new(store);
    let (new, confirm, _) = move_john(&accounts).await;
    let mark = accounts.mark(&confirm).await;
    let to_old = accounts
        .deliver(&AskId::notice(&mark, "email-changed"))
        .await;
    let to_old = to_old.expect("a letter");
    assert_eq!(to_old.to, john().as_str());
    assert_eq!(link(&to_old).kind, ActionKind::Undo);
    let to_new = accounts
        .deliver(&AskId::notice(&mark, "email-confirmed"))
        .await;
    let to_new = to_new.expect("a letter");
    assert_eq!(to_new.to, new.as_str());
    assert_eq!(to_new.content, LetterContent::EmailConfirmed);
}

async fn an_old_address_is_held_for_its_user(store: &impl TestStore) {
    let accounts = Accounts::new(store);
    move_john(&accounts).await;
    let sign_up = async || {
        let action = auth_core::Action::SignUp { email: john() };
        let issued = accounts.tokens.issue(action, accounts.clock.now()).await;
        let token = issued.expect("a token").token;
        accounts.confirm(token.expose(), NEW_PASSWORD).await
    };
    accounts.clock.advance(HOLD.saturating_sub(MINUTE));
    assert_invalid(&sign_up().await, InvalidLink::Held);
    assert_eq!(accounts.letter(&john(), AskContent::SignUp).await, None);
    accounts.clock.advance(MINUTE);
    assert_ne!(sign_up().await.expect("added"), "1");
}

async fn another_change_and_a_deletion_are_refused_for_a_while(store: &impl TestStore) {
    let accounts = Accounts::new(store);
    let (new, ..) = move_john(&accounts).await;
    let (network, known) = (network(), password(NEW_PASSWORD));
    let third = email("third@example.com");
    let ask = async |caller: &LiveUser| {
        let flows = &accounts.flows;
        let asked = flows.ask_email_change(store, caller, &network, &third, &known);
        asked.await
    };
    accounts.clock.advance(HOLD.saturating_sub(MINUTE));
    let caller = live(&accounts, &new).await;
    let refused = ask(&caller).await;
    assert!(matches!(refused, Err(SelfServiceError::ChangedRecently)));
    let refused = accounts
        .flows
        .delete_account(store, &caller, &network, &known);
    assert!(matches!(
        refused.await,
        Err(SelfServiceError::ChangedRecently)
    ));
    accounts.clock.advance(MINUTE);
    assert_eq!(ask(&caller).await.expect("asked"), Asked::Put);
    assert_eq!(ask(&caller).await.expect("asked"), Asked::Throttled);
}

async fn an_email_change_is_undone_before_its_confirmation(store: &impl TestStore) {
    let accounts = Accounts::new(store);
    let new = email("johnny@example.com");
    let session = accounts.begin(&john()).await;
    let (confirm, undo) = request_change(&accounts, &new).await;
    for _ in 0..2 {
        let undone = accounts.flows.undo_email(store, &undo).await;
        assert_eq!(undone.expect("undone"), "1");
    }
    assert!(accounts.guard(&session).await.is_err());
    let confirmed = accounts.flows.confirm_email(store, &confirm).await;
    assert_invalid(&confirmed, InvalidLink::Changed);
    assert_eq!(accounts.version(&new).await, None);
    accounts.clock.advance(HOLD);
    let undone = accounts.flows.undo_email(store, &undo).await;
    assert_invalid(&undone, InvalidLink::Expired);
}

/// Whatever the thief has changed, the address returns, the password is removed, and a link that sets one is sent.
async fn an_email_change_is_undone_after_its_confirmation(store: &impl TestStore) {
    let accounts = Accounts::new(store);
    let (new, _, undo) = move_john(&accounts).await;
    let (thief, network) = (live(&accounts, &new).await, network());
    let [old, other] = [NEW_PASSWORD, OTHER_PASSWORD].map(password);
    let changed = accounts
        .flows
        .change_password(store, &thief, &network, &old, &other);
    changed.await.expect("changed");
    accounts.clock.advance(HOLD.saturating_sub(HOUR));
    let thief = accounts.begin(&new).await;
    accounts.guard(&thief).await.expect("the thief");
    for _ in 0..2 {
        let undone = accounts.flows.undo_email(store, &undo).await;
        assert_eq!(undone.expect("undone"), "1");
    }
    assert!(accounts.guard(&thief).await.is_err());
    assert_eq!(accounts.version(&new).await, None);
    for text in [NEW_PASSWORD, OTHER_PASSWORD, "changeme"] {
        assert!(!accounts.has_password(&john(), text).await, "{text}");
    }
    let notice = AskId::notice(&accounts.mark(&undo).await, "email-restored");
    let letter = accounts.deliver(&notice).await.expect("a letter");
    let to_thief = AskId::notice(&accounts.mark(&undo).await, "email-undone");
    let to_thief = accounts.deliver(&to_thief).await.expect("a letter");
    assert_eq!(to_thief.to, new.as_str());
    assert_eq!(to_thief.content, LetterContent::EmailUndone(john()));
    let reset = accounts
        .reset(link(&letter).token.expose(), OTHER_PASSWORD)
        .await;
    assert_eq!(reset.expect("reset"), "1");
    assert!(accounts.has_password(&john(), OTHER_PASSWORD).await);
}

/// The notice goes to the address that loses the account, not to that of the other request.
async fn an_undo_link_of_another_request_at_the_same_version_undoes_the_change(
    store: &impl TestStore,
) {
    let accounts = Accounts::new(store);
    let (_, undo) = request_change(&accounts, &email("other@example.com")).await;
    accounts.clock.advance(HOUR);
    let new = email("johnny@example.com");
    let (confirm, _) = request_change(&accounts, &new).await;
    let confirmed = accounts.flows.confirm_email(store, &confirm).await;
    assert_eq!(confirmed.expect("moved"), "1");
    let undone = accounts.flows.undo_email(store, &undo).await;
    assert_eq!(undone.expect("undone"), "1");
    assert_eq!(accounts.version(&new).await, None);
    let notice = AskId::notice(&accounts.mark(&undo).await, "email-undone");
    let letter = accounts.deliver(&notice).await.expect("a letter");
    assert_eq!(letter.to, new.as_str());
}

/// After the undo and a new password, neither link moves the user again.
async fn an_undone_change_stays_undone(store: &impl TestStore) {
    let accounts = Accounts::new(store);
    let (new, confirm, undo) = move_john(&accounts).await;
    accounts
        .flows
        .undo_email(store, &undo)
        .await
        .expect("undone");
    accounts.clock.advance(MINUTE);
    let token = accounts.link(&john(), AskContent::Reset).await;
    accounts.reset(&token, OTHER_PASSWORD).await.expect("reset");
    let version = accounts.version(&john()).await;
    let undone = accounts.flows.undo_email(store, &undo).await;
    assert_invalid(&undone, InvalidLink::Changed);
    let confirmed = accounts.flows.confirm_email(store, &confirm).await;
    assert_invalid(&confirmed, InvalidLink::Changed);
    assert_eq!(accounts.version(&john()).await, version);
    assert_eq!(accounts.version(&new).await, None);
}

async fn an_undo_link_does_not_undo_a_later_change(store: &impl TestStore) {
    let accounts = Accounts::new(store);
    let (one, two) = (email("one@example.com"), email("two@example.com"));
    let (_, first_undo) = request_change(&accounts, &one).await;
    store
        .change_user(&john(), UserChange::EndSessions)
        .await
        .expect("ended");
    accounts.clock.advance(MINUTE);
    let (confirm, second_undo) = request_change(&accounts, &two).await;
    let undone = accounts.flows.undo_email(store, &first_undo).await;
    assert_invalid(&undone, InvalidLink::Changed);
    accounts
        .flows
        .confirm_email(store, &confirm)
        .await
        .expect("moved");
    let undone = accounts.flows.undo_email(store, &first_undo).await;
    assert_invalid(&undone, InvalidLink::Changed);
    assert!(accounts.version(&two).await.is_some());
    let undone = accounts.flows.undo_email(store, &second_undo).await;
    undone.expect("undone");
    assert_eq!(accounts.version(&two).await, None);
}

/// The flow checks both before it writes, but another request may come in between.
async fn a_user_is_not_moved_to_an_address_that_was_taken_or_held_meanwhile(
    store: &impl TestStore,
) {
    let now = Accounts::new(store).clock.now();
    let hold_of = |user_id: &str| HeldAddress {
        until: now + HOLD,
        ..HeldAddress::freed(user_id.into(), now)
    };
    let find = async |email: &Email| store.find_account(email).await.expect("a result");
    let (taken, held) = (email("taken@example.com"), email("held@example.com"));
    for address in [&taken, &held] {
        let other = user("2", address.as_str());
        store.add_user(&other).await.expect("added");
    }
    let left = find(&held).await.expect("the other user");
    let id = AskId::from_text("1");
    let notice = Ask::new(id, held.clone(), AskContent::AccountDeleted, now);
    let deleted = store.delete_account(&left, &hold_of("2"), &notice).await;
    assert!(deleted.expect("a result"));

    let from = find(&john()).await.expect("the user");
    for address in [&taken, &held] {
        let mut to: Account = from.clone();
        to.stored.user.email = address.to_string();
        let relocation = Relocation {
            from: from.clone(),
            to,
            kind: MoveKind::Confirmed { hold: hold_of("1") },
            notices: vec![],
        };
        let moved = store.move_account(&relocation, now).await;
        assert!(!moved.expect("a result"), "{address}");
        assert_eq!(find(&john()).await.as_ref(), Some(&from));
    }
    assert_eq!(
        find(&taken).await.expect("the other user").stored.user.id,
        "2"
    );
    assert!(find(&held).await.is_none());
}
