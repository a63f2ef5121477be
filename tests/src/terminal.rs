//! A program on a pseudo-terminal, as a person uses it. `script` from util-linux provides the terminal.

use std::{
    io::{Read, Write},
    process::{Child, Command, Stdio},
};

/// How long a program may run before it is killed, in seconds.
const LIMIT: &str = "120";

/// A running program, and what it has written so far.
pub struct Terminal {
    script: Child,
    screen: String,
}

impl Terminal {
    /// Starts a program with its arguments and its environment.
    ///
    /// # Panics
    ///
    /// If a word contains a single quote.
    #[must_use]
    pub fn start<'a>(
        words: impl IntoIterator<Item = &'a str>,
        environment: &[(String, String)],
    ) -> Self {
        let quoted = words.into_iter().map(|word| {
            assert!(!word.contains('\''), "{word}");
            format!("'{word}'")
        });
        let script = Command::new("timeout")
            .args(["--foreground", LIMIT, "script", "-qefc"])
            .args([&quoted.collect::<Vec<_>>().join(" "), "/dev/null"])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("TERM", "xterm")
            .envs(environment.iter().cloned())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("timeout and script are on the PATH");
        Self {
            script,
            screen: String::new(),
        }
    }

    /// Waits until the screen contains a text.
    ///
    /// # Panics
    ///
    /// If the program ends first.
    pub fn wait_for(&mut self, text: &str) {
        let mut buffer = [0; 1024];
        while !self.screen.contains(text) {
            let output = self.script.stdout.as_mut().expect("a pipe");
            let length = output.read(&mut buffer).expect("a screen");
            assert!(length > 0, "no {text:?} in {:?}", self.screen);
            self.screen += &String::from_utf8_lossy(&buffer[..length]);
        }
    }

    /// Types a line.
    pub fn type_line(&mut self, line: &str) {
        let input = self.script.stdin.as_mut().expect("a pipe");
        writeln!(input, "{line}").expect("the program reads");
        input.flush().expect("the program reads");
    }

    /// Waits until the program ends. Returns its exit code and everything that was on the screen.
    #[must_use]
    pub fn finish(mut self) -> (i32, String) {
        let output = self.script.stdout.as_mut().expect("a pipe");
        let mut rest = Vec::new();
        output.read_to_end(&mut rest).expect("a screen");
        self.screen += &String::from_utf8_lossy(&rest);
        let status = self.script.wait().expect("it ends");
        (status.code().expect("a code"), self.screen)
    }
}
