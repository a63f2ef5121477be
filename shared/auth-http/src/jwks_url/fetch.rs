//! Fetches a small document over HTTP/1.1, within limits of time and size.
//!
//! It follows no redirect: another host could respond with its own keys. It uses no proxy and no connection twice: it
//! is needed every quarter of an hour, and a frozen Lambda process would find the connection closed.

use std::{error::Error, io, iter, time::Duration};

use http::{
    Request, StatusCode, Uri,
    header::{ACCEPT, USER_AGENT},
    uri::Scheme,
};
use http_body_util::{BodyExt, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Builder, Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustls::crypto::aws_lc_rs;

/// The time limit of a whole fetch. A request waits for it.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The maximum length of a document in bytes. A key has about half a kilobyte.
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// The media types of a JWK set (RFC 7517 section 8.5.1), the second as many servers send it.
const MEDIA_TYPES: &str = "application/jwk-set+json, application/json";

/// Fetches one URL.
#[derive(Debug)]
pub(super) struct Fetcher {
    url: Uri,
    client: HttpClient,
}

#[derive(Debug)]
enum HttpClient {
    Https(Client<HttpsConnector<HttpConnector>, String>),
    /// Only for this machine, as [`auth_core::GuardKeys::Url`] says. It needs no root certificates.
    Http(Client<HttpConnector, String>),
}

impl Fetcher {
    /// Returns a fetcher that trusts the root certificates of the machine, or those of `SSL_CERT_FILE`.
    pub(super) fn new(url: Uri) -> io::Result<Self> {
        let mut builder = Client::builder(TokioExecutor::new());
        builder.pool_max_idle_per_host(0);
        let client = if url.scheme() == Some(&Scheme::HTTP) {
            HttpClient::Http(builder.build_http())
        } else {
            HttpClient::Https(tls(&builder)?)
        };
        Ok(Self { url, client })
    }

    /// Fetches the document.
    ///
    /// # Errors
    ///
    /// The reason, for logs. Of what the server sent, it contains only the status, or the names in its certificate.
    pub(super) async fn fetch(&self) -> Result<Vec<u8>, String> {
        tokio::time::timeout(TIMEOUT, self.fetch_without_limit())
            .await
            .unwrap_or_else(|_| Err("no response in time".to_owned()))
    }

    async fn fetch_without_limit(&self) -> Result<Vec<u8>, String> {
        let request = Request::get(self.url.clone())
            .header(ACCEPT, MEDIA_TYPES)
            .header(USER_AGENT, concat!("auth-http/", env!("CARGO_PKG_VERSION")))
            .body(String::new())
            .map_err(|error| cause(&error))?;
        let response = match &self.client {
            HttpClient::Https(client) => client.request(request),
            HttpClient::Http(client) => client.request(request),
        };
        let response = response.await.map_err(|error| cause(&error))?;
        if response.status() != StatusCode::OK {
            return Err(format!("the status is {}", response.status().as_u16()));
        }
        let body = Limited::new(response.into_body(), MAX_BODY_BYTES);
        let body = body.collect().await.map_err(|error| cause(&*error))?;
        Ok(body.to_bytes().into())
    }
}

/// Returns a client whose crypto provider is named: a binary may link several.
fn tls(builder: &Builder) -> io::Result<Client<HttpsConnector<HttpConnector>, String>> {
    let connector = HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(aws_lc_rs::default_provider())?
        .https_only()
        .enable_http1()
        .build();
    Ok(builder.build(connector))
}

/// Returns an error and its causes in one line.
fn cause(error: &(dyn Error + 'static)) -> String {
    let causes = iter::successors(Some(error), |&error| error.source());
    let texts: Vec<String> = causes.map(ToString::to_string).collect();
    texts.join(": ")
}
