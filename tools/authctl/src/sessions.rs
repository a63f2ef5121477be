//! The commands about the sessions of a user.

use auth_core::{Clock, Session, SessionDirectory, UserChange, UserDirectory, UserRepository};
use serde_json::json;

use crate::{
    cli::Address,
    error::CommandError,
    output::{Output, time},
};

pub(crate) async fn list(
    users: &impl UserRepository,
    sessions: &impl SessionDirectory,
    output: &Output,
    email: &Address,
) -> Result<(), CommandError> {
    let found = users.find_by_email(&email.key).await?;
    let user = found.ok_or_else(|| CommandError::NotFound(email.typed.clone()))?;
    let mut live = sessions.of_user(&email.key).await?;
    let now = Clock::system().now();
    live.retain(|session| !user.disabled && session.is_live(now) && session.belongs_to(&user));
    live.sort_by_key(|session| std::cmp::Reverse(session.rotated_at));
    live.iter().try_for_each(|session| show(output, session))
}

fn show(output: &Output, session: &Session) -> Result<(), CommandError> {
    let Session {
        id,
        generation,
        created_at,
        rotated_at,
        idle_expires_at,
        expires_at,
        ..
    } = session;
    output.say(
        &format!(
            "{id}\tbegan {}\trefreshed {generation} times, last {}\tends {}",
            time(*created_at),
            time(*rotated_at),
            time(*idle_expires_at),
        ),
        &json!({
            "id": id.to_string(), "generation": generation, "created_at": created_at,
            "rotated_at": rotated_at, "idle_expires_at": idle_expires_at, "expires_at": expires_at,
        }),
    )
}

pub(crate) async fn revoke(
    users: &impl UserDirectory,
    output: &Output,
    email: &Address,
) -> Result<(), CommandError> {
    let changed = users.change(&email.key, UserChange::EndSessions).await;
    let user = changed.map_err(|error| CommandError::of(&email.typed, error))?;
    output.done("ended all sessions of", &user)
}
