//! Both stores, as one run sees them: it may be killed, and lets another run go on before each call.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::Poll,
};

use crate::{
    repository::RepositoryError,
    ring::{KeyRing, PrivateKeyRepository, PublishedKeyRepository, PublishedKeys, Versioned},
};

/// When a run is killed: before or after one of its writes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kill {
    pub(super) write: usize,
    pub(super) is_done: bool,
}

/// A value that is replaced only if it has not changed.
#[derive(Debug, Clone)]
pub(super) struct Slot<T> {
    pub(super) value: Option<T>,
    pub(super) version: u64,
}

/// Both stores, shared by all runs.
#[derive(Debug)]
pub(super) struct Stores {
    pub(super) ring: Slot<KeyRing>,
    pub(super) published: Slot<PublishedKeys>,
    /// All states of the table, to which it can be restored.
    pub(super) history: Vec<PublishedKeys>,
}

/// The stores as one run sees them.
#[derive(Debug, Clone)]
pub(super) struct Connection {
    stores: Arc<Mutex<Stores>>,
    writes: Arc<AtomicUsize>,
    kill: Option<Kill>,
    is_killed: Arc<AtomicBool>,
}

impl Connection {
    pub(super) fn new(stores: &Arc<Mutex<Stores>>, kill: Option<Kill>) -> Self {
        Self {
            stores: Arc::clone(stores),
            writes: Arc::default(),
            kill,
            is_killed: Arc::default(),
        }
    }

    /// Lets the other run go on, then reads.
    async fn read<T: Clone>(
        &self,
        read: impl FnOnce(&Stores) -> Slot<T> + Send,
    ) -> Result<Versioned<T>, RepositoryError> {
        pause().await;
        self.check_alive()?;
        let found = read(&self.stores.lock().unwrap());
        Ok(Versioned {
            contents: found.value,
            version: (found.version > 0).then(|| found.version.to_string()),
        })
    }

    async fn write(
        &self,
        write: impl FnOnce(&mut Stores) -> bool + Send,
    ) -> Result<bool, RepositoryError> {
        pause().await;
        let number = self.writes.fetch_add(1, Ordering::Relaxed);
        let kill = self.kill.filter(|kill| kill.write == number);
        if kill.is_some_and(|kill| !kill.is_done) {
            self.is_killed.store(true, Ordering::Relaxed);
        }
        self.check_alive()?;
        let is_replaced = write(&mut self.stores.lock().unwrap());
        if kill.is_some() {
            self.is_killed.store(true, Ordering::Relaxed);
        }
        self.check_alive()?;
        Ok(is_replaced)
    }

    fn check_alive(&self) -> Result<(), RepositoryError> {
        if self.is_killed.load(Ordering::Relaxed) {
            return Err(RepositoryError::Unavailable("killed".into()));
        }
        Ok(())
    }
}

impl<T: Clone> Slot<T> {
    pub(super) fn new() -> Self {
        Self {
            value: None,
            version: 0,
        }
    }

    fn replace(&mut self, version: Option<&str>, value: &T) -> bool {
        if version.map_or(0, |version| version.parse().unwrap()) != self.version {
            return false;
        }
        self.version += 1;
        self.value = Some(value.clone());
        true
    }
}

impl PrivateKeyRepository for Connection {
    async fn load_ring(&self) -> Result<Versioned<KeyRing>, RepositoryError> {
        self.read(|stores| stores.ring.clone()).await
    }

    async fn replace_ring(
        &self,
        version: Option<&str>,
        ring: &KeyRing,
    ) -> Result<bool, RepositoryError> {
        self.write(|stores| stores.ring.replace(version, ring))
            .await
    }
}

impl PublishedKeyRepository for Connection {
    async fn load_published(&self) -> Result<Versioned<PublishedKeys>, RepositoryError> {
        self.read(|stores| stores.published.clone()).await
    }

    async fn replace_published(
        &self,
        version: Option<&str>,
        keys: &PublishedKeys,
    ) -> Result<bool, RepositoryError> {
        self.write(|stores| {
            let is_replaced = stores.published.replace(version, keys);
            if is_replaced {
                stores.history.push(keys.clone());
            }
            is_replaced
        })
        .await
    }
}

/// Is pending once, so that another run can go on.
async fn pause() {
    let mut is_first = true;
    std::future::poll_fn(|_| {
        if std::mem::take(&mut is_first) {
            return Poll::Pending;
        }
        Poll::Ready(())
    })
    .await;
}
