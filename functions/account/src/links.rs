//! Routes that anyone may call: those that ask for an email, and those that use its link.

use std::{future::Future, time::Duration};

use auth_core::{
    Asked, Email, MAX_EMAIL_CHARS, MAX_PASSWORD_BYTES, Password, SelfServiceError, SourceNetwork,
};
use auth_http::{ApiError, JsonBody, Response, accepted, no_content};
use auth_mail::{InvalidAddress, MailAddress};
use http::Request;
use tokio::time::sleep;
use tracing::info;

use crate::{
    Account, AccountStore,
    error::{Origin, invalid_email, respond_to},
};

/// The member with a new password.
const PASSWORD: &str = "password";

/// The minimum time of a response to a sign-up or a forgotten password. `DynamoDB` refuses a transaction faster than
/// it commits one, which would reveal whether an email to an address was requested recently.
const MIN_TIME: Duration = Duration::from_millis(50);

impl<S: AccountStore> Account<S> {
    pub(crate) async fn sign_up<B: AsRef<[u8]>>(
        &self,
        request: &Request<B>,
    ) -> Result<Response, ApiError> {
        let (email, network) = (email(request, MailAddress::parse_new)?, network(request));
        let asked = wait_min_time(self.service.ask_sign_up(&self.store, &email, &network));
        self.respond_to_ask(asked.await, "sign-up", &Origin::link(&network))
    }

    pub(crate) async fn forgot_password<B: AsRef<[u8]>>(
        &self,
        request: &Request<B>,
    ) -> Result<Response, ApiError> {
        let (email, network) = (email(request, MailAddress::parse)?, network(request));
        let asked = wait_min_time(self.service.ask_reset(&self.store, &email, &network));
        self.respond_to_ask(asked.await, "password/forgot", &Origin::link(&network))
    }

    pub(crate) async fn confirm_sign_up<B: AsRef<[u8]>>(
        &self,
        request: &Request<B>,
    ) -> Result<Response, ApiError> {
        let (token, password) = token_and_password(request)?;
        let confirmed = self.service.confirm_sign_up(&self.store, &token, &password);
        self.respond_to_link(confirmed.await, "sign-up/confirm", request)
    }

    pub(crate) async fn reset_password<B: AsRef<[u8]>>(
        &self,
        request: &Request<B>,
    ) -> Result<Response, ApiError> {
        let (token, password) = token_and_password(request)?;
        let reset = self.service.reset_password(&self.store, &token, &password);
        self.respond_to_link(reset.await, "password/reset", request)
    }

    pub(crate) async fn confirm_email<B: AsRef<[u8]>>(
        &self,
        request: &Request<B>,
    ) -> Result<Response, ApiError> {
        let token = token(request)?;
        let confirmed = self.service.confirm_email(&self.store, &token);
        self.respond_to_link(confirmed.await, "email/confirm", request)
    }

    pub(crate) async fn undo_email<B: AsRef<[u8]>>(
        &self,
        request: &Request<B>,
    ) -> Result<Response, ApiError> {
        let token = token(request)?;
        let undone = self.service.undo_email(&self.store, &token);
        self.respond_to_link(undone.await, "email/undo", request)
    }

    /// Returns the response to an ask. It is the same whether or not the ask was put. `flow` is the path of the route
    /// below `/api/v1/`, for logs.
    pub(crate) fn respond_to_ask(
        &self,
        asked: Result<Asked, SelfServiceError>,
        flow: &'static str,
        origin: &Origin<'_>,
    ) -> Result<Response, ApiError> {
        let now = self.clock.now();
        let asked = asked.map_err(|error| respond_to(error, flow, PASSWORD, origin, now))?;
        let outcome = match asked {
            Asked::Put => "Accepted",
            Asked::Throttled => "Throttled",
            Asked::NetworkFull(_) => "TooManyAsks",
        };
        info!(outcome, flow, network = origin.network.prefix(), "account");
        match asked {
            Asked::Put | Asked::Throttled => Ok(accepted()),
            Asked::NetworkFull(until) => Err(ApiError::TooManyAttempts {
                retry_after: until.since(now),
            }),
        }
    }

    /// Logs the use of a link, and returns the response.
    fn respond_to_link<B>(
        &self,
        used: Result<String, SelfServiceError>,
        flow: &'static str,
        request: &Request<B>,
    ) -> Result<Response, ApiError> {
        let respond_to = |error| {
            let (network, now) = (network(request), self.clock.now());
            respond_to(error, flow, PASSWORD, &Origin::link(&network), now)
        };
        let user_id = used.map_err(respond_to)?;
        info!(outcome = "Success", flow, user_id, "account");
        Ok(no_content())
    }
}

/// Returns the result of an ask, but not before [`MIN_TIME`] has passed.
async fn wait_min_time<T>(asked: impl Future<Output = T>) -> T {
    let (asked, ()) = tokio::join!(asked, sleep(MIN_TIME));
    asked
}

/// Returns the network that a request comes from.
pub(crate) fn network<B>(request: &Request<B>) -> SourceNetwork {
    request.extensions().get().cloned().unwrap_or_default()
}

/// Parses a member with an address. `None` after an error.
pub(crate) fn parse_email(body: &mut JsonBody, member: &str) -> Option<(String, Email)> {
    let limit = format_args!("{MAX_EMAIL_CHARS} characters");
    let parse = |text: &str| Email::parse(text).map(|email| (text.to_owned(), email));
    body.text(member, parse, limit)
}

/// Parses a member with a password. `None` after an error.
pub(crate) fn parse_password(body: &mut JsonBody, member: &str) -> Option<Password> {
    let limit = format_args!("{MAX_PASSWORD_BYTES} bytes");
    body.text(member, Password::parse, limit)
}

/// Returns the address in the member `email`, if an email can be sent to it.
fn email<B: AsRef<[u8]>>(
    request: &Request<B>,
    parse: impl FnOnce(&str) -> Result<MailAddress, InvalidAddress>,
) -> Result<Email, ApiError> {
    let mut body = JsonBody::parse(request.headers(), request.body().as_ref())?;
    let Some((typed, email)) = parse_email(&mut body, "email") else {
        return Err(body.into_error());
    };
    parse(&typed).map_err(|_| invalid_email("email"))?;
    Ok(email)
}

fn token<B: AsRef<[u8]>>(request: &Request<B>) -> Result<String, ApiError> {
    let mut body = JsonBody::parse(request.headers(), request.body().as_ref())?;
    let token = body.string("token");
    token.ok_or_else(|| body.into_error())
}

fn token_and_password<B: AsRef<[u8]>>(
    request: &Request<B>,
) -> Result<(String, Password), ApiError> {
    let mut body = JsonBody::parse(request.headers(), request.body().as_ref())?;
    let token = body.string("token");
    let password = parse_password(&mut body, PASSWORD);
    token.zip(password).ok_or_else(|| body.into_error())
}
