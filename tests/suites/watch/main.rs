//! `make run`, called over HTTP and with `cargo lambda invoke`, while `authctl` works on the same file.

use std::{
    net::TcpListener,
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use auth_core::{Clock, UnixTime};
use bundle_tests::{
    authctl::Tool,
    cases,
    client::{ADDRESS, Client, Reply},
    events, project,
};
use http::Request;
use serde_json::{Value, json};
use tempfile::{NamedTempFile, TempDir};

/// The first start waits for a build.
const TIMEOUT: Duration = Duration::from_mins(5);

/// `make run` on a free port, with a store in a temporary file. It ends the functions when it ends.
struct Watch {
    process: Child,
    port: u16,
    output: NamedTempFile,
    folder: TempDir,
}

impl Watch {
    fn start() -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let (output, folder) = (NamedTempFile::new().unwrap(), TempDir::new().unwrap());
        let process = Command::new("make")
            .args(["--no-print-directory", "run", &format!("PORT={port}")])
            .current_dir(project::root())
            .env("AUTH_FILE", folder.path().join("store.json"))
            .stdin(Stdio::null())
            .stdout(output.reopen().unwrap())
            .process_group(0)
            .spawn()
            .expect("make is on the PATH");
        let mut watch = Self {
            process,
            port,
            output,
            folder,
        };
        watch.wait_until_ready();
        watch
    }

    fn wait_until_ready(&mut self) {
        let begin = Instant::now();
        while !self.output().contains("Ctrl-C ends them.") {
            let ended = self.process.try_wait().unwrap();
            let is_late = begin.elapsed() > TIMEOUT;
            assert!(ended.is_none() && !is_late, "{ended:?} {}", self.output());
            thread::sleep(Duration::from_millis(100));
        }
    }

    fn output(&self) -> String {
        std::fs::read_to_string(self.output.path()).unwrap()
    }

    /// Returns the two commands that `make run` prints to be tried.
    fn printed_commands(&self) -> String {
        let output = self.output();
        let commands = output.lines().filter(|line| line.starts_with("  "));
        let commands: Vec<&str> = commands.filter(|line| line.contains("curl -s")).collect();
        assert_eq!(commands.len(), 2, "{output}");
        commands.join("\n")
    }

    /// Returns `authctl` on the file of the functions.
    fn authctl(&self) -> Tool {
        Tool::on_file(self.folder.path().join("store.json").to_str().unwrap())
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

/// Sends the HTTP request that an event of an HTTP API is made of.
impl Client for Watch {
    async fn invoke(&self, _: &str, event: &str) -> Reply {
        let event: Value = serde_json::from_str(event).unwrap();
        let path = event["rawPath"].as_str().unwrap();
        let mut request = Request::builder()
            .method(event["requestContext"]["http"]["method"].as_str().unwrap())
            .uri(format!("http://127.0.0.1:{}{path}", self.port));
        for name in ["authorization", "content-type"] {
            if let Some(value) = event["headers"][name].as_str() {
                request = request.header(name, value);
            }
        }
        let body = event["body"].as_str().unwrap_or_default().to_owned();
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(TIMEOUT))
            .build()
            .into();
        let response = agent.run(request.body(body).unwrap()).unwrap();
        let (parts, mut body) = response.into_parts();
        http::Response::from_parts(parts, body.read_to_vec().unwrap()).into()
    }

    fn now(&self) -> UnixTime {
        Clock::system().now()
    }
}

#[tokio::test]
async fn make_run_serves_the_commands_that_it_prints() {
    let watch = Watch::start();
    let mut bash = Command::new("bash");
    let output = bash
        .args(["-c", &watch.printed_commands()])
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let (token, me) = printed.split_once('\n').expect("a token, then its user");
    assert_eq!(token.split('.').count(), 3, "{printed}");
    let john = r#"{"id":"1","email":"john.doe@leapify.tech","roles":["Admin"]}"#;
    assert_eq!(me, john);

    let reply = watch.invoke("me", &events::me(token)).await;
    assert_eq!(reply.status(), 200);
    assert_eq!(reply.header("cache-control"), Some("no-store"));

    let reply = watch.replay("me", &events::all()["me_no_token"]).await;
    assert_eq!(reply.status(), 401);
    let challenge = reply.header("www-authenticate");
    assert_eq!(challenge, Some(r#"Bearer realm="api""#));
}

#[tokio::test]
async fn sessions_begin_continue_and_end_over_http() {
    let watch = Watch::start();
    let first = watch.sign_in().await;
    let second = watch.refresh(&first.refresh).await.unwrap();
    watch.log_out(&second.refresh, false).await;
    assert_eq!(watch.refresh(&second.refresh).await.unwrap_err().0, 401);
}

/// `cargo lambda watch` itself would respond with a list of the workspace's binaries.
#[tokio::test]
async fn other_paths_and_methods_get_the_responses_of_the_functions() {
    let (watch, events) = (Watch::start(), events::all());
    let cases = cases::all();
    for event in [
        "discovery_root_wrong_method",
        "discovery_unknown_path",
        "login_refresh_wrong_method",
        "login_unknown_path",
        "login_wrong_method",
        "me_unknown_path",
        "me_wrong_method",
    ] {
        let case = cases.iter().find(|case| case.event == event).unwrap();
        case.check(&watch.replay(case.function(), &events[event]).await);
    }
}

#[test]
fn cargo_lambda_invoke_accepts_every_event_without_a_placeholder() {
    let (watch, events) = (Watch::start(), events::all());
    let mut cases = cases::all();
    cases.retain(|case| !events[case.event].contains("{{"));
    for case in &cases {
        let output = Command::new(project::cargo_lambda())
            .args(["lambda", "invoke", case.function(), "-A", "127.0.0.1"])
            .args(["-P", &watch.port.to_string()])
            .args(["--data-file", &format!("events/{}.json", case.event)])
            .current_dir(project::root())
            .output()
            .unwrap();
        let response = serde_json::from_slice::<Value>(&output.stdout);
        let response = response.unwrap_or_else(|_| panic!("{}: {output:?}", case.event));
        case.check(&Reply::from(&response));
    }
    println!("events accepted by cargo lambda invoke: {}", cases.len());
    assert!(!cases.is_empty());
}

#[tokio::test]
async fn a_user_added_with_authctl_can_log_in_at_once() {
    let watch = Watch::start();
    let (email, password) = ("jane@example.com", "correct horse battery staple");
    let jane = json!({"email": email, "password": password});
    let log_in = async || watch.post("login", &jane, ADDRESS).await;
    assert_eq!(log_in().await.status(), 401);
    watch.authctl().succeed(&["user", "add", email], password);
    let token = log_in().await.tokens().unwrap().access;
    assert_eq!(watch.me(&token).await, 200);
}

/// The functions share their users, so `me` notices what `login` does.
#[tokio::test]
async fn a_logout_everywhere_ends_access_tokens_at_once() {
    let watch = Watch::start();
    let old = watch.sign_in().await;
    assert_eq!(watch.me(&old.access).await, 200);
    watch.log_out(&old.refresh, true).await;
    assert_eq!(watch.me(&old.access).await, 401);
    let new = watch.sign_in().await;
    assert_eq!(watch.me(&new.access).await, 200);
}
