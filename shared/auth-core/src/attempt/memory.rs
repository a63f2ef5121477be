//! Counters in memory: for laptops and tests. Every process has its own.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{AttemptDirectory, AttemptRepository, CountedAttempts, Counter};
use crate::repository::RepositoryError;

/// Counters that live as long as the process. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct InMemoryAttemptRepository {
    counted: Arc<Mutex<HashMap<String, (Counter, u32)>>>,
}

impl InMemoryAttemptRepository {
    /// The counters by their keys. Each change is one step, so a panic elsewhere leaves none half
    /// made.
    fn counted(&self) -> MutexGuard<'_, HashMap<String, (Counter, u32)>> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AttemptRepository for InMemoryAttemptRepository {
    async fn reserve(&self, counter: &Counter) -> Result<bool, RepositoryError> {
        let mut counted = self.counted();
        // Windows that ended before this one are over.
        counted.retain(|_, (old, _)| counter.expires_at <= old.expires_at);
        let entry = counted.entry(counter.key.clone());
        let (_, attempts) = entry.or_insert_with(|| (counter.clone(), 0));
        let has_room = *attempts < counter.limit;
        *attempts += u32::from(has_room);
        Ok(has_room)
    }

    async fn give_back(&self, counter: &Counter) -> Result<(), RepositoryError> {
        if let Some((_, attempts)) = self.counted().get_mut(&counter.key) {
            *attempts = attempts.saturating_sub(1);
        }
        Ok(())
    }

    async fn clear(&self, counter: &Counter) -> Result<(), RepositoryError> {
        self.counted().remove(&counter.key);
        Ok(())
    }
}

impl AttemptDirectory for InMemoryAttemptRepository {
    async fn of_email(
        &self,
        email_mac: &str,
        now: u64,
    ) -> Result<Vec<CountedAttempts>, RepositoryError> {
        let counted = self.counted();
        let of_email = counted.values().filter(|(counter, attempts)| {
            let is_of_email = counter.email_mac.as_deref() == Some(email_mac);
            is_of_email && *attempts > 0 && now < counter.expires_at
        });
        let shown = |(counter, attempts): &(Counter, u32)| CountedAttempts {
            kind: counter.kind,
            attempts: *attempts,
            expires_at: counter.expires_at,
        };
        Ok(of_email.map(shown).collect())
    }

    async fn clear_email(&self, email_mac: &str) -> Result<usize, RepositoryError> {
        let mut counted = self.counted();
        let before = counted.len();
        counted.retain(|_, (counter, _)| counter.email_mac.as_deref() != Some(email_mac));
        Ok(before - counted.len())
    }
}
