//! What an SDK error says, for logs.

use std::error::Error;

/// The error and its causes in one line. Only their `Display`: their `Debug` would print responses,
/// and in these stand users.
pub(crate) fn cause(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text.push_str(": ");
        text.push_str(&error.to_string());
        next = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn every_cause_is_told() {
        let error = Outer(std::io::Error::other("inner"));
        assert_eq!(cause(&error), "outer: inner");
    }
}
