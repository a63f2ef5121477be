//! The Rust programs to measure: builds them and copies them, as Lambda unpacks a zip.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use bundle_tests::{process::release, project};

/// Paths of the copies.
pub(crate) struct Programs {
    pub(crate) bare: PathBuf,
    pub(crate) get_item: PathBuf,
    pub(crate) authorizer: PathBuf,
    pub(crate) me: PathBuf,
    pub(crate) login: PathBuf,
    /// An earlier build of `me`, which the variable `FORMER_ME` names.
    pub(crate) former_me: Option<PathBuf>,
}

impl Programs {
    /// Builds the programs and copies them to `folder`.
    pub(crate) fn build(folder: &Path) -> Self {
        let copy = |program: PathBuf, name| unpack(&program, folder.join(name));
        let former_me = env::var_os("FORMER_ME").filter(|path| !path.is_empty());
        Self {
            bare: copy(build_peer("peer-bare"), "bare"),
            get_item: copy(build_peer("peer-get-item"), "get-item"),
            authorizer: copy(release("authorizer"), "authorizer"),
            me: copy(release("me"), "me"),
            login: copy(release("login"), "login"),
            former_me: former_me.map(|path| copy(path.into(), "former-me")),
        }
    }
}

/// Copies a program, because the page cache holds a freshly linked file in different pieces.
fn unpack(program: &Path, copy: PathBuf) -> PathBuf {
    if let Err(error) = fs::copy(program, &copy) {
        panic!("{}: {error}", program.display());
    }
    copy
}

/// Builds a peer like a function and returns its path. Each peer is built separately, because Cargo would
/// otherwise enable the features of one in the others.
fn build_peer(package: &str) -> PathBuf {
    let built = Command::new(env!("CARGO"))
        .args(["build", "--release", "--locked", "--package", package])
        .arg("--target-dir")
        .arg(project::target())
        .current_dir(project::root())
        .status();
    assert!(
        built.expect("cargo runs").success(),
        "{package} does not build"
    );
    project::target().join("release").join(package)
}
