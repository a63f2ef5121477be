//! A stand-in for Secrets Manager with one secret, which may change, fail and come back.

use std::sync::{Arc, Mutex};

use http::{Response, StatusCode};
use http_body_util::Full;
use hyper::body::Bytes;
use serde_json::json;

use crate::server::serve;

/// A server of its own for each test.
pub struct Secrets {
    url: String,
    secret: Arc<Mutex<Option<String>>>,
}

impl Secrets {
    /// Serves a secret; `None` answers as if Secrets Manager had failed.
    pub async fn serve(secret: Option<&str>) -> Self {
        let secret = Arc::new(Mutex::new(secret.map(str::to_owned)));
        let shared = Arc::clone(&secret);
        let address = serve(move |_| {
            let answer = answer(shared.lock().expect("no panic").as_deref());
            async { Ok(answer) }
        })
        .await;
        Self {
            url: format!("http://{address}"),
            secret,
        }
    }

    /// Where the secret is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Changes the secret, or what happens to who asks for it.
    pub fn set(&self, secret: Option<&str>) {
        *self.secret.lock().expect("no panic") = secret.map(str::to_owned);
    }
}

fn answer(secret: Option<&str>) -> Response<Full<Bytes>> {
    let (status, body) = match secret {
        Some(text) => (
            StatusCode::OK,
            json!({"ARN": "arn:aws:secretsmanager:eu-central-1:1:secret:keys", "Name": "keys", "SecretString": text}),
        ),
        None => (
            StatusCode::INTERNAL_SERVER_ERROR,
            json!({"__type": "InternalServiceError", "Message": "no"}),
        ),
    };
    let response = Response::builder()
        .status(status)
        .header("content-type", "application/x-amz-json-1.1")
        .body(Full::from(body.to_string()));
    response.expect("a response")
}
