//! The table.

use std::time::Duration;

use crate::{process::Measured, subject::Subject};

/// Prints a line for each subject: medians, and the 99th percentile of warm answers.
pub(crate) fn print(subjects: &[Subject], measured: &[Vec<Measured>]) {
    println!("| function | init | first answer | CPU to it | warm p50 | warm p99 | peak memory |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for (subject, all) in subjects.iter().zip(measured) {
        let of = |part: fn(&Measured) -> Duration| percentile(all.iter().map(part).collect(), 50);
        let warm: Vec<Duration> = all.iter().flat_map(|one| one.warm.clone()).collect();
        let peak = all.iter().map(|one| one.peak_kib).max().unwrap_or_default();
        println!(
            "| {} | {} | {} | {} | {} | {} | {:.1} MiB |",
            subject.name,
            millis(of(|one| one.init)),
            millis(of(|one| one.first_answer)),
            millis(of(|one| one.cold_cpu)),
            millis(percentile(warm.clone(), 50)),
            millis(percentile(warm, 99)),
            f64::from(peak) / 1_024.0,
        );
    }
}

fn percentile(mut times: Vec<Duration>, percent: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() - 1) * percent / 100]
}

fn millis(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1_000.0)
}
