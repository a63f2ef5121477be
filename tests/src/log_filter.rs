//! Evaluates the filter patterns of `template.yaml`'s metrics, as `CloudWatch` Logs applies them to JSON lines.
//!
//! Knows only what the patterns use: `{ A && B }`, where each part is `$.member = value` or several of these with
//! `||`, in parentheses.

use serde_json::Value;

/// A pattern: each part must match, and a part matches if one of its comparisons does.
#[derive(Debug)]
pub struct LogFilter(Vec<Vec<Comparison>>);

#[derive(Debug)]
struct Comparison {
    member: String,
    value: Value,
}

impl LogFilter {
    /// Parses a pattern.
    #[must_use]
    pub fn parse(pattern: &str) -> Self {
        let inner = pattern.strip_prefix('{').and_then(|p| p.strip_suffix('}'));
        let parts = inner.expect("a pattern for JSON").split("&&");
        Self(
            parts
                .map(|part| part.split("||").map(Comparison::parse).collect())
                .collect(),
        )
    }

    /// Returns whether a log line matches.
    #[must_use]
    pub fn matches(&self, line: &Value) -> bool {
        let matches = |one: &Comparison| one.matches(line);
        self.0.iter().all(|part| part.iter().any(matches))
    }

    /// Returns the lines of a log that match. Lines that are not JSON never do.
    #[must_use]
    pub fn counted(&self, logs: &str) -> Vec<Value> {
        let lines = logs.lines().flat_map(serde_json::from_str);
        lines.filter(|line| self.matches(line)).collect()
    }
}

impl Comparison {
    fn parse(text: &str) -> Self {
        let text = text.trim_matches(['(', ')', ' ']);
        let (member, value) = text.split_once(" = ").expect("a comparison");
        Self {
            member: member.strip_prefix("$.").expect("a member").to_owned(),
            value: serde_json::from_str(value).expect("a text or a number"),
        }
    }

    fn matches(&self, line: &Value) -> bool {
        line[&self.member] == self.value
    }
}
