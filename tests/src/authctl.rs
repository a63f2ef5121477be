//! The operator's tool as a process.

use std::{
    io::Write,
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use crate::{
    app::KEYS,
    binaries,
    dynamodb::{self, DynamoDbLocal, TABLE},
};

/// The tool on the table of a server.
pub struct Tool {
    url: String,
    keys: Vec<(&'static str, &'static str)>,
}

impl Tool {
    /// The tool on the table of `server`.
    #[must_use]
    pub fn on(server: &DynamoDbLocal) -> Self {
        Self {
            url: server.url(),
            keys: Vec::new(),
        }
    }

    /// The same tool with the keys of the functions in its environment.
    #[must_use]
    pub fn with_keys(self) -> Self {
        let keys = KEYS.into();
        Self { keys, ..self }
    }

    /// Starts it with these arguments and this on its standard input.
    #[must_use]
    pub fn start(&self, arguments: &[&str], input: &str) -> Child {
        let mut process = Command::new(binaries::authctl())
            .args(["--table", TABLE])
            .args(arguments)
            .env_clear()
            .envs(dynamodb::environment(&self.url))
            .envs(self.keys.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("authctl starts");
        // One that refuses before it reads has closed its end.
        let _ = process
            .stdin
            .take()
            .expect("a pipe")
            .write_all(input.as_bytes());
        process
    }

    /// The exit code, standard output and standard error.
    #[must_use]
    pub fn run(&self, arguments: &[&str], input: &str) -> (i32, String, String) {
        let output = self
            .start(arguments, input)
            .wait_with_output()
            .expect("it ends");
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
        (
            output.status.code().expect("a code"),
            text(&output.stdout),
            text(&output.stderr),
        )
    }

    /// What it answers in JSON where it succeeds.
    #[must_use]
    pub fn json(&self, arguments: &[&str], input: &str) -> Value {
        let arguments = [&["--json"], arguments].concat();
        let (code, output, error) = self.run(&arguments, input);
        assert_eq!(code, 0, "{arguments:?}: {error}");
        serde_json::from_str(&output).expect("JSON")
    }
}
