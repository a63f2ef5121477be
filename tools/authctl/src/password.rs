//! Passwords: typed or piped, never an argument; long enough, and none of the common ones
//! (NIST SP 800-63B-4 section 3.1.1.2).

use std::io::{self, BufRead, IsTerminal};

use auth_core::{Password, PasswordHash, PasswordHasher};
use zxcvbn::feedback::Warning;

use crate::{cli::Address, error::CommandError};

const MIN_CHARS: usize = 8;

/// What NIST asks of a password that is the only factor.
const ADVISED_CHARS: usize = 15;

/// Reads a new password for a user and hashes it.
pub(crate) fn read_and_hash(email: &Address) -> Result<PasswordHash, CommandError> {
    let typed = read()?;
    check(&typed, email).map_err(CommandError::Password)?;
    if typed.chars().count() < ADVISED_CHARS {
        eprintln!("authctl: {ADVISED_CHARS} characters or more are advised");
    }
    let refused = |error: auth_core::PasswordTooLong| CommandError::Password(error.to_string());
    let password = Password::parse(&typed).map_err(refused)?;
    Ok(PasswordHasher::new().hash(&password)?)
}

/// Asks at a terminal, twice; takes the first line of standard input elsewhere.
fn read() -> Result<String, CommandError> {
    let failed = || CommandError::io("the password cannot be read");
    if !io::stdin().is_terminal() {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).map_err(failed())?;
        let line = line.strip_suffix('\n').unwrap_or(&line);
        return Ok(line.strip_suffix('\r').unwrap_or(line).to_owned());
    }
    let typed = rpassword::prompt_password("Password: ").map_err(failed())?;
    let again = rpassword::prompt_password("Again: ").map_err(failed())?;
    if typed != again {
        return Err(CommandError::Password("the two differ".into()));
    }
    Ok(typed)
}

fn check(password: &str, email: &Address) -> Result<(), String> {
    if password.chars().count() < MIN_CHARS {
        return Err(format!("it has less than {MIN_CHARS} characters"));
    }
    if password.eq_ignore_ascii_case(&email.typed) {
        return Err("it is the address".into());
    }
    let estimate = zxcvbn::zxcvbn(password, &[]);
    let warning = estimate
        .feedback()
        .and_then(zxcvbn::feedback::Feedback::warning);
    match warning {
        Some(
            Warning::ThisIsATop10Password
            | Warning::ThisIsATop100Password
            | Warning::ThisIsACommonPassword
            | Warning::ThisIsSimilarToACommonlyUsedPassword,
        ) => Err("it is one of the most common passwords, or like one".into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::parse_email;

    fn is_taken(password: &str) -> bool {
        check(password, &parse_email("jane@example.com").unwrap()).is_ok()
    }

    #[test]
    fn common_short_and_obvious_passwords_are_refused() {
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
            assert!(!is_taken(password), "{password}");
        }
    }

    #[test]
    fn others_are_taken_whatever_they_are_made_of() {
        for password in [
            "k8#vQ2!z",
            "correct horse battery staple",
            "gr\u{fc}ne \u{c4}pfel am Baum",
        ] {
            assert!(is_taken(password), "{password}");
        }
        assert!(is_taken(&"long ".repeat(200)));
    }
}
