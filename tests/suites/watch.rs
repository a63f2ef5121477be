//! `cargo lambda watch` as `make run` starts it, over real HTTP, and `cargo lambda invoke`.

use std::{
    net::TcpListener,
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use bundle_tests::{binaries::Answer, cases, events, project};
use serde_json::{Value, json};

/// The first request waits for a build.
const PATIENCE: Duration = Duration::from_mins(5);

/// A running watch; its whole process group ends with it.
struct Watch {
    process: Child,
    port: u16,
}

impl Watch {
    fn start() -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let process = Command::new(project::cargo_lambda())
            .args([
                "lambda",
                "watch",
                "-A",
                "127.0.0.1",
                "-P",
                &port.to_string(),
            ])
            .current_dir(project::root())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("cargo-lambda starts");
        Self { process, port }
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let group = format!("-{}", self.process.id());
        let _ = Command::new("kill").args(["-TERM", "--", &group]).status();
        let _ = self.process.wait();
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(PATIENCE))
        .build()
        .into()
}

/// Asks until the server listens.
fn post(watch: &Watch, path: &str, body: &Value) -> (u16, Value) {
    let begin = Instant::now();
    loop {
        let request = agent()
            .post(watch.url(path))
            .content_type("application/json");
        match request.send(body.to_string()) {
            Ok(mut response) => {
                let body = response.body_mut().read_to_string().unwrap();
                return (
                    response.status().as_u16(),
                    serde_json::from_str(&body).unwrap(),
                );
            }
            Err(error) if begin.elapsed() > PATIENCE => panic!("watch does not answer: {error}"),
            Err(_) => std::thread::sleep(Duration::from_millis(100)),
        }
    }
}

#[test]
fn watch_serves_login_and_me_and_takes_every_event_without_a_placeholder() {
    let watch = Watch::start();
    let credentials = json!({"email": "john.doe@leapify.tech", "password": "changeme"});
    let (status, login) = post(&watch, "/api/v1/login", &credentials);
    assert_eq!(status, 200, "{login}");

    let token = login["access_token"].as_str().unwrap();
    let request = agent().get(watch.url("/api/v1/me"));
    let request = request.header("authorization", format!("Bearer {token}"));
    let mut response = request.call().unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(
        response.body_mut().read_to_string().unwrap(),
        r#"{"id":"1","email":"john.doe@leapify.tech","roles":["Admin"]}"#
    );

    let response = agent().get(watch.url("/api/v1/me")).call().unwrap();
    assert_eq!(response.status(), 401);
    assert_eq!(
        response.headers()["www-authenticate"],
        "Bearer realm=\"api\""
    );

    let events = events::all();
    let mut invoked = 0;
    for case in cases::all() {
        if events[case.event].contains("{{") {
            continue;
        }
        let output = Command::new(project::cargo_lambda())
            .args(["lambda", "invoke", case.function(), "-A", "127.0.0.1"])
            .args(["-P", &watch.port.to_string()])
            .args(["--data-file", &format!("events/{}.json", case.event)])
            .current_dir(project::root())
            .output()
            .unwrap();
        let answer = serde_json::from_slice(&output.stdout);
        let answer: Value = answer.unwrap_or_else(|_| panic!("{}: {output:?}", case.event));
        Answer::new(answer).check(&case);
        invoked += 1;
    }
    println!("events taken by cargo lambda invoke: {invoked}");
    assert!(invoked > 0);
}
