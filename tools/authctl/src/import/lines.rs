//! The lines of a file or of standard input, parsed.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufRead, BufReader},
    path::Path,
    thread,
};

use auth_core::{Email, StoredUser};
use futures_util::{Stream, stream};
use tokio::sync::mpsc;

use super::line;
use crate::error::CommandError;

/// How many lines are read before they are needed.
const LINES_AHEAD: usize = 16;

/// Where lines come from.
pub(crate) struct Source {
    reader: Box<dyn BufRead + Send>,
    /// The size of a file.
    pub(super) bytes: Option<u64>,
}

impl Source {
    pub(super) fn from_reader(reader: impl BufRead + Send + 'static, bytes: Option<u64>) -> Self {
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

/// A line.
pub(super) struct Line {
    pub(super) number: u64,
    /// Its size in the file, with its end.
    pub(super) bytes: u64,
    pub(super) content: Content,
}

pub(super) enum Content {
    User(Box<StoredUser>, Email),
    /// The address is in an earlier line, of this number.
    Repeated(u64),
    Bad(String),
    Blank,
    Unreadable(io::Error),
}

/// Reads lines until they end or cannot be read. Another thread reads them, so that requests go on while standard input
/// waits. It is not one of the runtime's threads for blocking calls: the runtime would wait for it when an import fails.
pub(super) fn read(source: Source) -> impl Stream<Item = Line> + Unpin {
    let (sender, mut receiver) = mpsc::channel(LINES_AHEAD);
    thread::spawn(move || send_lines(source.reader, &sender));
    stream::poll_fn(move |context| receiver.poll_recv(context))
}

/// Sends lines until no one receives them.
fn send_lines(mut reader: impl BufRead, sender: &mpsc::Sender<Line>) {
    for number in 1.. {
        let mut bytes = Vec::new();
        let content = match reader.read_until(b'\n', &mut bytes) {
            Ok(0) => return,
            Ok(_) => content(&bytes),
            Err(error) => Content::Unreadable(error),
        };
        let is_last = matches!(content, Content::Unreadable(_));
        let line = Line {
            number,
            bytes: bytes.len() as u64,
            content,
        };
        if sender.blocking_send(line).is_err() || is_last {
            return;
        }
    }
}

fn content(line: &[u8]) -> Content {
    let Ok(line) = str::from_utf8(line) else {
        return Content::Bad("not UTF-8".into());
    };
    // Without its end, so that a parse error is in this line.
    let line = line.trim_ascii_end();
    if line.trim().is_empty() {
        return Content::Blank;
    }
    let parsed = line::parse(line).and_then(|user| {
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
