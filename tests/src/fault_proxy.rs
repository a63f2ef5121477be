//! An HTTP proxy between the SDK and a server, with faults that can be switched on and off.

use std::{
    collections::BTreeSet,
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use http::{Request, Response, StatusCode, request::Parts};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::{Bytes, Incoming},
    client,
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::server::serve;

/// What the proxy does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It forwards request and response.
    None,
    /// It forwards them after a delay.
    Delay(Duration),
    /// It closes the connection, and the server never sees the request.
    Cut,
    /// It forwards the next write and closes the connection instead of responding. It forwards reads and
    /// later writes.
    CutNextResponse,
    /// It forwards writes, and closes the connection instead of responding.
    CutResponsesToWrites,
    /// It responds like a `DynamoDB` that failed.
    InternalError,
    /// It responds like an overloaded `DynamoDB`.
    Throttle,
    /// It responds with an empty 200, as a proxy might.
    EmptyResponse,
    /// It forwards reads and fails writes.
    FailWrites,
    /// It fails the writes that contain this text.
    FailWritesWith(&'static str),
    /// It forwards those writes after a delay.
    DelayWritesWith(&'static str, Duration),
}

/// A proxy for one test.
pub struct FaultProxy {
    url: String,
    state: Arc<State>,
}

struct State {
    upstream: String,
    fault: Mutex<Fault>,
    calls: Mutex<BTreeSet<String>>,
}

impl FaultProxy {
    /// Starts a proxy in front of `upstream`, a URL of this machine.
    pub async fn start(upstream: &str) -> Self {
        let state = Arc::new(State {
            upstream: upstream.trim_start_matches("http://").to_owned(),
            fault: Mutex::new(Fault::None),
            calls: Mutex::default(),
        });
        let shared = Arc::clone(&state);
        let address = serve(move |request| pass(Arc::clone(&shared), request)).await;
        Self {
            url: format!("http://{address}"),
            state,
        }
    }

    /// Returns the URL of the proxy.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Sets what the proxy does with every request from now on.
    pub fn set(&self, fault: Fault) {
        *self.state.fault.lock().expect("no panic") = fault;
    }

    /// Returns the SDK calls that arrived, for example `DynamoDB_20120810.GetItem`.
    #[must_use]
    pub fn calls(&self) -> BTreeSet<String> {
        self.state.calls.lock().expect("no panic").clone()
    }
}

async fn pass(state: Arc<State>, request: Request<Incoming>) -> io::Result<Response<Full<Bytes>>> {
    let target = request.headers().get("x-amz-target");
    let target = target
        .and_then(|target| target.to_str().ok())
        .unwrap_or_default();
    let is_read = target.ends_with("GetItem");
    state
        .calls
        .lock()
        .expect("no panic")
        .insert(target.to_owned());
    let fault = *state.fault.lock().expect("no panic");
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let contains = |text: &str| !is_read && String::from_utf8_lossy(&body).contains(text);
    let forward = || forward(&state, parts.clone(), body.clone());
    match fault {
        Fault::None => forward().await,
        Fault::FailWrites | Fault::CutNextResponse | Fault::CutResponsesToWrites if is_read => {
            forward().await
        }
        Fault::FailWritesWith(text) | Fault::DelayWritesWith(text, _) if !contains(text) => {
            forward().await
        }
        Fault::Delay(delay) | Fault::DelayWritesWith(_, delay) => {
            tokio::time::sleep(delay).await;
            forward().await
        }
        Fault::Cut => Err(io::ErrorKind::ConnectionReset.into()),
        Fault::CutNextResponse => {
            *state.fault.lock().expect("no panic") = Fault::None;
            forward().await?;
            Err(io::ErrorKind::ConnectionReset.into())
        }
        Fault::CutResponsesToWrites => {
            forward().await?;
            Err(io::ErrorKind::ConnectionReset.into())
        }
        Fault::FailWrites | Fault::FailWritesWith(_) | Fault::InternalError => Ok(failure(
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalServerError",
        )),
        Fault::EmptyResponse => Ok(Response::new(Full::from("{}"))),
        Fault::Throttle => Ok(failure(
            StatusCode::BAD_REQUEST,
            "ProvisionedThroughputExceededException",
        )),
    }
}

async fn forward(state: &State, parts: Parts, body: Bytes) -> io::Result<Response<Full<Bytes>>> {
    let request = Request::from_parts(parts, Full::<Bytes>::from(body));
    let stream = TcpStream::connect(&state.upstream).await?;
    let handshake = client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(io::Error::other)?;
    tokio::spawn(connection);
    let response = sender.send_request(request).await;
    let (parts, body) = response.map_err(io::Error::other)?.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    Ok(Response::from_parts(parts, Full::from(body)))
}

fn failure(status: StatusCode, kind: &str) -> Response<Full<Bytes>> {
    let body = format!(r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{kind}","message":"no"}}"#);
    let response = Response::builder()
        .status(status)
        .header("content-type", "application/x-amz-json-1.0");
    response.body(Full::from(body)).expect("a response")
}
