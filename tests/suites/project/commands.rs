//! The `make` targets that documents, `.ci/run` and GitHub Actions name exist, and both run the same checks.

use std::collections::BTreeSet;

use bundle_tests::project;

use crate::markdown::Document;

/// Only GitHub Actions runs this one, which downloads a database.
const ONLY_ON_GITHUB: &str = "advisories";

/// Only `.ci/run` runs this one, before targets that it would otherwise install things for twice at the same time.
const ONLY_IN_CI_RUN: &str = "e2e-tools";

fn targets() -> BTreeSet<String> {
    let makefile = project::read("Makefile");
    let rules = makefile.lines().filter_map(|line| line.split_once(':'));
    let names = rules.filter(|(name, _)| name.chars().all(is_of_target));
    names.map(|(name, _)| name.to_owned()).collect()
}

fn is_of_target(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'
}

/// Returns the targets of the `make` commands that follow one of `starts`.
fn made(text: &str, starts: &[&str]) -> BTreeSet<String> {
    let commands = starts.iter().flat_map(|start| text.split(start).skip(1));
    let names = commands.map(|rest| {
        let end = rest.find(|c| !is_of_target(c)).unwrap_or(rest.len());
        rest[..end].to_owned()
    });
    names.collect()
}

#[test]
fn the_targets_that_documents_name_exist() {
    let targets = targets();
    let mut named = BTreeSet::new();
    for document in Document::all() {
        let made = made(&project::read(&document.path), &["`make ", "$ make "]);
        let unknown: Vec<_> = made.difference(&targets).collect();
        assert!(unknown.is_empty(), "{}: {unknown:?}", document.path);
        named.extend(made);
    }
    for target in ["run", "test", "lint", "deploy"] {
        assert!(named.contains(target), "no document names {target}");
    }
}

#[test]
fn github_actions_runs_what_the_checks_run() {
    let mut checks = made(
        &project::read(".ci/run"),
        &["\nmake ", ")) make ", "='' make "],
    );
    assert!(checks.is_subset(&targets()), "{checks:?}");
    assert!(checks.remove(ONLY_IN_CI_RUN), "{checks:?}");
    let workflow = project::yaml(".github/workflows/ci.yml");
    let jobs = workflow["jobs"].as_object().unwrap().values();
    let steps = jobs.flat_map(|job| job["steps"].as_array().unwrap());
    let commands = steps.filter_map(|step| step["run"].as_str());
    let mut made: BTreeSet<String> = commands.flat_map(|run| made(run, &["make "])).collect();
    assert!(made.remove(ONLY_ON_GITHUB), "{made:?}");
    assert_eq!(made, checks);
}
