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

use std::time::Duration;

use bundle_tests::{
    dynamodb::DynamoDbLocal,
    fault_proxy::{Fault, FaultProxy},
    secrets::Secrets,
};
use figures::Figures;
use subject::Services;
use tempfile::TempDir;

/// Cold starts of each subject, and warm answers of each start.
const STARTS: usize = 40;
const WARM: u32 = 50;

/// Answers before the first cold start: Java compiles what DynamoDB Local does often.
const WARM_UP: u32 = 500;

/// How far away DynamoDB is for some subjects: AWS says it answers in single-digit milliseconds.
const AWAY: Duration = Duration::from_millis(5);

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let starts = std::env::args().nth(1).map_or(STARTS, |text| {
        text.parse().expect("a number of cold starts")
    });
    let server = DynamoDbLocal::start().await;
    server.add_tutorial_user().await;
    let secrets = Secrets::serve(Some(&subject::secret())).await;
    let far_table = FaultProxy::start(&server.url()).await;
    far_table.set(Fault::Delay(AWAY));
    let folder = TempDir::new().expect("a temporary folder");
    let subjects = subject::all(&Services {
        table: &server.url(),
        far_table: far_table.url(),
        secrets: secrets.url(),
        folder: folder.path(),
    });
    let mut figures: Vec<Figures> = subjects.iter().map(Figures::new).collect();
    let mut hashes = Vec::new();
    for subject in subjects.iter().filter(|subject| subject.is_near_table) {
        process::measure(subject, WARM_UP).await;
    }
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
