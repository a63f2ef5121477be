//! `cargo lambda watch` over real HTTP, `cargo lambda invoke`, and `make run`.

use std::{
    net::TcpListener,
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use bundle_tests::{binaries::Answer, cases, events, project};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

/// The first request waits for a build.
const PATIENCE: Duration = Duration::from_mins(5);

/// `make run` on a free port; it ends the functions when it ends.
struct Watch {
    process: Child,
    port: u16,
    output: NamedTempFile,
}

impl Watch {
    fn start() -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let output = NamedTempFile::new().unwrap();
        let process = Command::new("make")
            .args(["--no-print-directory", "run", &format!("PORT={port}")])
            .current_dir(project::root())
            .stdin(Stdio::null())
            .stdout(output.reopen().unwrap())
            .process_group(0)
            .spawn()
            .expect("make starts");
        let mut watch = Self {
            process,
            port,
            output,
        };
        watch.wait_until_it_answers();
        watch
    }

    fn wait_until_it_answers(&mut self) {
        let begin = Instant::now();
        while !self.output().contains("Ctrl-C ends them.") {
            let ended = self.process.try_wait().unwrap();
            let is_late = begin.elapsed() > PATIENCE;
            assert!(ended.is_none() && !is_late, "{ended:?} {}", self.output());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn output(&self) -> String {
        std::fs::read_to_string(self.output.path()).unwrap()
    }

    /// The two lines that `make run` tells to try.
    fn told_lines(&self) -> String {
        let output = self.output();
        let told = output.lines().filter(|line| line.starts_with("  "));
        let told: Vec<&str> = told.filter(|line| line.contains("curl -s")).collect();
        assert_eq!(told.len(), 2, "{output}");
        told.join("\n")
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let group = format!("-{}", self.process.id());
        let killed = Command::new("kill").args(["-TERM", "--", &group]).status();
        if !killed.is_ok_and(|status| status.success()) {
            let _ = self.process.kill();
        }
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

#[test]
fn make_run_serves_what_it_tells_and_takes_every_event_without_a_placeholder() {
    let watch = Watch::start();
    let output = Command::new("bash")
        .args(["-c", &watch.told_lines()])
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let (token, me) = printed
        .split_once('\n')
        .expect("a token, then who is asking");
    assert_eq!(token.split('.').count(), 3, "{printed}");
    assert_eq!(
        me,
        r#"{"id":"1","email":"john.doe@leapify.tech","roles":["Admin"]}"#
    );

    let request = agent().get(watch.url("/api/v1/me"));
    let response = request
        .header("authorization", format!("Bearer {token}"))
        .call()
        .unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["cache-control"], "no-store");

    let response = agent().get(watch.url("/api/v1/me")).call().unwrap();
    assert_eq!(response.status(), 401);
    assert_eq!(
        response.headers()["www-authenticate"],
        "Bearer realm=\"api\""
    );

    let post = |endpoint: &str, body: &Value| {
        let request = agent().post(watch.url(&format!("/api/v1/{endpoint}")));
        let request = request.content_type("application/json");
        let mut response = request.send(body.to_string()).unwrap();
        let text = response.body_mut().read_to_string().unwrap();
        let body: Value = serde_json::from_str(&text).unwrap_or_default();
        (response.status().as_u16(), body)
    };
    let token = |(status, body): (u16, Value)| {
        assert_eq!(status, 200, "{body}");
        json!({ "refresh_token": body["refresh_token"] })
    };
    let first = token(post("login", &events::credentials()));
    let second = token(post("refresh", &first));
    assert_eq!(post("logout", &second), (204, Value::Null));
    assert_eq!(post("refresh", &second).0, 401);

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
