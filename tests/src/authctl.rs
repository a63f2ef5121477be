//! The operator's tool as a process.

use std::{
    io::Write,
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use crate::{app::KEYS, dynamodb::Table, process, terminal::Terminal};

/// The tool on a table or on a file.
pub struct Tool {
    options: Vec<String>,
    environment: Vec<(String, String)>,
}

impl Tool {
    /// Returns the tool on a table.
    #[must_use]
    pub fn on(table: &Table) -> Self {
        let environment = table.environment().into_iter();
        Self {
            options: vec!["--table".into(), table.name().into()],
            environment: environment
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        }
    }

    /// Returns the tool on a file.
    #[must_use]
    pub fn on_file(path: &str) -> Self {
        Self {
            options: vec!["--file".into(), path.into()],
            environment: Vec::new(),
        }
    }

    /// Adds the keys of the functions to its environment.
    #[must_use]
    pub fn with_keys(mut self) -> Self {
        let keys = KEYS.map(|(name, value)| (name.to_owned(), value.to_owned()));
        self.environment.extend(keys);
        self
    }

    /// Returns the tool with these options and this environment.
    #[must_use]
    pub fn with(options: &[&str], environment: &[(&str, &str)]) -> Self {
        Self {
            options: options.iter().map(ToString::to_string).collect(),
            environment: Vec::new(),
        }
        .and(environment)
    }

    /// Adds variables to its environment.
    #[must_use]
    pub fn and(mut self, environment: &[(&str, &str)]) -> Self {
        let added = environment.iter();
        self.environment
            .extend(added.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self
    }

    /// Starts the tool on a terminal.
    #[must_use]
    pub fn start_on_terminal(&self, arguments: &[&str]) -> Terminal {
        let tool = process::authctl();
        let tool = tool.to_str().expect("UTF-8");
        let options = self.options.iter().map(String::as_str);
        let words = [tool]
            .into_iter()
            .chain(options)
            .chain(arguments.iter().copied());
        Terminal::start(words, &self.environment)
    }

    /// Starts the tool with these arguments and this standard input.
    #[must_use]
    pub fn start(&self, arguments: &[&str], input: &str) -> Child {
        let mut process = Command::new(process::authctl())
            .args(&self.options)
            .args(arguments)
            .env_clear()
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("authctl starts");
        // If the tool fails before it reads, it has already closed its end.
        let _ = process
            .stdin
            .take()
            .expect("a pipe")
            .write_all(input.as_bytes());
        process
    }

    /// Runs the tool and returns its exit code, standard output and standard error.
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

    /// Runs the tool, checks that it succeeds, and returns its standard output.
    #[must_use]
    pub fn text(&self, arguments: &[&str], input: &str) -> String {
        let (code, output, error) = self.run(arguments, input);
        assert_eq!(code, 0, "{arguments:?}: {error}");
        output
    }

    /// Runs the tool, checks that it succeeds, and returns its JSON output: one value for each line.
    #[must_use]
    pub fn json_lines(&self, arguments: &[&str]) -> Vec<Value> {
        let output = self.text(&[&["--json"], arguments].concat(), "");
        let lines = output.lines().map(serde_json::from_str);
        lines.collect::<Result<_, _>>().expect("JSON")
    }

    /// Runs the tool, checks that it succeeds, and returns its JSON output: one value.
    #[must_use]
    pub fn json(&self, arguments: &[&str], input: &str) -> Value {
        let output = self.text(&[&["--json"], arguments].concat(), input);
        serde_json::from_str(&output).expect("JSON")
    }

    /// Runs the tool and checks that it succeeds.
    pub fn succeed(&self, arguments: &[&str], input: &str) {
        let _ = self.text(arguments, input);
    }
}
