//! Users as items of the table.

use std::{collections::HashMap, fmt::Display};

use auth_core::{Email, PasswordHash, RepositoryError, Role, StoredUser, User};
use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};
use serde_dynamo::aws_sdk_dynamodb_1::{from_item, to_attribute_value, to_item};

pub(crate) type Item = HashMap<String, AttributeValue>;

/// The attributes of a [`User`]: what `me` reads, and no hash among them.
///
/// An alias for each would cost the table more to read than the item.
pub(crate) const USER_PROJECTION: &str = "id, email, disabled, version, #roles";

/// The one reserved word among them, and its alias.
pub(crate) const ROLES_ALIAS: (&str, &str) = ("#roles", "roles");

/// What the keys of users begin with.
pub(crate) const USER_PREFIX: &str = "user#";

/// The key of a user.
pub(crate) fn user_key(email: &Email) -> AttributeValue {
    AttributeValue::S(format!("{USER_PREFIX}{email}"))
}

#[derive(Serialize, Deserialize)]
struct UserItem {
    id: String,
    email: String,
    disabled: bool,
    // Users of a time without versions lack it.
    #[serde(default)]
    version: u64,
    roles: Vec<RoleItem>,
}

#[derive(Serialize, Deserialize)]
struct RoleItem {
    id: String,
    name: String,
    description: String,
    permissions: Vec<String>,
}

/// The user of an item.
pub(crate) fn user(item: Item) -> Result<User, RepositoryError> {
    let UserItem {
        id,
        email,
        disabled,
        version,
        roles,
    } = from_item(item).map_err(malformed)?;
    let role = |role: RoleItem| Role {
        id: role.id,
        name: role.name,
        description: role.description,
        permissions: role.permissions,
    };
    Ok(User {
        id,
        email,
        disabled,
        version,
        roles: roles.into_iter().map(role).collect(),
    })
}

/// The user of an item with its key. An operator who lists users is told which one cannot be read.
pub(crate) fn listed_user(item: Item) -> Result<User, RepositoryError> {
    let key = item.get("pk").and_then(|key| key.as_s().ok()).cloned();
    user(item).map_err(|error| match (error, key) {
        (RepositoryError::Malformed(what), Some(key)) => malformed(format_args!("{key}: {what}")),
        (error, _) => error,
    })
}

/// The user of an item with the password hash.
pub(crate) fn stored_user(mut item: Item) -> Result<StoredUser, RepositoryError> {
    let hash = item.remove("password_hash");
    let hash = hash.and_then(|value| value.as_s().ok().map(|text| PasswordHash::parse(text)));
    let hash = hash.ok_or_else(|| malformed("password_hash is missing or no string"))?;
    Ok(StoredUser {
        password_hash: hash.map_err(malformed)?,
        user: user(item)?,
    })
}

/// The item of a user.
pub(crate) fn item(stored: &StoredUser) -> Result<Item, RepositoryError> {
    let User {
        id,
        email,
        disabled,
        version,
        roles,
    } = &stored.user;
    let key = user_key(&Email::parse(email).map_err(malformed)?);
    let mut item: Item = to_item(UserItem {
        id: id.clone(),
        email: email.clone(),
        disabled: *disabled,
        version: *version,
        roles: role_items(roles),
    })
    .map_err(malformed)?;
    item.insert("pk".into(), key);
    item.insert("password_hash".into(), hash_value(&stored.password_hash));
    Ok(item)
}

/// The attribute of a password hash.
pub(crate) fn hash_value(hash: &PasswordHash) -> AttributeValue {
    AttributeValue::S(hash.expose().to_owned())
}

/// A number as an attribute.
pub(crate) fn number(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// The attribute of a user's roles.
pub(crate) fn roles_value(roles: &[Role]) -> Result<AttributeValue, RepositoryError> {
    to_attribute_value(role_items(roles)).map_err(malformed)
}

fn role_items(roles: &[Role]) -> Vec<RoleItem> {
    let item = |role: &Role| RoleItem {
        id: role.id.clone(),
        name: role.name.clone(),
        description: role.description.clone(),
        permissions: role.permissions.clone(),
    };
    roles.iter().map(item).collect()
}

pub(crate) fn malformed(error: impl Display) -> RepositoryError {
    RepositoryError::Malformed(format!("{error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.";

    fn jane() -> StoredUser {
        let role = Role {
            id: "2".into(),
            name: "Editor".into(),
            description: String::new(),
            permissions: vec!["read".into()],
        };
        StoredUser {
            user: User {
                id: "7".into(),
                email: "Jane@Example.com".into(),
                disabled: true,
                version: 2,
                roles: vec![role],
            },
            password_hash: PasswordHash::parse(HASH).unwrap(),
        }
    }

    #[test]
    fn a_user_comes_back_from_an_item_under_the_lower_case_address() {
        let item = item(&jane()).unwrap();
        assert_eq!(
            item["pk"],
            AttributeValue::S("user#jane@example.com".into())
        );
        let read = stored_user(item).unwrap();
        assert_eq!(read.user, jane().user);
        assert_eq!(read.password_hash, jane().password_hash);
    }

    #[test]
    fn a_user_without_a_version_has_the_first() {
        let mut item = item(&jane()).unwrap();
        item.remove("version");
        assert_eq!(user(item).unwrap().version, 0);
    }

    #[test]
    fn an_item_that_is_no_user_is_an_error_that_repeats_no_hash() {
        for (attribute, value) in [
            ("id", None),
            ("disabled", Some(AttributeValue::S("no".into()))),
            ("version", Some(AttributeValue::S("1".into()))),
            ("version", Some(AttributeValue::N("-1".into()))),
            ("roles", Some(AttributeValue::N("1".into()))),
            ("password_hash", None),
            ("password_hash", Some(AttributeValue::S("$2a$31$x".into()))),
        ] {
            let mut item = item(&jane()).unwrap();
            item.remove(attribute);
            item.extend(value.map(|value| (attribute.to_owned(), value)));
            let Err(RepositoryError::Malformed(what)) = stored_user(item) else {
                panic!("{attribute}");
            };
            assert!(!what.contains("$2a$"), "{what}");
        }
    }
}
