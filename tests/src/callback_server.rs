//! A server for the results of custom resources, as `CloudFormation`'s signed URLs accept them.

use std::{
    io,
    sync::{Arc, Mutex},
};

use http::{Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use serde_json::Value;

use crate::server::serve;

#[derive(Debug, Default)]
struct Received {
    results: Vec<Value>,
    /// How many of the next requests get a 503.
    failures: u32,
}

/// A server for one test.
#[derive(Debug, Clone)]
pub struct CallbackServer {
    url: String,
    received: Arc<Mutex<Received>>,
}

impl CallbackServer {
    /// Serves a URL.
    pub async fn serve() -> Self {
        let received: Arc<Mutex<Received>> = Arc::default();
        let shared = Arc::clone(&received);
        let address = serve(move |request| {
            let received = Arc::clone(&shared);
            async move {
                // The signature covers both.
                let is_signed = request.method() == "PUT"
                    && request.uri().query() == Some("Signature=a%2Fb")
                    && !request.headers().contains_key("content-type");
                let body = request.into_body().collect().await;
                let body = body.map_err(io::Error::other)?.to_bytes();
                let mut received = received.lock().expect("no panic");
                let status = match received.failures.checked_sub(1) {
                    Some(left) => {
                        received.failures = left;
                        StatusCode::SERVICE_UNAVAILABLE
                    }
                    None if !is_signed => StatusCode::FORBIDDEN,
                    None => {
                        received.results.push(serde_json::from_slice(&body)?);
                        StatusCode::OK
                    }
                };
                let response = Response::builder().status(status);
                Ok(response.body(Full::from(Bytes::new())).expect("a response"))
            }
        })
        .await;
        Self {
            url: format!("http://{address}/result?Signature=a%2Fb"),
            received,
        }
    }

    /// Returns the signed URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Makes the next requests fail.
    pub fn fail(&self, failures: u32) {
        self.received.lock().expect("no panic").failures = failures;
    }

    /// Returns the results that were received, and forgets them.
    #[must_use]
    pub fn take(&self) -> Vec<Value> {
        std::mem::take(&mut self.received.lock().expect("no panic").results)
    }
}
