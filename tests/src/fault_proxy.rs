//! An HTTP proxy between the SDK and a server, with faults that can be switched on and off. It also counts the
//! capacity units of `DynamoDB`.

mod responses;
mod units;

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{Request, Response, StatusCode, request::Parts, response};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::{Bytes, Incoming},
    client,
};
use hyper_util::rt::TokioIo;
use responses::{denial, failure, protected, unprocessed, with_backups};
use tokio::net::TcpStream;
pub use units::Units;
use units::{transaction_units, with_units};

use crate::server::serve_counting;

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
    /// It forwards `before` writes. It also forwards the next `count` writes, but closes the connection instead of
    /// responding. It forwards reads and later writes.
    CutResponses {
        /// The writes before.
        before: usize,
        /// The writes without a response, including retries by the SDK.
        count: usize,
    },
    /// It forwards writes, and closes the connection instead of responding.
    CutResponsesToWrites,
    /// It responds like a `DynamoDB` that failed.
    InternalError,
    /// It responds like an overloaded `DynamoDB`.
    Throttle,
    /// It refuses this number of writes, as if a transaction were writing the same item.
    Conflict(u32),
    /// It refuses this operation, for example `GetItem`, as if a permission were missing. It forwards the others.
    Deny(&'static str),
    /// It refuses everything, as if permissions were missing.
    DenyAll,
    /// Responds to a `BatchGetItem` that none of the keys were processed.
    UnprocessedKeys,
    /// It responds with an empty 200, as a proxy might.
    EmptyResponse,
    /// It forwards reads and fails writes.
    FailWrites,
    /// It fails the writes that contain this text.
    FailWritesWith(&'static str),
    /// It forwards those writes after a delay.
    DelayWritesWith(&'static str, Duration),
    /// It describes the table with the protections that `DynamoDB` Local does not have. It forwards the rest.
    Protect,
}

/// A proxy for one test.
pub struct FaultProxy {
    url: String,
    connections: Arc<AtomicUsize>,
    state: Arc<State>,
}

struct State {
    upstream: String,
    units: Mutex<Units>,
    fault: Mutex<Fault>,
    requests: Mutex<Vec<(String, Bytes)>>,
}

impl FaultProxy {
    /// Starts a proxy in front of `upstream`, a URL of this machine.
    pub async fn start(upstream: &str) -> Self {
        let state = Arc::new(State {
            upstream: upstream.trim_start_matches("http://").to_owned(),
            units: Mutex::default(),
            fault: Mutex::new(Fault::None),
            requests: Mutex::default(),
        });
        let (shared, connections) = (Arc::clone(&state), Arc::default());
        let respond = move |request| pass(Arc::clone(&shared), request);
        let address = serve_counting(Arc::clone(&connections), respond).await;
        Self {
            url: format!("http://{address}"),
            connections,
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

    /// Returns what the proxy does with the next request. After a fault of a limited number of requests, it is
    /// [`Fault::None`].
    #[must_use]
    pub fn fault(&self) -> Fault {
        *self.state.fault.lock().expect("no panic")
    }

    /// Returns the capacity units since the last call.
    #[must_use]
    pub fn take_units(&self) -> Units {
        std::mem::take(&mut *self.state.units.lock().expect("no panic"))
    }

    /// Returns the number of connections that were opened.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Returns the requests of the SDK that arrived: their targets, for example `DynamoDB_20120810.GetItem`, and
    /// their bodies.
    #[must_use]
    pub fn requests(&self) -> Vec<(String, Bytes)> {
        self.state.requests.lock().expect("no panic").clone()
    }
}

/// Returns what is left of [`Fault::CutResponses`] after a write.
fn after_write(before: usize, count: usize) -> Fault {
    match (before, count) {
        (0, 0 | 1) => Fault::None,
        (0, count) => Fault::CutResponses {
            before: 0,
            count: count - 1,
        },
        (before, count) => Fault::CutResponses {
            before: before - 1,
            count,
        },
    }
}

async fn pass(state: Arc<State>, request: Request<Incoming>) -> io::Result<Response<Full<Bytes>>> {
    let target = request.headers().get("x-amz-target");
    let target = target
        .and_then(|target| target.to_str().ok())
        .unwrap_or_default();
    let is_read = target.ends_with("GetItem") || target.ends_with("GetSecretValue");
    let is_batch = target.ends_with("BatchGetItem");
    let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
    let target = target.to_owned();
    let fault = *state.fault.lock().expect("no panic");
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    state
        .requests
        .lock()
        .expect("no panic")
        .push((target, body.clone()));
    let contains = |text: &str| !is_read && String::from_utf8_lossy(&body).contains(text);
    let forward = || forward(&state, parts.clone(), body.clone());
    match fault {
        Fault::Protect if operation == "DescribeTable" => protected(forward().await?).await,
        Fault::Protect if operation == "DescribeContinuousBackups" => Ok(with_backups()),
        Fault::None | Fault::Protect | Fault::Conflict(0) => forward().await,
        Fault::FailWrites
        | Fault::CutNextResponse
        | Fault::CutResponses { .. }
        | Fault::CutResponsesToWrites
        | Fault::Conflict(_)
            if is_read =>
        {
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
        Fault::CutResponses { before, count } => {
            *state.fault.lock().expect("no panic") = after_write(before, count);
            let response = forward().await?;
            match before {
                0 => Err(io::ErrorKind::ConnectionReset.into()),
                _ => Ok(response),
            }
        }
        Fault::CutResponsesToWrites => {
            forward().await?;
            Err(io::ErrorKind::ConnectionReset.into())
        }
        Fault::Conflict(count) => {
            *state.fault.lock().expect("no panic") = Fault::Conflict(count - 1);
            Ok(failure(
                StatusCode::BAD_REQUEST,
                "TransactionConflictException",
            ))
        }
        Fault::Deny(denied) if denied != operation => forward().await,
        Fault::Deny(_) | Fault::DenyAll => Ok(denial(&operation)),
        Fault::FailWrites | Fault::FailWritesWith(_) | Fault::InternalError => Ok(failure(
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalServerError",
        )),
        Fault::UnprocessedKeys if !is_batch => forward().await,
        Fault::UnprocessedKeys => Ok(unprocessed(&body)),
        Fault::EmptyResponse => Ok(Response::new(Full::from("{}"))),
        Fault::Throttle => Ok(failure(
            StatusCode::BAD_REQUEST,
            "ProvisionedThroughputExceededException",
        )),
    }
}

async fn forward(
    state: &State,
    mut parts: Parts,
    body: Bytes,
) -> io::Result<Response<Full<Bytes>>> {
    let target = parts.headers.get("x-amz-target").cloned();
    let is_read = target.is_some_and(|target| {
        let reads: [&[u8]; 3] = [b"GetItem", b"Query", b"Scan"];
        reads.iter().any(|read| target.as_bytes().ends_with(read))
    });
    let transaction = transaction_units(&body);
    let body = with_units(&body);
    parts.headers.insert("content-length", body.len().into());
    let request = Request::from_parts(parts, Full::<Bytes>::from(body));
    let (parts, body) = exchange(&state.upstream, request).await?;
    let mut units = state.units.lock().expect("no panic");
    units.add(is_read, transaction, &body);
    Ok(Response::from_parts(parts, Full::from(body)))
}

/// Sends a request to a host and port. Returns the whole response.
pub(crate) async fn exchange(
    upstream: &str,
    request: Request<Full<Bytes>>,
) -> io::Result<(response::Parts, Bytes)> {
    let stream = TcpStream::connect(upstream).await?;
    let handshake = client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(io::Error::other)?;
    tokio::spawn(connection);
    let response = sender.send_request(request).await;
    let (parts, body) = response.map_err(io::Error::other)?.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?;
    Ok((parts, body.to_bytes()))
}
