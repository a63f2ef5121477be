//! A fake Secrets Manager with one value, which may change, fail and recover. If the value is an HMAC key or a set of
//! RSA keys, the secrets with other names contain their own HMAC keys, because no two may contain the same.

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

/// A server for one test.
pub struct Secrets {
    url: String,
    secret: Arc<Mutex<Option<String>>>,
    requested: Arc<Mutex<BTreeSet<String>>>,
}

impl Secrets {
    /// Serves a secret; with `None` it fails.
    pub async fn serve(secret: Option<&str>) -> Self {
        let secret = Arc::new(Mutex::new(secret.map(str::to_owned)));
        let requested = Arc::new(Mutex::new(BTreeSet::new()));
        let (text, ids) = (Arc::clone(&secret), Arc::clone(&requested));
        let address = serve(move |request| {
            let secret = text.lock().expect("no panic").clone();
            let ids = Arc::clone(&ids);
            async move {
                let body = request.into_body().collect().await;
                let body = body.map_err(io::Error::other)?.to_bytes();
                let body: Value = serde_json::from_slice(&body)?;
                let id = body["SecretId"].as_str().unwrap_or_default().to_owned();
                ids.lock().expect("no panic").insert(id.clone());
                Ok(respond(secret.map(|secret| choose_secret(&id, secret))))
            }
        })
        .await;
        Self {
            url: format!("http://{address}"),
            secret,
            requested,
        }
    }

    /// Returns the URL of the server.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the ids that were requested.
    #[must_use]
    pub fn requested(&self) -> BTreeSet<String> {
        self.requested.lock().expect("no panic").clone()
    }

    /// Changes the secret; with `None` the server fails.
    pub fn set(&self, secret: Option<&str>) {
        *self.secret.lock().expect("no panic") = secret.map(str::to_owned);
    }
}

/// Returns the value of a name.
fn choose_secret(id: &str, secret: String) -> String {
    let other = match id.to_lowercase() {
        id if id.starts_with("session") => forge::SESSION_SECRET,
        id if id.starts_with("counter") => forge::COUNTER_SECRET,
        id if id.starts_with("action") => forge::ACTION_SECRET,
        _ => return secret,
    };
    let jwk: Value = serde_json::from_str(&secret).unwrap_or_default();
    let is_long_hmac_key = jwk["k"].as_str().is_some_and(|key| key.len() > 42);
    let is_rsa_set = jwk["keys"][0]["kty"] == "RSA";
    if is_long_hmac_key || is_rsa_set {
        unpublished_jwk(other)
    } else {
        secret
    }
}

/// Returns the JWK of a key that is derived from a published secret.
#[must_use]
pub fn unpublished_jwk(secret: &str) -> String {
    let key = forge::hmac_sha256(secret.as_bytes(), b"unpublished");
    json!({"kty": "oct", "alg": "HS256", "k": forge::b64(key)}).to_string()
}

fn respond(secret: Option<String>) -> Response<Full<Bytes>> {
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
