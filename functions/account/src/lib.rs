//! `account`: users sign up, reset and change their password and address, end their sessions, and leave.
//!
//! Start at [`Account::handle`]. `links` has the routes that anyone may call, `caller` those behind the live guard,
//! and `page` the page that links open. The rules are those of [`SelfService`]. Outside Lambda, where no stream starts
//! `mailer`, `outbox` sends the emails.

mod caller;
mod error;
mod hasher;
mod keys;
mod links;
mod outbox;
mod page;
mod settings;
#[cfg(test)]
mod tests;

use std::time::Duration;

use auth_core::{
    AccountRepository, ActionTokens, AskRepository, AttemptDirectory, AttemptRepository, Attempts,
    Clock, JwtBearer, LiveRepository, MailDirectory, OwnSessionRepository, SelfService,
    SelfServiceRules, SessionDirectory,
};
use auth_http::{ApiError, Response, Route, find_endpoint, respond};
use auth_mail::MailStore;
use http::{Method, Request};

use hasher::Hasher;
pub use keys::AccountKeys;
use outbox::Outbox;
use page::Page;
pub use settings::{AccountSettings, LocalMail};

/// The endpoints of the function.
#[derive(Debug, Clone, Copy)]
pub enum Endpoint {
    /// Asks for an email that confirms a sign-up.
    SignUp,
    /// Adds the user of a link.
    ConfirmSignUp,
    /// Asks for an email that sets a new password.
    ForgotPassword,
    /// Sets the password of a link's user.
    ResetPassword,
    /// Sets the caller's password.
    ChangePassword,
    /// Asks for an email that confirms a new address.
    ChangeEmail,
    /// Moves the user of a link to the new address.
    ConfirmEmail,
    /// Undoes the change of a link.
    UndoEmail,
    /// Returns the caller's sessions.
    Sessions,
    /// Ends one of the caller's sessions.
    EndSession,
    /// Ends all other sessions of the caller.
    EndOtherSessions,
    /// Deletes the caller.
    Delete,
    /// Returns the page that links open.
    Page,
    /// Returns a file that the page needs.
    PageFile,
}

const fn route(method: &'static str, path: &'static str, endpoint: Endpoint) -> Route<Endpoint> {
    Route {
        method,
        path,
        endpoint,
    }
}

/// The routes of the endpoints. [`Endpoint::SignUp`] has one only if anyone may sign up.
pub const ROUTES: [Route<Endpoint>; 14] = [
    route("POST", "/api/v1/sign-up", Endpoint::SignUp),
    route("POST", "/api/v1/sign-up/confirm", Endpoint::ConfirmSignUp),
    route("POST", "/api/v1/password/forgot", Endpoint::ForgotPassword),
    route("POST", "/api/v1/password/reset", Endpoint::ResetPassword),
    route("POST", "/api/v1/password", Endpoint::ChangePassword),
    route("POST", "/api/v1/email", Endpoint::ChangeEmail),
    route("POST", "/api/v1/email/confirm", Endpoint::ConfirmEmail),
    route("POST", "/api/v1/email/undo", Endpoint::UndoEmail),
    route("GET", "/api/v1/sessions", Endpoint::Sessions),
    route("DELETE", "/api/v1/sessions/{id}", Endpoint::EndSession),
    route("DELETE", "/api/v1/sessions", Endpoint::EndOtherSessions),
    route("DELETE", "/api/v1/account", Endpoint::Delete),
    route("GET", "/account", Endpoint::Page),
    route("GET", "/account/{file}", Endpoint::PageFile),
];

fn routes(is_sign_up_open: bool) -> Vec<Route<Endpoint>> {
    let exists =
        |route: &Route<Endpoint>| is_sign_up_open || !matches!(route.endpoint, Endpoint::SignUp);
    ROUTES.into_iter().filter(exists).collect()
}

/// The access to stored data that the function needs. [`MailDirectory`] and [`MailStore`] are used only outside Lambda.
pub trait AccountStore:
    AccountRepository
    + AskRepository
    + AttemptDirectory
    + AttemptRepository
    + LiveRepository
    + OwnSessionRepository
    + SessionDirectory
    + MailDirectory
    + MailStore
{
}

impl<S> AccountStore for S where
    S: AccountRepository
        + AskRepository
        + AttemptDirectory
        + AttemptRepository
        + LiveRepository
        + OwnSessionRepository
        + SessionDirectory
        + MailDirectory
        + MailStore
{
}

/// The function.
#[derive(Debug)]
pub struct Account<S> {
    store: S,
    bearer: JwtBearer,
    service: SelfService<Hasher>,
    hasher: Hasher,
    outbox: Option<Outbox>,
    page: Page,
    routes: Vec<Route<Endpoint>>,
    clock: Clock,
}

impl<S: AccountStore> Account<S> {
    /// Returns the function with these settings, keys and store.
    #[must_use]
    pub fn new(settings: AccountSettings, keys: AccountKeys, store: S, clock: Clock) -> Self {
        let tokens = ActionTokens::new(keys.actions);
        let hasher = Hasher::default();
        // It issues no device tokens and accepts none, so their lifetime does not matter.
        let attempts = Attempts::new(keys.counters, settings.attempts.limits, Duration::ZERO);
        let page = Page::new(&settings.policy);
        let rules = SelfServiceRules {
            policy: settings.policy,
            is_sign_up_open: settings.is_sign_up_open,
            sign_up_roles: settings.sign_up_roles,
        };
        let outbox = settings
            .local_mail
            .map(|mail| Outbox::new(mail, tokens.clone(), clock.clone()));
        Self {
            store,
            bearer: JwtBearer::new(keys.access_tokens, settings.common.tokens, clock.clone()),
            service: SelfService::new(tokens, attempts, hasher.clone(), rules, clock.clone()),
            hasher,
            outbox,
            page,
            routes: routes(settings.is_sign_up_open),
            clock,
        }
    }

    /// Handles a request. Reads the [`SourceNetwork`](auth_core::SourceNetwork) from the request's extensions.
    pub async fn handle<B: AsRef<[u8]>>(&self, request: Request<B>) -> Response {
        respond(self.bearer.realm(), async {
            let response = self.dispatch(&request).await?;
            if let Some(outbox) = &self.outbox
                && request.method() != Method::GET
            {
                outbox.send_all(&self.store).await;
            }
            Ok(response)
        })
        .await
    }

    /// Returns how many password hashes have been computed so far, for tests of what a refused request costs.
    #[must_use]
    pub fn hashes_computed(&self) -> u64 {
        self.hasher.computed()
    }

    async fn dispatch<B: AsRef<[u8]>>(&self, request: &Request<B>) -> Result<Response, ApiError> {
        match find_endpoint(&self.routes, request.method(), request.uri().path())? {
            Endpoint::SignUp => self.sign_up(request).await,
            Endpoint::ConfirmSignUp => self.confirm_sign_up(request).await,
            Endpoint::ForgotPassword => self.forgot_password(request).await,
            Endpoint::ResetPassword => self.reset_password(request).await,
            Endpoint::ChangePassword => self.change_password(request).await,
            Endpoint::ChangeEmail => self.change_email(request).await,
            Endpoint::ConfirmEmail => self.confirm_email(request).await,
            Endpoint::UndoEmail => self.undo_email(request).await,
            Endpoint::Sessions => self.sessions(request).await,
            Endpoint::EndSession => self.end_session(request).await,
            Endpoint::EndOtherSessions => self.end_other_sessions(request).await,
            Endpoint::Delete => self.delete(request).await,
            Endpoint::Page => Ok(self.page.response(request.headers())),
            Endpoint::PageFile => page::file(request.uri().path(), request.headers()),
        }
    }
}
