//! Estimates response times and prices for each memory size. Lambda allocates CPU in proportion to memory
//! (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>).

use std::time::Duration;

use crate::{
    figures::Figures,
    report::millis,
    subject::{LOGIN, ME},
    target::find,
};

/// Memory size that comes with one full processor, in MB.
const ONE_PROCESSOR: u32 = 1_769;

const SIZES: [u32; 8] = [128, 256, 512, 768, 1_024, 1_769, 2_048, 3_008];

/// Assumed round trip to DynamoDB: AWS claims single-digit milliseconds. Not measured here.
const ROUND_TRIP: Duration = Duration::from_millis(5);

/// First-tier prices in us-east-1 in dollars (<https://aws.amazon.com/lambda/pricing/>): per million
/// requests, and per GB-second on each architecture.
const MILLION_REQUESTS: f64 = 0.20;
const GB_SECOND_X86_64: f64 = 0.000_016_666_7;
const GB_SECOND_ARM64: f64 = 0.000_013_333_4;

/// Prints one line per function and memory size.
pub(crate) fn print(all: &[Figures]) {
    println!(
        "\n| function | memory | warm | start to first response | per million warm, x86_64 | arm64 |"
    );
    println!("| --- | --- | --- | --- | --- | --- |");
    // Sequential round trips. `login` reserves and reads before the hash, and writes after it.
    for (name, round_trips) in [(ME, 1), (LOGIN, 2)] {
        let figures = find(all, name);
        let waits = ROUND_TRIP * round_trips;
        let warm_cpu = figures.median(|one| one.warm_cpu);
        // A cold start also reads the secrets, all in parallel.
        let cold_cpu = figures.median(|one| one.cold_cpu);
        for megabytes in SIZES {
            let warm = scaled(warm_cpu, megabytes) + waits;
            let cold = scaled(cold_cpu, megabytes) + waits + ROUND_TRIP;
            println!(
                "| {name} | {megabytes} MB | {} | {} | ${:.2} | ${:.2} |",
                millis(warm),
                millis(cold),
                price_per_million(warm, megabytes, GB_SECOND_X86_64),
                price_per_million(warm, megabytes, GB_SECOND_ARM64),
            );
        }
    }
}

/// Returns how long work with a CPU time of `cpu` takes at a memory size. The functions are
/// single-threaded and can't use a second processor.
fn scaled(cpu: Duration, megabytes: u32) -> Duration {
    let share = f64::from(megabytes.min(ONE_PROCESSOR)) / f64::from(ONE_PROCESSOR);
    cpu.div_f64(share)
}

/// Returns the price of a million responses, each billed in whole milliseconds.
fn price_per_million(response: Duration, megabytes: u32, gb_second: f64) -> f64 {
    let billed = (response.as_secs_f64() * 1_000.0).ceil() / 1_000.0;
    let gigabytes = f64::from(megabytes) / 1_024.0;
    MILLION_REQUESTS + billed * gigabytes * gb_second * 1e6
}
