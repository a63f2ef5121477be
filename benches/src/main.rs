//! Starts the bundle's functions and their peers in turn. Reports how long each takes to request its first
//! event, to respond to it and to respond when warm, and how much CPU time and memory it uses: on the whole
//! machine, and with the share of a processor that comes with each memory size of Lambda.
//!
//! The measurements of a run are interleaved, so a noisy machine slows all subjects equally. Only the
//! ratios matter: [`target`] compares them with the project's targets.

mod certificates;
mod figures;
mod keys;
mod price;
mod process;
mod program;
mod quota;
mod raw_hash;
mod report;
mod services;
mod sizes;
mod subject;
mod target;
mod tls;

use std::time::Duration;

use figures::Figures;
use program::Programs;
use quota::Hierarchy;
use services::Services;
use subject::{GET_ITEM, LOGIN, ME, Subject};
use tempfile::TempDir;

/// Cold starts of each subject.
const STARTS: usize = 40;

/// Warm responses of each start, on the whole machine and with a share of a processor, which takes longer.
const WARM: u32 = 50;
const WARM_WITH_SHARE: u32 = 10;

/// Responses before the first cold start, so that Java compiles the hot code of DynamoDB Local.
const WARM_UP: u32 = 500;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let starts = std::env::args().nth(1).map_or(STARTS, |text| {
        text.parse().expect("a number of cold starts")
    });
    let folder = TempDir::new().expect("a temporary folder");
    let services = Services::start(folder.path()).await;
    let programs = Programs::build(folder.path());
    let hierarchy = Hierarchy::find();
    let with_tls = subject::with_tls(&programs, &services);
    let with_shares = hierarchy
        .as_ref()
        .map(|hierarchy| subject::with_shares(&with_tls, hierarchy))
        .unwrap_or_default();
    let subjects = [subject::all(&programs, &services), with_tls, with_shares].concat();
    let (figures, hashes) = measure(&subjects, starts).await;
    report::print(&figures);
    target::print(&figures, raw_hash::median(hashes));
    match hierarchy {
        Ok(_) => sizes::print(&figures),
        Err(reason) => println!("\nMemory sizes were not measured, which needs root: {reason}"),
    }
}

/// Measures all subjects in turn, and the raw hash.
async fn measure(subjects: &[Subject], starts: usize) -> (Vec<Figures>, Vec<Duration>) {
    let mut figures: Vec<Figures> = subjects.iter().map(Figures::new).collect();
    let mut hashes = Vec::new();
    let near_table = subjects
        .iter()
        .filter(|one| [GET_ITEM, ME, LOGIN].contains(&one.name));
    for subject in near_table {
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
            let warm = subjects[i].share.as_ref().map_or(WARM, |_| WARM_WITH_SHARE);
            let one = process::measure(&subjects[i], warm).await;
            // The first round only loads the files into the page cache.
            if round > 0 {
                figures[i].add(one);
            }
        }
        hashes.extend(raw_hash::measure());
    }
    (figures, hashes)
}
