//! Checks a file store.

use std::{
    fs::{self, File, TryLockError},
    io::ErrorKind,
    path::Path,
    thread,
    time::Duration,
};

use auth_core::FileStore;

use super::{Finding, Report};

/// How often to retry a lock that is held, and how long to wait in between. An update takes milliseconds.
const LOCK_ATTEMPTS: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// Checks the file and its lock.
pub(super) fn check(report: &mut Report, path: &Path) {
    report.add("file", file(path));
    report.add("mode", mode(path));
    report.add("lock", lock(path));
}

fn file(path: &Path) -> Finding {
    match FileStore::open_existing(path) {
        Ok(Some(_)) => Finding::Ok(path.display().to_string()),
        Ok(None) => Finding::Failed(format!("{} does not exist", path.display())),
        Err(error) => Finding::Failed(error.cause()),
    }
}

/// Checks that only the owner may read the file, which contains hashes and keys.
#[cfg(unix)]
fn mode(path: &Path) -> Finding {
    use std::os::unix::fs::PermissionsExt;

    match fs::metadata(path) {
        Ok(metadata) => {
            let mode = metadata.permissions().mode() & 0o777;
            if (mode | 0o700) == 0o700 {
                Finding::Ok(format!("{mode:o}"))
            } else {
                Finding::Failed(format!("{mode:o}: others may use it; make it 600"))
            }
        }
        Err(error) => Finding::NotChecked(error.to_string()),
    }
}

#[cfg(not(unix))]
fn mode(_: &Path) -> Finding {
    Finding::NotChecked("this system has no file modes".into())
}

/// Checks that no process holds the lock for longer than an update takes.
fn lock(path: &Path) -> Finding {
    let lock = match File::options().write(true).open(FileStore::lock_path(path)) {
        Ok(lock) => lock,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Finding::NotChecked("the first update creates it".into());
        }
        Err(error) => return Finding::Failed(error.to_string()),
    };
    for _ in 0..LOCK_ATTEMPTS {
        match lock.try_lock() {
            Ok(()) => return Finding::Ok("free".into()),
            Err(TryLockError::WouldBlock) => thread::sleep(LOCK_PAUSE),
            Err(TryLockError::Error(error)) => return Finding::Failed(error.to_string()),
        }
    }
    let waited = LOCK_PAUSE * LOCK_ATTEMPTS;
    Finding::Failed(format!("held by another process for {waited:?} or longer"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_fails_and_is_not_created() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.json");
        assert!(matches!(file(&path), Finding::Failed(_)));
        assert!(matches!(lock(&path), Finding::NotChecked(_)));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_lock_that_another_process_holds_fails() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.json");
        FileStore::open(&path).unwrap();
        assert_eq!(lock(&path), Finding::Ok("free".into()));
        let held = File::open(FileStore::lock_path(&path)).unwrap();
        held.lock().unwrap();
        assert!(matches!(lock(&path), Finding::Failed(_)));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_can_read_fails() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.json");
        FileStore::open(&path).unwrap();
        assert_eq!(mode(&path), Finding::Ok("600".into()));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(
            mode(&path),
            Finding::Failed("640: others may use it; make it 600".into())
        );
    }
}
