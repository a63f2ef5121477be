//! Parses a line of an import. Errors do not repeat any of its contents.

use auth_core::{PasswordHash, Role, StoredUser, User, random_id};
use serde_json::{Map, Value};

use crate::{cli::parse_email, error::CommandError, roles};

/// The maximum length of an id: every token contains its user's id.
const MAX_ID_BYTES: usize = 128;

/// The maximum length of the description of a role.
const MAX_DESCRIPTION_BYTES: usize = 1024;

type Members = Map<String, Value>;

/// Parses the user of a line.
pub(crate) fn parse(line: &str) -> Result<StoredUser, String> {
    let value: Value = serde_json::from_str(line)
        .map_err(|error| format!("not JSON, from column {} on", error.column()))?;
    let Value::Object(mut members) = value else {
        return Err("not a JSON object".into());
    };
    let email = required(&mut members, "email")?;
    let email = parse_email(&email).map_err(|reason| format!("email {reason}"))?;
    let hash = required(&mut members, "password_hash")?;
    let stored = StoredUser {
        password_hash: PasswordHash::parse(&hash)
            .map_err(|reason| format!("password_hash: {reason}"))?,
        user: User {
            id: id(&mut members)?,
            email: email.typed,
            disabled: disabled(&mut members)?,
            version: User::first_version().ok_or_else(no_randomness)?,
            roles: roles(&mut members)?,
        },
    };
    reject_others(&members)?;
    Ok(stored)
}

fn id(members: &mut Members) -> Result<String, String> {
    match optional_id(members)? {
        Some(id) => Ok(id),
        None => random_id().ok_or_else(no_randomness),
    }
}

fn optional_id(members: &mut Members) -> Result<Option<String>, String> {
    match text(members, "id")? {
        Some(id) if id.is_empty() => Err("id is empty".into()),
        Some(id) if id.len() > MAX_ID_BYTES || id.contains(char::is_control) => Err(format!(
            "id is longer than {MAX_ID_BYTES} bytes or has control characters"
        )),
        id => Ok(id),
    }
}

fn no_randomness() -> String {
    CommandError::NoRandomness.to_string()
}

fn disabled(members: &mut Members) -> Result<bool, String> {
    match members.remove("disabled") {
        None => Ok(false),
        Some(Value::Bool(disabled)) => Ok(disabled),
        Some(_) => Err("disabled is neither true nor false".into()),
    }
}

fn roles(members: &mut Members) -> Result<Vec<Role>, String> {
    let roles = match members.remove("roles") {
        None => Vec::new(),
        Some(Value::Array(roles)) => roles.into_iter().map(role).collect::<Result<_, _>>()?,
        Some(_) => return Err("roles is not a list".into()),
    };
    roles::check_together(roles).map_err(without_name)
}

/// Returns why a role is rejected, without its name.
fn without_name(error: CommandError) -> String {
    match error {
        CommandError::Role { reason, .. } => format!("a role is rejected: {reason}"),
        error => error.to_string(),
    }
}

fn role(value: Value) -> Result<Role, String> {
    let Value::Object(mut members) = value else {
        return Err("a role is not an object".into());
    };
    let name = required(&mut members, "name")?;
    let permissions =
        permissions(&mut members).ok_or("the permissions of a role are not a list of strings")?;
    let id = optional_id(&mut members).map_err(|error| format!("a role: {error}"))?;
    let description = description(&mut members)?;
    reject_others(&members)?;
    let role = roles::new_role(&name, permissions).map_err(without_name)?;
    Ok(Role {
        id: id.unwrap_or(role.id),
        description,
        ..role
    })
}

fn description(members: &mut Members) -> Result<String, String> {
    match text(members, "description")? {
        Some(text) if text.len() > MAX_DESCRIPTION_BYTES => Err(format!(
            "the description of a role is longer than {MAX_DESCRIPTION_BYTES} bytes"
        )),
        text => Ok(text.unwrap_or_default()),
    }
}

fn permissions(members: &mut Members) -> Option<Vec<String>> {
    match members.remove("permissions") {
        None => Some(Vec::new()),
        Some(Value::Array(permissions)) => permissions
            .into_iter()
            .map(|permission| permission.as_str().map(str::to_owned))
            .collect(),
        Some(_) => None,
    }
}

fn required(members: &mut Members, name: &str) -> Result<String, String> {
    text(members, name)?.ok_or_else(|| format!("{name} is missing"))
}

fn text(members: &mut Members, name: &str) -> Result<Option<String>, String> {
    match members.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("{name} is not a string")),
    }
}

/// Rejects the members that are left: a misspelt one must not be ignored silently.
fn reject_others(members: &Members) -> Result<(), String> {
    if members.is_empty() {
        Ok(())
    } else {
        Err("it has an unknown member".into())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::import) const HASH: &str =
        "$2b$10$gV8eQ.uFSGIvWZKHKTRteuHxJ3IJ.ApQ5v8.gbz3eUnvM4O59uMTm";

    /// A user who was deleted and is imported again with the same id has none of the old sessions.
    #[test]
    fn a_line_that_is_parsed_twice_has_two_versions() {
        let line = r#"{"email":"a@b.c","password_hash":"HASH","id":"1"}"#.replace("HASH", HASH);
        let version = || parse(&line).unwrap().user.version;
        assert_ne!(version(), version());
    }

    #[test]
    fn the_error_of_a_bad_line_does_not_repeat_its_contents() {
        for (line, reason) in [
            ("{", "not JSON, from column 1 on"),
            ("[]", "not a JSON object"),
            ("{}", "email is missing"),
            (
                r#"{"email":"hunter2","password_hash":"x"}"#,
                "email is not an email address",
            ),
            (r#"{"email":"a@b.c"}"#, "password_hash is missing"),
            (
                r#"{"email":"a@b.c","password_hash":7}"#,
                "password_hash is not a string",
            ),
            (
                r#"{"email":"a@b.c","password_hash":"hunter2"}"#,
                "neither a PHC string",
            ),
            (
                r#"{"email":"a@b.c","password_hash":"HASH","id":""}"#,
                "id is empty",
            ),
            (
                r#"{"email":"a@b.c","password_hash":"HASH","id":"hunter2\n"}"#,
                "id is longer than 128 bytes or has control characters",
            ),
            (
                r#"{"email":"a@b.c","password_hash":"HASH","disabled":"hunter2"}"#,
                "disabled is neither",
            ),
            (
                r#"{"email":"a@b.c","password_hash":"HASH","roles":{}}"#,
                "roles is not a list",
            ),
            (
                r#"{"email":"a@b.c","password_hash":"HASH","roles":["hunter2"]}"#,
                "a role is not an object",
            ),
            (
                r#"{"email":"a@b.c","password_hash":"HASH","roles":[{"name":"A","permissions":[7]}]}"#,
                "not a list of strings",
            ),
            (
                r#"{"email":"a@b.c","password_hash":"HASH","roles":[{"name":"hunter2","permissions":["a b"]}]}"#,
                "a role is rejected: a permission must be",
            ),
            (
                r#"{"email":"a@b.c","password_hash":"HASH","roles":[{"name":"A","id":""}]}"#,
                "a role: id is empty",
            ),
            (
                r#"{"email":"a@b.c","password_hash":"HASH","roles":[{"name":"A","description":7}]}"#,
                "description is not a string",
            ),
            (
                r#"{"email":"a@b.c","password_hash":"HASH","pasword":"hunter2"}"#,
                "unknown member",
            ),
        ] {
            let error = parse(&line.replace("HASH", HASH)).unwrap_err();
            assert!(error.contains(reason), "{line}: {error}");
            assert!(
                !error.contains("hunter2") && !error.contains("$2b$"),
                "{error}"
            );
        }
    }
}
