//! The failures of a network, by which attempts are counted.

use crate::time::UnixTime;

/// The failures of a network in a window, across all emails. They are counted afterwards, so attempts in progress can
/// exceed the limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkCounter {
    /// `<MAC of the network>#<end of the window>`, which does not reveal the network.
    pub id: String,
    /// The maximum number of failures.
    pub max_failures: u32,
    /// When the window ends.
    pub window_ends: UnixTime,
}

#[cfg(test)]
impl NetworkCounter {
    /// Returns the counter of a network without failures.
    pub(crate) fn empty() -> Self {
        Self {
            id: "none".into(),
            max_failures: 1,
            window_ends: UnixTime::default(),
        }
    }
}
