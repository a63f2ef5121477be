//! A store in memory, for tests. Every process has its own.

use std::sync::{Arc, Mutex, PoisonError};

use super::{repositories::SnapshotStore, snapshot::Snapshot};
use crate::repository::RepositoryError;

/// A store that lives as long as the process. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct InMemoryStore(Arc<Mutex<Snapshot>>);

impl InMemoryStore {
    /// Returns a store with the tutorial's only user: id `1`, `john.doe@leapify.tech`, password
    /// `changeme`, role Admin with create, read, update and delete.
    #[must_use]
    pub fn with_tutorial_user() -> Self {
        Self(Arc::new(Mutex::new(Snapshot::with_tutorial_user())))
    }
}

impl SnapshotStore for InMemoryStore {
    fn read<T>(&self, read: impl FnOnce(&Snapshot) -> T) -> Result<T, RepositoryError> {
        self.update(|snapshot| Ok(read(snapshot)))
    }

    /// Each operation is one step, so a panic elsewhere cannot leave one half done.
    fn update<T, E: From<RepositoryError>>(
        &self,
        update: impl FnOnce(&mut Snapshot) -> Result<T, E>,
    ) -> Result<T, E> {
        update(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
