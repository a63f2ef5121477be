//! Times the password hash of the fastest peer, without anything else.

use std::{process::Command, time::Duration};

use bundle_tests::project;

use crate::figures::percentile;

/// Hashes per process, including those that only warm up the engine.
const HASHES: usize = 20;
/// The first hashes of a process, which are not counted.
const WARM_UP: usize = 5;

/// Runs a process of `@node-rs/argon2` and returns the time of each hash.
pub(crate) fn measure() -> Vec<Duration> {
    let output = Command::new("node")
        .args(["hash.mjs", &HASHES.to_string()])
        .current_dir(project::root().join("benches/peers/node"))
        .output()
        .expect("node runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "hash.mjs: {errors}");
    let text = String::from_utf8(output.stdout).expect("numbers");
    let millis = text.lines().map(|line| line.parse().expect("a number"));
    let times = millis.map(|millis: f64| Duration::from_secs_f64(millis / 1_000.0));
    times.skip(WARM_UP).collect()
}

/// Returns the median time.
pub(crate) fn median(times: Vec<Duration>) -> Duration {
    percentile(times, 50)
}
