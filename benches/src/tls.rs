//! TLS in front of the services.

use std::{io, sync::Arc};

use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};

use crate::certificates::Certificates;

/// Servers have this name, so that functions look one up as they do on AWS.
const HOST: &str = "localhost";

/// Puts servers in front of services.
pub(crate) struct TlsFront {
    acceptor: TlsAcceptor,
    /// The root certificate in PEM, which clients must trust.
    pub(crate) root: String,
}

impl TlsFront {
    pub(crate) fn new() -> Self {
        let Certificates { chain, key, root } = Certificates::make(HOST);
        let config = ServerConfig::builder().with_no_client_auth();
        let config = config.with_single_cert(chain, key);
        let acceptor = Arc::new(config.expect("a certificate and its key")).into();
        Self { acceptor, root }
    }

    /// Puts a server in front of `upstream`, a URL of this machine, and returns its URL.
    pub(crate) async fn serve(&self, upstream: &str) -> String {
        let listener = TcpListener::bind((HOST, 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let upstream = upstream.trim_start_matches("http://").to_owned();
        let acceptor = self.acceptor.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(acceptor.clone(), client, upstream.clone()));
            }
        });
        format!("https://{HOST}:{port}")
    }
}

/// Passes the contents of a connection on until either side closes it.
async fn pass(acceptor: TlsAcceptor, client: TcpStream, upstream: String) -> io::Result<()> {
    client.set_nodelay(true)?;
    let mut client = acceptor.accept(client).await?;
    let mut server = TcpStream::connect(upstream).await?;
    server.set_nodelay(true)?;
    tokio::io::copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}
