//! The messages of the functions' log events, read from the sources.

use std::{collections::BTreeSet, fs, path::Path};

use bundle_tests::project;

const MACROS: [&str; 3] = ["info!(", "warn!(", "error!("];

/// The lines of local work, which never appear in Lambda.
const LOCAL_LINES: &str = "auth-lambda/src/log/local.rs";

/// Returns the messages that the functions and their crates log in Lambda.
pub(crate) fn of_functions() -> BTreeSet<String> {
    let mut messages = BTreeSet::new();
    for folder in ["functions", "shared"] {
        find_in(&project::root().join(folder), &mut messages);
    }
    messages
}

fn find_in(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_test = path.file_stem() == Some("tests".as_ref());
        if is_test || path.ends_with(LOCAL_LINES) {
            continue;
        }
        if path.is_dir() {
            find_in(&path, found);
        } else if path.extension() == Some("rs".as_ref()) {
            let source = fs::read_to_string(&path).unwrap();
            let messages = messages(&source);
            found.extend(messages.unwrap_or_else(|call| panic!("{}: {call}", path.display())));
        }
    }
}

/// Returns the messages of a source without its tests.
///
/// # Errors
///
/// The rest of the source, from the first event whose last argument is not a literal.
fn messages(source: &str) -> Result<Vec<String>, String> {
    let lines = without_tests(source).lines();
    let lines = lines.filter(|line| !line.trim_start().starts_with("//"));
    let code: Vec<&str> = lines.collect();
    let code = code.join("\n");
    let calls = MACROS.iter().flat_map(|name| code.split(name).skip(1));
    // `compile_error!` also ends with `error!`, but no source uses it.
    let messages = calls.map(|call| message(call).ok_or_else(|| call.to_owned()));
    messages.collect()
}

/// Returns a source up to its tests. Tests in another file end nothing.
fn without_tests(source: &str) -> &str {
    let mut starts = source.match_indices("#[cfg(test)]");
    let is_block = |start: usize| {
        let item = source[start..].lines().nth(1);
        item.is_some_and(|line| line.contains('{'))
    };
    let end = starts.find(|(start, _)| is_block(*start));
    end.map_or(source, |(start, _)| &source[..start])
}

/// Returns the literal that ends the arguments of a call: the last one before the parenthesis that closes it.
fn message(call: &str) -> Option<String> {
    let (mut depth, mut literal, mut rest) = (1, None, call);
    loop {
        let next = rest.find(['(', ')', '"'])?;
        let (before, after) = rest.split_at(next);
        // Only a comma may follow the message.
        if before.chars().any(|c| !c.is_whitespace() && c != ',') {
            literal = None;
        }
        rest = &after[1..];
        match after.as_bytes()[0] {
            b'(' => (depth, literal) = (depth + 1, None),
            b')' if depth == 1 => return literal,
            b')' => (depth, literal) = (depth - 1, None),
            _ => {
                let (text, after) = rest.split_once('"')?;
                literal = Some(text.to_owned());
                rest = after;
            }
        }
    }
}

#[test]
fn the_message_is_the_last_literal_of_an_event() {
    let source = r#"
        // info!("a comment");
        #[cfg(test)]
        mod other_file;
        tracing::info!(cause = error.cause(), "one");
        warn!(
            text = format("x"),
            "two (2)",
        );
        #[cfg(test)]
        mod tests { error!("three"); }
    "#;
    assert_eq!(messages(source).unwrap(), ["one", "two (2)"]);
}

#[test]
fn an_event_without_a_literal_at_its_end_is_an_error() {
    for source in [
        "info!(\"x\", y);",
        "warn!(cause);",
        "error!(\"x\".to_owned());",
    ] {
        assert!(messages(source).is_err(), "{source}");
    }
}
