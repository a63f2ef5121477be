//! A transport, a queue and a store that fail when a test says so.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use auth_core::{
    Ask, AskId, Email, HeldAddress, HeldRepository, InMemoryStore, MailRepository, RepositoryError,
    User, UserRepository,
};
use auth_mail::{AskQueue, Message, Transport, TransportError, TransportFailure};

/// Records what is sent. Fails for recipients in `broken`, and permanently for those in `refused`.
#[derive(Debug, Clone, Default)]
pub(super) struct Outside {
    sent: Arc<Mutex<Vec<(String, &'static str)>>>,
    pub(super) broken: Arc<Mutex<BTreeSet<String>>>,
    pub(super) refused: Arc<Mutex<BTreeSet<String>>>,
    queued: Arc<Mutex<Vec<String>>>,
    pub(super) is_queue_broken: Arc<Mutex<bool>>,
    /// How often SES was called without responding; `None` if it responds.
    pub(super) timeouts: Arc<Mutex<Option<u32>>>,
}

impl Transport for Outside {
    async fn send(&self, message: &Message) -> Result<(), TransportError> {
        if let Some(timeouts) = &mut *self.timeouts.lock().unwrap() {
            *timeouts += 1;
            let kind = TransportFailure::Outage;
            return Err(TransportError::with_kind(kind, "SES does not respond"));
        }
        let to = message.to.to_string();
        if self.broken.lock().unwrap().contains(&to) {
            return Err(TransportError::new("SES is down"));
        }
        if self.refused.lock().unwrap().contains(&to) {
            let kind = TransportFailure::Permanent;
            return Err(TransportError::with_kind(kind, "a bad request"));
        }
        self.sent.lock().unwrap().push((to, message.name));
        Ok(())
    }
}

impl AskQueue for Outside {
    async fn put(&self, id: &AskId) -> Result<(), TransportError> {
        if *self.is_queue_broken.lock().unwrap() {
            return Err(TransportError::new("SQS is down"));
        }
        self.queued.lock().unwrap().push(id.as_str().to_owned());
        Ok(())
    }
}

impl Outside {
    pub(super) fn sent(&self) -> Vec<(String, &'static str)> {
        std::mem::take(&mut *self.sent.lock().unwrap())
    }

    pub(super) fn queued(&self) -> Vec<String> {
        std::mem::take(&mut *self.queued.lock().unwrap())
    }

    pub(super) fn break_for(&self, address: &str) {
        self.broken.lock().unwrap().insert(address.to_owned());
    }
}

/// A store that cannot mark an ask as sent.
pub(super) struct Unmarked(pub(super) InMemoryStore);

impl MailRepository for Unmarked {
    async fn find_ask(&self, id: &AskId) -> Result<Option<Ask>, RepositoryError> {
        self.0.find_ask(id).await
    }

    async fn complete_ask(&self, _: &AskId) -> Result<(), RepositoryError> {
        Err(RepositoryError::Unavailable("as a test wants it".into()))
    }
}

impl UserRepository for Unmarked {
    async fn find_by_email(&self, email: &Email) -> Result<Option<User>, RepositoryError> {
        self.0.find_by_email(email).await
    }
}

impl HeldRepository for Unmarked {
    async fn find_held(&self, email: &Email) -> Result<Option<HeldAddress>, RepositoryError> {
        self.0.find_held(email).await
    }
}
