//! Roles as they are typed: `Admin=create,read`.

use auth_core::{Role, is_scope_token};
use serde_json::json;

use crate::error::CommandError;

/// The maximum size in bytes of the names and permissions of a user's roles together. A token with them
/// has to fit into a header.
const MAX_BYTES: usize = 4096;

/// Parses the roles of a command line.
pub(crate) fn parse_all(texts: &[String]) -> Result<Vec<Role>, CommandError> {
    let parse = |text: &String| {
        let (name, permissions) = text.split_once('=').unwrap_or((text, ""));
        let permissions = permissions.split(',').filter(|one| !one.is_empty());
        new_role(name, permissions.map(str::to_owned).collect())
    };
    check_together(texts.iter().map(parse).collect::<Result<_, _>>()?)
}

/// Creates a role, if tokens can contain it.
pub(crate) fn new_role(name: &str, permissions: Vec<String>) -> Result<Role, CommandError> {
    if name.trim().is_empty() || name.contains(char::is_control) {
        return Err(rejected(name, "it needs a name without control characters"));
    }
    if !permissions.iter().all(|one| is_scope_token(one)) {
        return Err(rejected(
            name,
            "a permission must be visible ASCII without spaces, double quotes and backslashes",
        ));
    }
    Ok(Role {
        id: name.to_owned(),
        name: name.to_owned(),
        description: String::new(),
        permissions,
    })
}

/// Checks that the roles of one user fit into a token together.
pub(crate) fn check_together(roles: Vec<Role>) -> Result<Vec<Role>, CommandError> {
    let mut bytes = 0;
    for (i, role) in roles.iter().enumerate() {
        bytes += size_in_token(role);
        if bytes > MAX_BYTES {
            return Err(rejected(
                &role.name,
                "together with the roles before it, it does not fit into a token",
            ));
        }
        if roles[..i].iter().any(|other| other.name == role.name) {
            return Err(rejected(&role.name, "it is named twice"));
        }
    }
    Ok(roles)
}

/// Returns the size of a role in bytes: its name as JSON with a comma, and its permissions with a space
/// each.
fn size_in_token(role: &Role) -> usize {
    let permissions = role.permissions.iter().map(|one| one.len() + 1);
    json!(role.name).to_string().len() + 1 + permissions.sum::<usize>()
}

fn rejected(name: &str, reason: &'static str) -> CommandError {
    let role = name.to_owned();
    CommandError::Role { role, reason }
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
    fn roles_that_no_token_can_carry_are_rejected() {
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
