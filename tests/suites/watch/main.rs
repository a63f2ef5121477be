//! `make run` on both stores, called over HTTP and with `make invoke`, while `authctl` works on the same store.

mod signature_keys;
mod starts;

use std::{
    net::{TcpListener, TcpStream},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use auth_core::{Clock, UnixTime};
use bundle_tests::{
    authctl::Tool,
    cases::{self, Body},
    client::{ADDRESS, Client, Reply},
    events, project,
    store::tutorial_user,
};
use futures_util::FutureExt;
use http::{Request, Response};
use serde_json::{Value, json};
use tempfile::{NamedTempFile, TempDir};

/// The first start waits for a build.
const TIMEOUT: Duration = Duration::from_mins(5);

/// `make run` on a free port. When it ends, it ends the functions.
struct Watch {
    process: Child,
    port: u16,
    output: NamedTempFile,
    folder: TempDir,
}

impl Watch {
    /// Starts it with a file in a new folder.
    fn start() -> Self {
        Self::start_in(TempDir::new().unwrap(), "file")
    }

    /// Starts it with a store in a folder.
    fn start_in(folder: TempDir, store: &str) -> Self {
        Self::start_on(free_port(), folder, &[("STORE", store)])
    }

    /// Starts it on a port, which is part of the issuer, with these variables.
    fn start_on(port: u16, folder: TempDir, variables: &[(&str, &str)]) -> Self {
        let output = NamedTempFile::new().unwrap();
        let process = make("run", folder.path())
            .arg(format!("PORT={port}"))
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(output.reopen().unwrap())
            .process_group(0)
            .spawn()
            .unwrap();
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
        while !self.output().contains("Ctrl-C stops the functions.") {
            let ended = self.process.try_wait().unwrap();
            let is_late = begin.elapsed() > TIMEOUT;
            assert!(ended.is_none() && !is_late, "{ended:?} {}", self.output());
            thread::sleep(Duration::from_millis(100));
        }
    }

    fn output(&self) -> String {
        std::fs::read_to_string(self.output.path()).unwrap()
    }

    /// Returns the lines that the functions have logged since they are ready.
    fn logs(&self) -> Vec<String> {
        let output = self.output();
        let (_, logs) = output.split_once("Ctrl-C stops the functions.").unwrap();
        logs.lines().skip(1).map(str::to_owned).collect()
    }

    /// Returns the suggested commands that contain this word, from the output of `make run`.
    fn printed_commands(&self, word: &str) -> Vec<String> {
        let output = self.output();
        let commands = output.lines().filter(|line| line.starts_with("  "));
        let commands = commands.filter(|line| line.contains(word));
        commands.map(str::to_owned).collect()
    }

    /// Returns `authctl` on the file of the functions.
    fn authctl(&self) -> Tool {
        Tool::on_file(self.folder.path().join("store.json").to_str().unwrap())
    }

    /// Ends `make run` as Ctrl-C does, and returns its folder.
    fn stop(mut self) -> TempDir {
        self.end();
        std::mem::replace(&mut self.folder, TempDir::new().unwrap())
    }

    /// Ends `make run` as Ctrl-C does, and starts it again with its folder and port, and with these variables.
    fn restart(self, variables: &[(&str, &str)]) -> Self {
        Self::start_on(self.port, self.stop(), variables)
    }

    /// Ends it unless it has ended, and checks that the functions have ended too.
    fn end(&mut self) {
        let group = format!("-{}", self.process.id());
        let killed = Command::new("kill").args(["-TERM", "--", &group]).output();
        if !killed.is_ok_and(|killed| killed.status.success()) {
            let _ = self.process.kill();
        }
        let _ = self.process.wait();
        // make may end a moment before its script, which ends the functions.
        let is_closed = eventually(|| TcpStream::connect(("127.0.0.1", self.port)).is_err());
        assert!(is_closed || thread::panicking(), "it left functions behind");
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.end();
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
        Response::from_parts(parts, body.read_to_vec().unwrap()).into()
    }

    fn now(&self) -> UnixTime {
        Clock::system().now()
    }
}

/// Waits up to ten seconds for a condition, and returns whether it became true.
fn eventually(condition: impl Fn() -> bool) -> bool {
    let begin = Instant::now();
    while !condition() {
        if begin.elapsed() > Duration::from_secs(10) {
            return false;
        }
        thread::sleep(Duration::from_millis(100));
    }
    true
}

fn free_port() -> u16 {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    free.local_addr().unwrap().port()
}

/// Returns `make` with a target and its folder, and without variables that would override its defaults.
fn make(target: &str, folder: &Path) -> Command {
    let mut make = Command::new("make");
    make.args(["--no-print-directory", target])
        .arg(format!("LOCAL={}", folder.display()))
        .current_dir(project::root());
    for variable in [
        "AUTH_FILE",
        "JWT_ALGORITHM",
        "JWT_ISSUER",
        "MAKEFLAGS",
        "PORT",
        "RUST_LOG",
        "STORE",
    ] {
        make.env_remove(variable);
    }
    make
}

/// Replays an event with `make invoke`.
fn invoke(event: &str, folder: &Path) -> Output {
    let mut make = make("invoke", folder);
    make.arg(format!("EVENT={event}")).output().unwrap()
}

/// Parses the response that `make invoke` printed: the status, headers, an empty line and the body.
fn parse_response(output: &Output) -> Reply {
    let printed = str::from_utf8(&output.stdout).unwrap();
    let (head, body) = printed
        .split_once("\n\n")
        .unwrap_or_else(|| panic!("{output:?}"));
    let mut lines = head.lines();
    let mut response = Response::builder().status(lines.next().unwrap());
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        response = response.header(name, value);
    }
    let body = body.strip_suffix('\n').unwrap().to_owned();
    response.body(body.into_bytes()).unwrap().into()
}

/// Runs commands that `make run` printed in a shell, and returns what they print.
fn run_in_shell(commands: &[String]) -> String {
    let mut bash = Command::new("bash");
    bash.args(["-c", &commands.join("\n")]);
    let output = bash.current_dir(project::root()).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn make_run_serves_the_commands_that_it_prints() {
    let watch = Watch::start();
    let commands = watch.printed_commands("curl -s");
    assert_eq!(commands.len(), 3, "{}", watch.output());
    let printed = run_in_shell(&commands[..2]);
    let (token, me) = printed.split_once('\n').expect("a token, then its user");
    assert_eq!(token.split('.').count(), 3, "{printed}");
    let john = r#"{"id":"1","email":"john.doe@leapify.tech","roles":["Admin"]}"#;
    assert_eq!(me, john);

    assert_eq!(run_in_shell(&commands[2..]), "");
    let email = run_in_shell(&watch.printed_commands("python3 -c"));
    assert!(email.contains("/account#kind=sign-up&token="), "{email}");

    let reply = watch.invoke("me", &events::with_token("me", token)).await;
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
async fn other_paths_get_the_response_of_a_function() {
    let (watch, events) = (Watch::start(), events::all());
    let cases = cases::all();
    for event in [
        "discovery_unknown_path",
        "login_unknown_path",
        "me_unknown_path",
    ] {
        let case = cases.iter().find(|case| case.event == event).unwrap();
        case.check(&watch.replay(case.function(), &events[event]).await);
    }
}

/// Gives the tutorial's user every permission that a route needs.
fn permit_john(watch: &Watch) {
    let user = tutorial_user().now_or_never().unwrap().user;
    let role = format!("Admin={}", user.roles[0].permissions.join(","));
    let roles = ["user", "roles", &user.email, "--role", &role];
    watch.authctl().succeed(&roles, "");
}

#[test]
fn make_invoke_replays_every_event() {
    let watch = Watch::start();
    permit_john(&watch);
    let mut cases = cases::all();
    for case in &mut cases {
        let output = invoke(case.event, watch.folder.path());
        if let Body::Gzip(content_type) = case.body {
            // `make invoke` prints it decompressed.
            case.body = Body::File(content_type, "swagger-ui");
        }
        case.check(&parse_response(&output));
    }
    println!("events replayed with make invoke: {}", cases.len());
}

#[tokio::test]
async fn each_request_and_each_of_its_events_is_one_line_of_the_log() {
    let watch = Watch::start();
    let tokens = watch.sign_in().await;
    assert_eq!(watch.me(&tokens.access).await, 200);
    let mut wrong = events::credentials();
    wrong["password"] = "hunter2".into();
    assert_eq!(watch.post("login", &wrong, ADDRESS).await.status(), 401);
    let logs = watch.logs();
    // The session ids, MACs and times differ from run to run.
    let begins = [
        "login outcome=Success user_id=1 session_id=",
        "POST /api/v1/login 200 ",
        "GET /api/v1/me 200 ",
        "login outcome=WrongPassword user_id=1 network=127.0.0.0/24 email_mac=",
        "POST /api/v1/login 401 ",
    ];
    assert_eq!(logs.len(), begins.len(), "{logs:#?}");
    for (line, begin) in logs.iter().zip(begins) {
        let rest = line.strip_prefix(begin).unwrap_or_else(|| panic!("{line}"));
        let is_request = begin.contains("/api/");
        let millis = rest.strip_suffix(" ms").and_then(|ms| ms.parse().ok());
        assert_eq!(millis.is_some_and(|_: u32| true), is_request, "{line}");
        assert!(line.len() < 120, "{line}");
    }
    let output = watch.output();
    for secret in ["hunter2", &tokens.refresh, &tokens.access] {
        assert!(!output.contains(secret), "{secret} is in the output");
    }
    for noise in ["WARN", "INFO", "AWS_LAMBDA_MAX_CONCURRENCY", "Running"] {
        assert!(!output.contains(noise), "{output}");
    }
}

#[tokio::test]
async fn another_method_gets_the_functions_own_response() {
    let watch = Watch::start();
    let events = events::all();
    for case in cases::all() {
        if case.event.ends_with("_wrong_method") {
            case.check(&watch.replay(case.function(), &events[case.event]).await);
        }
    }
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

#[tokio::test]
async fn on_dynamodb_everything_survives_a_restart_and_authctl_works_on_the_table() {
    let watch = Watch::start_in(TempDir::new().unwrap(), "dynamodb");
    assert_eq!(watch.printed_commands("curl -s").len(), 3);
    let authctl = watch.printed_commands("authctl");
    let users = run_in_shell(&authctl);
    assert!(users.contains("john.doe@leapify.tech"), "{users}");
    for case in cases::all() {
        if ["me_success", "me_expired_token"].contains(&case.event) {
            case.check(&parse_response(&invoke(case.event, watch.folder.path())));
        }
    }
    let add = authctl[0].replace("user list", "user add jane@example.com");
    let delete = authctl[0].replace("user list", "user delete --yes john.doe@leapify.tech");
    run_in_shell(&[format!("echo 'a long passphrase' | {add}"), delete]);
    let jane = json!({"email": "jane@example.com", "password": "a long passphrase"});
    let jane = watch.post("login", &jane, ADDRESS).await.tokens().unwrap();

    let watch = watch.restart(&[("STORE", "dynamodb")]);
    assert_eq!(watch.me(&jane.access).await, 200);
    let john = watch.sign_in_from(ADDRESS).await;
    assert_eq!(
        john.unwrap_err().0,
        401,
        "the tutorial's user is added once"
    );

    let folder = watch.stop();
    assert_nothing_is_left(folder.path());
}

/// Checks that no process uses a folder, and that its keys are private.
fn assert_nothing_is_left(folder: &Path) {
    let has_none = || {
        let processes = Command::new("ps").args(["-eo", "args"]).output().unwrap();
        !String::from_utf8_lossy(&processes.stdout).contains(folder.to_str().unwrap())
    };
    assert!(eventually(has_none), "it left DynamoDB Local behind");
    for file in ["keys.env", "dynamodb.env"] {
        let metadata = std::fs::metadata(folder.join(file)).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{file}");
    }
}
