//! Requests that meet at the wrong moment: a reset during a login, a deletion during a refresh, and two users for one
//! address.

use std::sync::atomic::{AtomicUsize, Ordering};

use auth_core::{
    Advance, AskContent, Email, InvalidLink, RepositoryError, SelfServiceError, Session, SessionId,
    SessionRepository, User, UserChange, UserRepository,
};
use bundle_tests::{
    accounts::{Accounts, CheapHasher, NEW_PASSWORD, OTHER_PASSWORD, network, password},
    flaky::{FlakyStore, Script, Stepped},
    store::{TestStore, email, john},
};
use futures_util::{future::BoxFuture, join};

use super::{HOUR, MINUTE, assert_invalid, request_change, set_cheap_password};
use crate::on_every_store;

on_every_store![
    a_reset_during_a_login_ends_the_session_of_the_login,
    a_hash_that_a_login_renews_during_a_reset_does_not_replace_the_new_one,
    a_session_of_a_deleted_user_is_not_refreshed,
    a_deletion_during_a_refresh_leaves_no_session,
    an_address_never_belongs_to_two_users,
    a_sign_up_and_a_change_to_one_address_at_once_make_one_user,
    an_undo_wins_against_a_thief_who_keeps_changing_the_user,
    an_undo_that_gives_up_does_not_use_up_the_link,
];

/// The login has checked the old password before the reset, and stores its session after it.
async fn a_reset_during_a_login_ends_the_session_of_the_login(store: &impl TestStore) {
    let accounts = Accounts::new(store);
    let user = store.find_by_email(&john()).await.expect("a result");
    let issued = accounts
        .sessions
        .begin(&john(), &user.expect("the user"))
        .await
        .expect("tokens");
    let token = accounts.link(&john(), AskContent::Reset).await;
    accounts.reset(&token, NEW_PASSWORD).await.expect("reset");
    store.start_session(&issued.session).await.expect("started");
    assert!(accounts.guard(&issued).await.is_err());
    let token = issued.refresh_token.expose();
    assert!(accounts.sessions.refresh(store, token).await.is_err());
}

/// A login renews an outdated hash with one of the same password, which the reset has replaced meanwhile.
async fn a_hash_that_a_login_renews_during_a_reset_does_not_replace_the_new_one(
    store: &impl TestStore,
) {
    let accounts = Accounts::new(store);
    let found = store.find_account(&john()).await.expect("a result");
    let old = found.expect("the user").stored.password_hash;
    let renewed = CheapHasher::hash_text("changeme");
    let token = accounts.link(&john(), AskContent::Reset).await;
    accounts.reset(&token, NEW_PASSWORD).await.expect("reset");
    let replaced = store.replace_password_hash(&john(), &old, &renewed).await;
    assert!(!replaced.expect("a result"));
    assert!(accounts.has_password(&john(), NEW_PASSWORD).await);
}

async fn a_session_of_a_deleted_user_is_not_refreshed(store: &impl TestStore) {
    let accounts = Accounts::new(store);
    set_cheap_password(&accounts, NEW_PASSWORD).await;
    let issued = accounts.begin(&john()).await;
    let caller = accounts.guard(&issued).await.expect("a user");
    let (network, known) = (network(), password(NEW_PASSWORD));
    let deleted = accounts
        .flows
        .delete_account(store, &caller, &network, &known);
    deleted.await.expect("deleted");
    let token = issued.refresh_token.expose();
    assert!(accounts.sessions.refresh(store, token).await.is_err());
}

/// A store for one refresh, during which something else happens before a call.
struct Interrupted<'a, S> {
    store: &'a S,
    calls: AtomicUsize,
    at: usize,
    interrupt: &'a (dyn Fn() -> BoxFuture<'a, ()> + Sync),
}

impl<S> Interrupted<'_, S> {
    async fn enter(&self) {
        if self.calls.fetch_add(1, Ordering::Relaxed) == self.at {
            (self.interrupt)().await;
        }
    }
}

impl<S: TestStore> UserRepository for Interrupted<'_, S> {
    async fn find_by_email(&self, email: &Email) -> Result<Option<User>, RepositoryError> {
        self.enter().await;
        self.store.find_by_email(email).await
    }
}

impl<S: TestStore> SessionRepository for Interrupted<'_, S> {
    async fn start_session(&self, session: &Session) -> Result<(), RepositoryError> {
        self.store.start_session(session).await
    }

    async fn find_session(&self, id: &SessionId) -> Result<Option<Session>, RepositoryError> {
        self.enter().await;
        self.store.find_session(id).await
    }

    async fn advance_session(&self, next: &Session) -> Result<Advance, RepositoryError> {
        self.enter().await;
        self.store.advance_session(next).await
    }

    async fn revoke_session(&self, id: &SessionId) -> Result<(), RepositoryError> {
        self.enter().await;
        self.store.revoke_session(id).await
    }
}

/// Before each call of the refresh. If the deletion comes after the user was read, the refresh succeeds, but the guard
/// refuses its tokens, and they are not refreshed again.
async fn a_deletion_during_a_refresh_leaves_no_session(store: &impl TestStore) {
    let accounts = Accounts::new(store);
    let mut interrupted = 0;
    for at in 0.. {
        let address = email(&format!("user{at}@example.com"));
        let mut user = bundle_tests::store::user(&format!("user-{at}"), address.as_str());
        user.password_hash = CheapHasher::hash_text(NEW_PASSWORD);
        store.add_user(&user).await.expect("added");
        let issued = accounts.begin(&address).await;
        let caller = accounts.guard(&issued).await.expect("a user");
        let (network, known) = (network(), password(NEW_PASSWORD));
        let delete = || -> BoxFuture<'_, ()> {
            Box::pin(async {
                let flows = &accounts.flows;
                let deleted = flows.delete_account(store, &caller, &network, &known);
                deleted.await.expect("deleted");
            })
        };
        let refreshing = Interrupted {
            store,
            calls: AtomicUsize::default(),
            at,
            interrupt: &delete,
        };
        let token = issued.refresh_token.expose();
        let refreshed = accounts.sessions.refresh(&refreshing, token).await;
        if refreshing.calls.load(Ordering::Relaxed) <= at {
            refreshed.expect("nothing was deleted");
            break;
        }
        interrupted += 1;
        assert!(accounts.guard(&issued).await.is_err(), "call {at}");
        if let Ok(refreshed) = refreshed {
            assert!(accounts.guard(&refreshed).await.is_err(), "call {at}");
            let token = refreshed.refresh_token.expose();
            assert!(accounts.sessions.refresh(store, token).await.is_err());
        }
        assert_eq!(accounts.version(&address).await, None);
    }
    assert_eq!(interrupted, 3, "session, user, write");
}

/// If someone signs up with an address while another user moves to it, it gets only one user, whoever is first.
async fn an_address_never_belongs_to_two_users(store: &impl TestStore) {
    let accounts = Accounts::new(store);
    let (first, second) = (email("first@example.com"), email("second@example.com"));
    let new = password(NEW_PASSWORD);
    let (confirm, undo) = request_change(&accounts, &first).await;
    let sign_up = accounts.link(&first, AskContent::SignUp).await;
    let added = accounts.flows.confirm_sign_up(store, &sign_up, &new).await;
    let added = added.expect("added");
    let confirmed = accounts.flows.confirm_email(store, &confirm).await;
    assert_invalid(&confirmed, InvalidLink::Changed);
    let user = store.find_by_email(&first).await.expect("a result");
    assert_eq!(user.expect("the user").id, added);
    accounts
        .flows
        .undo_email(store, &undo)
        .await
        .expect("undone");

    accounts.clock.advance(MINUTE);
    let (confirm, _) = request_change(&accounts, &second).await;
    let sign_up = accounts.link(&second, AskContent::SignUp).await;
    let moved = accounts.flows.confirm_email(store, &confirm).await;
    assert_eq!(moved.expect("moved"), "1");
    let added = accounts.flows.confirm_sign_up(store, &sign_up, &new).await;
    assert_invalid(&added, InvalidLink::Changed);
    let user = store.find_by_email(&second).await.expect("a result");
    assert_eq!(user.expect("the user").id, "1");
}

/// Whoever is first, the other link does nothing, and the user of the other link is not lost.
async fn a_sign_up_and_a_change_to_one_address_at_once_make_one_user(store: &impl TestStore) {
    let accounts = Accounts::new(store);
    set_cheap_password(&accounts, OTHER_PASSWORD).await;
    let new = password(NEW_PASSWORD);
    for i in 0..10 {
        let address = email(&format!("jane{i}@example.com"));
        let (confirm, undo) = request_change(&accounts, &address).await;
        let sign_up = accounts.link(&address, AskContent::SignUp).await;
        let (added, moved) = join!(
            accounts.flows.confirm_sign_up(store, &sign_up, &new),
            accounts.flows.confirm_email(store, &confirm)
        );
        let user = store.find_by_email(&address).await.expect("a result");
        let user = user.expect("one of them").id;
        if let Ok(added) = added {
            assert_invalid(&moved, InvalidLink::Changed);
            assert_eq!(user, added);
            assert!(accounts.has_password(&address, NEW_PASSWORD).await);
            assert!(accounts.has_password(&john(), OTHER_PASSWORD).await);
        } else {
            assert_invalid(&added, InvalidLink::Changed);
            assert_eq!((moved.expect("moved"), &*user), ("1".to_owned(), "1"));
            assert!(accounts.has_password(&address, OTHER_PASSWORD).await);
        }
        accounts
            .flows
            .undo_email(store, &undo)
            .await
            .expect("undone");
        set_cheap_password(&accounts, OTHER_PASSWORD).await;
        accounts.clock.advance(HOUR);
    }
}

/// A change to an address of a thief who is signed in.
struct Theft<S> {
    accounts: Accounts<S>,
    new: Email,
    /// The token of the link that undoes the change.
    link: String,
}

impl<S: TestStore> Theft<S> {
    async fn new(store: &S) -> Self {
        let (accounts, new) = (Accounts::new(store), email("thief@example.com"));
        let (confirm, link) = request_change(&accounts, &new).await;
        let confirmed = accounts.flows.confirm_email(store, &confirm).await;
        confirmed.expect("confirmed");
        Self {
            accounts,
            new,
            link,
        }
    }

    /// Undoes the change, while the thief changes the user before each of the first `changes` calls to the store. An
    /// undo makes four calls for each of its 16 tries.
    async fn undo(&self, changes: usize) -> Result<String, SelfServiceError> {
        let (store, script) = (&self.accounts.store, Script::default());
        let flaky = FlakyStore::new(store.clone(), &script);
        let undo = self.accounts.flows.undo_email(&flaky, &self.link);
        let mut undo = Stepped::new(&script, undo);
        for _ in 0..changes {
            let raised = store.change_user(&self.new, UserChange::EndSessions).await;
            raised.expect("the next version");
            undo.advance().await;
        }
        undo.finish().await
    }
}

async fn an_undo_wins_against_a_thief_who_keeps_changing_the_user(store: &impl TestStore) {
    let theft = Theft::new(store).await;
    theft.undo(40).await.expect("undone");
    let accounts = &theft.accounts;
    assert!(accounts.version(&john()).await.is_some());
    assert_eq!(accounts.version(&theft.new).await, None);
}

async fn an_undo_that_gives_up_does_not_use_up_the_link(store: &impl TestStore) {
    let theft = Theft::new(store).await;
    let undone = theft.undo(100).await;
    let is_outage = matches!(undone, Err(SelfServiceError::Repository(_)));
    assert!(is_outage, "{undone:?}");
    theft.undo(0).await.expect("undone");
    assert!(theft.accounts.version(&john()).await.is_some());
}
