//! `mailer`: sends the emails that were asked for. It has no route.
//!
//! Start at [`Mailer::handle`]. The table's stream reports new asks; those that cannot be sent go to a queue, which starts
//! the function again later. Delivery is at least once. No log line contains an address or a link.

mod event;
mod settings;
#[cfg(test)]
mod tests;

use auth_core::AskId;
use auth_lambda::EventError;
use auth_mail::{
    AskQueue, Delivered, Delivery, DeliveryError, MailStore, Transport, TransportFailure,
};
use serde_json::Value;
use tracing::{error, info, warn};

use event::{Batch, response};
pub use settings::MailerSettings;

/// The function.
#[derive(Debug)]
pub struct Mailer<S, T, Q> {
    delivery: Delivery<T>,
    store: S,
    queue: Q,
}

impl<S: MailStore, T: Transport, Q: AskQueue> Mailer<S, T, Q> {
    /// Returns the function with this transport, store and queue.
    #[must_use]
    pub fn new(delivery: Delivery<T>, store: S, queue: Q) -> Self {
        Self {
            delivery,
            store,
            queue,
        }
    }

    /// Handles a batch of the stream or of the queue, and returns which of its items Lambda must send again.
    ///
    /// # Errors
    ///
    /// [`EventError`] for any other event.
    pub async fn handle(&self, event: Value) -> Result<Value, EventError> {
        let batch = Batch::parse(event).ok_or_else(|| EventError {
            kind: "Event",
            reason: "not a batch of a stream or of a queue".to_owned(),
        })?;
        let (entries, is_new) = match batch {
            Batch::Stream(entries) => (entries, true),
            Batch::Queue(entries) => (entries, false),
        };
        let (mut failed, mut is_outage) = (Vec::new(), false);
        for entry in entries {
            let Some(ask) = entry.ask else {
                error!(item = entry.item, "not an ask");
                // Repeating it from the stream would be pointless. A message of the queue is given up after some
                // attempts and kept for an operator.
                if !is_new {
                    failed.push(entry.item);
                }
                continue;
            };
            // A second wait for a service that does not respond could exceed the time limit of the batch.
            let is_done = !is_outage && self.deliver(&ask, &mut is_outage).await
                || is_new && self.postpone(&ask).await;
            if !is_done {
                failed.push(entry.item);
            }
        }
        Ok(response(&failed))
    }

    /// Delivers an ask, logs the outcome, and returns whether it needs no further attention. If the service that sends
    /// emails does not respond, sets `is_outage`.
    async fn deliver(&self, ask: &AskId, is_outage: &mut bool) -> bool {
        let id = ask.as_str();
        match self.delivery.deliver(&self.store, ask).await {
            Ok(Delivered::Sent(mail)) => info!(outcome = "Sent", ask = id, mail, "mail"),
            Ok(Delivered::Nothing) => info!(outcome = "Nothing", ask = id, "mail"),
            Ok(Delivered::Before) => info!(outcome = "Before", ask = id, "mail"),
            Ok(Delivered::Undeliverable) => error!(outcome = "Undeliverable", ask = id, "mail"),
            Ok(Delivered::Expired) => error!(outcome = "Expired", ask = id, "mail"),
            Err(error) => {
                warn!(outcome = "Failed", ask = id, cause = %error, "mail");
                *is_outage = matches!(
                    error,
                    DeliveryError::Transport(error) if error.kind == TransportFailure::Outage
                );
                return false;
            }
        }
        true
    }

    /// Puts an ask into the queue, and returns whether it is there.
    async fn postpone(&self, ask: &AskId) -> bool {
        match self.queue.put(ask).await {
            Ok(()) => true,
            Err(error) => {
                error!(ask = ask.as_str(), cause = %error, "ask not queued");
                false
            }
        }
    }
}
