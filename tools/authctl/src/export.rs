//! Exports users with their password hashes, in the format that an import reads.

use std::io::{self, IsTerminal};

use auth_core::{CredentialDirectory, Role, StoredUser};
use serde_json::{Value, json};

use crate::{error::CommandError, output};

/// Prints all users, page by page. Each page is read strongly consistently.
pub(crate) async fn run(store: &impl CredentialDirectory) -> Result<(), CommandError> {
    if io::stdout().is_terminal() {
        eprintln!(
            "authctl: warning: the lines below contain password hashes; redirect them into a file that only \
             you can read"
        );
    }
    let progress = output::progress("users exported");
    let (mut after, mut count) = (None, 0);
    loop {
        let page = store.list_credentials(after).await?;
        let mut lines = page.users.iter().map(|user| output::json_line(&line(user)));
        progress.suspend(|| lines.try_for_each(|line| output::print(&line)))?;
        count += page.users.len();
        progress.set_message(format!("{count} users exported"));
        after = page.next;
        if after.is_none() {
            progress.finish_and_clear();
            if count == 0 {
                eprintln!("authctl: there are no users");
            }
            return Ok(());
        }
    }
}

/// Returns everything that an import restores. It gives the user a new version, so sessions do not come back.
fn line(stored: &StoredUser) -> Value {
    let user = &stored.user;
    json!({
        "email": user.email,
        "id": user.id,
        "disabled": user.disabled,
        "roles": user.roles.iter().map(role).collect::<Vec<_>>(),
        "password_hash": stored.password_hash.expose(),
    })
}

fn role(role: &Role) -> Value {
    json!({
        "name": role.name,
        "id": role.id,
        "description": role.description,
        "permissions": role.permissions,
    })
}

#[cfg(test)]
mod tests {
    use auth_core::InMemoryStore;

    use super::*;
    use crate::import::parse_line;

    #[tokio::test]
    async fn an_exported_user_is_imported_as_it_was() {
        let store = InMemoryStore::with_tutorial_user();
        let john = store.list_credentials(None).await.unwrap().users.remove(0);
        let imported = parse_line(&line(&john).to_string()).unwrap();
        assert_eq!(imported.password_hash, john.password_hash);
        assert_ne!(imported.user.version, john.user.version);
        let version = john.user.version;
        assert_eq!(
            auth_core::User {
                version,
                ..imported.user
            },
            john.user
        );
    }
}
