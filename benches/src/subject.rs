//! What is measured: programs with their environment and the event that they answer.

use std::{path::PathBuf, process::Command};

use bundle_tests::{app::ENVIRONMENT, binaries, dynamodb, events, project};

/// A program that serves the Lambda Runtime API.
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
    /// Where it runs: others load their code from there.
    pub(crate) folder: PathBuf,
    pub(crate) variables: Vec<(String, String)>,
    pub(crate) event: String,
}

/// Everything that is compared, in the order of the report.
pub(crate) fn all(url: &str) -> Vec<Subject> {
    let memory = owned(&ENVIRONMENT);
    let dynamo = owned(&dynamodb::environment_with_keys(url));
    let me = events::object("me_success").to_string();
    let login = events::object("login_success").to_string();
    let rust = |name, program: PathBuf, variables: &[(String, String)], event: &str| Subject {
        name,
        program,
        arguments: Vec::new(),
        folder: project::root(),
        variables: variables.to_vec(),
        event: event.to_owned(),
    };
    let other = |name, program: &str, arguments: &[&str], folder: &str| Subject {
        name,
        program: program.into(),
        arguments: arguments.iter().map(ToString::to_string).collect(),
        folder: project::root().join("benches/peers").join(folder),
        variables: memory.clone(),
        event: me.clone(),
    };
    let python = project::root().join(".tools/bench-venv/bin/python");
    let python = python.to_str().expect("UTF-8").to_owned();
    vec![
        rust("bare lambda_http", peer("peer-bare"), &[], &me),
        rust("me, memory", binaries::release("me"), &memory, &me),
        rust("login, memory", binaries::release("login"), &memory, &login),
        rust("GetItem with the SDK", peer("peer-get-item"), &dynamo, &me),
        rust("me, DynamoDB", binaries::release("me"), &dynamo, &me),
        rust(
            "login, DynamoDB",
            binaries::release("login"),
            &dynamo,
            &login,
        ),
        other(
            "FastAPI",
            &python,
            &["-m", "awslambdaric", "app.handler"],
            "fastapi",
        ),
        other("Node.js", "node", &["main.mjs"], "node"),
    ]
}

fn owned(variables: &[(&str, &str)]) -> Vec<(String, String)> {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    variables.iter().map(own).collect()
}

/// A peer, built like a function: each by itself, because features of one would reach the others.
fn peer(package: &str) -> PathBuf {
    let built = Command::new(env!("CARGO"))
        .args(["build", "--release", "--locked", "--package", package])
        .current_dir(project::root())
        .status();
    assert!(
        built.expect("cargo runs").success(),
        "{package} does not build"
    );
    project::root().join("target/release").join(package)
}
