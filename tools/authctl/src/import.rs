//! Imports users with password hashes from another system, from a file of JSON lines.
//!
//! Each user is one conditional write, so an interrupted import can be repeated from the beginning. A dry run
//! reads instead of writing. The report about a bad line repeats only its number, because the line contains a
//! hash.
//!
//! Start at [`run`]. The lines of a file are in `lines`, and one is parsed in `line`.

mod line;
mod lines;

use auth_core::{DirectoryError, StoredUser, UserDirectory, UserRepository};
use futures_util::StreamExt;
use indicatif::ProgressBar;
use serde_json::json;

use crate::{
    error::CommandError,
    output::{self, Output, Record},
};

#[cfg(test)]
pub(crate) use line::parse as parse_line;
pub(crate) use lines::{Source, open};

use lines::{Content, Line, Seen};

/// The number of simultaneous requests.
const SIMULTANEOUS: usize = 16;

/// The result of a line.
enum Outcome {
    /// The user was added, or would be.
    Added,
    /// The user was left unchanged. Contains the reason.
    Existing(String),
    /// The line was skipped. Contains the reason.
    Bad(String),
    /// The line was blank.
    Blank,
}

#[derive(Default)]
struct Counts {
    added: u64,
    existing: u64,
    bad: u64,
}

/// Adds the users of all good lines, and reports the bad ones by number. A dry run adds nothing and also reports
/// the users who exist.
pub(crate) async fn run(
    store: &(impl UserDirectory + UserRepository),
    output: &Output,
    source: Source,
    dry_run: bool,
) -> Result<(), CommandError> {
    let progress = match source.bytes {
        Some(bytes) => output::progress_bar(bytes, "0 lines read"),
        None => output::progress("lines read"),
    };
    let mut counts = Counts::default();
    let done = read_all(store, source, dry_run, &mut counts, &progress).await;
    progress.finish_and_clear();
    report(output, &counts, dry_run)?;
    done.inspect_err(|_| {
        if !dry_run {
            eprintln!(
                "authctl: import the file again: users who were added stay, and none is added twice"
            );
        }
    })?;
    match counts.bad {
        0 => Ok(()),
        bad => Err(CommandError::BadLines(bad)),
    }
}

/// Reads lines until they end, or until the file or the store fails.
async fn read_all(
    store: &(impl UserDirectory + UserRepository),
    source: Source,
    dry_run: bool,
    counts: &mut Counts,
    progress: &ProgressBar,
) -> Result<(), CommandError> {
    let mut seen = Seen::default();
    let mut outcomes = lines::read(source)
        .map(|line| seen.check(line))
        .map(|line| async move { (line.number, line.bytes, handle(store, line, dry_run).await) })
        .buffer_unordered(SIMULTANEOUS);
    while let Some((number, bytes, outcome)) = outcomes.next().await {
        let problem = counts.add(outcome?, dry_run);
        if let Some(problem) = problem {
            progress.suspend(|| output::warn(&format!("line {number}: {problem}")));
        }
        progress.inc(bytes);
        progress.set_message(format!("{} lines read", counts.lines()));
    }
    Ok(())
}

impl Counts {
    /// Counts an outcome, and returns what to report about its line.
    fn add(&mut self, outcome: Outcome, dry_run: bool) -> Option<String> {
        match outcome {
            Outcome::Added => {
                self.added += 1;
                None
            }
            Outcome::Existing(reason) => {
                self.existing += 1;
                dry_run.then_some(reason)
            }
            Outcome::Bad(reason) => {
                self.bad += 1;
                Some(reason)
            }
            Outcome::Blank => None,
        }
    }

    fn lines(&self) -> u64 {
        self.added + self.existing + self.bad
    }
}

fn report(output: &Output, counts: &Counts, dry_run: bool) -> Result<(), CommandError> {
    let Counts {
        added,
        existing,
        bad,
    } = counts;
    let done = if dry_run { "would add" } else { "added" };
    let record = Record::new(
        [added, existing, bad].map(ToString::to_string),
        json!({"added": added, "existing": existing, "bad": bad, "dry_run": dry_run}),
    );
    let sentence = format!("{done} {added}, already existing {existing}, bad lines {bad}");
    output.result(&sentence, &record)
}

/// Adds the user of a line, or finds out whether it would be added. An error means that later lines would fail
/// too.
async fn handle(
    store: &(impl UserDirectory + UserRepository),
    line: Line,
    dry_run: bool,
) -> Result<Outcome, CommandError> {
    match line.content {
        Content::User(user, email) if dry_run => {
            let found = store.find_by_email(&email).await?;
            Ok(found.map_or(Outcome::Added, |_| exists(&user)))
        }
        Content::User(user, _) => match store.add_user(&user).await {
            Ok(()) => Ok(Outcome::Added),
            Err(DirectoryError::AlreadyExists) => Ok(exists(&user)),
            Err(error @ DirectoryError::NotFound) => Ok(Outcome::Bad(error.to_string())),
            Err(DirectoryError::Repository(error)) => Err(error.into()),
        },
        Content::Repeated(earlier) => {
            let reason = format!("the address is already in line {earlier}");
            Ok(Outcome::Existing(reason))
        }
        Content::Bad(reason) => Ok(Outcome::Bad(reason)),
        Content::Blank => Ok(Outcome::Blank),
        Content::Unreadable(error) => Err(CommandError::io("the file cannot be read")(error)),
    }
}

fn exists(user: &StoredUser) -> Outcome {
    Outcome::Existing(format!("{} already exists", user.user.email))
}

#[cfg(test)]
mod tests {
    use std::{
        io::{self, BufRead, BufReader, Write},
        sync::mpsc,
        thread,
        time::{Duration, Instant},
    };

    use auth_core::{Email, InMemoryStore};

    use super::{line::tests::HASH, *};

    /// Two new users, one of them twice, and a bad line.
    fn text() -> String {
        format!(
            "{{\"email\":\"A@b.c\",\"password_hash\":\"{HASH}\",\"id\":\"7\",\"disabled\":true,\
             \"roles\":[{{\"name\":\"Admin\",\"permissions\":[\"read\"]}}]}}\n\n\
             {{\"email\":\"d@e.f\",\"password_hash\":\"{HASH}\"}}\nnot JSON\n\
             {{\"email\":\"a@B.C\",\"password_hash\":\"{HASH}\"}}\n"
        )
    }

    async fn import(store: &InMemoryStore, text: impl Into<Vec<u8>>, dry_run: bool) -> Counts {
        import_from(store, io::Cursor::new(text.into()), dry_run).await
    }

    async fn import_from(
        store: &InMemoryStore,
        reader: impl BufRead + Send + 'static,
        dry_run: bool,
    ) -> Counts {
        let source = Source::from_reader(reader, None);
        let mut counts = Counts::default();
        let progress = ProgressBar::hidden();
        read_all(store, source, dry_run, &mut counts, &progress)
            .await
            .unwrap();
        counts
    }

    async fn count(store: &InMemoryStore) -> usize {
        store.list_users(None).await.unwrap().users.len()
    }

    #[tokio::test]
    async fn good_lines_are_added_once_however_often_they_are_imported() {
        let store = InMemoryStore::default();
        for added in [2, 0] {
            let counts = import(&store, text(), false).await;
            assert_eq!(
                (counts.added, counts.existing, counts.bad),
                (added, 3 - added, 1)
            );
        }
        assert_eq!(count(&store).await, 2);
        let found = store.find_by_email(&Email::parse("a@b.c").unwrap()).await;
        let found = found.unwrap().unwrap();
        assert_eq!((found.id.as_str(), found.disabled), ("7", true));
        assert_eq!(found.permissions(), ["read"]);
    }

    #[tokio::test]
    async fn a_dry_run_counts_as_the_import_would_and_changes_nothing() {
        let store = InMemoryStore::default();
        let counts = import(&store, text(), true).await;
        assert_eq!((counts.added, counts.existing, counts.bad), (2, 1, 1));
        assert_eq!(count(&store).await, 0);
        import(&store, text(), false).await;
        let counts = import(&store, text(), true).await;
        assert_eq!((counts.added, counts.existing, counts.bad), (0, 3, 1));
    }

    #[tokio::test]
    async fn a_user_is_added_while_the_next_line_is_awaited() {
        const LIMIT: Duration = Duration::from_secs(5);
        let store = InMemoryStore::default();
        let (reader, mut writer) = io::pipe().unwrap();
        writer.write_all(text().as_bytes()).unwrap();
        let (end, ended) = mpsc::channel();
        // In a thread, so that an import that blocks this one ends, too.
        thread::spawn(move || {
            let _ = ended.recv_timeout(LIMIT);
            drop(writer);
        });
        let end_when_added = async {
            while count(&store).await < 2 {
                tokio::task::yield_now().await;
            }
            end.send(()).unwrap();
        };
        let begin = Instant::now();
        tokio::join!(
            import_from(&store, BufReader::new(reader), false),
            end_when_added
        );
        assert!(begin.elapsed() < LIMIT);
    }

    #[tokio::test]
    async fn bad_lines_have_their_own_exit_code() {
        let source = Source::from_reader(io::Cursor::new("x"), None);
        let store = InMemoryStore::default();
        let imported = run(&store, &Output::new(true), source, false).await;
        assert!(matches!(imported, Err(CommandError::BadLines(1))));
    }

    #[tokio::test]
    async fn a_line_that_is_not_utf_8_is_bad_and_the_next_one_is_added() {
        let store = InMemoryStore::default();
        let good = format!("{{\"email\":\"a@b.c\",\"password_hash\":\"{HASH}\"}}\n");
        let counts = import(&store, [b"\xff\n", good.as_bytes()].concat(), false).await;
        assert_eq!((counts.added, counts.bad), (1, 1));
    }
}
