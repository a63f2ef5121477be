//! `authorizer`: lets API Gateway check access tokens before it calls functions in any language. It has no route.
//!
//! Start at [`Authorizer::handle`]. `call` reads the event of an HTTP, REST or WebSocket API, `decision` has the
//! responses. The rules of tokens are those of [`JwtBearer`]. Whatever prevents a check is an error of the function,
//! for which API Gateway responds with 500: never an Allow, and never a 401, after which clients would drop their token.

mod call;
mod decision;
mod settings;

use std::sync::Arc;

use auth_core::{Clock, Forbidden, JwtBearer, KeySource, LiveRepository};
use auth_http::ApiError;
use auth_lambda::EventError;
use http::StatusCode;
use serde_json::Value;
use tracing::{error, info};

use call::{Call, MalformedEvent};
use decision::{live_context, token_context};
pub use settings::{AuthorizerSettings, Level, RouteScopes};

/// The function.
#[derive(Debug)]
pub struct Authorizer<S> {
    bearer: JwtBearer,
    level: Level,
    scopes: RouteScopes,
    store: S,
}

impl<S: LiveRepository> Authorizer<S> {
    /// Returns the function with these settings, keys and store.
    #[must_use]
    pub fn new(
        settings: AuthorizerSettings,
        keys: Arc<dyn KeySource>,
        store: S,
        clock: Clock,
    ) -> Self {
        Self {
            bearer: JwtBearer::new(keys, settings.common.tokens, clock),
            level: settings.level,
            scopes: settings.scopes,
            store,
        }
    }

    /// Handles an event. Returns a simple response to an HTTP API, and a policy to others.
    ///
    /// # Errors
    ///
    /// [`EventError`]: `Unauthorized`, which REST and WebSocket APIs turn into a 401, and others, which every API
    /// turns into a 500.
    pub async fn handle(&self, event: Value) -> Result<Value, EventError> {
        let call = self.parse(&event).map_err(unknown)?;
        match self.authorize(&call).await {
            Ok(_) if call.is_pattern() => {
                info!(
                    status = 403,
                    reason = "the path would be a pattern in the policy",
                    "refused"
                );
                Ok(call.deny())
            }
            Ok(context) => Ok(call.allow(&context)),
            Err(error) => refuse(&call, &error),
        }
    }

    fn parse(&self, event: &Value) -> Result<Call, MalformedEvent> {
        let call = Call::parse(event)?;
        if call.route_keys.is_empty() && !self.scopes.is_empty() {
            return Err(MalformedEvent::Route);
        }
        Ok(call)
    }

    /// Returns the context of the user.
    async fn authorize(&self, call: &Call) -> Result<Value, ApiError> {
        let headers = call.headers()?;
        match self.level {
            Level::Token => {
                let user = self.bearer.authenticate(&headers).await?;
                self.check_scopes(call, |scope| user.require_permission(scope))?;
                Ok(token_context(&user))
            }
            Level::Live => {
                let live = self.bearer.authenticate_live(&headers, &self.store).await?;
                self.check_scopes(call, |scope| live.require_permission(scope))?;
                Ok(live_context(&live))
            }
        }
    }

    /// Checks the permissions that the route needs.
    fn check_scopes(
        &self,
        call: &Call,
        require: impl Fn(&str) -> Result<(), Forbidden>,
    ) -> Result<(), Forbidden> {
        let required = self.scopes.required(&call.route_keys);
        required
            .into_iter()
            .try_for_each(|permission| require(permission))
    }
}

/// Logs why a call is refused or could not be checked, as a guarded function does, and returns the response.
fn refuse(call: &Call, error: &ApiError) -> Result<Value, EventError> {
    error.log();
    match error.status() {
        StatusCode::UNAUTHORIZED | StatusCode::BAD_REQUEST => call.reject(),
        StatusCode::FORBIDDEN => Ok(call.deny()),
        _ => Err(EventError {
            kind: "NotChecked",
            reason: error.to_string(),
        }),
    }
}

/// Logs an event that the function cannot handle.
fn unknown(error: MalformedEvent) -> EventError {
    let (kind, reason) = ("UnknownEvent", error.to_string());
    error!(kind, reason, "event failed");
    EventError { kind, reason }
}

#[cfg(test)]
mod tests;
