//! The responses to API Gateway.

use auth_core::{LiveUser, LoggedUser, SessionId, is_scope_token};
use auth_lambda::EventError;
use serde_json::{Value, json};

use crate::call::{Call, Form};

/// The error text for which REST and WebSocket APIs respond with 401 instead of 500.
const UNAUTHORIZED: &str = "Unauthorized";

/// Returns the context in which the guarded function sees the user of a token.
pub(crate) fn token_context(user: &LoggedUser) -> Value {
    let scope = user.permissions().join(" ");
    let roles = json!(user.roles());
    context(user.id(), user.email(), &roles, &scope, user.session_id())
}

/// Returns the context in which the guarded function sees a stored user.
pub(crate) fn live_context(live: &LiveUser) -> Value {
    let user = live.user();
    let roles: Value = user.roles.iter().map(|role| &*role.name).collect();
    let mut permissions = user.permissions();
    // With a space in it, one permission would read as two.
    permissions.retain(|permission| is_scope_token(permission));
    let scope = permissions.join(" ");
    context(&user.id, &user.email, &roles, &scope, &live.session().id)
}

/// Returns a context with the names of the token's claims. All values are strings, because REST APIs reject lists and objects:
/// `roles` is JSON, because the name of a role may contain anything, and permissions are separated by spaces (RFC 8693
/// section 4.2).
fn context(id: &str, email: &str, roles: &Value, scope: &str, session: &SessionId) -> Value {
    json!({
        "sub": id,
        "email": email,
        "roles": roles.to_string(),
        "scope": scope,
        "sid": session.to_string(),
    })
}

impl Call {
    /// Returns whether an Allow would match other methods too, because the path of the call is a pattern in IAM.
    /// API Gateway may cache a policy and apply it to another call with the same token.
    pub(crate) fn is_pattern(&self) -> bool {
        match &self.form {
            Form::Simple => false,
            Form::Policy(arn) => arn.contains(['*', '?']) || arn.contains("${"),
        }
    }

    /// Returns the response that lets the call through.
    pub(crate) fn allow(&self, context: &Value) -> Value {
        match &self.form {
            Form::Simple => json!({"isAuthorized": true, "context": context}),
            Form::Policy(arn) => json!({
                "principalId": context["sub"],
                "policyDocument": policy("Allow", arn),
                "context": context,
            }),
        }
    }

    /// Returns the response to a call with a valid token that is not allowed. API Gateway responds with 403.
    pub(crate) fn deny(&self) -> Value {
        match &self.form {
            Form::Simple => json!({"isAuthorized": false}),
            Form::Policy(arn) => json!({
                "principalId": "denied",
                "policyDocument": policy("Deny", arn),
            }),
        }
    }

    /// Returns the response to a call without a valid token. REST and WebSocket APIs respond with 401, HTTP APIs with
    /// 403, their only refusal.
    ///
    /// # Errors
    ///
    /// [`EventError`], which is how REST and WebSocket APIs expect this refusal.
    pub(crate) fn reject(&self) -> Result<Value, EventError> {
        match &self.form {
            Form::Simple => Ok(self.deny()),
            Form::Policy(_) => Err(EventError {
                kind: UNAUTHORIZED,
                reason: UNAUTHORIZED.to_owned(),
            }),
        }
    }
}

/// Returns a policy for exactly one method.
fn policy(effect: &str, arn: &str) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{"Action": "execute-api:Invoke", "Effect": effect, "Resource": arn}],
    })
}
