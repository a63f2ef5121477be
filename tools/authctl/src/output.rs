//! What a command prints: tables for people, records of fields for programs, or JSON with `--json`. Progress is
//! shown if there is a terminal.

mod escape;
mod list;
mod record;

use std::{
    io::{self, IsTerminal, Write},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

use crate::error::CommandError;

pub(crate) use escape::{escape, json_line};
pub(crate) use list::List;
pub(crate) use record::{Record, USER_HEADERS, user_record};

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Sentences and tables, on a terminal.
    People,
    /// One record per line, its fields separated by tabs.
    Fields,
    /// One JSON object per line.
    Json,
}

/// Prints results to standard output.
#[derive(Debug)]
pub(crate) struct Output(Form);

impl Output {
    pub(crate) fn new(is_json: bool) -> Self {
        Self(match (is_json, io::stdout().is_terminal()) {
            (true, _) => Form::Json,
            (false, true) => Form::People,
            (false, false) => Form::Fields,
        })
    }

    /// Prints what a command did, as `sentence` for people.
    pub(crate) fn result(&self, sentence: &str, record: &Record) -> Result<(), CommandError> {
        match self.0 {
            Form::People => print(&escape(sentence)),
            Form::Fields | Form::Json => self.record(record),
        }
    }

    /// Begins a list, with the headers of a table.
    pub(crate) fn list(&self, headers: &'static [&'static str]) -> List<'_> {
        List::new(self, headers)
    }

    fn record(&self, record: &Record) -> Result<(), CommandError> {
        match self.0 {
            Form::Json => print(&json_line(&record.json)),
            Form::People | Form::Fields => {
                let fields = record.fields.iter().map(|field| escape(field));
                print(&fields.collect::<Vec<_>>().join("\t"))
            }
        }
    }
}

/// Prints a line. `println!` would panic if the reader has closed the pipe (`| head`).
pub(crate) fn print(line: &str) -> Result<(), CommandError> {
    let written = writeln!(io::stdout(), "{line}");
    written.map_err(CommandError::io("standard output"))
}

/// Prints a line to standard error. Stored and imported text in it cannot break the line or control the terminal.
pub(crate) fn warn(line: &str) {
    eprintln!("{}", escape(line));
}

/// Shows a line of progress on standard error, if that is a terminal.
pub(crate) fn progress(message: &'static str) -> ProgressBar {
    let bar = ProgressBar::new_spinner().with_message(message);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Shows a bar on standard error, if that is a terminal. The bar is full at `length`.
pub(crate) fn progress_bar(length: u64, message: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("[{bar:40}] {percent} % {msg}");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(length).with_message(message);
    bar.with_style(style.progress_chars("#> "))
}
