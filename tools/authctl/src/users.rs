//! The commands about users.

use auth_aws::Aws;
use auth_core::{Clock, Role, StoredUser, User, UserChange, UserRepository, random_id};
use serde_json::json;

use crate::{
    attempts,
    cli::{Address, UserCommand},
    confirm,
    error::CommandError,
    export, function_keys, import, invite,
    output::{self, Output, Record, USER_HEADERS, user_record},
    password, roles,
    store::{Lookup, OperatorStore},
    target::Opened,
};

/// Runs a command. Rejects what it can before it opens the store, and what only the store can reject before the
/// operator types anything.
pub(crate) async fn run<S: OperatorStore>(
    open: impl AsyncFnOnce() -> Result<Opened<S>, CommandError>,
    aws: &Aws,
    lookup: Lookup<'_>,
    output: &Output,
    command: &UserCommand,
) -> Result<(), CommandError> {
    match command {
        UserCommand::Add { email, roles } => {
            let roles = roles::parse_all(roles)?;
            add(&open().await?, output, email, roles).await
        }
        UserCommand::Invite { email, roles } => {
            let roles = roles::parse_all(roles)?;
            invite::check(email, &roles)?;
            let opened = open().await?;
            invite::require_mailer(&opened.target)?;
            let keys = function_keys::counter_keys(&opened.target, aws, lookup).await?;
            invite::run(&opened, keys, output, email, roles).await
        }
        UserCommand::Unlock { email } => {
            let opened = open().await?;
            let keys = function_keys::counter_keys(&opened.target, aws, lookup).await?;
            attempts::clear(&opened.store, keys, output, email).await
        }
        UserCommand::Show { email } => show(output, &find(&open().await?.store, email).await?),
        UserCommand::List => list(&open().await?.store, output).await,
        UserCommand::Disable { email } => {
            let change_to = UserChange::Disabled(true);
            change(&open().await?.store, output, email, change_to).await
        }
        UserCommand::Enable { email } => {
            let change_to = UserChange::Disabled(false);
            change(&open().await?.store, output, email, change_to).await
        }
        UserCommand::Password { email } => set_password(&open().await?, output, email).await,
        UserCommand::Roles { email, roles, .. } => {
            let change_to = UserChange::Roles(roles::parse_all(roles)?);
            change(&open().await?.store, output, email, change_to).await
        }
        UserCommand::Delete { email, yes: true } => {
            delete(&open().await?.store, output, email).await
        }
        UserCommand::Delete { email, yes: false } => confirm_and_delete(open, output, email).await,
        UserCommand::Import { path, dry_run } => {
            let source = import::open(path)?;
            import::run(&open().await?.store, output, source, *dry_run).await
        }
        UserCommand::Export => export::run(&open().await?.store).await,
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

/// Sets a password. Asks for it only if the user exists.
async fn set_password<S: OperatorStore>(
    Opened { store, target }: &Opened<S>,
    output: &Output,
    email: &Address,
) -> Result<(), CommandError> {
    find(store, email).await?;
    let hash = password::read_and_hash(email, target).await?;
    change(store, output, email, UserChange::Password(hash)).await
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
    report(output, done, &user)
}

/// Reports what was done to a user.
fn report(output: &Output, done: &str, user: &User) -> Result<(), CommandError> {
    let sentence = format!("{done} {}, id {}", user.email, user.id);
    output.result(&sentence, &user_record(user))
}

/// Adds a user. Asks for the password only if the address has no user yet.
async fn add<S: OperatorStore>(
    Opened { store, target }: &Opened<S>,
    output: &Output,
    email: &Address,
    roles: Vec<Role>,
) -> Result<(), CommandError> {
    if store.find_by_email(&email.key).await?.is_some() {
        return Err(CommandError::AlreadyExists(email.typed.clone()));
    }
    invite::check_held(store, email).await?;
    let user = StoredUser {
        password_hash: password::read_and_hash(email, target).await?,
        user: User {
            id: random_id().ok_or(CommandError::NoRandomness)?,
            email: email.typed.clone(),
            disabled: false,
            version: User::first_version().ok_or(CommandError::NoRandomness)?,
            roles,
        },
    };
    let added = store.add_user(&user).await;
    added.map_err(|error| CommandError::for_user(&email.typed, error))?;
    report(output, "added", &user.user)
}

fn show(output: &Output, user: &User) -> Result<(), CommandError> {
    let mut list = output.list(USER_HEADERS);
    list.add(&user_record(user))?;
    list.print_table()
}

async fn list(store: &impl OperatorStore, output: &Output) -> Result<(), CommandError> {
    let progress = output::progress("users listed");
    let (mut list, mut after) = (output.list(USER_HEADERS), None);
    loop {
        let page = match store.list_users(after).await {
            Ok(page) => page,
            Err(error) => {
                progress.finish_and_clear();
                list.print_table()?;
                return Err(error.into());
            }
        };
        let mut users = page.users.iter();
        progress.suspend(|| users.try_for_each(|user| list.add(&user_record(user))))?;
        progress.inc(page.users.len() as u64);
        progress.set_message(format!("{} users listed", progress.position()));
        after = page.next;
        if after.is_none() {
            progress.finish_and_clear();
            return list.finish("there are no users");
        }
    }
}

/// Deletes a user after a confirmation. Asks for it only if the user exists.
async fn confirm_and_delete<S: OperatorStore>(
    open: impl AsyncFnOnce() -> Result<Opened<S>, CommandError>,
    output: &Output,
    email: &Address,
) -> Result<(), CommandError> {
    confirm::require_terminal()?;
    let Opened { store, target } = open().await?;
    find(&store, email).await?;
    let target = target.describe().await;
    confirm::ask(&format!(
        "Delete {} from {target} permanently?",
        email.typed
    ))?;
    delete(&store, output, email).await
}

async fn delete(
    store: &impl OperatorStore,
    output: &Output,
    email: &Address,
) -> Result<(), CommandError> {
    let deleted = store.delete_user(&email.key, Clock::system().now()).await;
    deleted.map_err(|error| CommandError::for_user(&email.typed, error))?;
    let record = Record::new([email.typed.clone()], json!({"deleted": email.typed}));
    output.result(&format!("deleted {}", email.typed), &record)
}
