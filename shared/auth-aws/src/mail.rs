//! Emails through Amazon SES, and the queue of asks whose email could not be sent.

use std::time::Duration;

use auth_core::AskId;
use auth_mail::{AskQueue, Message, Transport, TransportError, TransportFailure};
use aws_config::{SdkConfig, timeout::TimeoutConfig};
use aws_sdk_sesv2::{
    error::SdkError,
    operation::send_email::SendEmailError,
    primitives::Blob,
    types::{Destination, EmailContent, RawMessage},
};
use futures_util::FutureExt;

use crate::{Aws, call_error::CallError};

/// No user waits for an email, and a retry after a late response would deliver it twice.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
const OPERATION_TIMEOUT: Duration = Duration::from_secs(10);

/// Sends emails through SES, without tracking of opens and clicks.
#[derive(Debug, Clone)]
pub struct SesTransport {
    client: aws_sdk_sesv2::Client,
    configuration_set: Option<String>,
}

/// The queue of asks that are tried again later.
#[derive(Debug, Clone)]
pub struct SqsQueue {
    client: aws_sdk_sqs::Client,
    url: String,
}

impl Aws {
    /// Returns a transport through SES. The configuration set counts bounces and complaints.
    pub async fn mail_transport(&self, configuration_set: Option<String>) -> SesTransport {
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .operation_timeout(OPERATION_TIMEOUT)
            .build();
        let config: &SdkConfig = self.config().await;
        let config = config.clone().into_builder().timeout_config(timeouts);
        SesTransport {
            client: aws_sdk_sesv2::Client::new(&config.build()),
            configuration_set,
        }
    }

    /// Returns the queue at this URL.
    pub async fn ask_queue(&self, url: impl Into<String>) -> SqsQueue {
        SqsQueue {
            client: aws_sdk_sqs::Client::new(self.config().await),
            url: url.into(),
        }
    }
}

impl Transport for SesTransport {
    async fn send(&self, message: &Message) -> Result<(), TransportError> {
        let raw = RawMessage::builder().data(Blob::new(message.bytes.clone()));
        let raw = raw.build().map_err(TransportError::new)?;
        let request = self
            .client
            .send_email()
            .from_email_address(message.from.as_str())
            .destination(
                Destination::builder()
                    .to_addresses(message.to.as_str())
                    .build(),
            )
            .content(EmailContent::builder().raw(raw).build())
            .set_configuration_set_name(self.configuration_set.clone());
        let sent = request.send().boxed().await;
        sent.map(drop).map_err(transport_error)
    }
}

/// Returns why an email was not sent. If SES will never send an email, it reports a bad request. In the sandbox, it
/// rejects unverified addresses with a different error, so these emails are retried.
fn transport_error(error: SdkError<SendEmailError>) -> TransportError {
    let kind = match &error {
        SdkError::TimeoutError(_) => TransportFailure::Outage,
        SdkError::ServiceError(failed) if failed.err().is_bad_request_exception() => {
            TransportFailure::Permanent
        }
        _ => TransportFailure::Temporary,
    };
    let cause = without_addresses(&CallError::from(error).to_string());
    TransportError::with_kind(kind, cause)
}

impl SqsQueue {
    /// Puts an ask into the queue.
    ///
    /// # Errors
    ///
    /// [`CallError`] if it was not put, or if the outcome is unknown.
    pub async fn send(&self, id: &AskId) -> Result<(), CallError> {
        let request = self.client.send_message().queue_url(&self.url);
        let sent = request.message_body(id.as_str()).send().boxed().await;
        sent.map(drop).map_err(CallError::from)
    }
}

impl AskQueue for SqsQueue {
    async fn put(&self, id: &AskId) -> Result<(), TransportError> {
        self.send(id).await.map_err(TransportError::new)
    }
}

/// Removes addresses from a message: SES names those that it refuses, and logs must not contain them.
fn without_addresses(message: &str) -> String {
    let words = message.split(' ');
    let words = words.map(|word| {
        if word.contains('@') {
            "<address>"
        } else {
            word
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use aws_sdk_sesv2::{
        config::http::HttpResponse,
        types::error::{
            AccountSuspendedException, BadRequestException, MessageRejected,
            TooManyRequestsException,
        },
    };

    use super::*;

    #[test]
    fn only_an_email_that_ses_will_never_send_is_given_up() {
        let bad = BadRequestException::builder().message("Missing final '@domain'");
        let rejected = MessageRejected::builder().message("Email address is not verified");
        let busy = TooManyRequestsException::builder();
        let suspended = AccountSuspendedException::builder();
        for (error, kind) in [
            (
                SendEmailError::BadRequestException(bad.build()),
                TransportFailure::Permanent,
            ),
            (
                SendEmailError::MessageRejected(rejected.build()),
                TransportFailure::Temporary,
            ),
            (
                SendEmailError::TooManyRequestsException(busy.build()),
                TransportFailure::Temporary,
            ),
            (
                SendEmailError::AccountSuspendedException(suspended.build()),
                TransportFailure::Temporary,
            ),
        ] {
            let response = HttpResponse::new(400.try_into().unwrap(), "".into());
            let text = error.to_string();
            let failed = transport_error(SdkError::service_error(error, response));
            assert_eq!(failed.kind, kind, "{text}");
        }
        let slow = transport_error(SdkError::timeout_error("no response"));
        assert_eq!(slow.kind, TransportFailure::Outage);
    }

    #[test]
    fn a_logged_message_contains_no_address() {
        let message = "Email address is not verified. The following identities failed the check \
                       in region EU-CENTRAL-1: jane@example.com, Joe <joe@example.com>";
        let expected = "Email address is not verified. The following identities failed the check \
                        in region EU-CENTRAL-1: <address> Joe <address>";
        assert_eq!(without_addresses(message), expected);
    }
}
