//! A fake SQS with one queue.

use std::{
    io, mem,
    sync::{Arc, Mutex},
};

use http::Response;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use serde_json::{Value, json};

use crate::server::serve;

/// A server for one test.
pub struct Queue {
    url: String,
    messages: Arc<Mutex<Vec<String>>>,
}

impl Queue {
    /// Serves an empty queue.
    pub async fn serve() -> Self {
        let messages: Arc<Mutex<Vec<String>>> = Arc::default();
        let received = Arc::clone(&messages);
        let address = serve(move |request| {
            let received = Arc::clone(&received);
            async move {
                let target = request.headers().get("x-amz-target");
                assert_eq!(target.expect("a target"), "AmazonSQS.SendMessage");
                let body = request.into_body().collect().await;
                let body = body.map_err(io::Error::other)?.to_bytes();
                let mut body: Value = serde_json::from_slice(&body)?;
                let message = body["MessageBody"].take();
                let message = message.as_str().expect("a message").to_owned();
                received.lock().expect("no panic").push(message);
                let response =
                    Response::builder().header("content-type", "application/x-amz-json-1.0");
                let sent = json!({"MessageId": "1"}).to_string();
                Ok(response
                    .body(Full::from(Bytes::from(sent)))
                    .expect("a response"))
            }
        })
        .await;
        Self {
            url: format!("http://{address}"),
            messages,
        }
    }

    /// Returns the URL of the server and of the queue.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Removes all messages, and returns their bodies.
    #[must_use]
    pub fn take(&self) -> Vec<String> {
        mem::take(&mut self.messages.lock().expect("no panic"))
    }
}
