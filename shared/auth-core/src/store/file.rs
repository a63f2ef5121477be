//! A store in one file, for local work: all functions and `authctl` share it, and it survives restarts.
//!
//! The file is a readable snapshot. An update locks a file next to it (renaming replaces the store
//! itself), loads the snapshot, changes it, writes a temporary file and renames it: a process that is
//! killed at any point leaves the old or the new state. A power cut may lose both.

mod keys;

use std::{
    error::Error,
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
};

use super::{repositories::SnapshotStore, snapshot::Snapshot};
use crate::repository::RepositoryError;

/// A store in a file. Clones and other processes share it.
#[derive(Debug, Clone)]
pub struct FileStore {
    path: PathBuf,
}

impl FileStore {
    /// Opens the store in the file at `path`. If the file does not exist, creates it with the tutorial's
    /// user: id `1`, `john.doe@leapify.tech`, password `changeme`, role Admin.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] if the file cannot be created or read, or is damaged.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, RepositoryError> {
        let store = Self { path: path.into() };
        if let Some(folder) = store.path.parent() {
            fs::create_dir_all(folder).map_err(|error| unavailable(folder, &error))?;
        }
        if !store.path.exists() {
            let _lock = store.lock()?;
            // Another process may have been first.
            if !store.path.exists() {
                store.save(&Snapshot::with_tutorial_user())?;
            }
        }
        store.load()?;
        Ok(store)
    }

    /// Opens the store in the file at `path`, if the file exists. Creates nothing.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] if the file cannot be read, or is damaged.
    pub fn open_existing(path: impl Into<PathBuf>) -> Result<Option<Self>, RepositoryError> {
        let store = Self { path: path.into() };
        match store.load() {
            Ok(_) => Ok(Some(store)),
            Err(RepositoryError::Unavailable(cause)) if is_missing(&*cause) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns the path of the lock of the store at `path`.
    #[must_use]
    pub fn lock_path(path: &Path) -> PathBuf {
        with_suffix(path, "lock")
    }

    fn load(&self) -> Result<Snapshot, RepositoryError> {
        let text = fs::read(&self.path).map_err(|error| unavailable(&self.path, &error))?;
        serde_json::from_slice(&text).map_err(|error| {
            // The error's own text may repeat a secret.
            let (line, column) = (error.line(), error.column());
            self.malformed(format_args!("damaged at line {line}, column {column}"))
        })
    }

    fn save(&self, snapshot: &Snapshot) -> Result<(), RepositoryError> {
        let temporary = with_suffix(&self.path, "tmp");
        let text = serde_json::to_vec_pretty(snapshot).map_err(|error| self.malformed(error))?;
        write_private(&temporary, &text)
            .and_then(|()| fs::rename(&temporary, &self.path))
            .map_err(|error| unavailable(&temporary, &error))
    }

    /// Waits until no other process updates the store. The lock ends when the file is dropped.
    fn lock(&self) -> Result<File, RepositoryError> {
        let path = Self::lock_path(&self.path);
        let file = private_options().create(true).open(&path);
        file.and_then(|file| file.lock().map(|()| file))
            .map_err(|error| unavailable(&path, &error))
    }

    fn malformed(&self, what: impl std::fmt::Display) -> RepositoryError {
        RepositoryError::Malformed(format!("{}: {what}", self.path.display()))
    }
}

impl SnapshotStore for FileStore {
    fn read<T>(&self, read: impl FnOnce(&Snapshot) -> T) -> Result<T, RepositoryError> {
        Ok(read(&self.load()?))
    }

    fn update<T, E: From<RepositoryError>>(
        &self,
        update: impl FnOnce(&mut Snapshot) -> Result<T, E>,
    ) -> Result<T, E> {
        let _lock = self.lock()?;
        let mut snapshot = self.load()?;
        let result = update(&mut snapshot)?;
        self.save(&snapshot)?;
        Ok(result)
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.to_owned().into_os_string();
    path.push(".");
    path.push(suffix);
    path.into()
}

/// Writes a new file. A file left behind by a killed process is deleted first, because it may have another
/// mode.
fn write_private(path: &Path, text: &[u8]) -> io::Result<()> {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != ErrorKind::NotFound
    {
        return Err(error);
    }
    let mut file = private_options().create_new(true).open(path)?;
    file.write_all(text)
}

/// Returns options to create a file that only its owner can read: the store contains password hashes
/// and secrets.
fn private_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn is_missing(cause: &(dyn Error + 'static)) -> bool {
    let cause = cause.downcast_ref::<io::Error>();
    cause.is_some_and(|error| error.kind() == ErrorKind::NotFound)
}

/// Returns an error that names the file. Its source is an [`io::Error`] of the same kind.
fn unavailable(path: &Path, error: &io::Error) -> RepositoryError {
    let text = format!("{}: {error}", path.display());
    RepositoryError::Unavailable(Box::new(io::Error::new(error.kind(), text)))
}

#[cfg(test)]
mod tests;
