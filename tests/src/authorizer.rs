//! Events that API Gateway sends to a Lambda authorizer, and what the responses to them mean.

use serde_json::{Value, json};

use crate::runtime_api::Outcome;

/// The method of the events of a REST API.
pub const METHOD_ARN: &str =
    "arn:aws:execute-api:eu-central-1:123456789012:abcdef1234/prod/GET/orders/17";

/// The method of the event of a WebSocket API.
pub const CONNECT_ARN: &str =
    "arn:aws:execute-api:eu-central-1:123456789012:abcdef1234/prod/$connect";

/// An API whose authorizer sends an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// An HTTP API, with format 2.0 and simple responses.
    Http,
    /// A REST API with a REQUEST authorizer.
    Rest,
    /// A REST API with a TOKEN authorizer.
    RestToken,
    /// A WebSocket API.
    WebSocket,
}

impl Api {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Http, Self::Rest, Self::RestToken, Self::WebSocket];

    /// Returns the event of a call with this `Authorization` header.
    #[must_use]
    pub fn event(self, header: &str) -> Value {
        match self {
            Self::Http => http(header),
            Self::Rest => rest(header),
            Self::RestToken => json!({
                "type": "TOKEN",
                "methodArn": METHOD_ARN,
                "authorizationToken": header,
            }),
            Self::WebSocket => web_socket(header),
        }
    }

    /// Returns the event of a call with a bearer token.
    #[must_use]
    pub fn with_token(self, token: &str) -> String {
        self.event(&format!("Bearer {token}")).to_string()
    }

    /// Returns the status that a caller of the API gets for an outcome. `200` represents the guarded function's
    /// own response.
    #[must_use]
    pub fn status(self, outcome: &Outcome) -> u16 {
        match outcome {
            Outcome::Error(error)
                if self != Self::Http && error["errorMessage"] == "Unauthorized" =>
            {
                401
            }
            Outcome::Error(_) => 500,
            Outcome::Response(response) => self.status_of(response),
        }
    }

    fn status_of(self, response: &Value) -> u16 {
        let is_allowed = match self {
            Self::Http => response["isAuthorized"].as_bool(),
            Self::Rest | Self::RestToken => allows(response, METHOD_ARN),
            Self::WebSocket => allows(response, CONNECT_ARN),
        };
        match is_allowed {
            Some(true) => 200,
            Some(false) => 403,
            None => 500,
        }
    }

    /// Returns the status of a call without a valid token.
    #[must_use]
    pub fn rejection(self) -> u16 {
        match self {
            Self::Http => 403,
            Self::Rest | Self::RestToken | Self::WebSocket => 401,
        }
    }
}

/// Returns whether a policy allows a method. `None` if it is not a policy with exactly one statement about it.
fn allows(response: &Value, arn: &str) -> Option<bool> {
    let statements = response["policyDocument"]["Statement"].as_array()?;
    let [statement] = statements.as_slice() else {
        return None;
    };
    let is_exact = statement["Action"] == "execute-api:Invoke" && statement["Resource"] == arn;
    match statement["Effect"].as_str().filter(|_| is_exact)? {
        "Allow" => Some(true),
        "Deny" => Some(false),
        _ => None,
    }
}

/// As in "Working with AWS Lambda authorizers for HTTP APIs" in the Developer Guide of API Gateway.
fn http(header: &str) -> Value {
    json!({
        "version": "2.0",
        "type": "REQUEST",
        "routeArn": "arn:aws:execute-api:eu-central-1:123456789012:abcdef1234/$default/GET/orders/17",
        "identitySource": [header],
        "routeKey": "GET /orders/{id}",
        "rawPath": "/orders/17",
        "rawQueryString": "",
        "headers": {"authorization": header, "host": "abcdef1234.execute-api.eu-central-1.amazonaws.com"},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abcdef1234",
            "domainName": "abcdef1234.execute-api.eu-central-1.amazonaws.com",
            "domainPrefix": "abcdef1234",
            "http": {
                "method": "GET",
                "path": "/orders/17",
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.7",
                "userAgent": "curl/8.5.0",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "GET /orders/{id}",
            "stage": "$default",
            "time": "26/Nov/2026:12:00:00 +0000",
            "timeEpoch": 1_795_694_400_000_u64,
        },
        "pathParameters": {"id": "17"},
    })
}

/// As in "Input to an API Gateway Lambda authorizer" in the Developer Guide.
fn rest(header: &str) -> Value {
    json!({
        "type": "REQUEST",
        "methodArn": METHOD_ARN,
        "resource": "/orders/{id}",
        "path": "/orders/17",
        "httpMethod": "GET",
        "headers": {"Authorization": header, "Accept": "*/*"},
        "multiValueHeaders": {"Authorization": [header], "Accept": ["*/*"]},
        "queryStringParameters": {},
        "pathParameters": {"id": "17"},
        "stageVariables": {},
        "requestContext": {
            "path": "/prod/orders/17",
            "accountId": "123456789012",
            "resourceId": "05c7jb",
            "stage": "prod",
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "identity": {"sourceIp": "203.0.113.7"},
            "resourcePath": "/orders/{id}",
            "httpMethod": "GET",
            "apiId": "abcdef1234",
        },
    })
}

/// As in "Control access to WebSocket APIs with AWS Lambda REQUEST authorizers" in the Developer Guide.
fn web_socket(header: &str) -> Value {
    json!({
        "type": "REQUEST",
        "methodArn": CONNECT_ARN,
        "headers": {"Authorization": header, "Connection": "upgrade", "Upgrade": "websocket"},
        "multiValueHeaders": {
            "Authorization": [header],
            "Connection": ["upgrade"],
            "Upgrade": ["websocket"],
        },
        "queryStringParameters": {},
        "stageVariables": {},
        "requestContext": {
            "routeKey": "$connect",
            "eventType": "CONNECT",
            "messageDirection": "IN",
            "stage": "prod",
            "requestId": "DFtbZGZoPHcFZsA=",
            "identity": {"sourceIp": "203.0.113.7"},
            "connectionId": "DFtbZfZoPHcCFZg=",
            "apiId": "abcdef1234",
        },
    })
}
