//! Counters in memory: for laptops and tests. Every process has its own.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{AttemptDirectory, AttemptRepository, Count, CountedAttempts, Counter, Outcome};
use crate::repository::RepositoryError;

/// Counters that live as long as the process. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct InMemoryAttemptRepository {
    counts: Arc<Mutex<HashMap<String, (Counter, Count)>>>,
}

impl InMemoryAttemptRepository {
    /// The counters by their keys. Each change is one step, so a panic elsewhere leaves none half
    /// made.
    fn counts(&self) -> MutexGuard<'_, HashMap<String, (Counter, Count)>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AttemptRepository for InMemoryAttemptRepository {
    async fn reserve(&self, counter: &Counter, ticket: &str) -> Result<Count, RepositoryError> {
        let mut counts = self.counts();
        // Windows that ended before this one are over.
        counts.retain(|_, (old, _)| counter.expires_at <= old.expires_at);
        let entry = counts.entry(counter.key.clone());
        let (_, count) = entry.or_insert_with(|| (counter.clone(), Count::default()));
        count.pending.insert(ticket.to_owned());
        Ok(count.clone())
    }

    async fn settle(
        &self,
        counter: &Counter,
        ticket: &str,
        over: &[String],
        outcome: Outcome,
    ) -> Result<(), RepositoryError> {
        let mut counts = self.counts();
        let Some((_, count)) = counts.get_mut(&counter.key) else {
            return Ok(());
        };
        if !count.pending.remove(ticket) {
            return Ok(());
        }
        for over in over {
            count.pending.remove(over);
        }
        match outcome {
            Outcome::Failed => count.failures += 1,
            Outcome::GivenBack => {}
            Outcome::Cleared => count.failures = 0,
        }
        Ok(())
    }
}

impl AttemptDirectory for InMemoryAttemptRepository {
    async fn of_email(&self, email_mac: &str) -> Result<Vec<CountedAttempts>, RepositoryError> {
        let counts = self.counts();
        let of_email = counts
            .values()
            .filter(|(counter, _)| counter.email_mac.as_deref() == Some(email_mac));
        let shown = |(counter, count): &(Counter, Count)| CountedAttempts {
            kind: counter.kind,
            count: count.clone(),
            expires_at: counter.expires_at,
        };
        Ok(of_email.map(shown).collect())
    }

    async fn clear_email(&self, email_mac: &str) -> Result<usize, RepositoryError> {
        let mut counts = self.counts();
        let before = counts.len();
        counts.retain(|_, (counter, _)| counter.email_mac.as_deref() != Some(email_mac));
        Ok(before - counts.len())
    }
}
