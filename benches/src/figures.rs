//! What many processes of one subject took together.

use std::{fs, process::Command, time::Duration};

use tempfile::TempDir;

use crate::{process::Measured, subject::Subject};

/// The figures of a subject so far.
pub(crate) struct Figures {
    pub(crate) name: &'static str,
    /// What a deployment uploads, in bytes, where the program is all of it.
    pub(crate) zip: Option<u64>,
    measured: Vec<Measured>,
}

impl Figures {
    pub(crate) fn new(subject: &Subject) -> Self {
        Self {
            name: subject.name,
            zip: subject.is_whole.then(|| zipped(subject)),
            measured: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, measured: Measured) {
        self.measured.push(measured);
    }

    /// The median of one part over all processes.
    pub(crate) fn median(&self, part: fn(&Measured) -> Duration) -> Duration {
        percentile(self.measured.iter().map(part).collect(), 50)
    }

    /// A percentile of all warm answers.
    pub(crate) fn warm(&self, percent: usize) -> Duration {
        let answers = self.measured.iter().flat_map(|one| one.warm.clone());
        percentile(answers.collect(), percent)
    }

    /// The most memory that any process held, in MiB.
    pub(crate) fn peak_mib(&self) -> f64 {
        let peak = self.measured.iter().map(|one| one.peak_kib).max();
        f64::from(peak.unwrap_or_default()) / 1_024.0
    }
}

/// The value below which `percent` of the times lie.
pub(crate) fn percentile(mut times: Vec<Duration>, percent: usize) -> Duration {
    assert!(!times.is_empty(), "nothing was measured");
    times.sort_unstable();
    times[(times.len() - 1) * percent / 100]
}

/// The size of a program packed as the SAM CLI packs it: by Python's `zipfile`, deflated.
fn zipped(subject: &Subject) -> u64 {
    let folder = TempDir::new().expect("a temporary folder");
    let zip = folder.path().join("function.zip");
    let packed = Command::new("python3")
        .args(["-m", "zipfile", "-c"])
        .args([&zip, &subject.program])
        .status();
    assert!(packed.expect("python3 runs").success(), "not packed");
    fs::metadata(zip).expect("a file").len()
}
