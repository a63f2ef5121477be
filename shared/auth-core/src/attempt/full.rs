//! The counters that a process knows to be full of failures.
//!
//! Before an attempt on one of them is refused, the counter is read again. So a flood of attempts costs no writes,
//! and a counter that an operator clears has room at once.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::time::UnixTime;

/// The maximum number of counters that a process remembers.
const MAX_REMEMBERED: usize = 1_000;

/// Ids of counters, each with the time until which it is full.
#[derive(Debug, Default)]
pub(super) struct FullCounters(Mutex<BTreeMap<String, UnixTime>>);

impl FullCounters {
    pub(super) fn contains(&self, id: &str) -> bool {
        self.lock().contains_key(id)
    }

    /// Remembers a counter. If there are too many, all others are forgotten; the next attempt on each of them then
    /// costs a write.
    pub(super) fn insert(&self, id: &str, until: UnixTime, now: UnixTime) {
        let mut counters = self.lock();
        if counters.len() >= MAX_REMEMBERED {
            counters.retain(|_, until| now < *until);
        }
        if counters.len() >= MAX_REMEMBERED {
            counters.clear();
        }
        counters.insert(id.to_owned(), until);
    }

    pub(super) fn remove(&self, id: &str) {
        self.lock().remove(id);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, UnixTime>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_remembers_a_bounded_number_of_counters() {
        let (now, until) = (UnixTime::from_secs(100), UnixTime::from_secs(200));
        let counters = FullCounters::default();
        for i in 0..MAX_REMEMBERED {
            let until = if i < 10 { now } else { until };
            counters.insert(&i.to_string(), until, now);
        }
        counters.insert("new", until, now);
        assert_eq!(
            counters.lock().len(),
            MAX_REMEMBERED - 9,
            "without the expired ones"
        );
        for i in 0..10 {
            counters.insert(&format!("more{i}"), until, now);
        }
        assert!(counters.lock().len() <= MAX_REMEMBERED);
        assert!(counters.contains("more9") && !counters.contains("0"));
    }
}
