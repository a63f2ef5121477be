//! Aggregates the measurements of all processes of one subject.

use std::{fs, process::Command, time::Duration};

use tempfile::TempDir;

use crate::{process::Measured, subject::Subject};

/// All measurements of a subject so far.
pub(crate) struct Figures {
    pub(crate) name: &'static str,
    /// Size of a deployment's upload in bytes, if it contains only the program.
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

    /// Returns the median of one measurement over all processes.
    pub(crate) fn median(&self, measurement: fn(&Measured) -> Duration) -> Duration {
        percentile(self.measured.iter().map(measurement).collect(), 50)
    }

    /// Returns a percentile of all warm response times.
    pub(crate) fn warm(&self, percent: usize) -> Duration {
        let times = self.measured.iter().flat_map(|one| one.warm.clone());
        percentile(times.collect(), percent)
    }

    /// Returns the highest peak memory of any process, in MiB.
    pub(crate) fn peak_mib(&self) -> f64 {
        let peak = self.measured.iter().map(|one| one.peak_kib).max();
        f64::from(peak.unwrap_or_default()) / 1_024.0
    }
}

/// Returns the time that `percent` of the times don't exceed.
pub(crate) fn percentile(mut times: Vec<Duration>, percent: usize) -> Duration {
    assert!(!times.is_empty(), "nothing was measured");
    times.sort_unstable();
    times[(times.len() - 1) * percent / 100]
}

/// Returns the zip size of a program packed the way the SAM CLI does it: deflated by Python's `zipfile`.
fn zipped(subject: &Subject) -> u64 {
    let folder = TempDir::new().expect("a temporary folder");
    let zip = folder.path().join("function.zip");
    let packed = Command::new("python3")
        .args(["-m", "zipfile", "-c"])
        .args([&zip, &subject.program])
        .status();
    assert!(packed.expect("python3 runs").success(), "packing failed");
    fs::metadata(zip).expect("a file").len()
}
