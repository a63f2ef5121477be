//! A list of records: a table with headers for people, lines for programs.

use super::{Form, Output, Record, escape, print, warn};
use crate::error::CommandError;

/// A list that is being printed. Finish it with [`List::finish`], or [`List::print_table`] if it is incomplete.
pub(crate) struct List<'a> {
    output: &'a Output,
    headers: &'static [&'static str],
    /// The rows of a table, whose columns are as wide as its widest fields.
    rows: Vec<Vec<String>>,
    is_empty: bool,
}

impl<'a> List<'a> {
    pub(super) fn new(output: &'a Output, headers: &'static [&'static str]) -> Self {
        Self {
            output,
            headers,
            rows: Vec::new(),
            is_empty: true,
        }
    }

    /// Adds a record. It is printed at once, or with the table.
    pub(crate) fn add(&mut self, record: &Record) -> Result<(), CommandError> {
        self.is_empty = false;
        if self.output.0 != Form::People {
            return self.output.record(record);
        }
        let fields = record.fields.iter().map(|field| escape(field).into_owned());
        self.rows.push(fields.collect());
        Ok(())
    }

    /// Prints the table. If there were no records, reports `empty` on standard error.
    pub(crate) fn finish(self, empty: &str) -> Result<(), CommandError> {
        if self.is_empty {
            warn(&format!("authctl: {empty}"));
        }
        self.print_table()
    }

    /// Prints the table with the records so far, if there are any.
    pub(crate) fn print_table(self) -> Result<(), CommandError> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let headers = self.headers.iter().map(ToString::to_string).collect();
        table(headers, self.rows)
            .iter()
            .try_for_each(|line| print(line))
    }
}

/// Returns the lines of a table.
fn table(headers: Vec<String>, mut rows: Vec<Vec<String>>) -> Vec<String> {
    rows.insert(0, headers);
    let mut widths = Vec::new();
    for row in &rows {
        widths.resize(row.len().max(widths.len()), 0);
        for (width, field) in widths.iter_mut().zip(row) {
            *width = field.chars().count().max(*width);
        }
    }
    let line = |row: &Vec<String>| {
        let fields = row.iter().zip(&widths);
        let fields = fields.map(|(field, width)| format!("{field:<width$}", width = *width));
        fields.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_field() {
        let row = |fields: [&str; 3]| fields.map(str::to_owned).to_vec();
        let rows = vec![row(["j\u{fc}rgen@b.c", "1", ""]), row(["d", "22", "Admin"])];
        let lines = table(row(["EMAIL", "ID", "ROLES"]), rows);
        assert_eq!(
            lines,
            [
                "EMAIL       ID  ROLES",
                "j\u{fc}rgen@b.c  1",
                "d           22  Admin"
            ]
        );
    }
}
