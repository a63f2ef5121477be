//! What must not compile, with the compiler's message. After an upgrade of Rust or axum, `TRYBUILD=overwrite` writes
//! the new messages; read them before you keep them.

#[test]
fn code_without_a_guard_does_not_compile() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/compile/*.rs");
}
