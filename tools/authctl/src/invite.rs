//! The command that invites a user.

use auth_core::{Action, AskContent, Asked, Clock, HeldRepository, KeySet, Role};
use auth_mail::MailAddress;
use serde_json::json;

use crate::{
    attempts::attempts,
    cli::Address,
    error::CommandError,
    output::{self, Output, Record},
    store::OperatorStore,
    target::{Opened, Target},
};

/// Checks that an email can be sent to the address, and that its link has room for the roles.
pub(crate) fn check(email: &Address, roles: &[Role]) -> Result<(), CommandError> {
    MailAddress::parse_new(&email.typed).map_err(|_| CommandError::NoMail)?;
    let invited = Action::Invite {
        email: email.key.clone(),
        roles: roles.to_vec(),
    };
    invited
        .fits_link()
        .then_some(())
        .ok_or(CommandError::TooManyRoles)
}

/// Checks that a stack has self-service. Otherwise, nothing would send the email.
pub(crate) fn require_mailer(target: &Target) -> Result<(), CommandError> {
    if let Target::Stack(stack) = target {
        stack.ask_queue()?;
    }
    Ok(())
}

/// Asks for an email whose link adds a user with these roles. `keys` are those with which the functions name asks.
pub(crate) async fn run<S: OperatorStore>(
    Opened { store, target }: &Opened<S>,
    keys: KeySet,
    output: &Output,
    email: &Address,
    roles: Vec<Role>,
) -> Result<(), CommandError> {
    if store.find_by_email(&email.key).await?.is_some() {
        return Err(CommandError::AlreadyExists(email.typed.clone()));
    }
    check_held(store, email).await?;
    put(store, keys, email, roles).await?;
    if let Target::File(_) = target {
        output::warn("account writes the email when it handles its next POST or DELETE request");
    }
    let record = Record::new([email.typed.clone()], json!({"invited": email.typed}));
    output.result(&format!("invited {}", email.typed), &record)
}

/// Checks that an address that a user has left is free again.
pub(crate) async fn check_held(
    store: &impl HeldRepository,
    email: &Address,
) -> Result<(), CommandError> {
    let held = store.find_held(&email.key).await?;
    match held.filter(|held| !held.is_free_for(None, Clock::system().now())) {
        Some(held) => Err(CommandError::Held {
            email: email.typed.clone(),
            until: held.until,
        }),
        None => Ok(()),
    }
}

async fn put(
    store: &impl OperatorStore,
    keys: KeySet,
    email: &Address,
    roles: Vec<Role>,
) -> Result<(), CommandError> {
    let now = Clock::system().now();
    let mail = (email.key.clone(), AskContent::Invite { roles });
    let (asks, limits) = attempts(keys).prepare_asks([mail], None, now).await?;
    match store.put_asks(&asks, &limits, now).await? {
        Asked::Put => Ok(()),
        Asked::Throttled | Asked::NetworkFull(_) => {
            Err(CommandError::InvitedRecently(email.typed.clone()))
        }
    }
}
