//! The real binaries as processes, on a Lambda Runtime API.

use std::{
    collections::BTreeMap,
    env,
    fs::File,
    io::Read,
    iter,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::OnceLock,
    time::Duration,
};

use auth_core::{Clock, UnixTime};
use tempfile::NamedTempFile;

use crate::{
    app::ISSUER,
    client::{Client, Reply},
    functions, project,
    runtime_api::{Outcome, RuntimeApi},
    store::TemporaryFileStore,
};

/// Returns whether the tests use release builds, as CI does.
#[must_use]
pub fn is_release() -> bool {
    env::var("RELEASE").is_ok_and(|value| value == "1")
}

/// Returns the binary of a function: a debug build, or a release build with `RELEASE=1`, on Linux made as for a
/// deployment but for this processor. If `BINARIES` names a folder, the binary is there: scripts/test-arm64.sh puts
/// programs into it that start the binaries in an emulator.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    if let Some(folder) = env::var_os("BINARIES") {
        return Path::new(&folder).join(name);
    }
    if is_release() && cfg!(target_os = "linux") {
        deployed(name)
    } else if is_release() {
        release(name)
    } else {
        BUILT.get_or_init(|| run_cargo(&binaries()));
        project::target().join("debug").join(name)
    }
}

/// Returns the binary of a function as SAM builds it for this processor.
fn deployed(name: &str) -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    let folder = project::target().join("lambda");
    BUILT.get_or_init(|| {
        let mut command = Command::new(project::cargo_lambda());
        // cargo-lambda finds its linker, zig, through the `python3` installed next to it.
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = env::split_paths(&path);
        let folders = iter::once(project::root().join(".tools/venv/bin")).chain(folders);
        command.env("PATH", env::join_paths(folders).expect("a search path"));
        command
            .args(["lambda", "build", "--lambda-dir"])
            .arg(&folder);
        run(command, &[vec!["--release"], binaries()].concat());
    });
    folder.join(name).join("bootstrap")
}

/// Returns the release binary of a function for this machine.
#[must_use]
pub fn release(name: &str) -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| run_cargo(&[vec!["--release"], binaries()].concat()));
    project::target().join("release").join(name)
}

/// Returns the options that name all functions.
fn binaries() -> Vec<&'static str> {
    functions::names()
        .flat_map(|name| ["--bin", name])
        .collect()
}

/// Returns the operator's tool.
#[must_use]
pub fn authctl() -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    // With the features of the whole workspace, so that dependencies compiled for the tests are reused. `make lint`
    // checks it with only its own.
    BUILT.get_or_init(|| run_cargo(&["--workspace", "--bin", "authctl"]));
    project::target().join("debug/authctl")
}

/// Returns the binary of the example with axum.
#[must_use]
pub fn axum_example() -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    // Likewise. `make e2e` builds it with only its own.
    BUILT.get_or_init(|| run_cargo(&["--workspace", "--bin", "axum-example"]));
    project::target().join("debug/axum-example")
}

fn run_cargo(options: &[&str]) {
    let mut command = Command::new(env!("CARGO"));
    command.arg("build");
    run(command, options);
}

/// Runs a command that builds.
fn run(mut command: Command, options: &[&str]) {
    eprintln!("building {}: this may take minutes", options.join(" "));
    let status = command
        .arg("--locked")
        .args(options)
        .env("CARGO_TARGET_DIR", project::target())
        .current_dir(project::root())
        .status();
    assert!(status.expect("cargo runs").success(), "the build failed");
}

/// Returns the time of this machine, in seconds since 1970.
#[must_use]
pub fn now() -> u64 {
    Clock::system().now().as_secs()
}

/// A function as a process, killed when it is dropped.
pub struct Process {
    name: String,
    child: Child,
    api: RuntimeApi,
    logs: NamedTempFile,
}

impl Process {
    /// Starts a function with these variables, those of the Lambda runtime, and no others. Returns when it
    /// asks for an event.
    pub async fn start(function: &str, variables: &[(&str, &str)]) -> Self {
        Self::start_binary(&binary(function), function, variables, &[]).await
    }

    /// Starts a binary that contains the function of this name.
    pub async fn start_binary(
        binary: &Path,
        function: &str,
        variables: &[(&str, &str)],
        args: &[&str],
    ) -> Self {
        let api = RuntimeApi::serve().await;
        let logs = NamedTempFile::new().expect("a temporary file");
        let output = || {
            let file = File::options().append(true).open(logs.path());
            Stdio::from(file.expect("the file"))
        };
        let child = command(binary, variables, api.address())
            .args(args)
            .stdout(output())
            .stderr(output())
            .spawn()
            .expect("the binary starts");
        api.wait_until_ready().await;
        Self {
            name: function.to_owned(),
            child,
            api,
            logs,
        }
    }

    /// Sends an event and returns its outcome.
    pub async fn outcome(&self, event: &str) -> Outcome {
        self.api.invoke(event).await
    }

    /// Sends an event that the function responds to.
    pub async fn send(&self, event: &str) -> Reply {
        match self.outcome(event).await {
            Outcome::Response(response) => Reply::from(&response),
            Outcome::Error(error) => panic!("an error for {event}: {error}"),
        }
    }

    /// Sets the time that Lambda gives each event from now on.
    pub fn set_timeout(&self, timeout: Duration) {
        self.api.set_timeout(timeout);
    }

    /// Returns what the process has written so far.
    #[must_use]
    pub fn logs(&self) -> String {
        let mut text = String::new();
        let mut file = self.logs.reopen().expect("the file");
        file.read_to_string(&mut text).expect("the logs are UTF-8");
        text
    }

    /// Returns the physical memory of the process in bytes.
    #[must_use]
    pub fn resident_bytes(&self) -> u64 {
        let id = self.child.id().to_string();
        let output = Command::new("ps").args(["-o", "rss=", "-p", &id]).output();
        let kib = String::from_utf8(output.expect("ps runs").stdout).expect("a number");
        kib.trim().parse::<u64>().expect("a number") * 1024
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Client for Process {
    async fn invoke(&self, function: &str, event: &str) -> Reply {
        assert_eq!(function, self.name, "the process runs another function");
        self.send(event).await
    }

    fn now(&self) -> UnixTime {
        Clock::system().now()
    }
}

/// Functions as processes with the same environment.
pub struct Processes {
    processes: BTreeMap<&'static str, Process>,
    /// The store that their environment names, if it was created for them.
    _store: Option<TemporaryFileStore>,
}

impl Processes {
    /// Starts all functions with routes on a new file store with the tutorial's user.
    pub async fn start() -> Self {
        let store = TemporaryFileStore::new();
        let started = Self::start_with(&store.environment()).await;
        Self {
            _store: Some(store),
            ..started
        }
    }

    /// Starts all functions with routes with these variables.
    pub async fn start_with(variables: &[(&str, &str)]) -> Self {
        let mut processes = BTreeMap::new();
        for name in functions::with_routes() {
            let issuer: &[_] = if name == "discovery" { &[ISSUER] } else { &[] };
            let variables = [issuer, variables].concat();
            processes.insert(name, Process::start(name, &variables).await);
        }
        Self {
            processes,
            _store: None,
        }
    }

    /// Returns the process of a function.
    #[must_use]
    pub fn get(&self, function: &str) -> &Process {
        &self.processes[function]
    }
}

impl Client for Processes {
    async fn invoke(&self, function: &str, event: &str) -> Reply {
        self.get(function).send(event).await
    }

    fn now(&self) -> UnixTime {
        Clock::system().now()
    }
}

/// Starts a function that is expected to end at once, and returns its exit code and logs.
#[must_use]
pub fn failed_start(function: &str, variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let output = command(&binary(function), variables, "127.0.0.1:9").output();
    let output: Output = output.expect("the binary runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (
        output.status.code(),
        text(output.stdout) + &text(output.stderr),
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
        .env("AWS_LAMBDA_LOG_FORMAT", "JSON")
        // Only account writes emails.
        .env("MAIL_DIR", project::target().join("mails"))
        .envs(variables.iter().copied());
    command
}
