//! Emails: which links they contain, and what the model expects of each link.

use auth_core::{Ask, AskContent, AskId, EmailChange, LetterContent, UnixTime};
use bundle_tests::{accounts::link, store::TestStore};
use proptest::sample::Index;

use super::{
    expected::{Change, HOLD, Link, Work},
    world::World,
};

impl<S: TestStore> World<S> {
    /// Sends the email of an ask, and keeps its link.
    pub(super) async fn send(&mut self, at: usize, content: AskContent) {
        let now = self.accounts.clock.now();
        let id = AskId::random().expect("randomness");
        let ask = Ask::new(id, self.addresses[at].clone(), content, now);
        let prepared = self
            .accounts
            .mailer
            .prepare(&self.accounts.store, &ask, now);
        let letter = prepared.await.expect("a result");
        let work = self.expected_work(at, &ask.content, now);
        match (work, letter) {
            (Some(work), Some(letter)) => {
                let link = link(&letter);
                let token = link.token.expose().to_owned();
                // Two requests of one second for the same state get the same link.
                if self.model.links.iter().all(|sent| sent.token != token) {
                    self.model.links.push(Link {
                        token,
                        work,
                        issued_at: now,
                        expires_at: link.expires_at,
                    });
                }
            }
            (None, None) => {}
            (None, Some(letter)) => {
                assert_eq!(letter.content, LetterContent::AlreadyRegistered);
            }
            (Some(work), None) => panic!("no letter for {work:?}"),
        }
    }

    /// Returns what the link of an email will do; `None` if there is no link.
    fn expected_work(&self, at: usize, content: &AskContent, now: UnixTime) -> Option<Work> {
        let found = self.model.user_at(at);
        match content {
            AskContent::SignUp => match found {
                None if !self.model.is_held(at, None, now) => Some(Work::SignUp(at)),
                _ => None,
            },
            AskContent::Invite { .. } => {
                let is_free = found.is_none() && !self.model.is_held(at, None, now);
                is_free.then_some(Work::Invite(at))
            }
            AskContent::Reset => found
                .filter(|(_, user)| !user.is_disabled)
                .map(|(id, user)| Work::Reset {
                    at,
                    user_id: id.clone(),
                    version: user.version,
                }),
            AskContent::Email(change) => self.change(change).and_then(|change| {
                let is_possible = self.model.user_at(change.to).is_none()
                    && !self.model.is_held(change.to, Some(&change.user_id), now)
                    && !self.model.users[&change.user_id].is_disabled;
                is_possible.then_some(Work::Email(change))
            }),
            AskContent::EmailRequested(change) | AskContent::EmailChanged(change) => {
                self.change(change).map(Work::Undo)
            }
            other => panic!("the model does not send {other:?}"),
        }
    }

    /// Returns a change in the words of the model.
    fn change(&self, change: &EmailChange) -> Option<Change> {
        let find = |email| self.addresses.iter().position(|address| address == email);
        Some(Change {
            user_id: change.user_id.clone(),
            version: change.version,
            from: find(&change.from)?,
            to: find(&change.to)?,
        })
    }

    /// Sends both links of a change, as a signed-in user who knows the password.
    pub(super) async fn request_change(&mut self, from: usize, to: usize) {
        let now = self.accounts.clock.now();
        let Some((id, user)) = self.model.user_at(from) else {
            return;
        };
        let is_settled = user.moved_at.is_none_or(|moved_at| now >= moved_at + HOLD);
        if from == to || user.is_disabled || !is_settled {
            return;
        }
        let change = EmailChange {
            user_id: id.clone(),
            version: user.version,
            from: self.addresses[from].clone(),
            to: self.addresses[to].clone(),
        };
        self.send(to, AskContent::Email(change.clone())).await;
        self.send(from, AskContent::EmailRequested(change)).await;
    }

    /// Sends the notice of a confirmed change to the old address, perhaps late.
    pub(super) async fn report_change(&mut self, which: Index) {
        if self.model.moves.is_empty() {
            return;
        }
        let change = self.model.moves[which.index(self.model.moves.len())].clone();
        let content = AskContent::EmailChanged(EmailChange {
            user_id: change.user_id,
            version: change.version,
            from: self.addresses[change.from].clone(),
            to: self.addresses[change.to].clone(),
        });
        self.send(change.from, content).await;
    }
}
