//! HTTP servers for tests, on free ports of this machine.

use std::{
    future::Future,
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use http::{Request, Response};
use http_body_util::Full;
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// Serves as long as the runtime lives, and returns host and port. An error closes the connection.
pub(crate) async fn serve<A>(
    respond: impl Fn(Request<Incoming>) -> A + Clone + Send + 'static,
) -> String
where
    A: Future<Output = io::Result<Response<Full<Bytes>>>> + Send + 'static,
{
    serve_counting(Arc::default(), respond).await
}

/// Serves like [`serve`], and counts the connections.
pub(crate) async fn serve_counting<A>(
    connections: Arc<AtomicUsize>,
    respond: impl Fn(Request<Incoming>) -> A + Clone + Send + 'static,
) -> String
where
    A: Future<Output = io::Result<Response<Full<Bytes>>>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            connections.fetch_add(1, Ordering::Relaxed);
            let service = service_fn(respond.clone());
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}
