//! Compares everything stored with the model.

use auth_core::{HeldAddress, PasswordHash, PasswordHasher, StoredUser};
use bundle_tests::{
    accounts::{PASSWORDS, password},
    store::TestStore,
};

use super::{
    expected::Model,
    steps::{ADDRESSES, PASSWORD_COUNT},
    world::World,
};

/// What is stored.
pub(crate) struct Seen {
    /// The users of the addresses, and which passwords each of them has.
    users: Vec<Option<(StoredUser, [bool; PASSWORD_COUNT])>>,
    held: Vec<Option<HeldAddress>>,
    /// Which sessions a guard accepts.
    live: Vec<bool>,
}

impl<S: TestStore> World<S> {
    /// Reads everything about the addresses and these sessions.
    pub(crate) async fn observe(&self, model: &Model) -> Seen {
        let (store, now) = (&self.accounts.store, self.accounts.clock.now());
        let (mut users, mut held, mut live) = (Vec::new(), Vec::new(), Vec::new());
        for email in &self.addresses {
            let found = store.find_account(email).await.expect("a result");
            users.push(found.map(|account| {
                let has = self.matches(&account.stored.password_hash);
                (account.stored, has)
            }));
            held.push(store.find_held(email).await.expect("a result"));
        }
        for session in &model.sessions {
            let (email, id) = (&self.addresses[session.at], &session.issued.session.id);
            let found = store.find_user_and_session(email, id).await;
            let (user, stored) = found.expect("a result");
            live.push(user.zip(stored).is_some_and(|(user, stored)| {
                !user.disabled && stored.belongs_to(&user) && stored.is_live(now)
            }));
        }
        Seen { users, held, live }
    }

    /// Returns which passwords match a hash. Remembers the result, because the hash of a removed password is costly.
    fn matches(&self, hash: &PasswordHash) -> [bool; PASSWORD_COUNT] {
        let mut checked = self.checked.borrow_mut();
        *checked.entry(hash.expose().to_owned()).or_insert_with(|| {
            let matches = |text| PasswordHasher::new().verify(&password(text), Some(hash));
            std::array::from_fn(|i| matches(PASSWORDS[i]) == Ok(true))
        })
    }

    /// Checks that what is stored matches a model.
    pub(crate) fn compare(&self, model: &Model, seen: &Seen) -> Result<(), String> {
        for at in 0..ADDRESSES {
            self.compare_address(model, seen, at)?;
        }
        let now = self.accounts.clock.now();
        for (session, is_accepted) in seen.live.iter().enumerate() {
            if *is_accepted != model.is_live(session, now) {
                return Err(format!("session {session} is accepted: {is_accepted}"));
            }
        }
        Ok(())
    }

    /// Each address has the user that the model knows, or none.
    fn compare_address(&self, model: &Model, seen: &Seen, at: usize) -> Result<(), String> {
        let (email, now) = (&self.addresses[at], self.accounts.clock.now());
        let Some((id, known)) = model.user_at(at) else {
            if let Some(found) = &seen.users[at] {
                return Err(format!("{at}: {found:?}, expected none"));
            }
            let left = model.left[at].as_ref().filter(|left| now < left.until);
            let held = seen.held[at].as_ref();
            let is_held = |held: &HeldAddress, left: &super::expected::Left| {
                (&held.user_id, held.until) == (&left.user_id, left.until)
            };
            let matches = left.is_none_or(|left| held.is_some_and(|held| is_held(held, left)));
            let error = || format!("{at}: {held:?}, expected {left:?}");
            return matches.then_some(()).ok_or_else(error);
        };
        let Some((found, has_password)) = &seen.users[at] else {
            return Err(format!("{at}: the user is lost"));
        };
        let user = &found.user;
        let expected: [bool; PASSWORD_COUNT] = std::array::from_fn(|i| known.password == Some(i));
        let matches = (&user.id, user.email.as_str()) == (id, email.as_str())
            && user.version == known.version
            && user.disabled == known.is_disabled
            && user.roles == known.roles
            && *has_password == expected;
        let error = || format!("{at}: {user:?}, {has_password:?}, expected {known:?}");
        matches.then_some(()).ok_or_else(error)
    }
}
