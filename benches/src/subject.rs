//! What is measured: programs with their environment and the event that they answer.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use bundle_tests::{app::ENVIRONMENT, binaries, dynamodb, events, forge, project};
use serde_json::json;

/// A program that serves the Lambda Runtime API.
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
    /// Where it runs: others load their code from there.
    pub(crate) folder: PathBuf,
    pub(crate) variables: Vec<(String, String)>,
    pub(crate) event: String,
    /// Whether the program is all that a deployment packs.
    pub(crate) is_whole: bool,
    /// Whether it asks DynamoDB Local, without a delay.
    pub(crate) is_near_table: bool,
}

/// What the subjects use.
pub(crate) struct Services<'a> {
    /// `DynamoDB` Local.
    pub(crate) table: &'a str,
    /// The same behind a delay.
    pub(crate) far_table: &'a str,
    /// Secrets Manager.
    pub(crate) secrets: &'a str,
    /// Where programs are put before they start, as Lambda unpacks them.
    pub(crate) folder: &'a Path,
}

pub(crate) const BARE: &str = "bare lambda_http";
pub(crate) const GET_ITEM: &str = "GetItem with the SDK";
pub(crate) const ME_MEMORY: &str = "me, memory";
pub(crate) const ME: &str = "me, DynamoDB";
pub(crate) const LOGIN_MEMORY: &str = "login, memory";
pub(crate) const LOGIN: &str = "login, DynamoDB";
pub(crate) const GET_ITEM_FAR: &str = "GetItem with the SDK, 5 ms further";
pub(crate) const LOGIN_FAR: &str = "login, DynamoDB 5 ms further";
pub(crate) const FASTAPI: &str = "FastAPI, me";
pub(crate) const NODE: &str = "Node.js, me";

/// What the stand-in for Secrets Manager serves: the key that signed the token of the events.
pub(crate) fn secret() -> String {
    json!({"kty": "oct", "alg": "HS256", "k": forge::b64(forge::SECRET)}).to_string()
}

/// Everything that is compared, in the order of the report.
pub(crate) fn all(services: &Services) -> Vec<Subject> {
    let memory = owned(&ENVIRONMENT);
    let near = deployed(services.table, services.secrets);
    let far = deployed(services.far_table, services.secrets);
    let me = events::object("me_success").to_string();
    let login = events::object("login_success").to_string();
    let rust = |name, program: PathBuf, variables: &[(String, String)], event: &str| Subject {
        name,
        program: unpacked(&program, services.folder),
        arguments: Vec::new(),
        folder: services.folder.to_owned(),
        variables: variables.to_vec(),
        event: event.to_owned(),
        is_whole: true,
        is_near_table: variables == near,
    };
    let other = |name, program: &str, arguments: &[&str], folder: &str, event: &str| Subject {
        name,
        program: program.into(),
        arguments: arguments.iter().map(ToString::to_string).collect(),
        folder: project::root().join("benches/peers").join(folder),
        variables: memory.clone(),
        event: event.to_owned(),
        is_whole: false,
        is_near_table: false,
    };
    let python = project::root().join(".tools/bench-venv/bin/python");
    let python = python.to_str().expect("UTF-8");
    let handler = ["-m", "awslambdaric", "app.handler"];
    let release = binaries::release;
    vec![
        rust(BARE, peer("peer-bare"), &[], &me),
        rust(ME_MEMORY, release("me"), &memory, &me),
        rust(LOGIN_MEMORY, release("login"), &memory, &login),
        rust(GET_ITEM, peer("peer-get-item"), &near, &me),
        rust(ME, release("me"), &near, &me),
        rust(LOGIN, release("login"), &near, &login),
        rust(GET_ITEM_FAR, peer("peer-get-item"), &far, &me),
        rust(LOGIN_FAR, release("login"), &far, &login),
        other(FASTAPI, python, &handler, "fastapi", &me),
        other("FastAPI, login", python, &handler, "fastapi", &login),
        other(NODE, "node", &["main.mjs"], "node", &me),
        other("Node.js, login", "node", &["main.mjs"], "node", &login),
    ]
}

/// The environment of a deployed function.
fn deployed(table: &str, secrets: &str) -> Vec<(String, String)> {
    let variables = [
        dynamodb::environment(table),
        vec![
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", secrets),
            ("JWT_KEYS_SECRET_ID", "JwtKeys"),
            ("SESSION_KEY_SECRET_ID", "SessionKeys"),
        ],
    ];
    owned(&variables.concat())
}

/// A copy of a program: one that was just linked lies in the page cache in other pieces.
fn unpacked(program: &Path, folder: &Path) -> PathBuf {
    let copy = folder.join(program.file_name().expect("a file"));
    fs::copy(program, &copy).expect("a copy");
    copy
}

fn owned(variables: &[(&str, &str)]) -> Vec<(String, String)> {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    variables.iter().map(own).collect()
}

/// A peer, built like a function: each by itself, because features of one would reach the others.
fn peer(package: &str) -> PathBuf {
    let built = Command::new(env!("CARGO"))
        .args(["build", "--target-dir", "target", "--release", "--locked"])
        .args(["--package", package])
        .current_dir(project::root())
        .status();
    assert!(
        built.expect("cargo runs").success(),
        "{package} does not build"
    );
    project::root().join("target/release").join(package)
}
