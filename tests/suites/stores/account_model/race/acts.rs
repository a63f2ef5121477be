//! Makes the calls of acts, and repeats those that got no response.

use auth_core::{
    AccountRepository, DirectoryError, PasswordHash, PasswordHasher, RefreshError, RepositoryError,
    SelfServiceError, SessionRepository,
};
use bundle_tests::{
    accounts::{PASSWORDS, network, password},
    flaky::{FlakyStore, Script},
    store::TestStore,
};

use super::{Begun, Outcome, Verdict};
use crate::account_model::{expected::Session, world::World};

impl<S: TestStore> World<S> {
    pub(super) async fn attempt(&self, act: &Begun, store: &FlakyStore<S>) -> Outcome {
        let (flows, network) = (&self.accounts.flows, network());
        let text = |i: usize| password(PASSWORDS[i]);
        match act {
            Begun::Use { index, new } => self.use_on(store, *index, *new).await,
            Begun::ChangePassword {
                caller,
                current,
                new,
                ..
            } => {
                let (current, new) = (text(*current), text(*new));
                let changed = flows.change_password(store, caller, &network, &current, &new);
                Outcome::new((&changed.await).into())
            }
            Begun::EndSession { caller, ended } => {
                let id = &self.model.sessions[*ended].issued.session.id;
                let ended = flows.end_session(store, caller, id).await;
                Outcome::new(match ended {
                    Ok(false) => Verdict::Refused,
                    ended => (&ended).into(),
                })
            }
            Begun::EndOthers { caller, .. } => {
                Outcome::new((&flows.end_other_sessions(store, caller).await).into())
            }
            Begun::Delete {
                caller, password, ..
            } => {
                let password = text(*password);
                let deleted = flows.delete_account(store, caller, &network, &password);
                Outcome::new((&deleted.await).into())
            }
            Begun::Login { at, password } => self.log_in_on(store, *at, *password).await,
            Begun::Refresh { session } => self.refresh_on(store, *session).await,
            Begun::Operate { at, operation } => {
                Outcome::new(match self.operate_on_store(*at, *operation).await {
                    Ok(()) => Verdict::Done,
                    Err(DirectoryError::NotFound) => Verdict::Refused,
                    Err(error) => panic!("{error:?}"),
                })
            }
        }
    }

    async fn use_on(&self, store: &FlakyStore<S>, index: usize, new: usize) -> Outcome {
        let used = self.follow_on(store, index, new).await;
        let mut outcome = Outcome::new((&used).into());
        if let Some(at) = self.added_at(index) {
            // The other act makes no call in between.
            let found = self.accounts.store.find_by_email(&self.addresses[at]).await;
            let found = found.expect("a result").map(|user| (user.id, user.version));
            outcome.added =
                found.filter(|(id, _)| used.as_ref().is_ok_and(|used| used == id) || used.is_err());
        }
        outcome
    }

    /// Checks the password and starts a session, as `login` does.
    async fn log_in_on(&self, store: &FlakyStore<S>, at: usize, text: usize) -> Outcome {
        let email = &self.addresses[at];
        let found = match store.find_account(email).await {
            Ok(found) => found.map(|account| account.stored),
            Err(_) => return Outcome::new(Verdict::Unknown),
        };
        let has_password = |hash: &PasswordHash| {
            let verified = PasswordHasher::new().verify(&password(PASSWORDS[text]), Some(hash));
            verified == Ok(true)
        };
        let found =
            found.filter(|found| !found.user.disabled && has_password(&found.password_hash));
        let Some(found) = found else {
            return Outcome::new(Verdict::Refused);
        };
        let issued = self
            .accounts
            .sessions
            .begin(email, &found.user)
            .await
            .expect("tokens");
        let started = store.start_session(&issued.session).await;
        let mut outcome = Outcome::new(if started.is_ok() {
            Verdict::Done
        } else {
            Verdict::Unknown
        });
        outcome.begun = Some(Session {
            issued,
            user_id: found.user.id,
            at,
            version: found.user.version,
            is_revoked: false,
        });
        outcome
    }

    async fn refresh_on(&self, store: &FlakyStore<S>, session: usize) -> Outcome {
        let token = self.model.sessions[session].issued.refresh_token.expose();
        let refreshed = match self.accounts.sessions.refresh(store, token).await {
            // The same token is accepted again.
            Err(RefreshError::Repository(RepositoryError::Unavailable(_))) => {
                self.accounts.sessions.refresh(store, token).await
            }
            refreshed => refreshed,
        };
        let mut outcome = Outcome::new(match &refreshed {
            Ok(_) => Verdict::Done,
            Err(RefreshError::Invalid(_)) => Verdict::Refused,
            Err(error) => panic!("{error:?}"),
        });
        outcome.refreshed = refreshed.ok();
        outcome
    }

    /// Repeats an act that got no response, as its client does.
    pub(super) async fn repeat(&self, act: &Begun, outcome: &mut Outcome) {
        if outcome.verdict != Verdict::Unknown {
            return;
        }
        let store = FlakyStore::new(self.accounts.store.clone(), &Script::default());
        let flows = &self.accounts.flows;
        let token_user = async |session: usize| {
            let issued = &self.model.sessions[session].issued;
            self.accounts.token_user(issued).await
        };
        let repeated = match act {
            Begun::Use { index, new } => self.follow_on(&store, *index, *new).await.map(Some),
            Begun::ChangePassword { session, new, .. } => {
                let (caller, new) = (token_user(*session).await, password(PASSWORDS[*new]));
                let checked = flows.check_password_changed(&store, &caller, &new);
                checked.await.map(|()| None)
            }
            Begun::Delete { session, .. } => {
                let caller = token_user(*session).await;
                let checked = flows.check_account_deleted(&store, &caller);
                checked.await.map(|()| None)
            }
            _ => return,
        };
        match repeated {
            Ok(id) => {
                outcome.verdict = Verdict::Done;
                // The repetition may have added the user.
                if let (Begun::Use { index, .. }, Some(id)) = (act, id)
                    && let Some(at) = self.added_at(*index)
                    && outcome.added.as_ref().is_none_or(|(added, _)| *added != id)
                {
                    let version = self.accounts.version(&self.addresses[at]).await;
                    outcome.added = version.map(|version| (id, version));
                }
            }
            Err(
                SelfServiceError::InvalidLink(_)
                | SelfServiceError::Ended
                | SelfServiceError::TooManyAttempts { .. },
            ) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
}
