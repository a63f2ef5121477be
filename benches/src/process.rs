//! Starts one process of a subject, sends it events and measures it.

use std::{
    fs,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use bundle_tests::runtime_api::{Outcome, RuntimeApi};

use crate::{
    quota::{Group, Share},
    subject::Subject,
};

/// Measurements of one process.
pub(crate) struct Measured {
    /// Time from process start to the first request for an event.
    pub(crate) init: Duration,
    /// Time from process start to the first response.
    pub(crate) first_response: Duration,
    /// Time of each response after the first.
    pub(crate) warm: Vec<Duration>,
    /// CPU time up to the first response.
    pub(crate) cold_cpu: Duration,
    /// Average CPU time of a warm response.
    pub(crate) warm_cpu: Duration,
    /// Peak memory in KiB.
    pub(crate) peak_kib: u32,
}

/// Starts a process and sends it the subject's event once cold, then `warm` more times.
pub(crate) async fn measure(subject: &Subject, warm: u32) -> Measured {
    let api = RuntimeApi::serve().await;
    let group = subject.share.as_ref().map(Share::create_group);
    let (process, begin) = start(subject, api.address(), group.as_ref());
    api.wait_until_ready().await;
    let init = begin.elapsed();
    send_event(&api, subject).await;
    let first_response = begin.elapsed();
    let cold_cpu = process.cpu();
    let mut times = Vec::new();
    for _ in 0..warm {
        // The process has finished the last event and is waiting for the next one.
        api.wait_until_ready().await;
        let begin = Instant::now();
        send_event(&api, subject).await;
        times.push(begin.elapsed());
    }
    Measured {
        init,
        first_response,
        warm: times,
        cold_cpu,
        warm_cpu: process.cpu().saturating_sub(cold_cpu) / warm,
        peak_kib: process.peak_kib(),
    }
}

/// Starts a process and returns when it began.
fn start(subject: &Subject, api: &str, group: Option<&Group>) -> (KillOnDrop, Instant) {
    let mut command = group.map_or_else(
        || {
            let mut command = Command::new(&subject.program);
            command.stdin(Stdio::null()).stdout(Stdio::null());
            command
        },
        |group| group.command(&subject.program),
    );
    let memory = subject
        .share
        .as_ref()
        .map_or(1_024, |share| share.megabytes);
    command
        .args(&subject.arguments)
        .current_dir(&subject.folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("AWS_LAMBDA_RUNTIME_API", api)
        .env("AWS_LAMBDA_FUNCTION_NAME", "function")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory.to_string())
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_LAMBDA_LOG_FORMAT", "JSON")
        .envs(subject.variables.iter().map(|(name, value)| (name, value)))
        .stderr(Stdio::null());
    let begin = Instant::now();
    let mut process = KillOnDrop(command.spawn().expect("the program starts"));
    let begin = group.map_or(begin, |_| Group::release(&mut process.0));
    (process, begin)
}

async fn send_event(api: &RuntimeApi, subject: &Subject) {
    match api.invoke(&subject.event).await {
        Outcome::Response(response) => {
            // Lambda authorizers have no status.
            let is_success = response["statusCode"] == 200 || response["isAuthorized"] == true;
            assert!(is_success, "{}: {response}", subject.name);
        }
        Outcome::Error(error) => panic!("{}: {error}", subject.name),
    }
}

/// A process that is killed when dropped.
struct KillOnDrop(Child);

impl KillOnDrop {
    /// Returns the CPU time that all of its live threads have used so far. Finished threads are not
    /// included, but neither the functions nor the peers start any that finish.
    fn cpu(&self) -> Duration {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.0.id())).expect("Linux");
        let nanos = tasks.filter_map(Result::ok).filter_map(|task| {
            let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
            text.split_whitespace().next()?.parse::<u64>().ok()
        });
        let nanos: u64 = nanos.sum();
        assert_ne!(nanos, 0, "this kernel does not report CPU time");
        Duration::from_nanos(nanos)
    }

    /// Returns its peak memory so far, in KiB.
    fn peak_kib(&self) -> u32 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id())).expect("Linux");
        let line = status.lines().find(|line| line.starts_with("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().nth(1));
        kib.and_then(|text| text.parse().ok()).expect("a peak")
    }
}

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
