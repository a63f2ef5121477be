//! Starts the bundle's functions and their peers in turn. Reports how long each takes to request its first
//! event, to respond to it and to respond when warm, and how much CPU time and memory it uses.
//!
//! The measurements of a run are interleaved, so a noisy machine slows all subjects equally. Only the
//! ratios matter: [`target`] compares them with the project's targets.

mod cost;
mod figures;
mod process;
mod raw_hash;
mod report;
mod subject;
mod target;

use std::time::Duration;

use bundle_tests::{
    dynamodb::Table,
    fault_proxy::{Fault, FaultProxy},
    secrets::Secrets,
    store::TemporaryFileStore,
};
use figures::Figures;
use subject::Services;
use tempfile::TempDir;

/// Cold starts of each subject, and warm responses of each start.
const STARTS: usize = 40;
const WARM: u32 = 50;

/// Responses before the first cold start, so that Java compiles the hot code of DynamoDB Local.
const WARM_UP: u32 = 500;

/// Extra delay of DynamoDB for some subjects: AWS claims single-digit milliseconds.
const AWAY: Duration = Duration::from_millis(5);

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let starts = std::env::args().nth(1).map_or(STARTS, |text| {
        text.parse().expect("a number of cold starts")
    });
    let table = Table::with_tutorial_user().await;
    let secrets = Secrets::serve(Some(&subject::secret())).await;
    let proxy = FaultProxy::start(table.url()).await;
    proxy.set(Fault::Delay(AWAY));
    let file = TemporaryFileStore::new();
    let folder = TempDir::new().expect("a temporary folder");
    let subjects = subject::all(&Services {
        table: &table,
        far_table: &table.behind(proxy.url()),
        file: &file,
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
            // Alternate the direction, so that a subject doesn't always run after the same one.
            let i = (i + round) % subjects.len();
            let i = if round % 2 == 0 {
                i
            } else {
                subjects.len() - 1 - i
            };
            let one = process::measure(&subjects[i], WARM).await;
            // The first round only loads the files into the page cache.
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
