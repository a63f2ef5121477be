//! The counter of a subject and a day: its name, its sources and its tickets. The rules of its value are in `count`.
//!
//! Names and tickets are short, because `DynamoDB` charges for a write by the size of the item: with every count at its
//! limit, an item stays below 1 KB.

use std::time::Duration;

use super::AttemptLimits;
use crate::{id::random_id, time::UnixTime};

/// How long an unsettled attempt counts. Requests are shorter: the template limits them to 10 s.
pub(super) const TICKET_LIFETIME: Duration = Duration::from_secs(30);

/// The number of characters that name a window.
const WINDOW_CHARS: u32 = 2;

/// The number of characters of a ticket's expiry, in seconds of the day: enough for the first minute after it.
const EXPIRY_CHARS: u32 = 4;

/// The number of random characters that distinguish tickets of the same source and second.
const RANDOM_CHARS: usize = 4;

/// Whose password is guessed, and by whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The password of an email, by anyone.
    Email,
    /// The password of an email, by its known devices.
    Devices,
    /// The password of an email, in its sessions.
    Sessions,
    /// The password of an email, with links that were used.
    Links,
}

impl Subject {
    /// All subjects.
    pub(super) const ALL: [Self; 4] = [Self::Email, Self::Devices, Self::Sessions, Self::Links];

    /// Returns the name for logs, operators and MACs: changing it starts counting again.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Devices => "devices",
            Self::Sessions => "sessions",
            Self::Links => "links",
        }
    }
}

/// The counter of a subject and a day, as an attempt from a source in a window sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counter {
    /// Whose password is guessed, and by whom.
    pub subject: Subject,
    /// `<MAC of the subject>#<day>`, which does not reveal the email.
    pub id: String,
    /// Names the source and the window: five characters, of which the first two are the window.
    pub source: String,
    /// The maximum number of attempts of the source in the window.
    pub max_per_source: u32,
    /// The maximum number of attempts of the subject in the day.
    pub max_per_day: u32,
    /// When the day begins.
    pub day_begins: UnixTime,
    /// When the window ends.
    pub window_ends: UnixTime,
}

impl Counter {
    /// The length of a day.
    const DAY: Duration = Duration::from_hours(24);

    /// Returns the counter with this MAC of a subject for an attempt at `now` from a source with this label.
    pub(super) fn new(
        subject: Subject,
        mac: &str,
        source: &str,
        limits: &AttemptLimits,
        now: UnixTime,
    ) -> Self {
        let day = now.as_secs() / Self::DAY.as_secs();
        let day_begins = UnixTime::from_secs(day * Self::DAY.as_secs());
        let (window, window_ends) = window(limits, now);
        Self {
            subject,
            id: format!("{mac}#{day}"),
            source: format!("{}{source}", digits(window, WINDOW_CHARS)),
            max_per_source: limits.max_failures,
            max_per_day: limits.max_failures_per_day,
            day_begins,
            window_ends,
        }
    }

    /// Returns when the day ends, after which stores may delete the counter.
    #[must_use]
    pub fn day_ends(&self) -> UnixTime {
        self.day_begins + Self::DAY
    }

    /// Returns the part of the source that names the window.
    pub(super) fn window_name(&self) -> &str {
        &self.source[..WINDOW_CHARS as usize]
    }

    /// Returns the part of the source that is the same in all windows.
    pub(super) fn source_mac(&self) -> &str {
        &self.source[WINDOW_CHARS as usize..]
    }

    /// Returns a ticket for an attempt at `now`; `None` if no randomness is available.
    #[must_use]
    pub fn ticket(&self, now: UnixTime) -> Option<String> {
        let expiry = (now + TICKET_LIFETIME).since(self.day_begins).as_secs();
        let random = random_id()?;
        let (expiry, random) = (digits(expiry, EXPIRY_CHARS), &random[..RANDOM_CHARS]);
        Some(format!("{expiry}{}{random}", self.source_mac()))
    }

    /// Returns when a ticket of the day stops counting, and its source without a window.
    pub(super) fn parse_ticket<'a>(&self, ticket: &'a str) -> Option<(UnixTime, &'a str)> {
        let (expiry, rest) = ticket.split_at_checked(EXPIRY_CHARS as usize)?;
        let (source, _) = rest.split_at_checked(rest.len().checked_sub(RANDOM_CHARS)?)?;
        let expiry = Duration::from_secs(parse_digits(expiry)?);
        Some((self.day_begins + expiry, source))
    }
}

/// Returns the number of a window in its day, and when it ends.
pub(super) fn window(limits: &AttemptLimits, now: UnixTime) -> (u64, UnixTime) {
    let day = Counter::DAY.as_secs();
    let (second, window) = (now.as_secs() % day, limits.window.as_secs().max(1));
    let number = second / window;
    let length = ((number + 1) * window).min(day);
    (number, UnixTime::from_secs(now.as_secs() - second + length))
}

/// The digits of numbers in names and tickets, in the order of their characters.
const DIGITS: &str = "-0123456789_abcdefghijklmnopqrstuvwxyz";
const BASE: u64 = 38;

/// Writes a number with this many digits. The texts sort in the order of their numbers.
fn digits(number: u64, count: u32) -> String {
    let digit = |place| usize::try_from(number / BASE.pow(place) % BASE).ok();
    let places = (0..count).rev();
    places
        .filter_map(|place| DIGITS.chars().nth(digit(place)?))
        .collect()
}

fn parse_digits(text: &str) -> Option<u64> {
    text.chars().try_fold(0, |number, c| {
        let digit = DIGITS.find(c)? as u64;
        Some(number * BASE + digit)
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::attempt) const NOW: UnixTime = UnixTime::from_secs(86_400 + 1_000);

    pub(in crate::attempt) fn counter(source: &str) -> Counter {
        Counter::new(
            Subject::Email,
            "mac",
            source,
            &AttemptLimits::default(),
            NOW,
        )
    }

    fn ticket(source: &str, now: UnixTime) -> String {
        counter(source).ticket(now).unwrap()
    }

    #[test]
    fn a_counter_belongs_to_a_day_and_names_its_source_and_window() {
        let counter = counter("abc");
        assert_eq!(
            (counter.id.as_str(), counter.source.as_str()),
            ("mac#1", "-0abc")
        );
        assert_eq!(counter.day_begins, UnixTime::from_secs(86_400));
        assert_eq!(counter.day_ends(), UnixTime::from_secs(2 * 86_400));
        assert_eq!(counter.window_ends, UnixTime::from_secs(86_400 + 1_800));
    }

    #[test]
    fn a_window_ends_with_its_day_at_the_latest() {
        let limits = AttemptLimits {
            window: Duration::from_hours(5),
            ..AttemptLimits::default()
        };
        let at = UnixTime::from_secs(86_400 - 1);
        assert_eq!(window(&limits, at), (4, UnixTime::from_secs(86_400)));
    }

    #[test]
    fn all_windows_of_a_day_have_names_in_their_order() {
        let names: Vec<String> = (0..1_440).map(|i| digits(i, WINDOW_CHARS)).collect();
        assert!(names.is_sorted_by(|a, b| a < b));
        assert!(names.iter().all(|name| name.len() == 2));
    }

    #[test]
    fn a_ticket_counts_for_30_seconds_and_no_two_are_the_same() {
        let ticket = ticket("abc", NOW);
        assert_ne!(ticket, counter("abc").ticket(NOW).unwrap());
        let (expiry, source) = counter("abc").parse_ticket(&ticket).unwrap();
        assert_eq!((expiry, source), (NOW + TICKET_LIFETIME, "abc"));
        let late = UnixTime::from_secs(2 * 86_400 - 1);
        let ticket = counter("abc").ticket(late).unwrap();
        let (expiry, _) = counter("abc").parse_ticket(&ticket).unwrap();
        assert_eq!(expiry, late + TICKET_LIFETIME, "after midnight");
        for text in ["", "0", "XXXXabc1234", "\u{e9}\u{e9}\u{e9}"] {
            assert_eq!(counter("abc").parse_ticket(text), None, "{text}");
        }
    }
}
