//! Users in a `DynamoDB` table. Every read is strongly consistent: a user who was disabled is
//! refused by the next request.

use std::collections::HashMap;

use auth_core::{
    CredentialRepository, DirectoryError, Email, PageKey, PasswordHash, RepositoryError,
    StoredUser, User, UserChange, UserDirectory, UserPage, UserRepository, random_id,
};
use aws_config::retry::RetryConfig;
use aws_sdk_dynamodb::{
    Config,
    operation::{
        put_item::PutItemError,
        update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    },
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use futures_util::FutureExt;

use crate::{
    item::{self, ROLES_ALIAS, USER_PREFIX, USER_PROJECTION, user_key},
    table::{Table, genuine, is_made, unavailable},
};

/// The attribute that names the call which added a user.
const ADDED_BY: &str = "added_by";

/// Users of one table. Cheap to clone.
#[derive(Debug, Clone)]
pub struct DynamoDbUserRepository {
    table: Table,
}

impl DynamoDbUserRepository {
    pub(crate) fn new(table: Table) -> Self {
        Self { table }
    }

    /// Sets one attribute of a user, `#attribute`, to `:value`.
    fn set(
        &self,
        email: &Email,
        attribute: &str,
        value: AttributeValue,
    ) -> UpdateItemFluentBuilder {
        self.table
            .update(user_key(email))
            .update_expression("SET #attribute = :value")
            .expression_attribute_names("#attribute", attribute)
            .expression_attribute_values(":value", value)
    }
}

impl UserRepository for DynamoDbUserRepository {
    async fn find_by_email(&self, email: &Email) -> Result<Option<User>, RepositoryError> {
        let found = self
            .table
            .get(user_key(email))
            .projection_expression(USER_PROJECTION)
            .expression_attribute_names(ROLES_ALIAS.0, ROLES_ALIAS.1)
            .send()
            .boxed()
            .await
            .map_err(unavailable)?;
        genuine(found)?.item.map(item::user).transpose()
    }
}

/// The update, which also adds one to the user's version. A user of a time without versions has the
/// first.
fn raising_version(update: UpdateItemFluentBuilder) -> UpdateItemFluentBuilder {
    let expression = update.get_update_expression().clone().unwrap_or_default();
    update
        .update_expression(format!("{expression} ADD #version :one"))
        .expression_attribute_names("#version", "version")
        .expression_attribute_values(":one", item::number(1))
}

impl CredentialRepository for DynamoDbUserRepository {
    async fn find_with_password(
        &self,
        email: &Email,
    ) -> Result<Option<StoredUser>, RepositoryError> {
        let found = self
            .table
            .get(user_key(email))
            .send()
            .boxed()
            .await
            .map_err(unavailable)?;
        genuine(found)?.item.map(item::stored_user).transpose()
    }

    async fn replace_password_hash(
        &self,
        email: &Email,
        old: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, RepositoryError> {
        let updated = self
            .set(email, "password_hash", item::hash_value(new))
            .condition_expression("#attribute = :old")
            .expression_attribute_values(":old", item::hash_value(old))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .boxed()
            .await;
        let error = match updated {
            Ok(updated) => return genuine(updated).map(|_| true),
            Err(error) => error,
        };
        match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                // The hash may be there through an earlier attempt of this very call, whose answer
                // was lost.
                let there = failed.item().and_then(|item| item.get("password_hash"));
                Ok(there == Some(&item::hash_value(new)))
            }
            _ => Err(unavailable(error)),
        }
    }

    async fn end_sessions(
        &self,
        email: &Email,
        id: &str,
        version: u64,
    ) -> Result<(), RepositoryError> {
        // A user of a time without versions has the first.
        let unversioned = if version == 0 {
            " OR attribute_not_exists(#version)"
        } else {
            ""
        };
        let updated = raising_version(self.table.update(user_key(email)))
            .condition_expression(format!("id = :id AND (#version = :version{unversioned})"))
            .expression_attribute_values(":id", AttributeValue::S(id.to_owned()))
            .expression_attribute_values(":version", item::number(version))
            .send()
            .boxed()
            .await;
        // Another version, perhaps of an earlier attempt of this very call: it is done.
        is_made(updated).map(|_| ())
    }
}

impl UserDirectory for DynamoDbUserRepository {
    async fn add(&self, user: &StoredUser) -> Result<(), DirectoryError> {
        let mut item = item::item(user)?;
        // Tells a call whose answer was lost and which the SDK repeats from one that comes second.
        let call = AttributeValue::S(random_id().ok_or_else(no_randomness)?);
        item.insert(ADDED_BY.into(), call.clone());
        let put = self
            .table
            .put()
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .boxed()
            .await;
        let error = match put {
            Ok(put) => return Ok(genuine(put).map(|_| ())?),
            Err(error) => error,
        };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                let there = failed.item().and_then(|item| item.get(ADDED_BY));
                if there == Some(&call) {
                    return Ok(());
                }
                Err(DirectoryError::AlreadyExists)
            }
            _ => Err(unavailable(error).into()),
        }
    }

    async fn change(&self, email: &Email, change: UserChange) -> Result<User, DirectoryError> {
        let raise = change.ends_sessions();
        let update = match change {
            UserChange::Disabled(disabled) => {
                self.set(email, "disabled", AttributeValue::Bool(disabled))
            }
            UserChange::Password(hash) => self.set(email, "password_hash", item::hash_value(&hash)),
            UserChange::Roles(roles) => self.set(email, "roles", item::roles_value(&roles)?),
            UserChange::EndSessions => self.table.update(user_key(email)),
        };
        let update = if raise {
            raising_version(update)
        } else {
            update
        };
        let updated = update
            .condition_expression("attribute_exists(pk)")
            .return_values(ReturnValue::AllNew)
            .send()
            .boxed()
            .await;
        match updated {
            Ok(updated) => {
                let attributes = genuine(updated)?.attributes;
                Ok(item::user(attributes.unwrap_or_default())?)
            }
            Err(error) => Err(match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => {
                    DirectoryError::NotFound
                }
                _ => unavailable(error).into(),
            }),
        }
    }

    async fn delete(&self, email: &Email) -> Result<(), DirectoryError> {
        let deleted = self
            .table
            .delete(user_key(email))
            .return_values(ReturnValue::AllOld)
            .customize()
            // A repetition could not tell its own earlier success from a user who never was.
            .config_override(Config::builder().retry_config(RetryConfig::disabled()))
            .send()
            .boxed()
            .await
            .map_err(unavailable)?;
        genuine(deleted)?
            .attributes
            .map(|_| ())
            .ok_or(DirectoryError::NotFound)
    }

    async fn page(&self, after: Option<PageKey>) -> Result<UserPage, RepositoryError> {
        let scanned = self
            .table
            .client
            .scan()
            .table_name(&self.table.name)
            .consistent_read(true)
            .filter_expression("begins_with(pk, :prefix)")
            .expression_attribute_values(":prefix", AttributeValue::S(USER_PREFIX.into()))
            .projection_expression(format!("pk, {USER_PROJECTION}"))
            .expression_attribute_names(ROLES_ALIAS.0, ROLES_ALIAS.1)
            .set_exclusive_start_key(
                after.map(|PageKey(pk)| HashMap::from([("pk".to_owned(), AttributeValue::S(pk))])),
            )
            .send()
            .boxed()
            .await
            .map_err(unavailable)?;
        let scanned = genuine(scanned)?;
        let users = scanned.items.unwrap_or_default();
        let last = scanned.last_evaluated_key.unwrap_or_default();
        Ok(UserPage {
            users: users
                .into_iter()
                .map(item::listed_user)
                .collect::<Result<_, _>>()?,
            next: last
                .get("pk")
                .and_then(|pk| pk.as_s().ok())
                .map(|pk| PageKey(pk.clone())),
        })
    }
}

fn no_randomness() -> RepositoryError {
    RepositoryError::Unavailable("no randomness was to be had".into())
}
