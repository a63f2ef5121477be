//! From an ask to a sent email.

use std::{error::Error, future::Future};

use auth_core::{
    AskId, Clock, HeldRepository, MailRepository, Mailer, MailerError, RepositoryError,
    UserRepository,
};
use tracing::{error, warn};

use crate::{Composer, Message};

/// An email was not sent, or an ask was not put into the queue.
#[derive(Debug, thiserror::Error)]
#[error("{cause}")]
pub struct TransportError {
    cause: Box<dyn Error + Send + Sync>,
    /// Whether to try again.
    pub kind: TransportFailure,
}

/// Whether further attempts can succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransportFailure {
    /// The same attempt may succeed later.
    Temporary,
    /// The service does not respond: for now, any other attempt would fail too, after an equally long wait.
    Outage,
    /// The same attempt never succeeds.
    Permanent,
}

impl TransportError {
    /// Returns a temporary failure with this cause, whose text is logged and must not contain an address.
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::with_kind(TransportFailure::Temporary, cause)
    }

    /// Returns a failure of this kind.
    pub fn with_kind(
        kind: TransportFailure,
        cause: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        let cause = cause.into();
        Self { cause, kind }
    }
}

/// Sends emails.
pub trait Transport: Send + Sync {
    /// Sends an email.
    ///
    /// # Errors
    ///
    /// [`TransportError`] if it was not sent, or if the outcome is unknown.
    fn send(&self, message: &Message) -> impl Future<Output = Result<(), TransportError>> + Send;
}

/// Keeps the asks whose email could not be sent, and tries them again later.
pub trait AskQueue: Send + Sync {
    /// Puts an ask into the queue.
    ///
    /// # Errors
    ///
    /// [`TransportError`] if it was not put, or if the outcome is unknown.
    fn put(&self, id: &AskId) -> impl Future<Output = Result<(), TransportError>> + Send;
}

/// The access to stored data that a delivery needs.
pub trait MailStore: MailRepository + UserRepository + HeldRepository {}

impl<S> MailStore for S where S: MailRepository + UserRepository + HeldRepository {}

/// The outcome of an ask that needs no further attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivered {
    /// An email of this kind was sent.
    Sent(&'static str),
    /// There was nothing to send, for example because the address has no user.
    Nothing,
    /// No email can be sent to the address.
    Undeliverable,
    /// It was delivered before, or no longer exists.
    Before,
    /// It has expired, and was never sent.
    Expired,
}

/// Why an ask was not delivered. The same ask may succeed later.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// The store failed. The email may have been sent anyway.
    #[error("{}", .0.cause())]
    Repository(#[from] RepositoryError),
    /// What to send could not be determined.
    #[error(transparent)]
    Mailer(#[from] MailerError),
    /// The email was not sent.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

/// Delivers asks with a transport.
#[derive(Debug)]
pub struct Delivery<T> {
    mailer: Mailer,
    composer: Composer,
    transport: T,
    clock: Clock,
}

impl<T: Transport> Delivery<T> {
    /// Returns a delivery that sends what `mailer` decides and `composer` writes.
    #[must_use]
    pub fn new(mailer: Mailer, composer: Composer, transport: T, clock: Clock) -> Self {
        Self {
            mailer,
            composer,
            transport,
            clock,
        }
    }

    /// Sends the email of an ask, unless it was sent before, and marks the ask as sent. If marking fails, the ask still
    /// counts as delivered: another attempt would send the email once more.
    ///
    /// # Errors
    ///
    /// [`DeliveryError::Repository`] if the store fails; [`DeliveryError::Mailer`] if what to send could not be
    /// determined; [`DeliveryError::Transport`] if the email was not sent. The ask is not marked as sent.
    pub async fn deliver(
        &self,
        store: &impl MailStore,
        id: &AskId,
    ) -> Result<Delivered, DeliveryError> {
        let Some(ask) = store.find_ask(id).await? else {
            return Ok(Delivered::Before);
        };
        let now = self.clock.now();
        if now >= ask.expires_at {
            return Ok(Delivered::Expired);
        }
        let delivered = match self.mailer.prepare(store, &ask, now).await? {
            None => Delivered::Nothing,
            Some(letter) => match self.composer.compose(&letter, now) {
                Ok(message) => match self.transport.send(&message).await {
                    Ok(()) => Delivered::Sent(message.name),
                    Err(error) if error.kind == TransportFailure::Permanent => give_up(id, &error),
                    Err(error) => return Err(error.into()),
                },
                Err(reason) => give_up(id, &reason),
            },
        };
        match store.complete_ask(id).await {
            Err(failed) if matches!(delivered, Delivered::Sent(_)) => {
                error!(
                    ask = id.as_str(),
                    cause = failed.cause(),
                    "email sent, but not marked as sent"
                );
            }
            completed => completed?,
        }
        Ok(delivered)
    }
}

/// Logs why no email can be sent to an address.
fn give_up(id: &AskId, reason: &dyn Error) -> Delivered {
    warn!(ask = id.as_str(), %reason, "no email can be sent");
    Delivered::Undeliverable
}
