//! An HTTP server on this machine that responds as the test says, and counts.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

/// How the server responds.
#[derive(Clone)]
pub(crate) enum Behaviour {
    /// With these bytes.
    Respond(Vec<u8>),
    /// With these bytes, after a pause.
    RespondAfter(Duration, Vec<u8>),
    /// With these bytes, of which it sends one every 10 ms.
    Drip(Vec<u8>),
    /// Never.
    Silence,
    /// It closes the connection.
    HangUp,
}

/// A running server. Its thread ends with the test program.
pub(crate) struct Server {
    port: u16,
    behaviour: Arc<Mutex<Behaviour>>,
    requests: Arc<AtomicUsize>,
    first_line: Arc<Mutex<String>>,
}

impl Server {
    /// Returns a server that behaves like this.
    pub(crate) fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            behaviour: Arc::new(Mutex::new(behaviour)),
            requests: Arc::default(),
            first_line: Arc::default(),
        };
        let (behaviour, requests) = (Arc::clone(&server.behaviour), Arc::clone(&server.requests));
        let first_line = Arc::clone(&server.first_line);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                requests.fetch_add(1, Ordering::Relaxed);
                let behaviour = behaviour.lock().unwrap().clone();
                let first_line = Arc::clone(&first_line);
                thread::spawn(move || {
                    // A client that hangs up is part of the tests.
                    let _ = serve(stream, &behaviour, &first_line);
                });
            }
        });
        server
    }

    /// Returns a server with this JWK set.
    pub(crate) fn with_keys(jwks: &str) -> Self {
        Self::start(Behaviour::Respond(ok(jwks)))
    }

    pub(crate) fn behave(&self, behaviour: Behaviour) {
        *self.behaviour.lock().unwrap() = behaviour;
    }

    pub(crate) fn serve_keys(&self, jwks: &str) {
        self.behave(Behaviour::Respond(ok(jwks)));
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/.well-known/jwks.json?v=1", self.port)
    }

    /// Returns the number of connections so far. The client uses each for one request.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    /// Returns the first line of the last request.
    pub(crate) fn first_line(&self) -> String {
        self.first_line.lock().unwrap().clone()
    }
}

/// Returns a response with a body of this length.
pub(crate) fn ok(body: impl AsRef<[u8]>) -> Vec<u8> {
    with_status("200 OK", body)
}

/// Returns a response with this status.
pub(crate) fn with_status(status: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn serve(
    mut stream: TcpStream,
    behaviour: &Behaviour,
    first_line: &Mutex<String>,
) -> std::io::Result<()> {
    let mut request = Vec::new();
    let mut part = [0; 1024];
    while !request.ends_with(b"\r\n\r\n") {
        let length = stream.read(&mut part)?;
        if length == 0 {
            return Ok(());
        }
        request.extend_from_slice(&part[..length]);
    }
    let text = String::from_utf8_lossy(&request);
    let line = text.lines().next().unwrap_or_default();
    line.clone_into(&mut first_line.lock().unwrap());
    match behaviour {
        Behaviour::Respond(bytes) => stream.write_all(bytes),
        Behaviour::RespondAfter(pause, bytes) => {
            thread::sleep(*pause);
            stream.write_all(bytes)
        }
        Behaviour::Drip(bytes) => bytes.iter().try_for_each(|byte| {
            thread::sleep(Duration::from_millis(10));
            stream.write_all(&[*byte])
        }),
        // Until the client hangs up.
        Behaviour::Silence => stream.read(&mut part).map(drop),
        Behaviour::HangUp => Ok(()),
    }
}
