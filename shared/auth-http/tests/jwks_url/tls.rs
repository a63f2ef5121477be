//! Servers with TLS. The roots that a guard trusts come from its environment, so these guards are processes of their
//! own: this test program, with only [`a_guard_in_its_own_environment`].

use std::{
    env,
    io::{Read, Write},
    net::TcpListener,
    path::PathBuf,
    process::Command,
    sync::Arc,
    thread,
};

use auth_core::{BearerError, KeysUnavailable};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use crate::{Issuer, Time, guard, server, started};

const URL: &str = "JWKS_URL_OF_THE_TEST";
const TOKEN: &str = "TOKEN_OF_THE_TEST";

fn certificate(name: &str) -> PathBuf {
    let tests = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/jwks_url");
    tests.join("certificates").join(name)
}

/// Returns the port of a server for `localhost` with these keys.
fn tls_server(jwks: &str) -> u16 {
    let certificate_file = certificate("server.pem");
    let chain = CertificateDer::pem_file_iter(certificate_file).unwrap();
    let key = PrivateKeyDer::from_pem_file(certificate("server.key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain.map(Result::unwrap).collect(), key);
    let (config, response) = (Arc::new(config.unwrap()), server::ok(jwks));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(connection, stream);
            // A client that does not trust the certificate hangs up.
            if stream.read(&mut [0; 1024]).is_ok() {
                stream.write_all(&response).unwrap();
                stream.flush().unwrap();
            }
        }
    });
    port
}

/// Returns whether a guard accepts a token of the server on this port, if it trusts these roots.
async fn is_accepted(port: u16, host: &str, roots: &str, issuer: &Issuer) -> bool {
    let run = Command::new(env::current_exe().unwrap())
        .args([
            "--exact",
            "tls::a_guard_in_its_own_environment",
            "--nocapture",
        ])
        .env(URL, format!("https://{host}:{port}/jwks.json"))
        .env(TOKEN, issuer.token().await)
        .env("SSL_CERT_FILE", certificate(roots))
        .env_remove("SSL_CERT_DIR")
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{output}");
    output.contains("the guard says: Ok(")
}

/// Does nothing unless another test runs it with an environment.
#[tokio::test]
async fn a_guard_in_its_own_environment() {
    if let Ok(url) = env::var(URL) {
        let bearer = guard(&url, &Time::start()).await.unwrap();
        let user = bearer.verify(&env::var(TOKEN).unwrap()).await;
        println!("the guard says: {user:?}");
    }
}

#[tokio::test]
async fn a_server_is_trusted_by_its_certificate_for_the_host_of_the_url() {
    let issuer = Issuer::new(&Time::start());
    let port = tls_server(&issuer.jwks());
    for (host, roots, expected) in [
        ("localhost", "ca.pem", true),
        // The certificate is only for `localhost`.
        ("127.0.0.1", "ca.pem", false),
        // The server's own certificate is not an authority.
        ("localhost", "server.pem", false),
    ] {
        let is_accepted = is_accepted(port, host, roots, &issuer).await;
        assert_eq!(is_accepted, expected, "{host} {roots}");
    }
}

#[tokio::test]
async fn an_https_url_of_a_server_without_tls_is_an_outage() {
    let time = Time::start();
    let (issuer, server, _) = started(&time).await;
    let url = format!("https://localhost:{}/", server.port());
    let bearer = guard(&url, &time).await.unwrap();
    let result = bearer.verify(&issuer.token().await).await;
    assert_eq!(result, Err(BearerError::KeysUnavailable(KeysUnavailable)));
    assert!(server.requests() > 1, "the guard called the server");
}
