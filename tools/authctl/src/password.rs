//! Passwords: typed or piped, never an argument; the policy is that of the functions.

use std::{
    env::{self, VarError},
    io::{self, BufRead, IsTerminal},
};

use auth_aws::Stack;
use auth_core::{Password, PasswordHash, PasswordHasher, PasswordPolicy, SettingsReader};
use auth_mail::read_app_name;

use crate::{cli::Address, error::CommandError, output::escape, target::Target};

/// Reads a user's new password and hashes it. The prompt names the user and `target`.
pub(crate) async fn read_and_hash(
    email: &Address,
    target: &Target,
) -> Result<PasswordHash, CommandError> {
    let policy = policy(target)?;
    let typed = if io::stdin().is_terminal() {
        ask(email, &target.describe().await)?
    } else {
        read_line()?
    };
    let password = Password::parse(&typed)?;
    let checked = policy.check(&password, email.key.as_str());
    checked.map_err(|refusal| CommandError::Password(refusal.to_string()))?;
    let advised = PasswordPolicy::ADVISED_CHARS;
    if typed.chars().count() < advised {
        eprintln!("authctl: {advised} characters or more are recommended");
    }
    Ok(PasswordHasher::new().hash(&password)?)
}

/// Returns the policy of the functions: that of a stack, or else that of the environment.
fn policy(target: &Target) -> Result<PasswordPolicy, CommandError> {
    let lookup = |name: &str| match (target, name) {
        (Target::Stack(stack), "APP_NAME") => find(stack, "AppName"),
        (Target::Stack(stack), "PASSWORD_MIN_LENGTH") => find(stack, "PasswordMinLength"),
        _ => env::var(name),
    };
    let mut reader = SettingsReader::new([], &lookup);
    let app_name = read_app_name(&mut reader);
    let policy = PasswordPolicy::read(&mut reader, app_name.as_deref().unwrap_or_default());
    Ok(reader.finish(policy)?)
}

fn find(stack: &Stack, parameter: &str) -> Result<String, VarError> {
    let value = stack.parameter(parameter).map(str::to_owned);
    value.ok_or(VarError::NotPresent)
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
