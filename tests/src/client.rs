//! One client for the functions, whether they run in process or as processes.
//!
//! [`App`](crate::app::App) and [`Processes`](crate::process::Processes) implement [`Client`], so a test
//! reads the same for both.

use auth_core::UnixTime;
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{Response, header::HeaderName};
use serde_json::{Value, json};

use crate::{events, functions};

/// The address that requests come from in tests that do not depend on it.
pub const ADDRESS: &str = "203.0.113.7";

/// A response of a function.
#[derive(Debug, Clone)]
pub struct Reply(Response<Vec<u8>>);

impl Reply {
    /// Returns the status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.0.status().as_u16()
    }

    /// Returns a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.0.headers().get(name)?.to_str().ok()
    }

    /// Returns the names and values of all headers, in the order of their names.
    #[must_use]
    pub fn headers(&self) -> Vec<(String, String)> {
        let headers = self.0.headers().iter();
        let mut headers: Vec<_> = headers
            .map(|(name, value)| (name.to_string(), value.to_str().expect("text").to_owned()))
            .collect();
        headers.sort();
        headers
    }

    /// Returns the bytes of the body.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.0.body()
    }

    /// Returns the text of the body.
    #[must_use]
    pub fn body(&self) -> &str {
        std::str::from_utf8(self.bytes()).expect("text")
    }

    /// Returns the body as JSON; `null` if it is empty.
    #[must_use]
    pub fn json(&self) -> Value {
        if self.body().is_empty() {
            return Value::Null;
        }
        serde_json::from_str(self.body()).expect("JSON")
    }

    /// Returns the `detail` of an error.
    #[must_use]
    pub fn detail(&self) -> Value {
        self.json()["detail"].clone()
    }

    /// Returns the status, the detail and the challenge of a refusal.
    #[must_use]
    pub fn refusal(&self) -> (u16, Value, Option<&str>) {
        let challenge = self.header("www-authenticate");
        (self.status(), self.detail(), challenge)
    }

    /// Returns the tokens of a login or a refresh.
    ///
    /// # Errors
    ///
    /// The status and the detail of any response except a 200.
    pub fn tokens(&self) -> Result<Tokens, (u16, String)> {
        let body = self.json();
        if self.status() != 200 {
            let detail = body["detail"].as_str().unwrap_or_default();
            return Err((self.status(), detail.to_owned()));
        }
        let text = |member: &str| body[member].as_str().expect("a token").to_owned();
        Ok(Tokens {
            access: text("access_token"),
            refresh: text("refresh_token"),
            device: body["device_token"].as_str().map(str::to_owned),
        })
    }
}

impl From<Response<Vec<u8>>> for Reply {
    fn from(response: Response<Vec<u8>>) -> Self {
        Self(response)
    }
}

/// Converts a response as API Gateway receives it. REST responses have lists of headers.
impl From<&Value> for Reply {
    fn from(response: &Value) -> Self {
        let status = response["statusCode"].as_u64().expect("a status");
        let body = response["body"].as_str().expect("a body");
        let mut reply = Response::new(match response["isBase64Encoded"].as_bool() {
            Some(true) => STANDARD.decode(body).expect("base64"),
            _ => body.into(),
        });
        *reply.status_mut() = u16::try_from(status)
            .ok()
            .and_then(|status| status.try_into().ok())
            .expect("a status");
        for headers in ["headers", "multiValueHeaders"] {
            for (name, value) in response[headers].as_object().into_iter().flatten() {
                let value = value.get(0).unwrap_or(value).as_str().expect("text");
                let name: HeaderName = name.parse().expect("a name");
                reply
                    .headers_mut()
                    .insert(name, value.parse().expect("a value"));
            }
        }
        let reply = Self(reply);
        let is_encoded = reply.header("content-encoding").is_some();
        assert_eq!(
            response["isBase64Encoded"] == true,
            is_encoded,
            "exactly compressed bodies are in base64"
        );
        reply
    }
}

/// The tokens of a login or a refresh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    /// The access token.
    pub access: String,
    /// The refresh token.
    pub refresh: String,
    /// The device token, after a login.
    pub device: Option<String>,
}

/// Calls functions.
#[expect(
    async_fn_in_trait,
    reason = "tests do not send these futures to other threads"
)]
pub trait Client {
    /// Invokes a function with an event.
    async fn invoke(&self, function: &str, event: &str) -> Reply;

    /// Returns the time of the functions.
    fn now(&self) -> UnixTime;

    /// Invokes a function with a sample event, after filling its placeholders. If it needs a refresh token,
    /// this logs in first.
    async fn replay(&self, function: &str, event: &str) -> Reply {
        let mut event = event.to_owned();
        if event.contains(events::REFRESH_TOKEN) {
            let token = self.sign_in().await.refresh;
            event = event.replace(events::REFRESH_TOKEN, &token);
        }
        let event = events::fill(&event, self.now().as_secs());
        self.invoke(function, &event).await
    }

    /// Posts a body to `/api/v1/<endpoint>` from an address.
    async fn post(&self, endpoint: &str, body: &Value, address: &str) -> Reply {
        let function = functions::serving("POST", &format!("/api/v1/{endpoint}"));
        let event = events::post(endpoint, body, address);
        self.invoke(&function.name, &event).await
    }

    /// Logs in as the tutorial's user.
    async fn sign_in(&self) -> Tokens {
        self.sign_in_from(ADDRESS).await.expect("tokens")
    }

    /// Logs in as the tutorial's user from an address.
    ///
    /// # Errors
    ///
    /// The status and the detail of any response except a 200.
    async fn sign_in_from(&self, address: &str) -> Result<Tokens, (u16, String)> {
        self.post("login", &events::credentials(), address)
            .await
            .tokens()
    }

    /// Refreshes tokens.
    ///
    /// # Errors
    ///
    /// The status and the detail of any response except a 200.
    async fn refresh(&self, token: &str) -> Result<Tokens, (u16, String)> {
        let body = json!({ "refresh_token": token });
        self.post("refresh", &body, ADDRESS).await.tokens()
    }

    /// Logs out and checks that the response is a 204, whatever the token.
    async fn log_out(&self, token: &str, all_sessions: bool) {
        let body = json!({"refresh_token": token, "all_sessions": all_sessions});
        let reply = self.post("logout", &body, ADDRESS).await;
        assert_eq!((reply.status(), reply.body()), (204, ""));
    }

    /// Returns the status of `me` with a token.
    async fn me(&self, token: &str) -> u16 {
        self.invoke("me", &events::with_token("me", token))
            .await
            .status()
    }
}
