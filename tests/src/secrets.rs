//! A stand-in for Secrets Manager with one value under all names, which may change, fail and come
//! back.

use std::{
    collections::BTreeSet,
    io,
    sync::{Arc, Mutex},
};

use http::{Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use serde_json::{Value, json};

use crate::server::serve;

/// A server of its own for each test.
pub struct Secrets {
    url: String,
    secret: Arc<Mutex<Option<String>>>,
    asked: Arc<Mutex<BTreeSet<String>>>,
}

impl Secrets {
    /// Serves a secret; `None` answers as if Secrets Manager had failed.
    pub async fn serve(secret: Option<&str>) -> Self {
        let secret = Arc::new(Mutex::new(secret.map(str::to_owned)));
        let asked = Arc::new(Mutex::new(BTreeSet::new()));
        let (text, ids) = (Arc::clone(&secret), Arc::clone(&asked));
        let address = serve(move |request| {
            let answer = answer(text.lock().expect("no panic").as_deref());
            let ids = Arc::clone(&ids);
            async move {
                let body = request.into_body().collect().await;
                let body = body.map_err(io::Error::other)?.to_bytes();
                let body: Value = serde_json::from_slice(&body)?;
                let id = body["SecretId"].as_str().unwrap_or_default().to_owned();
                ids.lock().expect("no panic").insert(id);
                Ok(answer)
            }
        })
        .await;
        Self {
            url: format!("http://{address}"),
            secret,
            asked,
        }
    }

    /// Where the secret is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The ids that were asked for.
    #[must_use]
    pub fn asked(&self) -> BTreeSet<String> {
        self.asked.lock().expect("no panic").clone()
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
