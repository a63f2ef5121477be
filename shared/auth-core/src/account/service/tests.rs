//! The rules of the flows on a store in memory. The suite `stores` runs each flow on every store.

use std::time::Duration;

use super::*;
use crate::{
    Account, AccountRepository, Action, ActionToken, Algorithm, AttemptLimits, AttemptRepository,
    EmailChange, HOLD, HeldRepository, InMemoryStore, Key, KeySet, UnixTime, UserChange,
    UserDirectory,
};

const NOW: UnixTime = UnixTime::from_secs(1_000_000);
const PASSWORD: &str = "correct horse battery staple";
const OTHER_PASSWORD: &str = "another horse altogether";
const MINUTE: Duration = Duration::from_mins(1);

fn keys(first: u8) -> KeySet {
    let secret: Vec<u8> = (first..first + 32).collect();
    Key::from_secret(&secret, Algorithm::HS256).unwrap().into()
}

fn tokens() -> ActionTokens {
    ActionTokens::new(keys(0))
}

/// Returns the flows as they are at `now`.
fn flows(now: UnixTime) -> SelfService<PasswordHasher> {
    let rules = SelfServiceRules {
        policy: PasswordPolicy {
            min_chars: PasswordPolicy::MIN_CHARS,
            app_name: "Orders".into(),
        },
        is_sign_up_open: true,
        sign_up_roles: vec![],
    };
    let lifetime = Duration::from_hours(1);
    let attempts = Attempts::new(keys(32), AttemptLimits::default(), lifetime);
    let clock = Clock::from_fn(move || now);
    SelfService::new(tokens(), attempts, PasswordHasher::new(), rules, clock)
}

fn email(address: &str) -> Email {
    Email::parse(address).unwrap()
}

fn john() -> Email {
    email("john.doe@leapify.tech")
}

fn password(text: &str) -> Password {
    Password::parse(text).unwrap()
}

async fn issue(action: Action, now: UnixTime) -> ActionToken {
    tokens().issue(action, now).await.unwrap().token
}

async fn reset_token(version: u64) -> ActionToken {
    let action = Action::Reset {
        email: john(),
        user_id: "1".into(),
        version,
    };
    issue(action, NOW).await
}

async fn find(store: &InMemoryStore, email: &Email) -> Option<Account> {
    store.find_account(email).await.unwrap()
}

#[track_caller]
fn assert_invalid<T: std::fmt::Debug>(result: Result<T, SelfServiceError>, reason: InvalidLink) {
    match result {
        Err(SelfServiceError::InvalidLink(found)) => assert_eq!(found, reason),
        other => panic!("{other:?} instead of {reason:?}"),
    }
}

#[tokio::test]
async fn a_link_is_checked_before_the_policy_and_a_refused_password_leaves_it_valid() {
    let (store, flows) = (InMemoryStore::with_tutorial_user(), flows(NOW));
    let token = reset_token(0).await;
    let reset = async |token: &str, text: &str| {
        let new = password(text);
        flows.reset_password(&store, token, &new).await
    };
    assert_invalid(reset("forged", "short").await, InvalidLink::Forged);
    for text in ["short", "changeme", "john.doe"] {
        let refused = reset(token.expose(), text).await;
        assert!(matches!(refused, Err(SelfServiceError::Password(_))));
    }
    assert_eq!(flows.hasher.computed(), 0);
    assert_eq!(reset(token.expose(), PASSWORD).await.unwrap(), "1");
    assert_eq!(flows.hasher.computed(), 1);
}

#[tokio::test]
async fn a_used_link_succeeds_again_only_with_its_password() {
    let (store, flows) = (InMemoryStore::with_tutorial_user(), flows(NOW));
    let token = reset_token(0).await;
    let reset = async |text: &str| {
        let new = password(text);
        flows.reset_password(&store, token.expose(), &new).await
    };
    reset(PASSWORD).await.unwrap();
    let stored = find(&store, &john()).await;
    assert_eq!(reset(PASSWORD).await.unwrap(), "1");
    assert_invalid(reset(OTHER_PASSWORD).await, InvalidLink::Changed);
    assert_eq!(
        find(&store, &john()).await,
        stored,
        "nothing was changed again"
    );
}

/// Otherwise, a used link would allow unlimited guesses of the password.
#[tokio::test]
async fn a_used_link_checks_twenty_wrong_passwords() {
    let (store, flows) = (InMemoryStore::with_tutorial_user(), flows(NOW));
    let token = reset_token(0).await;
    let reset = async |text: &str| {
        let new = password(text);
        flows.reset_password(&store, token.expose(), &new).await
    };
    reset(PASSWORD).await.unwrap();
    for _ in 0..20 {
        assert_invalid(reset(OTHER_PASSWORD).await, InvalidLink::Changed);
    }
    let before = flows.hasher.computed();
    for text in [OTHER_PASSWORD, PASSWORD] {
        let refused = reset(text).await;
        assert!(matches!(
            refused,
            Err(SelfServiceError::TooManyAttempts { .. })
        ));
    }
    assert_eq!(flows.hasher.computed(), before, "without a hash");
    let network = SourceNetwork::default();
    let login = flows.attempts.begin(&john(), &network, None, NOW).await;
    let counter = login.unwrap().email_counter;
    let count = store.find_attempts(&counter).await.unwrap();
    assert_eq!(count, crate::Count::default(), "logins are not affected");
}

#[tokio::test]
async fn a_reset_link_of_another_version_or_of_a_disabled_user_costs_no_hash() {
    let (store, flows) = (InMemoryStore::with_tutorial_user(), flows(NOW));
    let new = password(PASSWORD);
    for version in [1, u64::MAX] {
        let token = reset_token(version).await;
        let reset = flows.reset_password(&store, token.expose(), &new).await;
        assert_invalid(reset, InvalidLink::Changed);
    }
    // Disabling raises the version; a link of that version must not work either.
    let disabled = UserChange::Disabled(true);
    store.change_user(&john(), disabled).await.unwrap();
    let token = reset_token(1).await;
    let reset = flows.reset_password(&store, token.expose(), &new).await;
    assert_invalid(reset, InvalidLink::Changed);
    assert_eq!(flows.hasher.computed(), 0);
}

#[tokio::test]
async fn a_sign_up_link_that_was_sent_before_the_address_was_left_adds_no_user() {
    let store = InMemoryStore::with_tutorial_user();
    let sign_up = async |issued_at: UnixTime, now: UnixTime| {
        let action = Action::SignUp { email: john() };
        let token = issue(action, issued_at).await;
        let (flows, new) = (flows(now), password(PASSWORD));
        flows.confirm_sign_up(&store, token.expose(), &new).await
    };
    assert_invalid(sign_up(NOW, NOW).await, InvalidLink::Changed);
    store.delete_user(&john(), NOW).await.unwrap();
    assert_invalid(sign_up(NOW - MINUTE, NOW).await, InvalidLink::Held);
    assert_invalid(sign_up(NOW, NOW + MINUTE).await, InvalidLink::Held);
    assert_ne!(sign_up(NOW + MINUTE, NOW + MINUTE).await.unwrap(), "1");
}

fn change(version: u64, to: &str) -> EmailChange {
    EmailChange {
        user_id: "1".into(),
        version,
        from: john(),
        to: email(to),
    }
}

/// After the confirmation, the undo is bound to the held address and not to a version, so no later change by the thief
/// makes it invalid.
#[tokio::test]
async fn an_undo_link_works_after_the_confirmation_while_the_address_is_held() {
    for (passed, is_held) in [(HOLD.saturating_sub(MINUTE), true), (HOLD, false)] {
        let store = InMemoryStore::with_tutorial_user();
        let change = change(0, "new@example.com");
        let confirm = issue(Action::Email(change.clone()), NOW).await;
        flows(NOW)
            .confirm_email(&store, confirm.expose())
            .await
            .unwrap();
        let ended = UserChange::EndSessions;
        store.change_user(&change.to, ended).await.unwrap();
        // Sent with the notice of the change, a moment after it.
        let undo = issue(Action::Undo(change.clone()), NOW + MINUTE).await;
        let undone = flows(NOW + passed).undo_email(&store, undo.expose()).await;
        assert_eq!(undone.is_ok(), is_held, "{undone:?}");
        assert_eq!(find(&store, &john()).await.is_some(), is_held);
        assert_eq!(find(&store, &change.to).await.is_some(), !is_held);
        if is_held {
            let restored = find(&store, &john()).await.unwrap().stored;
            assert_eq!(restored.password_hash, PasswordHash::unmatchable().unwrap());
            assert_eq!(restored.user.version, 3);
            assert_eq!(store.find_held(&john()).await.unwrap(), None);
        }
    }
}

#[tokio::test]
async fn an_undo_link_of_another_change_or_user_does_nothing() {
    let store = InMemoryStore::with_tutorial_user();
    let confirmed = change(0, "new@example.com");
    let token = issue(Action::Email(confirmed.clone()), NOW).await;
    let flows = flows(NOW);
    flows.confirm_email(&store, token.expose()).await.unwrap();
    for other in [
        change(1, "new@example.com"),
        EmailChange {
            user_id: "2".into(),
            ..confirmed.clone()
        },
        EmailChange {
            from: email("someone@example.com"),
            ..confirmed.clone()
        },
    ] {
        let undo = issue(Action::Undo(other), NOW).await;
        let undone = flows.undo_email(&store, undo.expose()).await;
        assert_invalid(undone, InvalidLink::Changed);
    }
    assert!(find(&store, &confirmed.to).await.is_some());
}

#[tokio::test]
async fn a_user_moves_to_an_address_that_is_free_or_held_for_them() {
    let store = InMemoryStore::with_tutorial_user();
    let mut jane = find(&store, &john()).await.unwrap().stored;
    jane.user.id = "7".into();
    jane.user.email = "jane@example.com".into();
    store.add_user(&jane).await.unwrap();
    let flows = flows(NOW);
    let confirm = async |change: EmailChange| {
        let token = issue(Action::Email(change), NOW).await;
        flows.confirm_email(&store, token.expose()).await
    };
    let taken = confirm(change(0, "jane@example.com")).await;
    assert_invalid(taken, InvalidLink::Changed);
    confirm(change(0, "new@example.com")).await.unwrap();
    // Jane wants the address that John has just left.
    let held = confirm(EmailChange {
        user_id: "7".into(),
        version: 0,
        from: email("jane@example.com"),
        to: john(),
    });
    assert_invalid(held.await, InvalidLink::Held);
}

#[tokio::test]
async fn a_closed_sign_up_accepts_only_invitations() {
    let store = InMemoryStore::default();
    let mut flows = flows(NOW);
    flows.rules.is_sign_up_open = false;
    let sign_up = Action::SignUp { email: john() };
    let invite = Action::Invite {
        email: john(),
        roles: vec![],
    };
    let new = password(PASSWORD);
    let confirm = async |action| {
        let token = issue(action, NOW).await;
        flows.confirm_sign_up(&store, token.expose(), &new).await
    };
    assert_invalid(confirm(sign_up).await, InvalidLink::Forged);
    confirm(invite).await.unwrap();
}

/// The hold starts with the change, so a link that is sent later must not promise more time.
#[tokio::test]
async fn the_link_that_undoes_a_change_expires_with_the_hold_of_the_address() {
    let store = InMemoryStore::default();
    let change = EmailChange {
        user_id: "1".into(),
        version: 0,
        from: john(),
        to: email("jane@example.com"),
    };
    let mailer = crate::Mailer::new(tokens());
    for (content, expected) in [
        (crate::AskContent::EmailChanged(change.clone()), NOW + HOLD),
        (
            crate::AskContent::EmailRequested(change),
            NOW + MINUTE + HOLD,
        ),
    ] {
        let ask = crate::Ask::new(crate::AskId::from_text("1"), john(), content, NOW);
        let letter = mailer.prepare(&store, &ask, NOW + MINUTE).await.unwrap();
        let content = letter.unwrap().content;
        assert_eq!(content.link().unwrap().expires_at, expected);
    }
}
