//! Users with password hashes from elsewhere, from a file of JSON lines.
//!
//! A line is added or it is not: each user is one conditional write, so a file can be imported again
//! from its beginning after whatever broke. What is told of a bad line repeats nothing of it but its
//! number, for a line holds a hash.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::Path,
};

use auth_core::{DirectoryError, PasswordHash, StoredUser, User, UserDirectory, random_id};
use futures_util::{StreamExt, stream};
use serde_json::{Map, Value, json};

use crate::{
    cli::parse_email,
    error::CommandError,
    output::{self, Output},
    roles,
    users::first_version,
};

/// Writes that are under way at once.
const AT_ONCE: usize = 16;

/// What an id may have: every token carries it.
const MAX_ID_BYTES: usize = 128;

/// The lines of a file, or of standard input.
pub(crate) type Lines = io::Lines<Box<dyn BufRead>>;

pub(crate) fn open(path: &Path) -> Result<Lines, CommandError> {
    if path == Path::new("-") {
        let input: Box<dyn BufRead> = Box::new(BufReader::new(io::stdin()));
        return Ok(input.lines());
    }
    let file = File::open(path).map_err(CommandError::io(path.display().to_string()))?;
    let input: Box<dyn BufRead> = Box::new(BufReader::new(file));
    Ok(input.lines())
}

/// What became of a line.
enum Outcome {
    Added,
    Existing,
    Bad(String),
    /// The file or the store failed: no line after it fares better.
    Failed(CommandError),
}

#[derive(Default)]
struct Counts {
    added: u64,
    existing: u64,
    bad: u64,
}

pub(crate) async fn import(
    users: &impl UserDirectory,
    output: &Output,
    lines: Lines,
) -> Result<(), CommandError> {
    let progress = output::progress("lines read");
    let mut counts = Counts::default();
    let numbered = (1_u64..).zip(lines).filter(|(_, line)| !is_blank(line));
    let mut outcomes = stream::iter(numbered)
        .map(|(number, line)| async move { (number, add_line(users, line).await) })
        .buffer_unordered(AT_ONCE);
    let mut failure = None;
    while let Some((number, outcome)) = outcomes.next().await {
        match outcome {
            Outcome::Added => counts.added += 1,
            Outcome::Existing => counts.existing += 1,
            Outcome::Bad(what) => {
                counts.bad += 1;
                progress.suspend(|| eprintln!("line {number}: {what}"));
            }
            Outcome::Failed(error) => {
                failure = Some(error);
                break;
            }
        }
        progress.inc(1);
        progress.set_message(format!("{} lines read", progress.position()));
    }
    progress.finish_and_clear();
    report(output, &counts)?;
    match failure {
        Some(error) => {
            eprintln!("authctl: import the file again: who was added stays, and nobody is doubled");
            Err(error)
        }
        None if counts.bad > 0 => Err(CommandError::BadLines(counts.bad)),
        None => Ok(()),
    }
}

fn report(output: &Output, counts: &Counts) -> Result<(), CommandError> {
    let Counts {
        added,
        existing,
        bad,
    } = counts;
    output.say(
        &format!("added {added}, there already {existing}, bad lines {bad}"),
        &json!({"added": added, "existing": existing, "bad": bad}),
    )
}

fn is_blank(line: &io::Result<String>) -> bool {
    line.as_ref().is_ok_and(|line| line.trim().is_empty())
}

async fn add_line(users: &impl UserDirectory, line: io::Result<String>) -> Outcome {
    let line = match line {
        Ok(line) => line,
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            return Outcome::Bad("not UTF-8".into());
        }
        Err(error) => return Outcome::Failed(CommandError::io("the file cannot be read")(error)),
    };
    let stored = match parse(&line) {
        Ok(stored) => stored,
        Err(what) => return Outcome::Bad(what),
    };
    match users.add(&stored).await {
        Ok(()) => Outcome::Added,
        Err(DirectoryError::AlreadyExists) => Outcome::Existing,
        Err(DirectoryError::NotFound) => Outcome::Bad("the store knows no such user".into()),
        Err(DirectoryError::Repository(error)) => Outcome::Failed(error.into()),
    }
}

fn parse(line: &str) -> Result<StoredUser, String> {
    let value: Value = serde_json::from_str(line)
        .map_err(|error| format!("not JSON, from column {} on", error.column()))?;
    let Value::Object(mut members) = value else {
        return Err("not a JSON object".into());
    };
    let email = required(&mut members, "email")?;
    let email = parse_email(&email).map_err(|what| format!("email {what}"))?;
    let hash = required(&mut members, "password_hash")?;
    let hash = PasswordHash::parse(&hash).map_err(|what| format!("password_hash: {what}"))?;
    let id = match text(&mut members, "id")? {
        Some(id) if id.is_empty() => return Err("id is empty".into()),
        Some(id) if id.len() > MAX_ID_BYTES || id.contains(char::is_control) => {
            return Err(format!(
                "id has more than {MAX_ID_BYTES} bytes, or control characters"
            ));
        }
        Some(id) => id,
        None => random_id().ok_or("no randomness was to be had")?,
    };
    let disabled = match members.remove("disabled") {
        None => false,
        Some(Value::Bool(disabled)) => disabled,
        Some(_) => return Err("disabled is neither true nor false".into()),
    };
    let roles = match members.remove("roles") {
        None => Vec::new(),
        Some(Value::Array(roles)) => roles.into_iter().map(role).collect::<Result<_, _>>()?,
        Some(_) => return Err("roles is no list".into()),
    };
    let roles = roles::check_all(roles).map_err(|error| error.to_string())?;
    no_more(&members)?;
    Ok(StoredUser {
        user: User {
            id,
            email: email.typed,
            disabled,
            version: first_version(),
            roles,
        },
        password_hash: hash,
    })
}

fn role(value: Value) -> Result<auth_core::Role, String> {
    let Value::Object(mut members) = value else {
        return Err("a role is no object".into());
    };
    let name = required(&mut members, "name")?;
    let permissions = match members.remove("permissions") {
        None => Some(Vec::new()),
        Some(Value::Array(all)) => all
            .into_iter()
            .map(|one| one.as_str().map(str::to_owned))
            .collect(),
        Some(_) => None,
    };
    let permissions = permissions.ok_or("the permissions of a role are no list of strings")?;
    no_more(&members)?;
    roles::role(&name, permissions).map_err(|error| error.to_string())
}

fn required(members: &mut Map<String, Value>, name: &str) -> Result<String, String> {
    text(members, name)?.ok_or_else(|| format!("{name} is missing"))
}

fn text(members: &mut Map<String, Value>, name: &str) -> Result<Option<String>, String> {
    match members.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("{name} is no string")),
    }
}

/// A misspelt member must not be lost in silence.
fn no_more(members: &Map<String, Value>) -> Result<(), String> {
    if members.is_empty() {
        Ok(())
    } else {
        Err("a member that is not known here stands in it".into())
    }
}

#[cfg(test)]
mod tests {
    use auth_core::{Email, InMemoryUserRepository, UserRepository};

    use super::*;

    const HASH: &str = "$2b$10$gV8eQ.uFSGIvWZKHKTRteuHxJ3IJ.ApQ5v8.gbz3eUnvM4O59uMTm";

    #[tokio::test]
    async fn good_lines_are_added_once_however_often_they_are_imported() {
        let users = InMemoryUserRepository::default();
        let text = format!(
            "{{\"email\":\"A@b.c\",\"password_hash\":\"{HASH}\",\"id\":\"7\",\"disabled\":true,\
             \"roles\":[{{\"name\":\"Admin\",\"permissions\":[\"read\"]}}]}}\n\n\
             {{\"email\":\"d@e.f\",\"password_hash\":\"{HASH}\"}}\nnot JSON\n\
             {{\"email\":\"a@B.C\",\"password_hash\":\"{HASH}\"}}\n"
        );
        for _ in 0..2 {
            let input: Box<dyn BufRead> = Box::new(io::Cursor::new(text.clone()));
            let imported = import(&users, &Output::new(true), input.lines()).await;
            assert!(matches!(imported, Err(CommandError::BadLines(1))));
        }
        assert_eq!(users.page(None).await.unwrap().users.len(), 2);
        let found = users.find_by_email(&Email::parse("a@b.c").unwrap()).await;
        let found = found.unwrap().unwrap();
        assert_eq!((found.id.as_str(), found.disabled), ("7", true));
        assert_eq!(found.permissions(), ["read"]);
    }

    #[test]
    fn bad_lines_are_told_without_what_stands_in_them() {
        for (line, what) in [
            ("{", "not JSON, from column 1 on"),
            ("[]", "not a JSON object"),
            ("{}", "email is missing"),
            (
                r#"{"email":"hunter2","password_hash":"x"}"#,
                "email is no email address",
            ),
            (r#"{"email":"a@b.c"}"#, "password_hash is missing"),
            (
                r#"{"email":"a@b.c","password_hash":7}"#,
                "password_hash is no string",
            ),
            (
                r#"{"email":"a@b.c","password_hash":"hunter2"}"#,
                "neither a PHC string",
            ),
            (
                r#"{"email":"a@b.c","password_hash":"HASH","id":""}"#,
                "id is empty",
            ),
            (
                r#"{"email":"a@b.c","password_hash":"HASH","disabled":"hunter2"}"#,
                "disabled is neither",
            ),
            (
                r#"{"email":"a@b.c","password_hash":"HASH","roles":{}}"#,
                "roles is no list",
            ),
            (
                r#"{"email":"a@b.c","password_hash":"HASH","roles":[{"name":"A","permissions":["a b"]}]}"#,
                "role A is refused",
            ),
            (
                r#"{"email":"a@b.c","password_hash":"HASH","pasword":"hunter2"}"#,
                "not known here",
            ),
        ] {
            let error = parse(&line.replace("HASH", HASH)).unwrap_err();
            assert!(error.contains(what), "{line}: {error}");
            assert!(
                !error.contains("hunter2") && !error.contains("$2b$"),
                "{error}"
            );
        }
    }
}
