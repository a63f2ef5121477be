//! Sends emails outside Lambda. In a stack, the table's stream starts `mailer`; on a laptop there is no stream, so
//! `account` writes the emails to files itself.

use auth_core::{ActionTokens, Clock, Mailer};
use auth_mail::{Composer, Delivery, MailFolder};
use tracing::warn;

use crate::{AccountStore, LocalMail};

/// Sends emails to a folder.
#[derive(Debug)]
pub(crate) struct Outbox(Delivery<MailFolder>);

impl Outbox {
    pub(crate) fn new(mail: LocalMail, tokens: ActionTokens, clock: Clock) -> Self {
        let (mailer, composer) = (Mailer::new(tokens), Composer::new(mail.settings));
        Self(Delivery::new(
            mailer,
            composer,
            MailFolder::new(mail.folder),
            clock,
        ))
    }

    /// Sends all emails that were asked for. A failure does not change the response; the next request tries again.
    pub(crate) async fn send_all(&self, store: &impl AccountStore) {
        let asks = match store.list_asks().await {
            Ok(asks) => asks,
            Err(error) => return warn!(cause = error.cause(), "no emails sent"),
        };
        for id in asks {
            if let Err(error) = self.0.deliver(store, &id).await {
                warn!(ask = id.as_str(), cause = %error, "email not sent");
            }
        }
    }
}
