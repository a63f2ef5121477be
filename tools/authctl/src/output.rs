//! What a command prints: a line for people, or JSON with `--json`, and its progress if there is a terminal.

use std::{
    io::{self, Write},
    time::Duration,
};

use auth_core::{UnixTime, User};
use indicatif::ProgressBar;
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::error::CommandError;

/// Prints results to standard output.
#[derive(Debug)]
pub(crate) struct Output {
    is_json: bool,
}

impl Output {
    pub(crate) fn new(is_json: bool) -> Self {
        Self { is_json }
    }

    /// Prints what was done to a user.
    pub(crate) fn change(&self, done: &str, user: &User) -> Result<(), CommandError> {
        let text = format!("{done} {}, id {}", user.email, user.id);
        self.print(&text, &user_json(user))
    }

    /// Prints a user, without anything secret: a [`User`] has no hash.
    pub(crate) fn user(&self, user: &User) -> Result<(), CommandError> {
        self.print(&user_text(user), &user_json(user))
    }

    /// Prints `text` for people or `json` for programs.
    pub(crate) fn print(&self, text: &str, json: &Value) -> Result<(), CommandError> {
        let mut stdout = io::stdout();
        // `println!` would panic if the reader has closed the pipe (`| head`).
        let written = if self.is_json {
            writeln!(stdout, "{json}")
        } else {
            writeln!(stdout, "{text}")
        };
        written.map_err(CommandError::io("standard output"))
    }
}

/// Shows a line of progress on standard error, if that is a terminal.
pub(crate) fn progress(message: &'static str) -> ProgressBar {
    let bar = ProgressBar::new_spinner().with_message(message);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Formats a time for people (RFC 3339).
pub(crate) fn rfc3339(time: UnixTime) -> String {
    i64::try_from(time.as_secs())
        .ok()
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_else(|| time.as_secs().to_string())
}

fn user_text(user: &User) -> String {
    let roles: Vec<String> = user
        .roles
        .iter()
        .map(|role| format!("{}={}", role.name, role.permissions.join(",")))
        .collect();
    let state = if user.disabled { "disabled" } else { "enabled" };
    let roles = roles.join(" ");
    format!("{}\t{}\t{state}\t{roles}", user.email, user.id)
}

fn user_json(user: &User) -> Value {
    let roles: Vec<Value> = user
        .roles
        .iter()
        .map(|role| json!({"name": role.name, "permissions": role.permissions}))
        .collect();
    json!({"id": user.id, "email": user.email, "disabled": user.disabled, "roles": roles})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_rfc_3339_cannot_express_is_printed_in_seconds() {
        let time = |seconds| rfc3339(UnixTime::from_secs(seconds));
        assert_eq!(time(1_767_225_600), "2026-01-01T00:00:00Z");
        assert_eq!(time(u64::MAX), u64::MAX.to_string());
    }
}
