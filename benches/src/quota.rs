//! Lambda's share of a processor, imitated by a control group of Linux with a quota. Lambda allocates processor
//! time in proportion to memory (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>).

use std::{
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process::{self, Child, Command, Stdio},
    time::Instant,
};

/// Memory size that comes with one full processor, in MB.
const ONE_PROCESSOR: u32 = 1_769;

/// How often a group gets a new quota, in microseconds.
const PERIOD: u32 = 20_000;

/// Joins the group whose `cgroup.procs` is `$0`, reports that, waits for a line and becomes the program.
const JOIN: &str = r#"echo $$ > "$0" && echo && read -r _ && exec "$@" > /dev/null"#;

/// Where control groups with quotas are created.
#[derive(Clone)]
pub(crate) struct Hierarchy {
    folder: PathBuf,
    version: Version,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

impl Hierarchy {
    /// Finds the hierarchy and creates a group in it to see that it can.
    ///
    /// # Errors
    ///
    /// The reason why there can be no groups.
    pub(crate) fn find() -> Result<Self, String> {
        let mounts = fs::read_to_string("/proc/mounts").map_err(|error| error.to_string())?;
        let mut mounted = mounts.lines().filter_map(Self::parse);
        let hierarchy = mounted
            .find(Self::has_quotas)
            .ok_or("no control groups with processor quotas are mounted")?;
        match hierarchy.create_group(ONE_PROCESSOR) {
            Ok(_) => Ok(hierarchy),
            Err(error) => Err(format!("{}: {error}", hierarchy.folder.display())),
        }
    }

    /// Parses a line of `/proc/mounts`. `None` if it can't be a hierarchy with quotas.
    fn parse(mount: &str) -> Option<Self> {
        let mut fields = mount.split(' ').skip(1);
        let (folder, kind, options) = (fields.next()?, fields.next()?, fields.next()?);
        let version = match kind {
            "cgroup" if options.split(',').any(|option| option == "cpu") => Version::One,
            "cgroup2" => Version::Two,
            _ => return None,
        };
        let folder = folder.into();
        Some(Self { folder, version })
    }

    /// Version 2 may be mounted next to version 1, which then has the controller.
    fn has_quotas(&self) -> bool {
        let names_cpu = |file| lists_cpu(&self.folder.join(file));
        self.version == Version::One || names_cpu("cgroup.controllers")
    }

    fn create_group(&self, megabytes: u32) -> io::Result<Group> {
        let control = self.folder.join("cgroup.subtree_control");
        if self.version == Version::Two && !lists_cpu(&control) {
            fs::write(control, "+cpu")?;
        }
        let name = format!("bundle-benches-{}", process::id());
        let group = Group(self.folder.join(name));
        fs::create_dir(&group.0)?;
        for (file, value) in limits(self.version, megabytes) {
            fs::write(group.0.join(file), value)?;
        }
        Ok(group)
    }
}

fn lists_cpu(file: &Path) -> bool {
    let names = fs::read_to_string(file).unwrap_or_default();
    names.split_whitespace().any(|name| name == "cpu")
}

/// Returns the files of a group that limit it, with their values.
fn limits(version: Version, megabytes: u32) -> Vec<(&'static str, String)> {
    let quota = PERIOD * megabytes / ONE_PROCESSOR;
    match version {
        Version::One => vec![
            ("cpu.cfs_period_us", PERIOD.to_string()),
            ("cpu.cfs_quota_us", quota.to_string()),
        ],
        Version::Two => vec![("cpu.max", format!("{quota} {PERIOD}"))],
    }
}

/// The share of a processor that comes with a memory size.
#[derive(Clone)]
pub(crate) struct Share {
    pub(crate) hierarchy: Hierarchy,
    pub(crate) megabytes: u32,
}

impl Share {
    /// Creates a group for one process, so that none inherits the debts of an earlier one.
    pub(crate) fn create_group(&self) -> Group {
        let group = self.hierarchy.create_group(self.megabytes);
        group.expect("a group, as before")
    }
}

/// A control group, which is removed when it is dropped. Its processes must have ended by then.
pub(crate) struct Group(PathBuf);

impl Group {
    /// Returns a command that waits in the group until it is [released](Self::release), and becomes the program.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", JOIN]);
        command.arg(self.0.join("cgroup.procs")).arg(program);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command
    }

    /// Lets a command of a group become its program, and returns when that was.
    pub(crate) fn release(waiting: &mut Child) -> Instant {
        let mut reported = waiting.stdout.take().expect("a pipe");
        let joined = reported.read_exact(&mut [0]);
        joined.expect("the shell joins the group");
        let mut input = waiting.stdin.take().expect("a pipe");
        let begin = Instant::now();
        input.write_all(b"\n").expect("the shell waits");
        begin
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir(&self.0) {
            eprintln!("{} was not removed: {error}", self.0.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{thread, time::Duration};

    use tempfile::TempDir;

    use super::*;

    fn parsed(mount: &str) -> Option<(PathBuf, Version)> {
        Hierarchy::parse(mount).map(|found| (found.folder, found.version))
    }

    #[test]
    fn hierarchies_of_both_versions_are_recognized() {
        let first = "cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,nosuid,cpu,cpuacct 0 0";
        let folder = "/sys/fs/cgroup/cpu,cpuacct".into();
        assert_eq!(parsed(first), Some((folder, Version::One)));
        let second = "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid,nsdelegate 0 0";
        let folder = "/sys/fs/cgroup".into();
        assert_eq!(parsed(second), Some((folder, Version::Two)));
        let accounting = "cgroup /sys/fs/cgroup/cpuacct cgroup rw,cpuacct 0 0";
        for other in [accounting, "tmpfs /sys/fs/cgroup tmpfs rw 0 0", ""] {
            assert_eq!(parsed(other), None, "{other}");
        }
    }

    #[test]
    fn the_quota_is_in_proportion_to_memory() {
        let quota = |megabytes| limits(Version::Two, megabytes)[0].1.clone();
        assert_eq!(quota(128), "1447 20000");
        assert_eq!(quota(1_024), "11577 20000");
        assert_eq!(quota(ONE_PROCESSOR), "20000 20000");
        assert_eq!(limits(Version::One, 512)[1].1, "5788");
    }

    /// In a folder of files, because one machine has one version.
    #[test]
    fn version_2_gets_the_controller_and_the_limit() {
        let folder = TempDir::new().unwrap();
        let control = folder.path().join("cgroup.subtree_control");
        fs::write(&control, "memory pids").unwrap();
        let hierarchy = Hierarchy {
            folder: folder.path().to_owned(),
            version: Version::Two,
        };
        let group = hierarchy.create_group(256).unwrap();
        assert_eq!(fs::read_to_string(control).unwrap(), "+cpu");
        let limit = group.0.join("cpu.max");
        assert_eq!(fs::read_to_string(&limit).unwrap(), "2894 20000");
        fs::remove_file(limit).unwrap();
    }

    #[test]
    fn a_program_in_a_group_is_throttled() {
        let hierarchy = match Hierarchy::find() {
            Ok(hierarchy) => hierarchy,
            Err(reason) => return eprintln!("not tested: {reason}"),
        };
        let group = hierarchy.create_group(128).unwrap();
        let mut command = group.command(Path::new("sh"));
        let mut busy = command.args(["-c", "while :; do :; done"]).spawn().unwrap();
        Group::release(&mut busy);
        thread::sleep(Duration::from_millis(200));
        busy.kill().unwrap();
        busy.wait().unwrap();
        let counters = fs::read_to_string(group.0.join("cpu.stat")).unwrap();
        let throttled = counters
            .lines()
            .find_map(|line| line.strip_prefix("nr_throttled "));
        assert_ne!(throttled.expect(&counters), "0");
    }
}
