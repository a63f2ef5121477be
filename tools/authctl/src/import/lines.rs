//! The lines of a file or of standard input, parsed.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufRead, BufReader, ErrorKind},
    path::Path,
};

use auth_core::{Email, StoredUser};

use super::line;
use crate::error::CommandError;

/// Where lines come from.
pub(crate) struct Source {
    reader: Box<dyn BufRead>,
    /// The size of a file.
    pub(super) bytes: Option<u64>,
}

impl Source {
    pub(super) fn from_reader(reader: impl BufRead + 'static, bytes: Option<u64>) -> Self {
        let reader = Box::new(reader);
        Self { reader, bytes }
    }
}

/// Opens a file, or standard input if the path is `-`.
pub(crate) fn open(path: &Path) -> Result<Source, CommandError> {
    if path == Path::new("-") {
        return Ok(Source::from_reader(BufReader::new(io::stdin()), None));
    }
    let file = File::open(path).map_err(CommandError::io(path.display().to_string()))?;
    let metadata = file.metadata().ok().filter(std::fs::Metadata::is_file);
    let bytes = metadata.map(|metadata| metadata.len());
    Ok(Source::from_reader(BufReader::new(file), bytes))
}

/// A line that is not blank.
pub(super) struct Line {
    pub(super) number: u64,
    pub(super) bytes: u64,
    pub(super) content: Content,
}

pub(super) enum Content {
    User(Box<StoredUser>, Email),
    /// The address is in an earlier line, of this number.
    Repeated(u64),
    Bad(String),
    Unreadable(io::Error),
}

/// Reads the lines that are not blank.
pub(super) fn read(source: Source) -> impl Iterator<Item = Line> {
    let numbered = (1_u64..).zip(source.reader.lines());
    let lines = numbered.filter(|(_, line)| !is_blank(line));
    lines.map(|(number, line)| Line {
        number,
        bytes: line.as_ref().map_or(0, |line| line.len() as u64 + 1),
        content: content(line),
    })
}

fn is_blank(line: &io::Result<String>) -> bool {
    line.as_ref().is_ok_and(|line| line.trim().is_empty())
}

fn content(line: io::Result<String>) -> Content {
    let line = match line {
        Ok(line) => line,
        Err(error) if error.kind() == ErrorKind::InvalidData => {
            return Content::Bad("not UTF-8".into());
        }
        Err(error) => return Content::Unreadable(error),
    };
    let parsed = line::parse(&line).and_then(|user| {
        let email = Email::parse(&user.user.email).map_err(|error| error.to_string())?;
        Ok(Content::User(Box::new(user), email))
    });
    parsed.unwrap_or_else(Content::Bad)
}

/// The addresses of the lines so far. A dry run does not find them in the store, and of several simultaneous writes of
/// one address, the store would keep whichever arrives first.
#[derive(Default)]
pub(super) struct Seen(HashMap<Email, u64>);

impl Seen {
    /// Marks a line whose address an earlier line has.
    pub(super) fn check(&mut self, line: Line) -> Line {
        let Content::User(_, email) = &line.content else {
            return line;
        };
        let earlier = *self.0.entry(email.clone()).or_insert(line.number);
        if earlier == line.number {
            return line;
        }
        let content = Content::Repeated(earlier);
        Line { content, ..line }
    }
}
