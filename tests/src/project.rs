//! Files of the project, and its tools.

use std::{
    env,
    path::{Path, PathBuf},
};

use serde_json::Value;

/// Returns the root of the project.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Returns the folder that Cargo builds into: `CARGO_TARGET_DIR`, relative to the root, or `target`.
#[must_use]
pub fn target() -> PathBuf {
    let folder = env::var_os("CARGO_TARGET_DIR").filter(|folder| !folder.is_empty());
    root().join(folder.unwrap_or_else(|| "target".into()))
}

/// Returns the text of a file of the project.
#[must_use]
pub fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Parses a YAML file of the project. `CloudFormation`'s short forms (`!Ref X`) become their argument.
#[must_use]
pub fn yaml(path: &str) -> Value {
    serde_saphyr::from_str(&read(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Returns the `cargo lambda` that `make` installed, or the one on the `PATH`.
#[must_use]
pub fn cargo_lambda() -> PathBuf {
    let installed = root().join(".tools/bin/cargo-lambda");
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    std::iter::once(installed)
        .chain(std::env::split_paths(&on_path).map(|folder| folder.join("cargo-lambda")))
        .find(|tool| tool.is_file())
        .unwrap_or_else(|| panic!("cargo-lambda is not installed: run `make tools`"))
}

/// Returns the Python with the packages of benches/peers/fastapi that `make test` installed.
///
/// # Panics
///
/// If it is not installed.
#[must_use]
pub fn python_of_peers() -> PathBuf {
    let python = root().join(".tools/bench-venv/bin/python");
    assert!(
        python.is_file(),
        "FastAPI is not installed: `make test` installs it"
    );
    python
}
