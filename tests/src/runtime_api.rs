//! A Lambda Runtime API for one function process: `next`, `response` and `error`
//! (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>).

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use serde_json::Value;
use tokio::sync::{Mutex, Notify, mpsc};

use crate::server::serve;

/// How long a test waits for a process before it fails.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The outcome of an event.
#[derive(Debug)]
pub enum Outcome {
    /// The function responded.
    Response(Value),
    /// The function reported an error.
    Error(Value),
}

/// The server side of the API, for one process.
pub struct RuntimeApi {
    address: String,
    events: mpsc::UnboundedSender<String>,
    outcomes: Mutex<mpsc::UnboundedReceiver<Outcome>>,
    ready: Arc<Notify>,
    timeout_millis: Arc<AtomicU64>,
}

struct Shared {
    events: Mutex<mpsc::UnboundedReceiver<String>>,
    outcomes: mpsc::UnboundedSender<Outcome>,
    ready: Arc<Notify>,
    timeout_millis: Arc<AtomicU64>,
}

impl RuntimeApi {
    /// Serves on a free port of this machine.
    pub async fn serve() -> Self {
        let (events, received_events) = mpsc::unbounded_channel();
        let (sent_outcomes, outcomes) = mpsc::unbounded_channel();
        let ready = Arc::new(Notify::new());
        let timeout_millis = Arc::new(AtomicU64::new(10_000));
        let shared = Arc::new(Shared {
            events: Mutex::new(received_events),
            outcomes: sent_outcomes,
            ready: Arc::clone(&ready),
            timeout_millis: Arc::clone(&timeout_millis),
        });
        let address = serve(move |request| respond(Arc::clone(&shared), request)).await;
        Self {
            address,
            events,
            outcomes: Mutex::new(outcomes),
            ready,
            timeout_millis,
        }
    }

    /// Returns host and port, for `AWS_LAMBDA_RUNTIME_API`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Sets the time that each event gets: 10 s at first, as in the template.
    pub fn set_timeout(&self, timeout: Duration) {
        let millis = timeout.as_millis().try_into().expect("a short time");
        self.timeout_millis.store(millis, Ordering::Relaxed);
    }

    /// Waits until the function asks for its first event.
    pub async fn wait_until_ready(&self) {
        let ready = tokio::time::timeout(TIMEOUT, self.ready.notified()).await;
        ready.expect("the function never asked for an event");
    }

    /// Hands the function an event and waits for its outcome.
    pub async fn invoke(&self, event: &str) -> Outcome {
        self.events
            .send(event.to_owned())
            .expect("the API is running");
        let mut outcomes = self.outcomes.lock().await;
        let outcome = tokio::time::timeout(TIMEOUT, outcomes.recv()).await;
        outcome
            .expect("no outcome in time")
            .expect("the API is running")
    }
}

async fn respond(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> io::Result<Response<Full<Bytes>>> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    if parts.method == Method::GET && path.ends_with("/invocation/next") {
        shared.ready.notify_one();
        let event = shared.events.lock().await.recv().await.unwrap_or_default();
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let timeout = shared.timeout_millis.load(Ordering::Relaxed);
        let deadline = now.expect("a clock after 1970").as_millis() + u128::from(timeout);
        let response = Response::builder()
            .header(
                "lambda-runtime-aws-request-id",
                "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
            )
            .header("lambda-runtime-deadline-ms", deadline.to_string())
            .header(
                "lambda-runtime-invoked-function-arn",
                "arn:aws:lambda:eu-central-1:1:function:f",
            )
            .header(
                "lambda-runtime-trace-id",
                "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0",
            )
            .header("content-type", "application/json")
            .body(Full::from(event));
        return Ok(response.expect("a response"));
    }
    let body = body
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes);
    let body = serde_json::from_slice(&body.unwrap_or_default()).unwrap_or_default();
    let outcome = if path.ends_with("/response") {
        Outcome::Response(body)
    } else {
        Outcome::Error(body)
    };
    let _ = shared.outcomes.send(outcome);
    let mut accepted = Response::new(Full::from(r#"{"status":"OK"}"#));
    *accepted.status_mut() = StatusCode::ACCEPTED;
    Ok(accepted)
}
