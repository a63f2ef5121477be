//! A proxy in front of both stores of the keys, which controls a write of the run behind it: the run can be killed
//! before or after the write, or write at the same time as another one.

use std::{
    future::pending,
    io,
    sync::{Arc, Mutex},
};

use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use tokio::sync::{Barrier, Notify};

use crate::{fault_proxy::exchange, server::serve};

const WRITES: [&str; 3] = ["PutItem", "PutSecretValue", "UpdateSecretVersionStage"];

/// The moment at which a run stops.
#[derive(Debug, Clone, Copy)]
pub struct Stop {
    /// The number of writes before the one at which it stops.
    pub writes_before: usize,
    /// Whether that write is executed.
    pub is_executed: bool,
}

/// What happens to the next write.
#[derive(Debug)]
enum Next {
    Pass,
    Stop(Stop),
    /// The run is stopped: none of its writes, such as a repetition by the SDK, arrives.
    Stopped,
    Meet(Arc<Barrier>),
}

struct State {
    secrets: String,
    table: String,
    next: Mutex<Next>,
    stopped: Notify,
}

/// A proxy for one run.
pub struct WriteGate {
    url: String,
    state: Arc<State>,
}

impl WriteGate {
    /// Starts a proxy that forwards to Secrets Manager and `DynamoDB`, URLs of this machine.
    pub async fn start(secrets: &str, table: &str) -> Self {
        let host = |url: &str| url.trim_start_matches("http://").to_owned();
        let state = Arc::new(State {
            secrets: host(secrets),
            table: host(table),
            next: Mutex::new(Next::Pass),
            stopped: Notify::new(),
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

    /// Forwards everything from now on.
    pub fn open(&self) {
        self.set(Next::Pass);
    }

    /// Stops the run at a write, whose response never arrives.
    pub fn stop_at(&self, stop: Stop) {
        self.set(Next::Stop(stop));
    }

    /// Returns once the run is stopped.
    pub async fn stopped(&self) {
        self.state.stopped.notified().await;
    }

    /// Makes the next write wait at a barrier.
    pub fn meet(&self, barrier: &Arc<Barrier>) {
        self.set(Next::Meet(Arc::clone(barrier)));
    }

    fn set(&self, next: Next) {
        *self.state.next.lock().expect("no panic") = next;
    }
}

impl State {
    /// Returns what happens to a write, and determines what happens to the one after it.
    fn take_next(&self) -> Next {
        let mut next = self.next.lock().expect("no panic");
        match &mut *next {
            Next::Pass => Next::Pass,
            Next::Stopped => Next::Stopped,
            Next::Meet(_) => std::mem::replace(&mut *next, Next::Pass),
            Next::Stop(stop) if stop.writes_before > 0 => {
                stop.writes_before -= 1;
                Next::Pass
            }
            Next::Stop(_) => std::mem::replace(&mut *next, Next::Stopped),
        }
    }
}

async fn pass(state: Arc<State>, request: Request<Incoming>) -> io::Result<Response<Full<Bytes>>> {
    let (parts, body) = request.into_parts();
    let target = parts.headers.get("x-amz-target");
    let target = target.and_then(|target| target.to_str().ok());
    let target = target.unwrap_or_default().to_owned();
    let upstream = if target.starts_with("secretsmanager.") {
        &state.secrets
    } else {
        &state.table
    };
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let forward = exchange(upstream, Request::from_parts(parts, Full::from(body)));
    let is_write = target
        .split('.')
        .next_back()
        .is_some_and(|operation| WRITES.contains(&operation));
    let next = if is_write {
        state.take_next()
    } else {
        Next::Pass
    };
    match next {
        Next::Pass => {}
        Next::Stopped => pending().await,
        Next::Stop(stop) => {
            if stop.is_executed {
                forward.await?;
            }
            state.stopped.notify_one();
            return pending().await;
        }
        Next::Meet(barrier) => {
            barrier.wait().await;
        }
    }
    let (parts, body) = forward.await?;
    Ok(Response::from_parts(parts, Full::from(body)))
}
