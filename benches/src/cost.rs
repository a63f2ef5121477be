//! What operators may expect at each size of memory: Lambda gives processor time in proportion to it
//! (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>).

use std::time::Duration;

use crate::{
    figures::Figures,
    report::millis,
    subject::{LOGIN, ME},
    target::find,
};

/// The memory that comes with one processor, in MB.
const ONE_PROCESSOR: u32 = 1_769;

const SIZES: [u32; 8] = [128, 256, 512, 768, 1_024, 1_769, 2_048, 3_008];

/// A round trip to DynamoDB that answers as AWS says it does, in single-digit milliseconds: assumed, not
/// measured here.
const ROUND_TRIP: Duration = Duration::from_millis(5);

/// Prices of the first tier in us-east-1 in dollars (<https://aws.amazon.com/lambda/pricing/>): a million
/// requests, and a GB-second on each architecture.
const MILLION_REQUESTS: f64 = 0.20;
const GB_SECOND_X86_64: f64 = 0.000_016_666_7;
const GB_SECOND_ARM64: f64 = 0.000_013_333_4;

/// Prints a line for each size and function.
pub(crate) fn print(all: &[Figures]) {
    println!(
        "\n| function | memory | warm | start to first answer | million warm, x86_64 | arm64 |"
    );
    println!("| --- | --- | --- | --- | --- | --- |");
    // Round trips one after the other: reserve and read before the hash, write after it.
    for (name, round_trips) in [(ME, 1), (LOGIN, 2)] {
        let figures = find(all, name);
        let waits = ROUND_TRIP * round_trips;
        let warm_cpu = figures.median(|one| one.warm_cpu);
        // The secrets are read as well, at once.
        let cold_cpu = figures.median(|one| one.cold_cpu);
        for megabytes in SIZES {
            let warm = stretched(warm_cpu, megabytes) + waits;
            let cold = stretched(cold_cpu, megabytes) + waits + ROUND_TRIP;
            println!(
                "| {name} | {megabytes} MB | {} | {} | ${:.2} | ${:.2} |",
                millis(warm),
                millis(cold),
                million(warm, megabytes, GB_SECOND_X86_64),
                million(warm, megabytes, GB_SECOND_ARM64),
            );
        }
    }
}

/// How long work takes that needs `cpu` of one processor: a function of one thread uses no second one.
fn stretched(cpu: Duration, megabytes: u32) -> Duration {
    let share = f64::from(megabytes.min(ONE_PROCESSOR)) / f64::from(ONE_PROCESSOR);
    cpu.div_f64(share)
}

/// The price of a million answers, each billed in whole milliseconds.
fn million(answer: Duration, megabytes: u32, gb_second: f64) -> f64 {
    let billed = (answer.as_secs_f64() * 1_000.0).ceil() / 1_000.0;
    let gigabytes = f64::from(megabytes) / 1_024.0;
    MILLION_REQUESTS + billed * gigabytes * gb_second * 1e6
}
