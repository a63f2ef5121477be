//! The real binaries, built as they are deployed and run as processes.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::OnceLock,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::Value;
use tempfile::NamedTempFile;

use crate::{
    app::ENVIRONMENT,
    cases::Case,
    project,
    runtime_api::{Outcome, RuntimeApi},
};

/// A function of the bundle, built with the release profile.
#[must_use]
pub fn release(name: &str) -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| build(&["--release", "--bin", "login", "--bin", "me"]));
    project::root().join("target/release").join(name)
}

/// The operator's tool.
#[must_use]
pub fn authctl() -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| build(&["--package", "authctl"]));
    project::root().join("target/debug/authctl")
}

fn build(what: &[&str]) {
    let status = Command::new(env!("CARGO"))
        .args(["build", "--target-dir", "target", "--locked"])
        .args(what)
        .current_dir(project::root())
        .status();
    assert!(status.expect("cargo runs").success(), "the build failed");
}

/// The time of this machine, in seconds since 1970.
#[must_use]
pub fn now() -> u64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH);
    elapsed.expect("a clock after 1970").as_secs()
}

/// A running function, ended when it is dropped.
pub struct Function {
    process: Child,
    api: RuntimeApi,
    logs: NamedTempFile,
}

impl Function {
    /// Starts a binary with [`ENVIRONMENT`] and waits until it asks for an event.
    pub async fn start(binary: &Path) -> Self {
        Self::start_with(binary, &ENVIRONMENT, &[]).await
    }

    /// Starts a binary with these variables, those of the Lambda runtime, and no other.
    pub async fn start_with(binary: &Path, variables: &[(&str, &str)], args: &[&str]) -> Self {
        let api = RuntimeApi::serve().await;
        let logs = NamedTempFile::new().expect("a temporary file");
        let output = || {
            Stdio::from(
                File::options()
                    .append(true)
                    .open(logs.path())
                    .expect("the file"),
            )
        };
        let process = command(binary, variables, api.address())
            .args(args)
            .stdout(output())
            .stderr(output())
            .spawn()
            .expect("the binary starts");
        api.wait_until_ready().await;
        Self { process, api, logs }
    }

    /// Hands the function an event.
    pub async fn invoke(&self, event: &str) -> Outcome {
        self.api.invoke(event).await
    }

    /// Hands the function an event that it answers.
    pub async fn answer(&self, event: &str) -> Answer {
        match self.invoke(event).await {
            Outcome::Response(response) => Answer(response),
            Outcome::Error(error) => panic!("an error for {event}: {error}"),
        }
    }

    /// Sets the time that Lambda gives each event from now on.
    pub fn set_timeout(&self, timeout: Duration) {
        self.api.set_timeout(timeout);
    }

    /// What the process has written so far.
    #[must_use]
    pub fn logs(&self) -> String {
        let mut text = String::new();
        let mut file = self.logs.reopen().expect("the file");
        file.read_to_string(&mut text).expect("the logs are UTF-8");
        text
    }

    /// The physical memory that the process holds, in bytes.
    #[must_use]
    pub fn resident_bytes(&self) -> u64 {
        let id = self.process.id().to_string();
        let output = Command::new("ps").args(["-o", "rss=", "-p", &id]).output();
        let kib = String::from_utf8(output.expect("ps runs").stdout).expect("a number");
        kib.trim().parse::<u64>().expect("a number") * 1024
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A start that is refused: how the process ended, and what it said on standard error.
#[must_use]
pub fn refused_start(binary: &Path, variables: &[(&str, &str)]) -> (ExitStatus, String) {
    let output = command(binary, variables, "127.0.0.1:9")
        .output()
        .expect("the binary runs");
    (
        output.status,
        String::from_utf8(output.stderr).expect("UTF-8"),
    )
}

fn command(binary: &Path, variables: &[(&str, &str)], api: &str) -> Command {
    let mut command = Command::new(binary);
    command
        .env_clear()
        .env("AWS_LAMBDA_RUNTIME_API", api)
        .env("AWS_LAMBDA_FUNCTION_NAME", "function")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .envs(variables.iter().copied());
    command
}

/// An answer as API Gateway gets it.
#[derive(Debug)]
pub struct Answer(Value);

impl Answer {
    /// An answer as a function posts it.
    #[must_use]
    pub fn new(answer: Value) -> Self {
        Self(answer)
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> u16 {
        let status = self.0["statusCode"].as_u64().expect("a status");
        status.try_into().expect("a status")
    }

    /// A header, by its name in lower case. REST answers carry theirs as lists.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        let one = self.0["headers"].get(name);
        let many = self.0["multiValueHeaders"]
            .get(name)
            .and_then(|values| values.get(0));
        one.or(many).and_then(Value::as_str).map(str::to_owned)
    }

    /// The body's text.
    #[must_use]
    pub fn body(&self) -> &str {
        assert_ne!(self.0["isBase64Encoded"], true, "JSON is a text");
        self.0["body"].as_str().expect("a body")
    }

    /// The `detail` of the body.
    #[must_use]
    pub fn detail(&self) -> Value {
        let body: Value = serde_json::from_str(self.body()).expect("JSON");
        body["detail"].clone()
    }

    /// Compares the answer with a case.
    pub fn check(&self, case: &Case) {
        case.check(self.status(), |name| self.header(name), self.body());
    }
}
