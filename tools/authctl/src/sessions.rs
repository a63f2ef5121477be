//! The commands about the sessions of a user.

use std::cmp::Reverse;

use auth_aws::rfc3339;
use auth_core::{Clock, Session, SessionId, UserChange};
use serde_json::json;

use crate::{
    cli::{Address, SessionCommand},
    error::CommandError,
    output::{Output, Record},
    store::OperatorStore,
    users,
};

/// The headers of [`record`].
const HEADERS: &[&str] = &["ID", "BEGAN", "REFRESHED", "TIMES", "ENDS"];

/// Runs a command.
pub(crate) async fn run(
    store: &impl OperatorStore,
    output: &Output,
    command: &SessionCommand,
) -> Result<(), CommandError> {
    match command {
        SessionCommand::List { email } => list(store, output, email).await,
        SessionCommand::Revoke {
            email,
            session: None,
        } => users::change(store, output, email, UserChange::EndSessions).await,
        SessionCommand::Revoke {
            email,
            session: Some(id),
        } => revoke(store, output, email, id).await,
    }
}

async fn list(
    store: &impl OperatorStore,
    output: &Output,
    email: &Address,
) -> Result<(), CommandError> {
    let user = users::find(store, email).await?;
    let mut live = store.list_sessions(&user.id, usize::MAX).await?;
    let now = Clock::system().now();
    live.retain(|session| !user.disabled && session.is_live(now) && session.belongs_to(&user));
    live.sort_by_key(|session| Reverse(session.rotated_at));
    let mut list = output.list(HEADERS);
    live.iter()
        .try_for_each(|session| list.add(&record(session)))?;
    list.finish(&format!("{} has no live sessions", email.typed))
}

/// Ends one session of a user. A session of another user is not found, so a mistyped address changes nothing.
async fn revoke(
    store: &impl OperatorStore,
    output: &Output,
    email: &Address,
    id: &SessionId,
) -> Result<(), CommandError> {
    let user = users::find(store, email).await?;
    let found = store.find_session(id).await?;
    let session = found.filter(|session| session.user_id == user.id);
    if session.is_none() {
        let (email, id) = (email.typed.clone(), id.clone());
        return Err(CommandError::NoSession { email, id });
    }
    store.revoke_session(id).await?;
    let sentence = format!("ended session {id} of {}", email.typed);
    let record = Record::new([id.to_string()], json!({"ended": id.as_str()}));
    output.result(&sentence, &record)
}

fn record(session: &Session) -> Record {
    let fields = [
        session.id.to_string(),
        rfc3339(session.created_at),
        rfc3339(session.rotated_at),
        session.generation.to_string(),
        rfc3339(session.idle_expires_at),
    ];
    let json = json!({
        "id": session.id.to_string(),
        "generation": session.generation,
        "created_at": session.created_at,
        "rotated_at": session.rotated_at,
        "idle_expires_at": session.idle_expires_at,
        "expires_at": session.absolute_expires_at,
    });
    Record::new(fields, json)
}
