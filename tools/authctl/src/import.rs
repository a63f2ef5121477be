//! Imports users with password hashes from another system, from a file of JSON lines.
//!
//! Each user is one conditional write, so an interrupted import can be repeated from the beginning. The
//! report about a bad line repeats nothing of it except its number, because the line contains a hash.
//!
//! Start at [`run`]. A line is parsed in `line`.

mod line;

use std::{
    fs::File,
    io::{self, BufRead, BufReader, ErrorKind},
    path::Path,
};

use auth_core::{DirectoryError, UserDirectory};
use futures_util::{StreamExt, stream};
use indicatif::ProgressBar;
use serde_json::json;

use crate::{
    error::CommandError,
    output::{self, Output},
};

/// The number of simultaneous writes.
const SIMULTANEOUS: usize = 16;

/// The lines of a file or of standard input.
pub(crate) type Lines = io::Lines<Box<dyn BufRead>>;

/// Opens a file, or standard input if the path is `-`.
pub(crate) fn open(path: &Path) -> Result<Lines, CommandError> {
    let input: Box<dyn BufRead> = if path == Path::new("-") {
        Box::new(BufReader::new(io::stdin()))
    } else {
        let file = File::open(path).map_err(CommandError::io(path.display().to_string()))?;
        Box::new(BufReader::new(file))
    };
    Ok(input.lines())
}

/// The result of a line.
enum Outcome {
    Added,
    Existing,
    Bad(String),
}

#[derive(Default)]
struct Counts {
    added: u64,
    existing: u64,
    bad: u64,
}

/// Adds the users of all good lines, and reports the bad ones by number.
pub(crate) async fn run(
    users: &impl UserDirectory,
    output: &Output,
    lines: Lines,
) -> Result<(), CommandError> {
    let progress = output::progress("lines read");
    let mut counts = Counts::default();
    let imported = add_all(users, lines, &mut counts, &progress).await;
    progress.finish_and_clear();
    report(output, &counts)?;
    imported.inspect_err(|_| {
        eprintln!(
            "authctl: import the file again: users who were added stay, and none is added twice"
        );
    })?;
    match counts.bad {
        0 => Ok(()),
        bad => Err(CommandError::BadLines(bad)),
    }
}

/// Adds users until the lines end, or until the file or the store fails.
async fn add_all(
    users: &impl UserDirectory,
    lines: Lines,
    counts: &mut Counts,
    progress: &ProgressBar,
) -> Result<(), CommandError> {
    let numbered = (1_u64..).zip(lines).filter(|(_, line)| !is_blank(line));
    let mut outcomes = stream::iter(numbered)
        .map(|(number, line)| async move { (number, add_line(users, line).await) })
        .buffer_unordered(SIMULTANEOUS);
    while let Some((number, outcome)) = outcomes.next().await {
        match outcome? {
            Outcome::Added => counts.added += 1,
            Outcome::Existing => counts.existing += 1,
            Outcome::Bad(reason) => {
                counts.bad += 1;
                progress.suspend(|| eprintln!("line {number}: {reason}"));
            }
        }
        progress.inc(1);
        progress.set_message(format!("{} lines read", progress.position()));
    }
    Ok(())
}

fn report(output: &Output, counts: &Counts) -> Result<(), CommandError> {
    let Counts {
        added,
        existing,
        bad,
    } = counts;
    output.print(
        &format!("added {added}, already existing {existing}, bad lines {bad}"),
        &json!({"added": added, "existing": existing, "bad": bad}),
    )
}

fn is_blank(line: &io::Result<String>) -> bool {
    line.as_ref().is_ok_and(|line| line.trim().is_empty())
}

/// Adds the user of a line. An error means that later lines would fail too.
async fn add_line(
    users: &impl UserDirectory,
    line: io::Result<String>,
) -> Result<Outcome, CommandError> {
    let line = match line {
        Ok(line) => line,
        Err(error) if error.kind() == ErrorKind::InvalidData => {
            return Ok(Outcome::Bad("not UTF-8".into()));
        }
        Err(error) => return Err(CommandError::io("the file cannot be read")(error)),
    };
    let user = match line::parse(&line) {
        Ok(user) => user,
        Err(reason) => return Ok(Outcome::Bad(reason)),
    };
    match users.add_user(&user).await {
        Ok(()) => Ok(Outcome::Added),
        Err(DirectoryError::AlreadyExists) => Ok(Outcome::Existing),
        Err(error @ DirectoryError::NotFound) => Ok(Outcome::Bad(error.to_string())),
        Err(DirectoryError::Repository(error)) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use auth_core::{Email, InMemoryStore, UserRepository};

    use super::{line::tests::HASH, *};

    #[tokio::test]
    async fn good_lines_are_added_once_however_often_they_are_imported() {
        let store = InMemoryStore::default();
        let text = format!(
            "{{\"email\":\"A@b.c\",\"password_hash\":\"{HASH}\",\"id\":\"7\",\"disabled\":true,\
             \"roles\":[{{\"name\":\"Admin\",\"permissions\":[\"read\"]}}]}}\n\n\
             {{\"email\":\"d@e.f\",\"password_hash\":\"{HASH}\"}}\nnot JSON\n\
             {{\"email\":\"a@B.C\",\"password_hash\":\"{HASH}\"}}\n"
        );
        for _ in 0..2 {
            let input: Box<dyn BufRead> = Box::new(io::Cursor::new(text.clone()));
            let imported = run(&store, &Output::new(true), input.lines()).await;
            assert!(matches!(imported, Err(CommandError::BadLines(1))));
        }
        assert_eq!(store.list_users(None).await.unwrap().users.len(), 2);
        let found = store.find_by_email(&Email::parse("a@b.c").unwrap()).await;
        let found = found.unwrap().unwrap();
        assert_eq!((found.id.as_str(), found.disabled), ("7", true));
        assert_eq!(found.permissions(), ["read"]);
    }

    #[tokio::test]
    async fn a_line_that_is_not_utf_8_is_bad_and_the_next_one_is_added() {
        let store = InMemoryStore::default();
        let good = format!("{{\"email\":\"a@b.c\",\"password_hash\":\"{HASH}\"}}\n");
        let input = [b"\xff\n", good.as_bytes()].concat();
        let input: Box<dyn BufRead> = Box::new(io::Cursor::new(input));
        let imported = run(&store, &Output::new(true), input.lines()).await;
        assert!(matches!(imported, Err(CommandError::BadLines(1))));
        assert_eq!(store.list_users(None).await.unwrap().users.len(), 1);
    }
}
