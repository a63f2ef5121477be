//! The text of an SDK error, for logs.

use std::error::Error;

/// Returns the error and its causes in one line, each once: some repeat the one below. It only uses
/// `Display`, because `Debug` would print responses, which contain users.
pub(crate) fn cause(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let inner = error.to_string();
        if !text.ends_with(&inner) {
            text.push_str(": ");
            text.push_str(&inner);
        }
        next = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] Middle);

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Middle(#[source] std::io::Error);

    #[test]
    fn every_cause_appears_once() {
        let error = Outer(Middle(std::io::Error::other("inner")));
        assert_eq!(cause(&error), "outer: inner");
    }
}
