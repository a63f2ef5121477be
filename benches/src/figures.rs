//! Aggregates the measurements of all processes of one subject.

use std::{fs, path::Path, process::Command, time::Duration};

use tempfile::TempDir;

use crate::{process::Measured, subject::Subject};

/// All measurements of a subject so far.
pub(crate) struct Figures {
    pub(crate) name: &'static str,
    /// Memory size in MB whose share of a processor it had. The whole machine if there is none.
    pub(crate) megabytes: Option<u32>,
    /// Size of a deployment's upload in bytes, if it contains only the program.
    pub(crate) zip: Option<u64>,
    measured: Vec<Measured>,
}

impl Figures {
    pub(crate) fn new(subject: &Subject) -> Self {
        Self {
            name: subject.name,
            megabytes: subject.share.as_ref().map(|share| share.megabytes),
            zip: subject.is_whole.then(|| zipped(&subject.program)),
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
        percentile(self.warm_times().collect(), percent)
    }

    /// Returns the mean time to the first response over all processes.
    pub(crate) fn mean_first_response(&self) -> Duration {
        mean(self.measured.iter().map(|one| one.first_response))
    }

    /// Returns the mean of all warm response times.
    pub(crate) fn mean_warm(&self) -> Duration {
        mean(self.warm_times())
    }

    /// Returns all warm response times.
    pub(crate) fn warm_times(&self) -> impl Iterator<Item = Duration> {
        self.measured
            .iter()
            .flat_map(|one| one.warm.iter().copied())
    }

    /// Returns the highest peak memory of any process, in MiB.
    pub(crate) fn peak_mib(&self) -> f64 {
        let peak = self.measured.iter().map(|one| one.peak_kib).max();
        f64::from(peak.unwrap_or_default()) / 1_024.0
    }
}

/// Returns the figures of a subject with a memory size in MB, or with the whole machine.
pub(crate) fn find<'a>(
    all: &'a [Figures],
    name: &str,
    megabytes: Option<u32>,
) -> Option<&'a Figures> {
    all.iter()
        .find(|figures| figures.name == name && figures.megabytes == megabytes)
}

/// Returns the time that `percent` of the times don't exceed.
pub(crate) fn percentile(mut times: Vec<Duration>, percent: usize) -> Duration {
    assert!(!times.is_empty(), "nothing was measured");
    times.sort_unstable();
    times[(times.len() - 1) * percent / 100]
}

fn mean(times: impl Iterator<Item = Duration>) -> Duration {
    let (count, sum) = times.fold((0, Duration::ZERO), |(count, sum), time| {
        (count + 1, sum + time)
    });
    sum / count
}

/// Returns the zip size of a program packed the way the SAM CLI does it: deflated by Python's `zipfile`.
pub(crate) fn zipped(program: &Path) -> u64 {
    let folder = TempDir::new().expect("a temporary folder");
    let zip = folder.path().join("function.zip");
    let packed = Command::new("python3")
        .args(["-m", "zipfile", "-c"])
        .args([&zip, program])
        .status();
    assert!(packed.expect("python3 runs").success(), "packing failed");
    fs::metadata(zip).expect("a file").len()
}
