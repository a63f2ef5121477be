//! Attacks on self-service: floods, forged links, and accounts or sessions that someone else has prepared.

use std::{collections::BTreeSet, time::Duration};

use auth_core::{AskContent, AskCount, Asked, InvalidLink, SourceNetwork, UserChange};
use bundle_tests::{
    accounts::{Accounts, NEW_PASSWORD, OTHER_PASSWORD, network, password, sign_up_roles},
    app::App,
    client::{ADDRESS, Client},
    events,
    flaky::{FlakyStore, Script},
    store::{TestStore, email, john, session_id},
};

use super::{HOUR, MINUTE, assert_invalid, request_change, set_cheap_password};
use crate::on_every_store;

on_every_store![
    a_thousand_asks_for_one_address_put_as_many_as_documented,
    a_forged_token_costs_neither_a_hash_nor_a_query,
    pre_hijacking_by_a_sign_up_leaves_neither_an_account_nor_a_password,
    pre_hijacking_by_an_earlier_account_ends_with_a_reset,
    pre_hijacking_by_a_change_of_the_address_ends_with_the_sign_up,
    session_fixation_a_login_begins_a_new_session_whatever_the_client_sends,
    session_fixation_no_session_from_before_survives_a_new_password,
    a_reset_while_the_user_is_disabled_changes_nothing,
];

/// From a hundred networks in a day: five, and then one an hour. Logins are not affected.
async fn a_thousand_asks_for_one_address_put_as_many_as_documented(store: &impl TestStore) {
    let accounts = Accounts::new(store);
    let second = accounts.clock.now().as_secs() % 86_400;
    accounts.clock.advance(Duration::from_secs(86_400 - second));
    let mut put = 0;
    for i in 0..1_000 {
        let network = SourceNetwork::parse(&format!("203.0.113.{}", i % 100));
        let asked = accounts.flows.ask_reset(store, &john(), &network).await;
        put += u32::from(asked.expect("a result") == Asked::Put);
        accounts.clock.advance(Duration::from_secs(86));
    }
    assert!((AskCount::MAX_FREQUENT..=28).contains(&put), "{put}");
    let (now, network) = (accounts.clock.now(), network());
    let attempt = accounts.attempts.begin(&john(), &network, None, now).await;
    let counter = attempt.expect("keys").email_counter;
    let count = store.find_attempts(&counter).await.expect("a result");
    assert_eq!(count, auth_core::Count::default());
}

/// Tokens with a changed bit, cut ones, and those of other kinds.
async fn a_forged_token_costs_neither_a_hash_nor_a_query(store: &impl TestStore) {
    let accounts = Accounts::new(store);
    let script = Script::default();
    let flaky = FlakyStore::new(store.clone(), &script);
    let token = accounts.link(&john(), AskContent::Reset).await;
    let (confirm, undo) = request_change(&accounts, &email("new@example.com")).await;
    let mut forged: Vec<String> = vec![confirm, undo, String::new(), "a.b.c".into()];
    forged.extend((0..token.len()).map(|i| token[..i].to_owned()));
    let bytes = forge::decoded(&token);
    for i in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[i] ^= 1;
        forged.push(forge::b64(&changed));
    }
    assert!(forged.len() >= 300, "{}", forged.len());
    let (before, new) = (accounts.hasher.computed(), password(NEW_PASSWORD));
    for text in forged {
        let reset = accounts.flows.reset_password(&flaky, &text, &new).await;
        assert_invalid(&reset, InvalidLink::Forged);
    }
    accounts.clock.advance(HOUR);
    let reset = accounts.flows.reset_password(&flaky, &token, &new).await;
    assert_invalid(&reset, InvalidLink::Expired);
    assert_eq!(script.calls(), [""; 0]);
    assert_eq!(accounts.hasher.computed(), before);
}

/// Someone signs up with the address of a victim, who signs up later. Only the victim gets links.
async fn pre_hijacking_by_a_sign_up_leaves_neither_an_account_nor_a_password(
    store: &impl TestStore,
) {
    let accounts = Accounts::new(store);
    let jane = email("jane@example.com");
    let asked = accounts.flows.ask_sign_up(store, &jane, &network()).await;
    assert_eq!(asked.expect("a result"), Asked::Put);
    assert_eq!(accounts.version(&jane).await, None, "no account");
    assert!(store.find_account(&jane).await.expect("a result").is_none());
    accounts.clock.advance(MINUTE);

    // Two emails arrive, and the victim uses the second link.
    let first = accounts.link(&jane, AskContent::SignUp).await;
    accounts.clock.advance(MINUTE);
    let second = accounts.link(&jane, AskContent::SignUp).await;
    let id = accounts
        .confirm(&second, NEW_PASSWORD)
        .await
        .expect("added");
    let session = accounts.begin(&jane).await;
    let confirmed = accounts.confirm(&first, OTHER_PASSWORD).await;
    assert_invalid(&confirmed, InvalidLink::Changed);
    assert!(accounts.has_password(&jane, NEW_PASSWORD).await);
    let user = accounts.guard(&session).await.expect("the victim");
    assert_eq!(
        (&user.user().id, &user.user().roles),
        (&id, &sign_up_roles())
    );
}

/// Someone has had an account with the address of a victim, with a password, a session, and links to come back.
async fn pre_hijacking_by_an_earlier_account_ends_with_a_reset(store: &impl TestStore) {
    let accounts = Accounts::new(store);
    set_cheap_password(&accounts, OTHER_PASSWORD).await;
    let planted = accounts.begin(&john()).await;
    let (confirm, undo) = request_change(&accounts, &email("mallory@example.com")).await;
    let second = accounts.link(&john(), AskContent::Reset).await;
    accounts.clock.advance(MINUTE);

    let token = accounts.link(&john(), AskContent::Reset).await;
    accounts.reset(&token, NEW_PASSWORD).await.expect("reset");
    assert!(accounts.guard(&planted).await.is_err());
    let refreshed = accounts
        .sessions
        .refresh(store, planted.refresh_token.expose());
    assert!(refreshed.await.is_err());
    assert!(!accounts.has_password(&john(), OTHER_PASSWORD).await);
    let confirmed = accounts.flows.confirm_email(store, &confirm).await;
    assert_invalid(&confirmed, InvalidLink::Changed);
    assert_invalid(
        &accounts.flows.undo_email(store, &undo).await,
        InvalidLink::Changed,
    );
    assert_invalid(
        &accounts.reset(&second, OTHER_PASSWORD).await,
        InvalidLink::Changed,
    );
    assert!(accounts.has_password(&john(), NEW_PASSWORD).await);
}

/// Someone wants to change their address to that of a victim, who signs up first.
async fn pre_hijacking_by_a_change_of_the_address_ends_with_the_sign_up(store: &impl TestStore) {
    let accounts = Accounts::new(store);
    set_cheap_password(&accounts, OTHER_PASSWORD).await;
    let jane = email("jane@example.com");
    let (confirm, undo) = request_change(&accounts, &jane).await;
    assert_eq!(
        accounts.version(&jane).await,
        None,
        "nothing before the click"
    );
    let sign_up = accounts.link(&jane, AskContent::SignUp).await;
    let id = accounts
        .confirm(&sign_up, NEW_PASSWORD)
        .await
        .expect("added");
    let session = accounts.begin(&jane).await;
    let confirmed = accounts.flows.confirm_email(store, &confirm).await;
    assert_invalid(&confirmed, InvalidLink::Changed);
    let undone = accounts.flows.undo_email(store, &undo).await;
    assert_eq!(
        undone.expect("undone"),
        "1",
        "only the request of the other user"
    );
    let victim = accounts.guard(&session).await.expect("the victim");
    assert_eq!(victim.user().id, id);
    assert!(accounts.has_password(&jane, NEW_PASSWORD).await);
}

/// A client cannot choose its session: the tokens that it sends may have been planted by someone else.
async fn session_fixation_a_login_begins_a_new_session_whatever_the_client_sends(
    store: &impl TestStore,
) {
    let app = App::on(store.clone(), &[]);
    let planted = app.sign_in().await;
    let id = session_id(&planted.refresh);
    let mut known = BTreeSet::from([id.clone()]);
    for (member, value) in [
        ("refresh_token", planted.refresh.clone()),
        ("access_token", planted.access.clone()),
        ("session_id", id.to_string()),
        ("sid", id.to_string()),
        (
            "device_token",
            planted.device.clone().expect("a device token"),
        ),
    ] {
        let mut body = events::credentials();
        body[member] = value.into();
        let reply = app.post("login", &body, ADDRESS).await;
        let own = reply.tokens().expect("tokens");
        assert!(known.insert(session_id(&own.refresh)), "{member}");
        // What ends the planted session does not end the user's, and vice versa.
        app.log_out(&own.refresh, false).await;
        assert_eq!(app.me(&planted.access).await, 200, "{member}");
    }
}

/// This holds whoever planted the session, and whatever sets the password.
async fn session_fixation_no_session_from_before_survives_a_new_password(store: &impl TestStore) {
    let accounts = Accounts::new(store);
    set_cheap_password(&accounts, OTHER_PASSWORD).await;
    let planted = accounts.begin(&john()).await;
    let own = accounts.begin(&john()).await;
    let caller = accounts.guard(&own).await.expect("a user");
    let (network, [old, new]) = (network(), [OTHER_PASSWORD, NEW_PASSWORD].map(password));
    let changed = accounts
        .flows
        .change_password(store, &caller, &network, &old, &new);
    changed.await.expect("changed");
    for issued in [&planted, &own] {
        assert!(accounts.guard(issued).await.is_err());
        let token = issued.refresh_token.expose();
        assert!(accounts.sessions.refresh(store, token).await.is_err());
    }
    let next = accounts.begin(&john()).await;
    assert_ne!(next.session.id, planted.session.id);
    accounts.guard(&next).await.expect("the new session");
    let token = accounts.link(&john(), AskContent::Reset).await;
    accounts.reset(&token, OTHER_PASSWORD).await.expect("reset");
    assert!(accounts.guard(&next).await.is_err());
}

/// The link was sent before the user was disabled. It does nothing then or later, and costs no hash; no email is sent
/// while the user is disabled.
async fn a_reset_while_the_user_is_disabled_changes_nothing(store: &impl TestStore) {
    let accounts = Accounts::new(store);
    set_cheap_password(&accounts, OTHER_PASSWORD).await;
    let token = accounts.link(&john(), AskContent::Reset).await;
    let set_disabled = async |is_disabled| {
        let change = UserChange::Disabled(is_disabled);
        store.change_user(&john(), change).await.expect("changed");
    };
    set_disabled(true).await;
    let (version, hashes) = (accounts.version(&john()).await, accounts.hasher.computed());
    let reset = accounts.reset(&token, NEW_PASSWORD).await;
    assert_invalid(&reset, InvalidLink::Changed);
    accounts.clock.advance(MINUTE);
    assert_eq!(accounts.letter(&john(), AskContent::Reset).await, None);
    assert_eq!(accounts.version(&john()).await, version);
    set_disabled(false).await;
    let reset = accounts.reset(&token, NEW_PASSWORD).await;
    assert_invalid(&reset, InvalidLink::Changed);
    assert_eq!(accounts.hasher.computed(), hashes);
    assert!(accounts.has_password(&john(), OTHER_PASSWORD).await);
}
