//! What a signed-in user may do, behind the live guard.

use auth_aws::rfc3339;
use auth_core::{LiveError, LiveUser, OwnSession, Password, SelfServiceError, SessionId};
use auth_http::{ApiError, JsonBody, Response, json, no_content};
use auth_mail::MailAddress;
use http::{Request, StatusCode};
use serde::Serialize;
use tracing::info;

use crate::{
    Account, AccountStore,
    error::{Origin, invalid_email, respond_to},
    links::{network, parse_email, parse_password},
};

/// The member with a new password.
const NEW_PASSWORD: &str = "new_password";

/// A session in the body of a 200.
#[derive(Serialize)]
struct SessionResponse<'a> {
    id: &'a str,
    created_at: String,
    refreshed_at: String,
    current: bool,
}

impl<S: AccountStore> Account<S> {
    async fn authenticate<B>(&self, request: &Request<B>) -> Result<LiveUser, ApiError> {
        let caller = self.find_caller(request).await?;
        caller.ok_or(ApiError::SessionEnded)
    }

    /// Returns the caller. `None` if the user is gone or the session has ended, perhaps because of an earlier request
    /// that this one repeats.
    async fn find_caller<B>(&self, request: &Request<B>) -> Result<Option<LiveUser>, ApiError> {
        let caller = self
            .bearer
            .authenticate_live(request.headers(), &self.store);
        match caller.await {
            Ok(caller) => Ok(Some(caller)),
            Err(LiveError::Ended) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) async fn change_password<B: AsRef<[u8]>>(
        &self,
        request: &Request<B>,
    ) -> Result<Response, ApiError> {
        let Some(caller) = self.find_caller(request).await? else {
            return self.repeat_change(request).await;
        };
        let (current, new) = passwords(request)?;
        let network = network(request);
        let changed = self
            .service
            .change_password(&self.store, &caller, &network, &current, &new);
        self.respond_to_caller(changed.await, "password", request, &caller)
    }

    /// Returns the response to a repeated password change, whose first request may have ended the session.
    async fn repeat_change<B: AsRef<[u8]>>(
        &self,
        request: &Request<B>,
    ) -> Result<Response, ApiError> {
        let caller = self.bearer.authenticate(request.headers()).await?;
        let (_, new) = passwords(request).map_err(|_| ApiError::SessionEnded)?;
        let changed = self
            .service
            .check_password_changed(&self.store, &caller, &new);
        let changed = changed
            .await
            .map_err(|error| self.refuse(error, "password", request, caller.id()));
        changed.map(|()| no_content())
    }

    pub(crate) async fn change_email<B: AsRef<[u8]>>(
        &self,
        request: &Request<B>,
    ) -> Result<Response, ApiError> {
        let caller = self.authenticate(request).await?;
        let mut body = JsonBody::parse(request.headers(), request.body().as_ref())?;
        let new = parse_email(&mut body, "new_email");
        let password = parse_password(&mut body, "password");
        let ((typed, new), password) = new.zip(password).ok_or_else(|| body.into_error())?;
        MailAddress::parse_new(&typed).map_err(|_| invalid_email("new_email"))?;
        let network = network(request);
        let asked = self
            .service
            .ask_email_change(&self.store, &caller, &network, &new, &password);
        let origin = Origin {
            network: &network,
            user_id: Some(&caller.user().id),
        };
        self.respond_to_ask(asked.await, "email", &origin)
    }

    pub(crate) async fn sessions<B>(&self, request: &Request<B>) -> Result<Response, ApiError> {
        let caller = self.authenticate(request).await?;
        let sessions = self.service.sessions(&self.store, &caller).await;
        let user_id = &caller.user().id;
        let sessions =
            sessions.map_err(|error| self.refuse(error, "sessions", request, user_id))?;
        let sessions: Vec<_> = sessions.iter().map(SessionResponse::from).collect();
        Ok(json(StatusCode::OK, &sessions))
    }

    pub(crate) async fn end_session<B>(&self, request: &Request<B>) -> Result<Response, ApiError> {
        let caller = self.authenticate(request).await?;
        let path = request.uri().path();
        let id = path.rsplit('/').next().unwrap_or_default();
        // Any other text is not a session's id, so it does not name one of the caller's sessions.
        let id = SessionId::try_from(id.to_owned()).map_err(|_| ApiError::NotFound)?;
        let ended = self.service.end_session(&self.store, &caller, &id).await;
        if let Ok(false) = ended {
            return Err(ApiError::NotFound);
        }
        self.respond_to_caller(ended.map(drop), "sessions/{id}", request, &caller)
    }

    pub(crate) async fn end_other_sessions<B>(
        &self,
        request: &Request<B>,
    ) -> Result<Response, ApiError> {
        let caller = self.authenticate(request).await?;
        let ended = self.service.end_other_sessions(&self.store, &caller);
        self.respond_to_caller(ended.await, "sessions", request, &caller)
    }

    pub(crate) async fn delete<B: AsRef<[u8]>>(
        &self,
        request: &Request<B>,
    ) -> Result<Response, ApiError> {
        let Some(caller) = self.find_caller(request).await? else {
            // The account may have been deleted by an earlier request that this one repeats.
            let caller = self.bearer.authenticate(request.headers()).await?;
            let deleted = self.service.check_account_deleted(&self.store, &caller);
            let deleted = deleted
                .await
                .map_err(|error| self.refuse(error, "account", request, caller.id()));
            return deleted.map(|()| no_content());
        };
        let mut body = JsonBody::parse(request.headers(), request.body().as_ref())?;
        let password = parse_password(&mut body, "password");
        let password = password.ok_or_else(|| body.into_error())?;
        let network = network(request);
        let deleted = self
            .service
            .delete_account(&self.store, &caller, &network, &password);
        self.respond_to_caller(deleted.await, "account", request, &caller)
    }

    /// Logs what a signed-in user did, and returns the response.
    fn respond_to_caller<B>(
        &self,
        done: Result<(), SelfServiceError>,
        flow: &'static str,
        request: &Request<B>,
        caller: &LiveUser,
    ) -> Result<Response, ApiError> {
        let (user_id, session_id) = (&caller.user().id, &caller.session().id);
        done.map_err(|error| self.refuse(error, flow, request, user_id))?;
        info!(outcome = "Success", flow, user_id, %session_id, "account");
        Ok(no_content())
    }

    fn refuse<B>(
        &self,
        error: SelfServiceError,
        flow: &'static str,
        request: &Request<B>,
        user_id: &str,
    ) -> ApiError {
        let origin = Origin {
            network: &network(request),
            user_id: Some(user_id),
        };
        respond_to(error, flow, NEW_PASSWORD, &origin, self.clock.now())
    }
}

/// Returns the current password and the new one.
fn passwords<B: AsRef<[u8]>>(request: &Request<B>) -> Result<(Password, Password), ApiError> {
    let mut body = JsonBody::parse(request.headers(), request.body().as_ref())?;
    let current = parse_password(&mut body, "current_password");
    let new = parse_password(&mut body, NEW_PASSWORD);
    current.zip(new).ok_or_else(|| body.into_error())
}

impl<'a> From<&'a OwnSession> for SessionResponse<'a> {
    fn from(session: &'a OwnSession) -> Self {
        Self {
            id: session.id.as_str(),
            created_at: rfc3339(session.created_at),
            refreshed_at: rfc3339(session.refreshed_at),
            current: session.is_current,
        }
    }
}
