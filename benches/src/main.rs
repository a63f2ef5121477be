//! Starts functions of the bundle and others by turns, and tells how long each takes to ask for its
//! first event, to answer it, and to answer when warm; what processor time and memory it uses.
//!
//! Everything in one run is measured by turns, so that a noisy machine slows all alike; what counts are
//! the ratios, which [`target`] compares with what the project asks of itself.

mod cost;
mod figures;
mod process;
mod raw_hash;
mod report;
mod subject;
mod target;

use bundle_tests::{dynamodb::DynamoDbLocal, secrets::Secrets};
use figures::Figures;

/// Cold starts of each subject, and warm answers of each start.
const STARTS: usize = 40;
const WARM: u32 = 50;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let starts = std::env::args().nth(1).map_or(STARTS, |text| {
        text.parse().expect("a number of cold starts")
    });
    let server = DynamoDbLocal::start().await;
    server.add_tutorial_user().await;
    let secrets = Secrets::serve(Some(&subject::secret())).await;
    let subjects = subject::all(&server.url(), secrets.url());
    let mut figures: Vec<Figures> = subjects.iter().map(Figures::new).collect();
    let mut hashes = Vec::new();
    for round in 0..=starts {
        for i in 0..subjects.len() {
            // Forth and back by turns, so that each has now one before it and now another.
            let i = (i + round) % subjects.len();
            let i = if round % 2 == 0 {
                i
            } else {
                subjects.len() - 1 - i
            };
            let one = process::measure(&subjects[i], WARM).await;
            // The first round reads the files into the page cache.
            if round > 0 {
                figures[i].add(one);
            }
        }
        hashes.extend(raw_hash::measure());
    }
    report::print(&figures);
    target::print(&figures, raw_hash::median(hashes));
    cost::print(&figures);
}
