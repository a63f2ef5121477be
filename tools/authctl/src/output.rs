//! What a command says: a line for people or for `--json`, and progress on a terminal alone.

use std::{
    io::{self, Write},
    time::Duration,
};

use auth_core::User;
use indicatif::ProgressBar;
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::error::CommandError;

/// Where answers go.
#[derive(Debug)]
pub(crate) struct Output {
    is_json: bool,
}

impl Output {
    pub(crate) fn new(is_json: bool) -> Self {
        Self { is_json }
    }

    /// What was done to a user.
    pub(crate) fn done(&self, what: &str, user: &User) -> Result<(), CommandError> {
        if self.is_json {
            return self.user(user);
        }
        line(&format!("{what} {}, id {}", user.email, user.id))
    }

    /// A user, without anything secret: a [`User`] has no hash.
    pub(crate) fn user(&self, user: &User) -> Result<(), CommandError> {
        if self.is_json {
            return line(&user_json(user).to_string());
        }
        let roles: Vec<String> = user
            .roles
            .iter()
            .map(|role| format!("{}={}", role.name, role.permissions.join(",")))
            .collect();
        let state = if user.disabled { "disabled" } else { "enabled" };
        let roles = roles.join(" ");
        line(&format!("{}\t{}\t{state}\t{roles}", user.email, user.id))
    }

    /// Something else: `text` for people.
    pub(crate) fn say(&self, text: &str, json: &Value) -> Result<(), CommandError> {
        if self.is_json {
            line(&json.to_string())
        } else {
            line(text)
        }
    }
}

/// A line of progress on standard error, where that is a terminal.
pub(crate) fn progress(what: &'static str) -> ProgressBar {
    let bar = ProgressBar::new_spinner().with_message(what);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// A time for people, from seconds since 1970-01-01T00:00:00Z (RFC 3339).
pub(crate) fn time(seconds: u64) -> String {
    let time = i64::try_from(seconds).ok();
    let time = time.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    let text = time.and_then(|time| time.format(&Rfc3339).ok());
    text.unwrap_or_else(|| seconds.to_string())
}

fn user_json(user: &User) -> Value {
    let roles: Vec<Value> = user
        .roles
        .iter()
        .map(|role| json!({"name": role.name, "permissions": role.permissions}))
        .collect();
    json!({"id": user.id, "email": user.email, "disabled": user.disabled, "roles": roles})
}

/// Writes a line; a reader that has seen enough (`| head`) is an error and no panic.
fn line(text: &str) -> Result<(), CommandError> {
    writeln!(io::stdout(), "{text}").map_err(CommandError::io("standard output"))
}
