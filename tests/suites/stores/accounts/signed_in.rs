//! What signed-in users do: their password, their sessions, their deletion.

use auth_core::{AskContent, AskId, InvalidLink, LetterContent, LiveUser, SelfServiceError};
use bundle_tests::{
    accounts::{Accounts, NEW_PASSWORD, OTHER_PASSWORD, PASSWORDS, network, password},
    store::{TestStore, email, john},
};

use super::{HOLD, assert_invalid, set_cheap_password, sign_in};
use crate::on_every_store;

on_every_store![
    a_changed_password_ends_all_sessions,
    wrong_passwords_of_a_session_are_counted,
    all_other_sessions_end,
    a_user_ends_only_their_own_sessions,
    a_deleted_account_is_gone_and_its_address_held,
];

async fn a_changed_password_ends_all_sessions(store: &impl TestStore) {
    let accounts = Accounts::new(store);
    set_cheap_password(&accounts, NEW_PASSWORD).await;
    let session = accounts.begin(&john()).await;
    let caller = accounts.guard(&session).await.expect("a user");
    let other_caller = sign_in(&accounts).await;
    let version = accounts.version(&john()).await.expect("the user");
    let network = network();
    let change = async |caller: &LiveUser, current: &str, new: &str| {
        let (current, new) = (password(current), password(new));
        let flows = &accounts.flows;
        let changed = flows.change_password(store, caller, &network, &current, &new);
        changed.await
    };
    let refused = change(&caller, NEW_PASSWORD, "changeme").await;
    assert!(matches!(refused, Err(SelfServiceError::Password(_))));
    // The guard of the second click read the user before the first click was handled.
    for click in ["first", "second"] {
        let changed = change(&caller, NEW_PASSWORD, OTHER_PASSWORD).await;
        changed.expect(click);
    }
    assert!(accounts.has_password(&john(), OTHER_PASSWORD).await);
    assert_eq!(accounts.version(&john()).await, Some(version + 1));
    assert_eq!(store.list_asks().await.expect("a result").len(), 1);
    assert!(accounts.guard(&session).await.is_err());
    for (caller, current, new) in [
        (&caller, OTHER_PASSWORD, NEW_PASSWORD),
        (&caller, NEW_PASSWORD, PASSWORDS[2]),
        (&other_caller, NEW_PASSWORD, OTHER_PASSWORD),
    ] {
        let refused = change(caller, current, new).await;
        assert!(matches!(refused, Err(SelfServiceError::Ended)));
    }
    // A client that has lost the response repeats the request.
    let logged = accounts.token_user(&session).await;
    for (text, is_done) in [(OTHER_PASSWORD, true), (NEW_PASSWORD, false)] {
        let new = password(text);
        let done = accounts.flows.check_password_changed(store, &logged, &new);
        assert_eq!(done.await.is_ok(), is_done, "{text}");
    }
}

/// Five per session, separate from those of logins. Further ones cost no hash.
async fn wrong_passwords_of_a_session_are_counted(store: &impl TestStore) {
    let accounts = Accounts::new(store);
    set_cheap_password(&accounts, NEW_PASSWORD).await;
    let (first, second) = (sign_in(&accounts).await, sign_in(&accounts).await);
    let (network, new) = (network(), password(OTHER_PASSWORD));
    let change = async |caller: &LiveUser, current: &str| {
        let (flows, current) = (&accounts.flows, password(current));
        let changed = flows.change_password(store, caller, &network, &current, &new);
        changed.await
    };
    for _ in 0..5 {
        let refused = change(&first, "wrong").await;
        assert!(matches!(refused, Err(SelfServiceError::WrongPassword)));
    }
    let before = accounts.hasher.computed();
    let refused = change(&first, NEW_PASSWORD).await;
    assert!(matches!(
        refused,
        Err(SelfServiceError::TooManyAttempts { .. })
    ));
    assert_eq!(accounts.hasher.computed(), before);
    let now = accounts.clock.now();
    let attempt = accounts.attempts.begin(&john(), &network, None, now).await;
    let counter = attempt.expect("keys").email_counter;
    let count = store.find_attempts(&counter).await.expect("a result");
    assert_eq!(count, auth_core::Count::default());
    change(&second, NEW_PASSWORD)
        .await
        .expect("another session");
}

async fn all_other_sessions_end(store: &impl TestStore) {
    let accounts = Accounts::new(store);
    let (own, other) = (accounts.begin(&john()).await, accounts.begin(&john()).await);
    let caller = accounts.guard(&own).await.expect("a user");
    let gone_caller = accounts.guard(&other).await.expect("a user");
    let ended = accounts.flows.end_other_sessions(store, &caller).await;
    ended.expect("ended");
    let still = accounts
        .guard(&own)
        .await
        .expect("the session of the request");
    assert!(accounts.guard(&other).await.is_err());
    // A second click, whose guard read the session before the first click was handled.
    let repeated = accounts.flows.end_other_sessions(store, &caller).await;
    repeated.expect("ended already");
    let ended = accounts.flows.end_other_sessions(store, &gone_caller).await;
    assert!(matches!(ended, Err(SelfServiceError::Ended)));
    accounts
        .flows
        .end_other_sessions(store, &still)
        .await
        .expect("ended");
    // The session is refreshed as before.
    let refreshed = accounts
        .sessions
        .refresh(store, own.refresh_token.expose())
        .await;
    let refreshed = refreshed.expect("tokens");
    accounts.guard(&refreshed).await.expect("a user");
    let gone = accounts
        .sessions
        .refresh(store, other.refresh_token.expose())
        .await;
    assert!(gone.is_err());
}

async fn a_user_ends_only_their_own_sessions(store: &impl TestStore) {
    let accounts = Accounts::new(store);
    let jane = email("jane@example.com");
    store
        .add_user(&bundle_tests::store::user("7", jane.as_str()))
        .await
        .expect("added");
    let (own, other) = (accounts.begin(&john()).await, accounts.begin(&john()).await);
    let janes = accounts.begin(&jane).await;
    let caller = accounts.guard(&own).await.expect("a user");
    let ended = async |id| {
        accounts
            .flows
            .end_session(store, &caller, id)
            .await
            .expect("a result")
    };
    assert!(!ended(&janes.session.id).await);
    accounts.guard(&janes).await.expect("it has not ended");
    let unknown = auth_core::SessionId::random().expect("randomness");
    assert!(!ended(&unknown).await);
    assert!(ended(&other.session.id).await);
    assert!(accounts.guard(&other).await.is_err());
    assert!(ended(&other.session.id).await, "it is still one of theirs");

    let sessions = accounts
        .flows
        .sessions(store, &caller)
        .await
        .expect("a result");
    let found = |id| sessions.iter().find(|session| session.id == id);
    assert!(found(own.session.id.clone()).is_some_and(|session| session.is_current));
    assert!(found(other.session.id).is_none() && found(janes.session.id).is_none());
    assert_eq!(
        sessions.iter().filter(|session| session.is_current).count(),
        1
    );
}

async fn a_deleted_account_is_gone_and_its_address_held(store: &impl TestStore) {
    let accounts = Accounts::new(store);
    set_cheap_password(&accounts, NEW_PASSWORD).await;
    let session = accounts.begin(&john()).await;
    let caller = accounts.guard(&session).await.expect("a user");
    let other_caller = sign_in(&accounts).await;
    let reset = accounts.link(&john(), AskContent::Reset).await;
    let network = network();
    let delete = async |caller: &LiveUser, text: &str| {
        let known = password(text);
        let deleted = accounts
            .flows
            .delete_account(store, caller, &network, &known);
        deleted.await
    };
    let refused = delete(&caller, "wrong").await;
    assert!(matches!(refused, Err(SelfServiceError::WrongPassword)));
    // The guard of the second click read the user before the first click was handled.
    for click in ["first", "second"] {
        delete(&caller, NEW_PASSWORD).await.expect(click);
    }
    let refused = delete(&other_caller, NEW_PASSWORD).await;
    assert!(matches!(refused, Err(SelfServiceError::Ended)));
    assert_eq!(accounts.version(&john()).await, None);
    assert!(accounts.guard(&session).await.is_err());
    let new = password(OTHER_PASSWORD);
    let reset = accounts.flows.reset_password(store, &reset, &new).await;
    assert_invalid(&reset, InvalidLink::Changed);
    let held = store
        .find_held(&john())
        .await
        .expect("a result")
        .expect("held");
    let now = accounts.clock.now();
    assert_eq!(
        (&*held.user_id, held.since, held.until),
        ("1", now, now + HOLD)
    );
    assert_eq!(held.current, None);
    let mark = held.last_action.expect("a mark");
    let letter = accounts
        .deliver(&AskId::notice(&mark, "account-deleted"))
        .await;
    assert_eq!(
        letter.expect("a letter").content,
        LetterContent::AccountDeleted
    );
}
