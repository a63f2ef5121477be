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

/// What the proxy does to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It passes request and answer on.
    None,
    /// It passes them on after a while.
    Delay(Duration),
    /// It closes the connection, and the server never sees the request.
    Cut,
    /// It passes the next write on and closes the connection in place of the answer; what comes
    /// after that one goes through, as do reads.
    CutNextAnswer,
    /// It passes whatever writes on, and closes the connection in place of the answer.
    CutAnswersOfWrites,
    /// It answers like a `DynamoDB` that failed.
    InternalError,
    /// It answers like a `DynamoDB` that is asked too much.
    Throttle,
    /// It answers 200 with nothing in it, as something in between might.
    EmptyAnswer,
    /// It takes reads, and fails whatever writes.
    FailWrites,
    /// It fails the writes in whose text this stands, and takes the others.
    FailWritesOf(&'static str),
    /// It passes those writes on after a while.
    DelayWritesOf(&'static str, Duration),
}

/// A proxy of its own for each test.
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
    /// A proxy in front of `upstream`, a URL of this machine.
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

    /// Where the proxy answers.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Does this to every request from now on.
    pub fn set(&self, fault: Fault) {
        *self.state.fault.lock().expect("no panic") = fault;
    }

    /// The SDK calls that came through, for example `DynamoDB_20120810.GetItem`.
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
    let is_of = |text: &str| !is_read && String::from_utf8_lossy(&body).contains(text);
    let forward = || forward(&state, parts.clone(), body.clone());
    match fault {
        Fault::None => forward().await,
        Fault::FailWrites | Fault::CutNextAnswer | Fault::CutAnswersOfWrites if is_read => {
            forward().await
        }
        Fault::FailWritesOf(text) | Fault::DelayWritesOf(text, _) if !is_of(text) => {
            forward().await
        }
        Fault::Delay(while_) | Fault::DelayWritesOf(_, while_) => {
            tokio::time::sleep(while_).await;
            forward().await
        }
        Fault::Cut => Err(io::ErrorKind::ConnectionReset.into()),
        Fault::CutNextAnswer => {
            *state.fault.lock().expect("no panic") = Fault::None;
            forward().await?;
            Err(io::ErrorKind::ConnectionReset.into())
        }
        Fault::CutAnswersOfWrites => {
            forward().await?;
            Err(io::ErrorKind::ConnectionReset.into())
        }
        Fault::FailWrites | Fault::FailWritesOf(_) | Fault::InternalError => Ok(failure(
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalServerError",
        )),
        Fault::EmptyAnswer => Ok(Response::new(Full::from("{}"))),
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
    let answer = sender.send_request(request).await;
    let (parts, body) = answer.map_err(io::Error::other)?.into_parts();
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
