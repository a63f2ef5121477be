//! Starts functions of the bundle and others by turns, and tells how long each takes to ask for its
//! first event, to answer it, and to answer when warm; what processor time and memory it uses.
//!
//! Everything in one run is measured by turns, so that a noisy machine slows all alike; what counts are
//! the ratios.

mod process;
mod report;
mod subject;

use bundle_tests::dynamodb::DynamoDbLocal;
use process::Measured;

/// Cold starts of each subject, and warm answers of each start.
const STARTS: usize = 40;
const WARM: usize = 50;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let starts = std::env::args()
        .nth(1)
        .map_or(STARTS, |text| text.parse().expect("a number"));
    let server = DynamoDbLocal::start().await;
    server.add_tutorial_user().await;
    let subjects = subject::all(&server.url());
    let mut measured: Vec<Vec<Measured>> = subjects.iter().map(|_| Vec::new()).collect();
    for round in 0..=starts {
        for i in 0..subjects.len() {
            // Each follows each other one in turn.
            let i = (i * (1 + round % 2) + round) % subjects.len();
            let one = process::measure(&subjects[i], WARM).await;
            // The first round reads the files into the page cache.
            if round > 0 {
                measured[i].push(one);
            }
        }
    }
    report::print(&subjects, &measured);
}
