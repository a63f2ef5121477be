//! The value of a counter, and when it is full.
//!
//! A value has the tickets of attempts in progress, the failures of the day, and the failures of the current window by
//! source.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Counter;
use crate::time::UnixTime;

/// The value of a counter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Count {
    /// The failures of the day.
    pub failures: u32,
    /// The failures by source and window.
    pub sources: BTreeMap<String, u32>,
    /// The tickets of attempts in progress: the second of the day at which one stops counting, its source, and random
    /// characters.
    pub tickets: BTreeSet<String>,
}

/// Why a counter has no room, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// The failures of the subject fill it until the day ends.
    Subject(UnixTime),
    /// The failures of the source fill it until the window ends.
    Source(UnixTime),
    /// Attempts in progress fill it, at the latest until the first of them stops counting.
    InProgress(UnixTime),
}

impl Full {
    /// Returns when the counter has room again.
    #[must_use]
    pub fn until(self) -> UnixTime {
        match self {
            Self::Subject(until) | Self::Source(until) | Self::InProgress(until) => until,
        }
    }
}

/// What a settled attempt removes from its counter, to keep it small.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stale {
    /// Tickets that no longer count.
    pub tickets: Vec<String>,
    /// Sources of earlier windows.
    pub sources: Vec<String>,
}

/// The outcome of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The password was wrong.
    Failed,
    /// Nothing was revealed about the password, so the attempt does not count.
    Released,
    /// The password was right: the attempt does not count, and the failures of its source are forgotten.
    Succeeded,
}

impl Count {
    /// The maximum number of tickets in a counter.
    pub const MAX_TICKETS: usize = 20;

    /// Returns whether a store may add a ticket: no limit is reached by failures, and there are few attempts in
    /// progress.
    #[must_use]
    pub fn has_room(&self, counter: &Counter) -> bool {
        self.check_failures(counter).is_ok() && self.tickets.len() < Self::MAX_TICKETS
    }

    /// Checks whether failures leave room for another attempt.
    ///
    /// # Errors
    ///
    /// [`Full`] if they do not.
    pub fn check_failures(&self, counter: &Counter) -> Result<(), Full> {
        if self.failures >= counter.max_per_day {
            return Err(Full::Subject(counter.day_ends()));
        }
        if self.source_failures(&counter.source) >= counter.max_per_source {
            return Err(Full::Source(counter.window_ends));
        }
        Ok(())
    }

    /// Checks the value to which the ticket of an attempt was added: all attempts, those in progress included,
    /// must be within the limits.
    ///
    /// # Errors
    ///
    /// [`Full`] if the attempt is one too many.
    pub fn check_reserved(&self, counter: &Counter, now: UnixTime) -> Result<(), Full> {
        self.check_failures(counter)?;
        let live = || self.live_tickets(counter, now);
        let own = live().filter(|(_, source)| *source == counter.source_mac());
        let is_allowed = |failures: u32, in_progress: usize, max: u32| {
            failures as usize + in_progress <= max as usize
        };
        let own_failures = self.source_failures(&counter.source);
        let has_room = is_allowed(self.failures, live().count(), counter.max_per_day)
            && is_allowed(own_failures, own.count(), counter.max_per_source);
        has_room
            .then_some(())
            .ok_or_else(|| self.full_of_tickets(counter, now))
    }

    /// Returns why a ticket could not be added.
    #[must_use]
    pub fn refusal(&self, counter: &Counter, now: UnixTime) -> Full {
        let full = self.check_failures(counter).err();
        full.unwrap_or_else(|| self.full_of_tickets(counter, now))
    }

    fn full_of_tickets(&self, counter: &Counter, now: UnixTime) -> Full {
        let live = self.live_tickets(counter, now).map(|(expiry, _)| expiry);
        Full::InProgress(live.min().unwrap_or(now))
    }

    fn live_tickets<'a>(
        &'a self,
        counter: &'a Counter,
        now: UnixTime,
    ) -> impl Iterator<Item = (UnixTime, &'a str)> {
        let tickets = self.tickets.iter();
        let parsed = tickets.filter_map(|ticket| counter.parse_ticket(ticket));
        parsed.filter(move |(expiry, _)| now < *expiry)
    }

    /// Returns what no longer counts at `now`.
    #[must_use]
    pub fn stale(&self, counter: &Counter, now: UnixTime) -> Stale {
        let is_stale = |ticket: &&String| {
            counter
                .parse_ticket(ticket)
                .is_none_or(|(expiry, _)| expiry <= now)
        };
        let is_earlier = |source: &&String| source[..] < *counter.window_name();
        Stale {
            tickets: self.tickets.iter().filter(is_stale).cloned().collect(),
            sources: self.sources.keys().filter(is_earlier).cloned().collect(),
        }
    }

    /// Returns the number of attempts in progress.
    #[must_use]
    pub fn in_progress(&self, counter: &Counter, now: UnixTime) -> usize {
        self.live_tickets(counter, now).count()
    }

    fn source_failures(&self, source: &str) -> u32 {
        self.sources.get(source).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::attempt::{
        AttemptLimits, Subject,
        counter::{
            TICKET_LIFETIME,
            tests::{NOW, counter},
        },
    };

    fn count(
        failures: u32,
        source_failures: u32,
        tickets: impl IntoIterator<Item = String>,
    ) -> Count {
        Count {
            failures,
            sources: [(counter("abc").source, source_failures)].into(),
            tickets: tickets.into_iter().collect(),
        }
    }

    fn ticket(source: &str, now: UnixTime) -> String {
        counter(source).ticket(now).unwrap()
    }

    #[test]
    fn failures_fill_a_counter_until_the_window_or_the_day_ends() {
        let counter = counter("abc");
        for (count, expected) in [
            (count(4, 4, []), Ok(())),
            (count(5, 5, []), Err(Full::Source(counter.window_ends))),
            (count(100, 4, []), Err(Full::Subject(counter.day_ends()))),
            (count(99, 0, []), Ok(())),
        ] {
            assert_eq!(count.check_failures(&counter), expected);
            assert_eq!(count.has_room(&counter), expected.is_ok());
        }
    }

    #[test]
    fn attempts_in_progress_count_for_their_source_and_for_the_day() {
        let counter = counter("abc");
        let own = || ticket("abc", NOW);
        let others = |n| (0..n).map(|_| ticket("xyz", NOW));
        let in_progress = Err(Full::InProgress(NOW + TICKET_LIFETIME));
        for (count, expected) in [
            (count(4, 4, [own()]), Ok(())),
            (count(4, 4, [own(), own()]), in_progress),
            (count(4, 4, others(10).chain([own()])), Ok(())),
            (count(90, 0, others(9).chain([own()])), Ok(())),
            (count(91, 0, others(9).chain([own()])), in_progress),
        ] {
            assert_eq!(count.check_reserved(&counter, NOW), expected, "{count:?}");
        }
        let full = count(0, 0, others(20));
        assert!(!full.has_room(&counter));
        assert_eq!(Err(full.refusal(&counter, NOW)), in_progress);
    }

    #[test]
    fn an_attempt_that_was_not_settled_stops_counting() {
        let (counter, later) = (counter("abc"), NOW + TICKET_LIFETIME);
        let (expired, live) = (ticket("abc", NOW), ticket("abc", later));
        let count = count(4, 4, [expired.clone(), live]);
        assert_eq!(count.in_progress(&counter, later), 1);
        assert_eq!(count.check_reserved(&counter, later), Ok(()));
        let stale = count.stale(&counter, later);
        assert_eq!(stale.tickets, [expired]);
        assert_eq!(stale.sources, Vec::<String>::new());
    }

    #[test]
    fn sources_of_earlier_windows_are_stale() {
        let later = Counter::new(
            Subject::Email,
            "mac",
            "abc",
            &AttemptLimits::default(),
            NOW + Duration::from_mins(15),
        );
        let count = count(3, 3, []);
        assert_eq!(count.check_failures(&later), Ok(()));
        assert_eq!(count.stale(&later, NOW).sources, ["-0abc"]);
    }
}
