//! Prints the table of measurements.

use std::time::Duration;

use crate::figures::Figures;

/// Prints one line per subject with the whole machine: medians, and the 99th percentile of warm responses.
pub(crate) fn print(all: &[Figures]) {
    println!(
        "| function | init | first response | CPU to first response | warm p50 | warm p99 | warm CPU | peak memory | zip |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    for figures in all.iter().filter(|figures| figures.megabytes.is_none()) {
        println!(
            "| {} | {} | {} | {} | {} | {} | {} | {:.1} MiB | {} |",
            figures.name,
            millis(figures.median(|one| one.init)),
            millis(figures.median(|one| one.first_response)),
            millis(figures.median(|one| one.cold_cpu)),
            millis(figures.warm(50)),
            millis(figures.warm(99)),
            millis(figures.median(|one| one.warm_cpu)),
            figures.peak_mib(),
            figures
                .zip
                .map_or_else(|| "-".to_owned(), |zip| format!("{:.2} MB", megabytes(zip))),
        );
    }
}

/// Formats a time in milliseconds.
pub(crate) fn millis(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1_000.0)
}

/// Converts bytes to megabytes of a million bytes.
pub(crate) fn megabytes(bytes: u64) -> f64 {
    let kilobytes = u32::try_from(bytes.div_ceil(1_000)).expect("a file of less than 4 TB");
    f64::from(kilobytes) / 1_000.0
}
