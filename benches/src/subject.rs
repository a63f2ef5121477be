//! The programs to measure, each with its environment and the event it responds to.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use bundle_tests::{
    app::ENVIRONMENT,
    dynamodb::Table,
    events,
    process::{now, release},
    project,
    store::TemporaryFileStore,
};
use serde_json::json;

/// A program that runs on the Lambda Runtime API.
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
    /// Working directory. Peers in other languages load their code from it.
    pub(crate) folder: PathBuf,
    pub(crate) variables: Vec<(String, String)>,
    pub(crate) event: String,
    /// Whether a deployment contains only the program.
    pub(crate) is_whole: bool,
    /// Whether it calls DynamoDB Local without a delay.
    pub(crate) is_near_table: bool,
}

/// What the subjects depend on.
pub(crate) struct Services<'a> {
    /// The table with the user.
    pub(crate) table: &'a Table,
    /// The same table behind a delay.
    pub(crate) far_table: &'a Table,
    /// A file with the user and the session of the events' token.
    pub(crate) file: &'a TemporaryFileStore,
    /// URL of the stand-in for Secrets Manager.
    pub(crate) secrets: &'a str,
    /// Directory that programs are copied to before they start, as Lambda unpacks a zip.
    pub(crate) folder: &'a Path,
}

pub(crate) const BARE: &str = "bare lambda_http";
pub(crate) const GET_ITEM: &str = "GetItem with the SDK";
pub(crate) const ME_FILE: &str = "me, file";
pub(crate) const ME: &str = "me, DynamoDB";
pub(crate) const LOGIN_MEMORY: &str = "login, memory";
pub(crate) const LOGIN: &str = "login, DynamoDB";
pub(crate) const GET_ITEM_FAR: &str = "GetItem with the SDK, 5 ms further away";
pub(crate) const LOGIN_FAR: &str = "login, DynamoDB 5 ms further away";
pub(crate) const FASTAPI: &str = "FastAPI, me";
pub(crate) const NODE: &str = "Node.js, me";

/// Returns the secret that the stand-in for Secrets Manager serves. Functions refuse the published one there.
pub(crate) fn secret() -> String {
    let kid = forge::kid_of(forge::SECRET);
    json!({"kty": "oct", "kid": kid, "alg": "HS256", "k": forge::b64(key())}).to_string()
}

fn key() -> Vec<u8> {
    forge::hmac_sha256(forge::SECRET.as_bytes(), b"unpublished")
}

/// Returns the event of `me` with a token that is signed with the secret.
fn me_deployed() -> String {
    let token = forge::token(now(), &json!({}), &json!({}));
    let (message, _) = token.rsplit_once('.').expect("a token");
    let tag = forge::hmac_sha256(&key(), message.as_bytes());
    events::me(&format!("{message}.{}", forge::b64(tag)))
}

/// Returns all subjects, in the order of the report.
pub(crate) fn all(services: &Services) -> Vec<Subject> {
    let memory = owned(&ENVIRONMENT);
    let file = owned(&services.file.environment());
    let near = deployed(services.table, services.secrets);
    let far = deployed(services.far_table, services.secrets);
    let me = events::object("me_success").to_string();
    let login = events::object("login_success").to_string();
    let rust = |name, program: PathBuf, variables: &[(String, String)], event: &str| Subject {
        name,
        program: unpack(&program, services.folder),
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
    let python = project::python_of_peers();
    let python = python.to_str().expect("UTF-8");
    let handler = ["-m", "awslambdaric", "app.handler"];
    vec![
        rust(BARE, build_peer("peer-bare"), &[], &me),
        rust(ME_FILE, release("me"), &file, &me),
        rust(LOGIN_MEMORY, release("login"), &memory, &login),
        rust(GET_ITEM, build_peer("peer-get-item"), &near, &me),
        rust(ME, release("me"), &near, &me_deployed()),
        rust(LOGIN, release("login"), &near, &login),
        rust(GET_ITEM_FAR, build_peer("peer-get-item"), &far, &me),
        rust(LOGIN_FAR, release("login"), &far, &login),
        other(FASTAPI, python, &handler, "fastapi", &me),
        other("FastAPI, login", python, &handler, "fastapi", &login),
        other(NODE, "node", &["main.mjs"], "node", &me),
        other("Node.js, login", "node", &["main.mjs"], "node", &login),
    ]
}

/// Returns the environment of a deployed function.
fn deployed(table: &Table, secrets: &str) -> Vec<(String, String)> {
    let variables = [
        table.environment(),
        vec![
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", secrets),
            ("JWT_KEYS_SECRET_ID", "JwtKeys"),
            ("SESSION_KEY_SECRET_ID", "SessionKeys"),
            ("COUNTER_KEY_SECRET_ID", "CounterKeys"),
        ],
    ];
    owned(&variables.concat())
}

/// Copies a program, because the page cache holds a freshly linked file in different pieces.
fn unpack(program: &Path, folder: &Path) -> PathBuf {
    let copy = folder.join(program.file_name().expect("a file"));
    fs::copy(program, &copy).expect("a copy");
    copy
}

fn owned(variables: &[(&str, &str)]) -> Vec<(String, String)> {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    variables.iter().map(own).collect()
}

/// Builds a peer like a function and returns its path. Each peer is built separately, because Cargo would
/// otherwise enable the features of one in the others.
fn build_peer(package: &str) -> PathBuf {
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
