//! The commands about one user, and the list of all.

use std::io::{self, IsTerminal, Write};

use auth_core::{
    Clock, PasswordHash, Role, StoredUser, User, UserChange, UserDirectory, UserRepository,
    random_id,
};
use serde_json::json;

use crate::{
    cli::Address,
    error::CommandError,
    output::{self, Output},
    password, roles,
};

/// A user to be added, with an id of its own.
pub(crate) fn new_user(email: &Address, roles: &[String]) -> Result<(Address, User), CommandError> {
    let user = User {
        id: random_id().ok_or(CommandError::NoRandomness)?,
        email: email.typed.clone(),
        disabled: false,
        version: first_version(),
        roles: roles::parse_all(roles)?,
    };
    Ok((email.clone(), user))
}

/// The version of a user who is added: one that no former user of the address and id had, whose tokens
/// would otherwise be good again.
pub(crate) fn first_version() -> u64 {
    Clock::system().now()
}

/// Asks for the password of a user to be added.
pub(crate) fn with_password((email, user): (Address, User)) -> Result<StoredUser, CommandError> {
    Ok(StoredUser {
        password_hash: password::read_and_hash(&email)?,
        user,
    })
}

pub(crate) async fn add(
    users: &impl UserDirectory,
    output: &Output,
    stored: &StoredUser,
) -> Result<(), CommandError> {
    let added = users.add(stored).await;
    added.map_err(|error| CommandError::of(&stored.user.email, error))?;
    output.done("added", &stored.user)
}

pub(crate) async fn show(
    users: &impl UserRepository,
    output: &Output,
    email: &Address,
) -> Result<(), CommandError> {
    let found = users.find_by_email(&email.key).await?;
    let user = found.ok_or_else(|| CommandError::NotFound(email.typed.clone()))?;
    output.user(&user)
}

pub(crate) async fn list(users: &impl UserDirectory, output: &Output) -> Result<(), CommandError> {
    let progress = output::progress("users listed");
    let mut after = None;
    loop {
        let page = users.page(after).await?;
        progress.suspend(|| page.users.iter().try_for_each(|user| output.user(user)))?;
        progress.inc(page.users.len() as u64);
        progress.set_message(format!("{} users listed", progress.position()));
        after = page.next;
        if after.is_none() {
            progress.finish_and_clear();
            return Ok(());
        }
    }
}

pub(crate) async fn set_disabled(
    users: &impl UserDirectory,
    output: &Output,
    email: &Address,
    disabled: bool,
) -> Result<(), CommandError> {
    let done = if disabled { "disabled" } else { "enabled" };
    change(users, output, email, UserChange::Disabled(disabled), done).await
}

pub(crate) async fn set_password(
    users: &impl UserDirectory,
    output: &Output,
    email: &Address,
    hash: PasswordHash,
) -> Result<(), CommandError> {
    let done = "set the password of";
    change(users, output, email, UserChange::Password(hash), done).await
}

pub(crate) async fn set_roles(
    users: &impl UserDirectory,
    output: &Output,
    email: &Address,
    roles: Vec<Role>,
) -> Result<(), CommandError> {
    let done = "set the roles of";
    change(users, output, email, UserChange::Roles(roles), done).await
}

async fn change(
    users: &impl UserDirectory,
    output: &Output,
    email: &Address,
    change: UserChange,
    done: &str,
) -> Result<(), CommandError> {
    let changed = users.change(&email.key, change).await;
    let user = changed.map_err(|error| CommandError::of(&email.typed, error))?;
    output.done(done, &user)
}

/// Asks whether a user is really to be deleted.
pub(crate) fn confirm_delete(email: &Address, yes: bool) -> Result<(), CommandError> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(CommandError::NobodyToAsk);
    }
    eprint!("Delete {} for good? [y/N] ", email.typed);
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

pub(crate) async fn delete(
    users: &impl UserDirectory,
    output: &Output,
    email: &Address,
) -> Result<(), CommandError> {
    let deleted = users.delete(&email.key).await;
    deleted.map_err(|error| CommandError::of(&email.typed, error))?;
    let text = format!("deleted {}", email.typed);
    output.say(&text, &json!({"deleted": email.typed}))
}
