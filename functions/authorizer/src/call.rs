//! Parses the raw JSON of an event into the call that API Gateway asks about.
//!
//! The forms share members, so a typed parser could accept one form as another. Sources: "Control access to HTTP APIs
//! with AWS Lambda authorizers", "Input to an API Gateway Lambda authorizer" and "Control access to WebSocket APIs with
//! AWS Lambda REQUEST authorizers" in the Developer Guide of API Gateway.

use auth_core::BearerError;
use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use serde_json::Value;

/// The event is not one that the function can handle. The text repeats nothing from it.
#[derive(Debug, Clone, Copy, thiserror::Error)]
pub(crate) enum MalformedEvent {
    /// Another service or an integration sent it.
    #[error("unknown event: expected one that API Gateway sends to a Lambda authorizer")]
    Unknown,
    /// An HTTP API sent it in the older format.
    #[error(
        "unknown event: set AuthorizerPayloadFormatVersion of the HTTP API's authorizer to 2.0"
    )]
    Version,
    /// It does not name the method that a policy would allow.
    #[error("the event has no method ARN")]
    MethodArn,
    /// It does not name its route, although `AUTHORIZER_SCOPES` lists routes.
    #[error(
        "the event does not name its route, which AUTHORIZER_SCOPES needs: a REST API needs a REQUEST authorizer, not \
         a TOKEN authorizer"
    )]
    Route,
}

/// How API Gateway expects the decision.
#[derive(Debug)]
pub(crate) enum Form {
    /// As a simple response, for an HTTP API.
    Simple,
    /// As a policy for the method of this ARN, for a REST or WebSocket API.
    Policy(String),
}

/// A call to a guarded API.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) form: Form,
    /// The values of all `Authorization` headers.
    authorization: Vec<String>,
    /// The keys under which `AUTHORIZER_SCOPES` may list the route. None if the event does not name the route.
    pub(crate) route_keys: Vec<String>,
}

impl Call {
    /// Parses an event.
    pub(crate) fn parse(event: &Value) -> Result<Self, MalformedEvent> {
        let (form, authorization) = match (&event["version"], event["type"].as_str()) {
            (Value::String(version), Some("REQUEST")) if version == "2.0" => {
                (Form::Simple, header_values(event))
            }
            (Value::String(_), Some("REQUEST")) => return Err(MalformedEvent::Version),
            (Value::Null, Some("REQUEST")) => (policy_form(event)?, header_values(event)),
            (Value::Null, Some("TOKEN")) => {
                let token = event["authorizationToken"].as_str();
                (
                    policy_form(event)?,
                    token.into_iter().map(str::to_owned).collect(),
                )
            }
            _ => return Err(MalformedEvent::Unknown),
        };
        Ok(Self {
            form,
            authorization,
            route_keys: route_keys(event),
        })
    }

    /// Returns the headers for the guard.
    ///
    /// # Errors
    ///
    /// [`BearerError::InvalidRequest`] for a value that a header cannot have.
    pub(crate) fn headers(&self) -> Result<HeaderMap, BearerError> {
        let mut headers = HeaderMap::new();
        for value in &self.authorization {
            let value = HeaderValue::from_bytes(value.as_bytes());
            headers.append(
                AUTHORIZATION,
                value.map_err(|_| BearerError::InvalidRequest)?,
            );
        }
        Ok(headers)
    }
}

/// Returns the form of an event that expects a policy.
fn policy_form(event: &Value) -> Result<Form, MalformedEvent> {
    let arn = event["methodArn"].as_str();
    let arn = arn.filter(|arn| arn.starts_with("arn:") && arn.contains(":execute-api:"));
    let arn = arn.ok_or(MalformedEvent::MethodArn)?;
    Ok(Form::Policy(arn.to_owned()))
}

/// Returns the values of all `Authorization` headers. `headers` of a REST API has only the last of them, so
/// `multiValueHeaders` comes first.
fn header_values(event: &Value) -> Vec<String> {
    let all = named_authorization(&event["multiValueHeaders"]).filter_map(Value::as_array);
    let all: Vec<String> = all.flatten().filter_map(text).collect();
    if !all.is_empty() {
        return all;
    }
    let last = named_authorization(&event["headers"]);
    last.filter_map(text).collect()
}

/// Returns the members named `Authorization`, in any case: REST APIs keep the caller's spelling.
fn named_authorization(headers: &Value) -> impl Iterator<Item = &Value> {
    let members = headers.as_object().into_iter().flatten();
    members
        .filter(|(name, _)| name.eq_ignore_ascii_case("authorization"))
        .map(|(_, value)| value)
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// Returns the keys under which the route may be listed: API Gateway's own, the one with the method of the call, and
/// the one with `ANY`. For HEAD, frameworks call the handler of GET.
fn route_keys(event: &Value) -> Vec<String> {
    let context = &event["requestContext"];
    // HTTP and WebSocket APIs send a key; REST APIs a method and a resource.
    let key = text(&event["routeKey"]).or_else(|| text(&context["routeKey"]));
    let path = match &key {
        Some(key) => key.split_once(' ').map(|(_, path)| path.to_owned()),
        None => text(&event["resource"]),
    };
    let method = text(&event["httpMethod"]).or_else(|| text(&context["http"]["method"]));
    let with_path = path.into_iter().flat_map(|path| {
        let method = method.as_deref();
        let get = method.filter(|method| *method == "HEAD").map(|_| "GET");
        let methods = method.into_iter().chain(get).chain(["ANY"]);
        let keys = methods.map(|method| format!("{method} {path}"));
        keys.collect::<Vec<_>>()
    });
    let mut keys: Vec<String> = key.into_iter().chain(with_path).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}
