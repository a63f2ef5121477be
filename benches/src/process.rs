//! One process of a subject: started, asked, and ended.

use std::{
    fs,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use bundle_tests::runtime_api::{Outcome, RuntimeApi};

use crate::subject::Subject;

/// What one process took.
pub(crate) struct Measured {
    /// From the start of the process to its first request for an event.
    pub(crate) init: Duration,
    /// From the start of the process to its first answer.
    pub(crate) first_answer: Duration,
    /// Each answer after the first.
    pub(crate) warm: Vec<Duration>,
    /// Processor time up to the first answer.
    pub(crate) cold_cpu: Duration,
    /// Processor time of a warm answer, on average.
    pub(crate) warm_cpu: Duration,
    /// The most memory that it held, in KiB.
    pub(crate) peak_kib: u32,
}

/// Starts a process, has it answer its event once and then `warm` times more.
pub(crate) async fn measure(subject: &Subject, warm: u32) -> Measured {
    let api = RuntimeApi::serve().await;
    let begin = Instant::now();
    let process = Ended(start(subject, api.address()));
    api.wait_until_ready().await;
    let init = begin.elapsed();
    answer(&api, subject).await;
    let first_answer = begin.elapsed();
    let cold_cpu = process.cpu();
    let mut times = Vec::new();
    for _ in 0..warm {
        // It has ended the last one, and waits for the next.
        api.wait_until_ready().await;
        let begin = Instant::now();
        answer(&api, subject).await;
        times.push(begin.elapsed());
    }
    Measured {
        init,
        first_answer,
        warm: times,
        cold_cpu,
        warm_cpu: process.cpu().saturating_sub(cold_cpu) / warm,
        peak_kib: process.peak_kib(),
    }
}

fn start(subject: &Subject, api: &str) -> Child {
    Command::new(&subject.program)
        .args(&subject.arguments)
        .current_dir(&subject.folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("AWS_LAMBDA_RUNTIME_API", api)
        .env("AWS_LAMBDA_FUNCTION_NAME", "function")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1024")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .envs(subject.variables.iter().map(|(name, value)| (name, value)))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts")
}

async fn answer(api: &RuntimeApi, subject: &Subject) {
    match api.invoke(&subject.event).await {
        Outcome::Response(answer) => {
            assert_eq!(answer["statusCode"], 200, "{}: {answer}", subject.name);
        }
        Outcome::Error(error) => panic!("{}: {error}", subject.name),
    }
}

/// A process that ends when it is dropped.
struct Ended(Child);

impl Ended {
    /// The processor time of all of its threads so far, those aside that have ended: the functions and
    /// the peers start none that do.
    fn cpu(&self) -> Duration {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.0.id())).expect("Linux");
        let nanos = tasks.filter_map(Result::ok).filter_map(|task| {
            let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
            text.split_whitespace().next()?.parse::<u64>().ok()
        });
        let nanos: u64 = nanos.sum();
        assert_ne!(nanos, 0, "the kernel counts no processor time here");
        Duration::from_nanos(nanos)
    }

    fn peak_kib(&self) -> u32 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id())).expect("Linux");
        let line = status.lines().find(|line| line.starts_with("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().nth(1));
        kib.and_then(|text| text.parse().ok()).expect("a peak")
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
