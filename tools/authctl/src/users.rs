//! The commands about users.

use std::io::{self, IsTerminal, Write};

use auth_core::{StoredUser, User, UserChange, UserRepository, random_id};
use serde_json::json;

use crate::{
    cli::{Address, UserCommand},
    error::CommandError,
    import,
    output::{self, Output},
    password, roles,
    store::OperatorStore,
};

/// Runs a command. Everything that can be rejected without the store is rejected before the store is opened
/// and before the operator types anything.
pub(crate) async fn run<S: OperatorStore>(
    open: impl AsyncFnOnce() -> Result<S, CommandError>,
    output: &Output,
    command: &UserCommand,
) -> Result<(), CommandError> {
    match command {
        UserCommand::Add { email, roles } => {
            let user = new_user(email, roles)?;
            add(&open().await?, output, &user).await
        }
        UserCommand::Show { email } => output.user(&find(&open().await?, email).await?),
        UserCommand::List => list(&open().await?, output).await,
        UserCommand::Disable { email } => {
            change(&open().await?, output, email, UserChange::Disabled(true)).await
        }
        UserCommand::Enable { email } => {
            change(&open().await?, output, email, UserChange::Disabled(false)).await
        }
        UserCommand::Password { email } => {
            let hash = password::read_and_hash(email)?;
            change(&open().await?, output, email, UserChange::Password(hash)).await
        }
        UserCommand::Roles { email, roles, .. } => {
            let roles = roles::parse_all(roles)?;
            change(&open().await?, output, email, UserChange::Roles(roles)).await
        }
        UserCommand::Delete { email, yes } => {
            confirm_delete(email, *yes)?;
            delete(&open().await?, output, email).await
        }
        UserCommand::Import { path } => {
            let lines = import::open(path)?;
            import::run(&open().await?, output, lines).await
        }
    }
}

/// Finds the user of an address.
pub(crate) async fn find(
    store: &impl UserRepository,
    email: &Address,
) -> Result<User, CommandError> {
    let user = store.find_by_email(&email.key).await?;
    user.ok_or_else(|| CommandError::NotFound(email.typed.clone()))
}

/// Changes the user of an address.
pub(crate) async fn change(
    store: &impl OperatorStore,
    output: &Output,
    email: &Address,
    change: UserChange,
) -> Result<(), CommandError> {
    let done = match &change {
        UserChange::Disabled(true) => "disabled",
        UserChange::Disabled(false) => "enabled",
        UserChange::Password(_) => "set the password of",
        UserChange::Roles(_) => "set the roles of",
        UserChange::EndSessions => "ended all sessions of",
    };
    let changed = store.change_user(&email.key, change).await;
    let user = changed.map_err(|error| CommandError::for_user(&email.typed, error))?;
    output.change(done, &user)
}

/// Checks the roles, then asks for the password.
fn new_user(email: &Address, roles: &[String]) -> Result<StoredUser, CommandError> {
    let roles = roles::parse_all(roles)?;
    Ok(StoredUser {
        password_hash: password::read_and_hash(email)?,
        user: User {
            id: random_id().ok_or(CommandError::NoRandomness)?,
            email: email.typed.clone(),
            disabled: false,
            version: User::first_version().ok_or(CommandError::NoRandomness)?,
            roles,
        },
    })
}

async fn add(
    store: &impl OperatorStore,
    output: &Output,
    user: &StoredUser,
) -> Result<(), CommandError> {
    let added = store.add_user(user).await;
    added.map_err(|error| CommandError::for_user(&user.user.email, error))?;
    output.change("added", &user.user)
}

async fn list(store: &impl OperatorStore, output: &Output) -> Result<(), CommandError> {
    let progress = output::progress("users listed");
    let mut after = None;
    loop {
        let page = store.list_users(after).await?;
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

fn confirm_delete(email: &Address, yes: bool) -> Result<(), CommandError> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(CommandError::NoTerminal);
    }
    eprint!("Delete {} permanently? [y/N] ", email.typed);
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

async fn delete(
    store: &impl OperatorStore,
    output: &Output,
    email: &Address,
) -> Result<(), CommandError> {
    let deleted = store.delete_user(&email.key).await;
    deleted.map_err(|error| CommandError::for_user(&email.typed, error))?;
    let text = format!("deleted {}", email.typed);
    output.print(&text, &json!({"deleted": email.typed}))
}
