//! What a counter stands at: attempts that failed, and tickets of those under way.

use std::collections::BTreeSet;

use super::Counter;

/// Seconds after which an attempt that was not settled no longer counts. No request lives as long: the
/// template gives 10 s.
const PENDING_FOR: u64 = 30;

/// What a counter stands at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Count {
    /// The attempts that failed.
    pub failures: u32,
    /// The tickets of those that are not settled.
    pub pending: BTreeSet<String>,
}

impl Count {
    /// How many attempts count at `now`, in seconds since 1970-01-01T00:00:00Z: those that failed, and
    /// those under way.
    #[must_use]
    pub fn attempts(&self, now: u64) -> u32 {
        let pending = self.pending.iter().filter(|ticket| !is_over(ticket, now));
        let pending = u32::try_from(pending.count()).unwrap_or(u32::MAX);
        self.failures.saturating_add(pending)
    }

    /// The tickets that no longer count at `now`.
    #[must_use]
    pub fn over(&self, now: u64) -> Vec<String> {
        let over = self.pending.iter().filter(|ticket| is_over(ticket, now));
        over.cloned().collect()
    }

    /// When a full counter has room again, at the latest: with the end of its window, or where it is
    /// full of attempts under way, when the first of these stops counting. In seconds since
    /// 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn full_until(&self, counter: &Counter, now: u64) -> u64 {
        let ends = self.pending.iter().filter_map(|ticket| end_of(ticket));
        let first = ends.filter(|end| now < *end).min();
        first
            .filter(|_| self.failures < counter.limit)
            .map_or(counter.expires_at, |first| first.min(counter.expires_at))
    }
}

/// The ticket of an attempt at `now`: `<when it stops counting>.<random>`.
pub(super) fn ticket(random: &str, now: u64) -> String {
    format!("{}.{random}", now.saturating_add(PENDING_FOR))
}

/// When a ticket stops counting.
fn end_of(ticket: &str) -> Option<u64> {
    ticket.split('.').next()?.parse().ok()
}

fn is_over(ticket: &str, now: u64) -> bool {
    end_of(ticket).is_none_or(|end| end <= now)
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was wrong, and counts until the window ends.
    Failed,
    /// It was right, or nothing was learnt from it: it never was.
    GivenBack,
    /// It was right, and all failures before it are forgotten.
    Cleared,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempt::AttemptKind;

    #[test]
    fn an_attempt_that_was_not_settled_stops_counting() {
        let count = Count {
            failures: 2,
            pending: ["1030.a", "1031.b", "1031.c", "garbage"]
                .map(String::from)
                .into(),
        };
        assert_eq!(count.attempts(1_029), 5);
        assert_eq!(count.attempts(1_030), 4);
        assert_eq!(count.attempts(1_031), 2);
        assert_eq!(count.over(1_030), ["1030.a", "garbage"]);
    }

    #[test]
    fn a_counter_is_full_until_its_window_ends_or_an_attempt_under_way_does() {
        let counter = Counter {
            kind: AttemptKind::Pair,
            key: "pair#mac#900".into(),
            email_mac: None,
            limit: 5,
            expires_at: 1_800,
        };
        let count = |failures, pending: &[&str]| Count {
            failures,
            pending: pending.iter().map(ToString::to_string).collect(),
        };
        let tickets = ["990.a", "1020.b", "1025.c"];
        assert_eq!(count(4, &tickets).full_until(&counter, 1_000), 1_020);
        assert_eq!(count(5, &tickets).full_until(&counter, 1_000), 1_800);
        assert_eq!(count(4, &["1810.a"]).full_until(&counter, 1_790), 1_800);
    }

    #[test]
    fn a_ticket_lasts_longer_than_a_request() {
        let ticket = ticket("random", 1_000);
        assert!(!is_over(&ticket, 1_029) && is_over(&ticket, 1_030));
    }
}
