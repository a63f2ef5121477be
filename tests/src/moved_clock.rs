//! A wall clock that a test moves while a process runs. The functions are linked dynamically, as Lambda runs them, so a
//! library that is loaded before the system's decides what time it is. Timeouts use another clock, which is not moved.

use std::{env, fs, path::Path, process::Command, time::Duration};

use tempfile::TempDir;

use crate::project;

/// A clock of processes, which shows the time of this machine until it is moved.
pub struct MovedClock {
    folder: TempDir,
    library: String,
    offset: String,
}

impl MovedClock {
    /// Builds the library. `None`, and a message, if the binaries cannot load it: on other systems than Linux, and in
    /// an emulator.
    ///
    /// # Panics
    ///
    /// If there is no C compiler, which Rust needs as well.
    #[must_use]
    pub fn build() -> Option<Self> {
        if !cfg!(target_os = "linux") || env::var_os("BINARIES").is_some() {
            eprintln!("not tested here: the clock of these binaries cannot be moved");
            return None;
        }
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
        let (library, offset) = (path("moved_clock.so"), path("seconds"));
        compile(&project::root().join("tests/src/moved_clock.c"), &library);
        let clock = Self {
            folder,
            library,
            offset,
        };
        clock.move_to(Duration::ZERO);
        Some(clock)
    }

    /// Returns the variables of a process with this clock.
    #[must_use]
    pub fn variables(&self) -> [(&str, &str); 2] {
        [("LD_PRELOAD", &self.library), ("MOVED_CLOCK", &self.offset)]
    }

    /// Makes the clock fail once, after it was read so many times. In Rust, reading a clock that fails is a panic.
    ///
    /// # Panics
    ///
    /// If the file cannot be written.
    pub fn fail_after(&self, reads: usize) {
        fs::write(self.failure(), reads.to_string()).expect("the file is written");
    }

    /// Returns whether the clock has failed since [`MovedClock::fail_after`], and keeps it from failing from now on.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        fs::remove_file(self.failure()).is_err()
    }

    /// Returns the file with the number of reads until the failure. The library deletes it when the clock fails.
    fn failure(&self) -> String {
        format!("{}.failure", self.offset)
    }

    /// Moves the clock to the time of this machine plus `ahead`, rounded down to seconds.
    ///
    /// # Panics
    ///
    /// If the file cannot be written.
    pub fn move_to(&self, ahead: Duration) {
        // A process may read the file at any time, so it is replaced.
        let next = self.folder.path().join("next");
        fs::write(&next, ahead.as_secs().to_string()).expect("the file is written");
        fs::rename(&next, &self.offset).expect("the file is replaced");
    }
}

fn compile(source: &Path, library: &str) {
    let status = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library])
        .arg(source)
        .arg("-ldl")
        .status();
    assert!(
        status.expect("cc runs").success(),
        "the library is not built"
    );
}
