//! Users as items of the table: `user#<email in lower case>`.

use std::{collections::HashMap, convert::identity};

use auth_core::{
    CredentialDirectory, CredentialRepository, DirectoryError, Email, HeldAddress, NetworkCounter,
    PageKey, PasswordHash, RepositoryError, StoredUser, UnixTime, User, UserChange, UserDirectory,
    UserPage, UserRepository, random_id,
};
use aws_sdk_dynamodb::{
    operation::update_item::builders::UpdateItemFluentBuilder,
    types::{
        AttributeValue::{self, Bool, N, S},
        ReturnValue,
    },
};
use futures_util::FutureExt;
use serde::de::DeserializeOwned;
use serde_dynamo::aws_sdk_dynamodb_1::{from_item, to_attribute_value, to_item};

use super::{
    DynamoDbStore, Item, Written,
    attempts::{NETWORK_KIND, failures},
    confirmed,
    expression::Expression,
    held, malformed, unavailable,
};

pub(super) const KIND: &str = "user";

/// The attributes of a [`User`], without the password hash. An alias for each would cost the table more
/// to read than the item; only `roles` is a reserved word.
const PROJECTION: &str = "id, email, disabled, version, #roles";
const ROLES_ALIAS: (&str, &str) = ("#roles", "roles");

/// The attribute that identifies the call that added a user.
const ADDED_BY: &str = "added_by";

impl UserRepository for DynamoDbStore {
    async fn find_by_email(&self, email: &Email) -> Result<Option<User>, RepositoryError> {
        let item = self
            .get(KIND, email, |request| {
                request
                    .projection_expression(PROJECTION)
                    .expression_attribute_names(ROLES_ALIAS.0, ROLES_ALIAS.1)
            })
            .await?;
        item.map(from_item).transpose().map_err(malformed)
    }
}

impl CredentialRepository for DynamoDbStore {
    async fn find_for_login(
        &self,
        email: &Email,
        network: &NetworkCounter,
    ) -> Result<(Option<StoredUser>, u32), RepositoryError> {
        let user_key = format!("{KIND}#{email}");
        let network_key = format!("{NETWORK_KIND}#{}", network.id);
        let keys = [user_key.clone(), network_key.clone()];
        let mut items = self.batch_get(keys, identity).await?;
        let user = items.remove(&user_key).map(from_item).transpose();
        let failures = items.get(&network_key).map(failures).transpose()?;
        Ok((user.map_err(malformed)?, failures.unwrap_or_default()))
    }

    async fn replace_password_hash(
        &self,
        email: &Email,
        old: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, RepositoryError> {
        let request = self
            .set("password_hash", S(new.expose().to_owned()))
            .condition_expression("#attribute = :old")
            .expression_attribute_values(":old", S(old.expose().to_owned()));
        Ok(match self.update(KIND, email, request).await? {
            Written::Done(_) => true,
            // The new hash may be there because the response to an earlier attempt was lost.
            Written::Refused(stored) => {
                stored.get("password_hash") == Some(&S(new.expose().to_owned()))
            }
        })
    }

    async fn end_sessions(&self, email: &Email, version: u64) -> Result<(), RepositoryError> {
        // Users added before versions existed have version 0.
        let unversioned = if version == 0 {
            " OR attribute_not_exists(#version)"
        } else {
            ""
        };
        let request = raise_version(self.client.update_item())
            .condition_expression(format!(
                "attribute_exists(pk) AND (#version = :version{unversioned})"
            ))
            .expression_attribute_values(":version", N(version.to_string()));
        // If the write is refused, perhaps because of an earlier attempt of this call, the sessions have
        // ended.
        self.update(KIND, email, request).await.map(|_| ())
    }
}

impl UserDirectory for DynamoDbStore {
    async fn add_user(&self, user: &StoredUser) -> Result<(), DirectoryError> {
        let email = Email::parse(&user.user.email).map_err(malformed)?;
        let mut item: Item = to_item(user).map_err(malformed)?;
        // Distinguishes a retry of this call, whose response was lost, from another call.
        let call = S(random_id().ok_or_else(no_randomness)?);
        item.insert(ADDED_BY.into(), call.clone());
        match self.put_new(KIND, &email, item).await? {
            Written::Refused(stored) if stored.get(ADDED_BY) != Some(&call) => {
                Err(DirectoryError::AlreadyExists)
            }
            Written::Done(_) | Written::Refused(_) => Ok(()),
        }
    }

    async fn change_user(&self, email: &Email, change: UserChange) -> Result<User, DirectoryError> {
        let ends_sessions = change.ends_sessions();
        let request = match change {
            UserChange::Disabled(disabled) => self.set("disabled", Bool(disabled)),
            UserChange::Password(hash) => self.set("password_hash", S(hash.expose().to_owned())),
            UserChange::Roles(roles) => {
                self.set("roles", to_attribute_value(roles).map_err(malformed)?)
            }
            UserChange::EndSessions => self.client.update_item(),
        };
        let request = if ends_sessions {
            raise_version(request)
        } else {
            request
        };
        let request = request
            .condition_expression("attribute_exists(pk)")
            .return_values(ReturnValue::AllNew);
        match self.update(KIND, email, request).await? {
            Written::Done(item) => Ok(from_item(item).map_err(malformed)?),
            Written::Refused(_) => Err(DirectoryError::NotFound),
        }
    }

    /// Also deletes an item that is not a user.
    async fn delete_user(&self, email: &Email, now: UnixTime) -> Result<(), DirectoryError> {
        let item = self.get(KIND, email, |request| request.projection_expression("id"));
        let item = item.await?.ok_or(DirectoryError::NotFound)?;
        let user_id = item.get("id").and_then(|id| id.as_s().ok());
        let freed = HeldAddress::freed(user_id.cloned().unwrap_or_default(), now);
        let exists = Expression::new("attribute_exists(pk)");
        let transaction = self.transaction().delete(KIND, email, exists)?;
        let is_deleted = held::put(transaction, email, &freed)?.commit().await?;
        is_deleted.then_some(()).ok_or(DirectoryError::NotFound)
    }

    async fn list_users(&self, after: Option<PageKey>) -> Result<UserPage, RepositoryError> {
        self.scan_users(after, PROJECTION).await
    }
}

impl CredentialDirectory for DynamoDbStore {
    async fn list_credentials(
        &self,
        after: Option<PageKey>,
    ) -> Result<UserPage<StoredUser>, RepositoryError> {
        let projection = format!("{PROJECTION}, password_hash");
        self.scan_users(after, &projection).await
    }
}

impl DynamoDbStore {
    /// Reads a page of users with these attributes.
    async fn scan_users<U: DeserializeOwned>(
        &self,
        after: Option<PageKey>,
        projection: &str,
    ) -> Result<UserPage<U>, RepositoryError> {
        let after = after.map(|PageKey(key)| HashMap::from([("pk".to_owned(), S(key))]));
        let request = self
            .client
            .scan()
            .table_name(&self.table)
            .consistent_read(true)
            .filter_expression("begins_with(pk, :prefix)")
            .expression_attribute_values(":prefix", S(format!("{KIND}#")))
            .projection_expression(format!("pk, {projection}"))
            .expression_attribute_names(ROLES_ALIAS.0, ROLES_ALIAS.1)
            .set_exclusive_start_key(after);
        let page = request.send().boxed().await.map_err(unavailable)?;
        let page = confirmed(page)?;
        let users = page.items.unwrap_or_default().into_iter().map(listed_user);
        let last = page.last_evaluated_key.unwrap_or_default();
        let next = last.get("pk").and_then(|key| key.as_s().ok());
        Ok(UserPage {
            users: users.collect::<Result<_, _>>()?,
            next: next.map(|key| PageKey(key.clone())),
        })
    }

    /// Begins an update that sets one attribute, `#attribute`.
    fn set(&self, attribute: &str, value: AttributeValue) -> UpdateItemFluentBuilder {
        let request = self.client.update_item();
        request
            .update_expression("SET #attribute = :value")
            .expression_attribute_names("#attribute", attribute)
            .expression_attribute_values(":value", value)
    }
}

/// Returns the condition that a user has the id `:id` and the version `:version`. Users added before versions existed
/// have version 0.
pub(super) fn is_version(version: u64) -> String {
    let unversioned = if version == 0 {
        " OR attribute_not_exists(#version)"
    } else {
        ""
    };
    format!("id = :id AND (#version = :version{unversioned})")
}

/// Extends an update by adding one to the user's version, which is 0 if it is missing.
fn raise_version(request: UpdateItemFluentBuilder) -> UpdateItemFluentBuilder {
    let expression = request.get_update_expression().clone().unwrap_or_default();
    request
        .update_expression(format!("{expression} ADD #version :one"))
        .expression_attribute_names("#version", "version")
        .expression_attribute_values(":one", N("1".into()))
}

/// Returns the user of an item. The error names the item, for the operator who lists users.
fn listed_user<U: DeserializeOwned>(item: Item) -> Result<U, RepositoryError> {
    let key = item.get("pk").and_then(|key| key.as_s().ok()).cloned();
    let key = key.unwrap_or_default();
    from_item(item).map_err(|error| malformed(format_args!("{key}: {error}")))
}

fn no_randomness() -> RepositoryError {
    RepositoryError::Unavailable("no randomness is available".into())
}

#[cfg(test)]
mod tests {
    use auth_core::Role;

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

    fn item() -> Item {
        to_item(jane()).unwrap()
    }

    #[test]
    fn a_user_survives_the_conversion_to_an_item_and_back() {
        let stored: StoredUser = from_item(item()).unwrap();
        assert_eq!(stored.user, jane().user);
        assert_eq!(stored.password_hash, jane().password_hash);
        assert_eq!(from_item::<User>(item()).unwrap(), jane().user);
        let mut attributes: Vec<String> = item().into_keys().collect();
        attributes.sort();
        let expected = [
            "disabled",
            "email",
            "id",
            "password_hash",
            "roles",
            "version",
        ];
        assert_eq!(attributes, expected);
    }

    #[test]
    fn a_user_without_a_version_has_version_0() {
        let mut item = item();
        item.remove("version");
        assert_eq!(from_item::<User>(item).unwrap().version, 0);
    }

    #[test]
    fn an_item_that_is_not_a_user_is_an_error_that_does_not_repeat_the_hash() {
        for (attribute, value) in [
            ("id", None),
            ("disabled", Some(S("no".into()))),
            ("version", Some(S("1".into()))),
            ("version", Some(N("-1".into()))),
            ("roles", Some(N("1".into()))),
            ("password_hash", None),
            ("password_hash", Some(S("$2a$31$x".into()))),
        ] {
            let mut item = item();
            item.remove(attribute);
            item.extend(value.map(|value| (attribute.to_owned(), value)));
            let error = from_item::<StoredUser>(item).unwrap_err().to_string();
            assert!(!error.contains("$2a$"), "{attribute}: {error}");
        }
    }
}
