//! What must not compile, with the compiler's message. After an upgrade of Rust or axum, `TRYBUILD=overwrite` writes
//! the new messages; read them before you keep them.

use std::{
    env,
    process::{Command, Stdio},
};

const NAME: &str = "compile::code_without_a_guard_does_not_compile";

/// trybuild compiles the dependencies, then adds a flag, so Cargo would compile them again. The flags in this variable
/// replace trybuild's, and are the same both times.
const VARIABLE: &str = "CARGO_ENCODED_RUSTFLAGS";
const FLAGS: &str = "--cfg\x1ftrybuild\x1f--verbose\x1f-A\x1fdead_code\x1f--diagnostic-width=140";

#[test]
fn code_without_a_guard_does_not_compile() {
    if env::var(VARIABLE).as_deref() == Ok(FLAGS) {
        return trybuild::TestCases::new().compile_fail("tests/compile/*.rs");
    }
    let mut child = Command::new(env::current_exe().unwrap());
    child.args(["--exact", NAME]).env(VARIABLE, FLAGS);
    let output = child.stderr(Stdio::inherit()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("1 passed"), "{text}");
}
