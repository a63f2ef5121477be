//! One result, as fields and as JSON.

use auth_core::{Role, User};
use serde_json::{Value, json};

/// The headers of [`user_record`].
pub(crate) const USER_HEADERS: &[&str] = &["EMAIL", "ID", "STATE", "ROLES"];

/// A result in two forms with the same contents.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) fields: Vec<String>,
    pub(crate) json: Value,
}

impl Record {
    pub(crate) fn new(fields: impl IntoIterator<Item = String>, json: Value) -> Self {
        Self {
            fields: fields.into_iter().collect(),
            json,
        }
    }
}

/// Returns the record of a user, which contains nothing secret: a [`User`] has no hash.
pub(crate) fn user_record(user: &User) -> Record {
    let state = if user.disabled { "disabled" } else { "enabled" };
    let roles: Vec<String> = user.roles.iter().map(role_text).collect();
    let fields = [
        user.email.clone(),
        user.id.clone(),
        state.to_owned(),
        roles.join(" "),
    ];
    Record::new(fields, user_json(user))
}

fn role_text(role: &Role) -> String {
    if role.permissions.is_empty() {
        return role.name.clone();
    }
    format!("{}={}", role.name, role.permissions.join(","))
}

fn user_json(user: &User) -> Value {
    let roles: Vec<Value> = user
        .roles
        .iter()
        .map(|role| json!({"name": role.name, "permissions": role.permissions}))
        .collect();
    json!({"id": user.id, "email": user.email, "disabled": user.disabled, "roles": roles})
}
