//! Roles as they are typed: `Admin=create,read`.

use auth_core::{Role, is_scope_token};
use serde_json::json;

use crate::error::CommandError;

/// What the names and permissions of a user's roles may take together. A token with them has to fit
/// into a header.
const MAX_BYTES: usize = 4096;

/// The roles of a command line.
pub(crate) fn parse_all(texts: &[String]) -> Result<Vec<Role>, CommandError> {
    let parse = |text: &String| {
        let (name, permissions) = text.split_once('=').unwrap_or((text, ""));
        let permissions = permissions.split(',').filter(|one| !one.is_empty());
        role(name, permissions.map(str::to_owned).collect())
    };
    let roles = texts.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
    check_all(roles)
}

/// A role, if tokens can carry it.
pub(crate) fn role(name: &str, permissions: Vec<String>) -> Result<Role, CommandError> {
    let refused = |what| {
        let role = name.to_owned();
        Err(CommandError::Role { role, what })
    };
    if name.trim().is_empty() || name.contains(char::is_control) {
        return refused("it needs a name without control characters");
    }
    if !permissions.iter().all(|one| is_scope_token(one)) {
        return refused("a permission is visible ASCII without spaces, quotes and backslashes");
    }
    Ok(Role {
        id: name.to_owned(),
        name: name.to_owned(),
        description: String::new(),
        permissions,
    })
}

/// The roles of one user, if a token can carry them together.
pub(crate) fn check_all(roles: Vec<Role>) -> Result<Vec<Role>, CommandError> {
    let mut bytes = 0;
    for (i, role) in roles.iter().enumerate() {
        let refused = |what| {
            let role = role.name.clone();
            Err(CommandError::Role { role, what })
        };
        // As JSON has it, with quotes, escapes and a comma.
        bytes += json!(role.name).to_string().len() + 1;
        bytes += role
            .permissions
            .iter()
            .map(|one| one.len() + 1)
            .sum::<usize>();
        if bytes > MAX_BYTES {
            return refused("with the roles before it, it does not fit into a token");
        }
        if roles[..i].iter().any(|other| other.name == role.name) {
            return refused("it stands twice");
        }
    }
    Ok(roles)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(texts: &[&str]) -> Result<Vec<Role>, CommandError> {
        parse_all(&texts.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn a_role_has_a_name_and_any_number_of_permissions() {
        let roles = parse(&["Admin=create,read", "Guest", "Key Account="]).unwrap();
        assert_eq!(roles[0].permissions, ["create", "read"]);
        assert!(roles[1].permissions.is_empty() && roles[2].permissions.is_empty());
        assert_eq!(roles[2].name, "Key Account");
    }

    #[test]
    fn roles_that_no_token_can_carry_are_refused() {
        let long = format!("Admin={}", "x".repeat(MAX_BYTES));
        let quotes = "\"".repeat(MAX_BYTES / 2);
        for texts in [
            &["=read"][..],
            &["  "],
            &["Ad\nmin"],
            &["Admin=re ad"],
            &["Admin=l\u{e4}sen"],
            &["Admin=a\"b"],
            &["Admin", "Admin=read"],
            &[&long],
            &[&quotes],
        ] {
            assert!(parse(texts).is_err(), "{texts:?}");
        }
    }
}
