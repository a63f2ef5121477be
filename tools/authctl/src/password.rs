//! Passwords: typed or piped, never an argument; long enough, and not a common one
//! (NIST SP 800-63B-4 section 3.1.1.2).

use std::io::{self, BufRead, IsTerminal};

use auth_core::{Password, PasswordHash, PasswordHasher};
use zxcvbn::feedback::{Feedback, Warning};

use crate::{cli::Address, error::CommandError, output::escape, target::Target};

const MIN_CHARS: usize = 8;

/// What NIST recommends for a password that is the only factor.
const RECOMMENDED_CHARS: usize = 15;

/// Reads a user's new password and hashes it. The prompt names the user and `target`.
pub(crate) async fn read_and_hash(
    email: &Address,
    target: &Target,
) -> Result<PasswordHash, CommandError> {
    let typed = if io::stdin().is_terminal() {
        ask(email, &target.describe().await)?
    } else {
        read_line()?
    };
    check(&typed, email).map_err(CommandError::Password)?;
    if typed.chars().count() < RECOMMENDED_CHARS {
        eprintln!("authctl: {RECOMMENDED_CHARS} characters or more are recommended");
    }
    Ok(PasswordHasher::new().hash(&Password::parse(&typed)?)?)
}

/// Reads the first line of standard input.
fn read_line() -> Result<String, CommandError> {
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    read.map_err(CommandError::io("the password cannot be read"))?;
    let line = line.strip_suffix('\n').unwrap_or(&line);
    Ok(line.strip_suffix('\r').unwrap_or(line).to_owned())
}

/// Asks twice.
fn ask(email: &Address, target: &str) -> Result<String, CommandError> {
    let failed = || CommandError::io("the password cannot be read");
    let prompt = format!("New password of {} in {target}: ", email.typed);
    let typed = rpassword::prompt_password(escape(&prompt)).map_err(failed())?;
    let again = rpassword::prompt_password("Again: ").map_err(failed())?;
    if typed != again {
        return Err(CommandError::Password("the two entries differ".into()));
    }
    Ok(typed)
}

fn check(password: &str, email: &Address) -> Result<(), String> {
    if password.chars().count() < MIN_CHARS {
        return Err(format!("it has fewer than {MIN_CHARS} characters"));
    }
    if password.eq_ignore_ascii_case(&email.typed) {
        return Err("it is the email address".into());
    }
    if is_common(password) {
        return Err("it is one of the most common passwords, or similar to one".into());
    }
    Ok(())
}

/// Returns whether a list of common passwords contains the password or a similar one.
fn is_common(password: &str) -> bool {
    let estimate = zxcvbn::zxcvbn(password, &[]);
    matches!(
        estimate.feedback().and_then(Feedback::warning),
        Some(
            Warning::ThisIsATop10Password
                | Warning::ThisIsATop100Password
                | Warning::ThisIsACommonPassword
                | Warning::ThisIsSimilarToACommonlyUsedPassword
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::parse_email;

    fn is_accepted(password: &str) -> bool {
        check(password, &parse_email("jane@example.com").unwrap()).is_ok()
    }

    #[test]
    fn common_short_and_obvious_passwords_are_rejected() {
        for password in [
            "",
            "k8#vQ2!",
            "changeme",
            "password",
            "12345678",
            "password1",
            "iloveyou",
            "P@ssw0rd",
            "qwertyuiop",
            "Jane@example.com",
        ] {
            assert!(!is_accepted(password), "{password}");
        }
    }

    #[test]
    fn other_passwords_are_accepted_whatever_their_characters() {
        for password in [
            "k8#vQ2!z",
            "correct horse battery staple",
            "gr\u{fc}ne \u{c4}pfel am Baum",
        ] {
            assert!(is_accepted(password), "{password}");
        }
        assert!(is_accepted(&"long ".repeat(200)));
    }
}
