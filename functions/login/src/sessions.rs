//! Refreshes and logouts. The rules are those of [`auth_core::Sessions`].

use auth_core::{
    Ask, AskContent, AskId, Email, InvalidRefreshToken, IssuedTokens, RefreshError, SessionId,
};
use auth_http::{ApiError, JsonBody, Response, no_content};
use http::Request;
use tracing::{info, warn};

use crate::{Login, LoginStore};

impl<S: LoginStore> Login<S> {
    /// Returns new tokens, and logs the outcome.
    pub(crate) async fn refresh<B: AsRef<[u8]>>(
        &self,
        request: &Request<B>,
    ) -> Result<IssuedTokens, ApiError> {
        let token = refresh_token(request)?;
        match self.sessions.refresh(&self.store, &token).await {
            Ok(issued) => {
                let (user_id, session_id) = (&issued.session.user_id, &issued.session.id);
                info!(outcome = "Success", user_id, %session_id, "refresh");
                Ok(issued)
            }
            Err(RefreshError::Invalid(reason)) => {
                log_invalid_token(&reason, "refresh");
                if let InvalidRefreshToken::Reused { session_id, email } = reason {
                    self.notify_of_reuse(&session_id, email).await;
                }
                Err(ApiError::InvalidRefreshToken)
            }
            Err(RefreshError::Repository(error)) => Err(error.into()),
            Err(RefreshError::Signing(error)) => Err(error.into()),
        }
    }

    /// Asks for an email to the user of a session that has been revoked, if this stack sends emails. If that fails, the
    /// session stays revoked.
    async fn notify_of_reuse(&self, session_id: &SessionId, email: Email) {
        if !self.sends_notices {
            return;
        }
        let (id, now) = (AskId::reuse(session_id), self.clock.now());
        let notice = Ask::new(id, email, AskContent::SessionReused, now);
        if let Err(error) = self.store.put_notice(&notice).await {
            warn!(%session_id, cause = error.cause(), "notice not sent");
        }
    }

    /// Ends sessions. If the token is not valid, there is nothing left to end, which is what the client
    /// asked for (RFC 7009 section 2.2).
    pub(crate) async fn logout<B: AsRef<[u8]>>(
        &self,
        request: &Request<B>,
    ) -> Result<Response, ApiError> {
        let (token, all_sessions) = logout_body(request)?;
        let ended = if all_sessions {
            let ended = self.sessions.end_all(&self.store, &token).await;
            ended.map(|session| Some(session.id))
        } else {
            self.sessions.end(&self.store, &token).await
        };
        match ended {
            Ok(Some(session_id)) => info!(%session_id, all_sessions, "logout"),
            Ok(None) => {}
            Err(RefreshError::Invalid(reason)) => log_invalid_token(&reason, "logout"),
            Err(RefreshError::Repository(error)) => return Err(error.into()),
            Err(RefreshError::Signing(error)) => return Err(error.into()),
        }
        Ok(no_content())
    }
}

/// Logs why a refresh token is rejected. A reused token means a theft, or a client that keeps old tokens:
/// worth a warning.
fn log_invalid_token(reason: &InvalidRefreshToken, endpoint: &str) {
    if let InvalidRefreshToken::Reused { session_id, .. } = reason {
        warn!(%session_id, "refresh token reused, session revoked");
    } else {
        info!(outcome = "Refused", %reason, endpoint, "refresh token");
    }
}

fn refresh_token<B: AsRef<[u8]>>(request: &Request<B>) -> Result<String, ApiError> {
    let mut body = JsonBody::parse(request.headers(), request.body().as_ref())?;
    let token = body.string("refresh_token");
    token.ok_or_else(|| body.into_error())
}

/// Returns the refresh token, and whether to end all sessions.
fn logout_body<B: AsRef<[u8]>>(request: &Request<B>) -> Result<(String, bool), ApiError> {
    let mut body = JsonBody::parse(request.headers(), request.body().as_ref())?;
    let token = body.string("refresh_token");
    let all_sessions = body.flag("all_sessions");
    token.zip(all_sessions).ok_or_else(|| body.into_error())
}
