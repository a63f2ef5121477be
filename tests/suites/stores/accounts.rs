//! Self-service: asks and their limits, links that work once, changes of the address and their undoing, deletion.

mod asks;
mod attacks;
mod email;
mod links;
mod races;
mod signed_in;

use std::time::Duration;

use auth_core::{
    AskContent, Email, EmailChange, InvalidLink, LiveUser, PasswordHash, SelfServiceError,
    UserChange,
};
use bundle_tests::{
    accounts::Accounts,
    store::{TestStore, john},
};

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const HOLD: Duration = Duration::from_hours(72);

/// Checks that a result is a link that does nothing, for this reason.
#[track_caller]
fn assert_invalid<T: std::fmt::Debug>(result: &Result<T, SelfServiceError>, reason: InvalidLink) {
    match result {
        Err(SelfServiceError::InvalidLink(found)) => assert_eq!(*found, reason),
        other => panic!("{other:?} instead of {reason:?}"),
    }
}

/// Begins a session of the tutorial's user.
async fn sign_in<S: TestStore>(accounts: &Accounts<S>) -> LiveUser {
    live(accounts, &john()).await
}

async fn live<S: TestStore>(accounts: &Accounts<S>, email: &Email) -> LiveUser {
    let issued = accounts.begin(email).await;
    accounts.guard(&issued).await.expect("a user")
}

/// Gives the tutorial's user a hash that costs nothing.
async fn set_cheap_password<S: TestStore>(accounts: &Accounts<S>, text: &str) {
    let hash: PasswordHash = bundle_tests::accounts::CheapHasher::hash_text(text);
    let change = UserChange::Password(hash);
    let changed = accounts.store.change_user(&john(), change).await;
    changed.expect("changed");
}

/// Requests a change of John's address, and returns the links to the new and to the old address.
async fn request_change<S: TestStore>(accounts: &Accounts<S>, to: &Email) -> (String, String) {
    let user = accounts.store.find_by_email(&john()).await;
    let user = user.expect("a result").expect("the user");
    let change = EmailChange {
        user_id: user.id,
        version: user.version,
        from: john(),
        to: to.clone(),
    };
    let confirm = accounts.link(to, AskContent::Email(change.clone())).await;
    let undo = accounts
        .link(&john(), AskContent::EmailRequested(change))
        .await;
    (confirm, undo)
}
