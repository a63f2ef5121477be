//! Asks for emails: found until they are sent, and limited.

use std::time::Duration;

use auth_core::{
    Ask, AskContent, AskCount, AskId, AskLimits, Asked, Email, NetworkCounter, NewPassword,
    SourceNetwork,
};
use bundle_tests::{
    accounts::{Accounts, NEW_PASSWORD, link, network, sign_up_roles},
    store::{TestStore, email, john},
};
use futures_util::future::join_all;

use super::{HOUR, MINUTE};
use crate::on_every_store;

on_every_store![
    an_ask_is_put_found_and_completed,
    a_notice_is_put_once,
    the_notice_of_a_change_replaces_one_with_the_same_id,
    asks_for_one_address_are_limited_per_day,
    asks_of_one_network_are_limited_per_hour,
    asks_and_failed_logins_of_networks_are_counted_apart,
    one_of_several_simultaneous_asks_is_put,
    an_ask_that_is_sent_two_days_later_has_a_link_that_works,
];

/// An ask is found until it is completed, and keeps its key.
async fn an_ask_is_put_found_and_completed(store: &impl TestStore) {
    let accounts = Accounts::new(store);
    let now = accounts.clock.now();
    let role = sign_up_roles();
    let content = AskContent::Invite { roles: role };
    let mails = [(email("jane@example.com"), content)];
    let prepared = accounts.attempts.prepare_asks(mails, None, now).await;
    let (asks, limits) = prepared.expect("keys");
    let put = async || store.put_asks(&asks, &limits, now).await.expect("a result");
    assert_eq!(store.find_ask(&asks[0].id).await.expect("a result"), None);
    assert_eq!(put().await, Asked::Put);
    let found = store.find_ask(&asks[0].id).await.expect("a result");
    assert_eq!(found.as_ref(), Some(&asks[0]));
    assert_eq!(put().await, Asked::Throttled);
    let unsent = async || store.list_asks().await.expect("a list");
    assert_eq!(unsent().await, [asks[0].id.clone()]);
    for _ in 0..2 {
        store.complete_ask(&asks[0].id).await.expect("completed");
        assert_eq!(unsent().await, []);
        assert_eq!(store.find_ask(&asks[0].id).await.expect("a result"), None);
    }
    assert_eq!(put().await, Asked::Throttled, "it was sent in this minute");
    let unknown = AskId::random().expect("randomness");
    store.complete_ask(&unknown).await.expect("nothing to do");
    assert_eq!(store.find_ask(&unknown).await.expect("a result"), None);
}

/// A notice that was sent is not sent again.
async fn a_notice_is_put_once(store: &impl TestStore) {
    let now = Accounts::new(store).clock.now();
    let id = AskId::random().expect("randomness");
    let notice = Ask::new(id.clone(), john(), AskContent::SessionReused, now);
    for _ in 0..2 {
        store.put_notice(&notice).await.expect("put");
        let found = store.find_ask(&id).await.expect("a result");
        assert_eq!(found.as_ref(), Some(&notice));
    }
    store.complete_ask(&id).await.expect("completed");
    store.put_notice(&notice).await.expect("nothing to do");
    assert_eq!(store.find_ask(&id).await.expect("a result"), None);
}

/// No change is made twice, so this never happens. All stores behave the same nevertheless.
async fn the_notice_of_a_change_replaces_one_with_the_same_id(store: &impl TestStore) {
    let now = Accounts::new(store).clock.now();
    let id = AskId::random().expect("randomness");
    let notice = |content| Ask::new(id.clone(), john(), content, now);
    store
        .put_notice(&notice(AskContent::SessionReused))
        .await
        .expect("put");
    let mut user = store.find_account(&john()).await.expect("a result");
    for is_sent in [false, true] {
        if is_sent {
            store.complete_ask(&id).await.expect("completed");
        }
        let found = user.take().expect("a user").stored;
        let change = NewPassword {
            email: john(),
            user_id: found.user.id,
            version: found.user.version,
            hash: found.password_hash,
            mark: serde_json::from_value("a-mark".into()).expect("a mark"),
            notice: notice(AskContent::PasswordChanged),
        };
        assert!(store.set_password(&change).await.expect("a result"));
        let found = store.find_ask(&id).await.expect("a result");
        assert_eq!(found, Some(change.notice), "{is_sent}");
        user = store.find_account(&john()).await.expect("a result");
    }
}

/// Five asks a minute apart, then one an hour; other addresses and kinds are not affected.
async fn asks_for_one_address_are_limited_per_day(store: &impl TestStore) {
    let accounts = Accounts::new(store);
    // The next midnight, so that the asks are in one day.
    let second = accounts.clock.now().as_secs() % 86_400;
    accounts.clock.advance(Duration::from_secs(86_400 - second));
    let (jane, joe) = (email("jane@example.com"), email("joe@example.com"));
    let ask = async |email: &Email| {
        let asked = accounts.flows.ask_reset(store, email, &network()).await;
        asked.expect("a result")
    };
    for i in 0..AskCount::MAX_FREQUENT {
        assert_eq!(ask(&jane).await, Asked::Put, "{i}");
        accounts.clock.advance(Duration::from_secs(59));
        assert_eq!(ask(&jane).await, Asked::Throttled, "{i}");
        accounts.clock.advance(Duration::from_secs(1));
    }
    for _ in 0..2 {
        assert_eq!(ask(&jane).await, Asked::Throttled);
        accounts.clock.advance(HOUR.saturating_sub(MINUTE));
        assert_eq!(ask(&jane).await, Asked::Put);
        accounts.clock.advance(MINUTE);
    }
    assert_eq!(ask(&joe).await, Asked::Put);
    let sign_up = accounts.flows.ask_sign_up(store, &jane, &network()).await;
    assert_eq!(sign_up.expect("a result"), Asked::Put);
}

/// Advances the clock to the next full hour.
fn begin_hour<S>(accounts: &Accounts<S>) {
    let second = accounts.clock.now().as_secs() % 3_600;
    accounts.clock.advance(Duration::from_secs(3_600 - second));
}

/// Fifty asks in an hour; throttled ones do not count, and other networks are not affected.
async fn asks_of_one_network_are_limited_per_hour(store: &impl TestStore) {
    let accounts = Accounts::new(store);
    begin_hour(&accounts);
    let ask = async |i: u32, network: &SourceNetwork| {
        let email = email(&format!("user{i}@example.com"));
        let asked = accounts.flows.ask_sign_up(store, &email, network).await;
        asked.expect("a result")
    };
    for i in 0..AskLimits::MAX_PER_NETWORK {
        assert_eq!(ask(i, &network()).await, Asked::Put, "{i}");
        if i < AskLimits::MAX_PER_NETWORK - 1 {
            assert_eq!(ask(0, &network()).await, Asked::Throttled, "{i}");
        }
    }
    let until = accounts.clock.now() + HOUR;
    assert_eq!(ask(99, &network()).await, Asked::NetworkFull(until));
    assert_eq!(ask(0, &network()).await, Asked::NetworkFull(until));
    let other = SourceNetwork::parse("203.0.113.8");
    assert_eq!(ask(99, &other).await, Asked::Put);
    accounts.clock.advance(HOUR);
    assert_eq!(ask(98, &network()).await, Asked::Put);
}

/// Their windows end at different times, and neither removes the counters of the other.
async fn asks_and_failed_logins_of_networks_are_counted_apart(store: &impl TestStore) {
    let accounts = Accounts::new(store);
    begin_hour(&accounts);
    let now = accounts.clock.now();
    let window = |length: Duration| NetworkCounter {
        id: format!("network#{}", length.as_secs()),
        max_failures: 100,
        window_ends: now + length,
    };
    let (short, long) = (window(MINUTE), window(HOUR * 2));
    let ask = async |i: u32| {
        let email = email(&format!("user{i}@example.com"));
        let asked = accounts.flows.ask_sign_up(store, &email, &network()).await;
        asked.expect("a result")
    };
    store.add_network_failure(&short).await.expect("counted");
    for i in 0..AskLimits::MAX_PER_NETWORK {
        assert_eq!(ask(i).await, Asked::Put, "{i}");
    }
    let found = store.find_for_login(&john(), &short).await;
    assert_eq!(found.expect("a result").1, 1);
    store.add_network_failure(&long).await.expect("counted");
    assert_eq!(ask(99).await, Asked::NetworkFull(now + HOUR));
}

async fn one_of_several_simultaneous_asks_is_put(store: &impl TestStore) {
    let accounts = Accounts::new(store);
    let jane = email("jane@example.com");
    let network = network();
    let asks = (0..20).map(|_| accounts.flows.ask_reset(store, &jane, &network));
    let asked = join_all(asks).await.into_iter();
    let put = asked.filter(|asked| *asked.as_ref().expect("a result") == Asked::Put);
    assert_eq!(put.count(), 1);
}

/// The lifetime of a link begins when it is sent.
async fn an_ask_that_is_sent_two_days_later_has_a_link_that_works(store: &impl TestStore) {
    let accounts = Accounts::new(store);
    let (now, mails) = (accounts.clock.now(), [(john(), AskContent::Reset)]);
    let prepared = accounts.attempts.prepare_asks(mails, None, now).await;
    let (asks, limits) = prepared.expect("keys");
    let asked = store.put_asks(&asks, &limits, now).await;
    assert_eq!(asked.expect("a result"), Asked::Put);
    accounts.clock.advance(48 * HOUR);
    let letter = accounts.deliver(&asks[0].id).await.expect("a letter");
    accounts.clock.advance(29 * MINUTE);
    let token = link(&letter).token.expose();
    accounts.reset(token, NEW_PASSWORD).await.expect("reset");
}
