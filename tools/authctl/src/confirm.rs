//! Confirmations, which only a person at a terminal can give.

use std::io::{self, IsTerminal, Write};

use crate::{error::CommandError, output::escape};

/// Fails if there is no terminal to ask on.
pub(crate) fn require_terminal() -> Result<(), CommandError> {
    if io::stdin().is_terminal() && io::stderr().is_terminal() {
        Ok(())
    } else {
        Err(CommandError::NoTerminal)
    }
}

/// Asks a question. Fails unless the answer is `y`.
pub(crate) fn ask(question: &str) -> Result<(), CommandError> {
    eprint!("{} [y/N] ", escape(question));
    let mut answer = String::new();
    io::stderr()
        .flush()
        .and_then(|()| io::stdin().read_line(&mut answer))
        .map_err(CommandError::io("the answer cannot be read"))?;
    if answer.trim().eq_ignore_ascii_case("y") {
        Ok(())
    } else {
        Err(CommandError::NotConfirmed)
    }
}
