//! Users in a `DynamoDB` table. Every read is strongly consistent: a user who was disabled is
//! refused by the next request.

use std::{collections::HashMap, error::Error};

use auth_core::{
    CredentialRepository, DirectoryError, Email, PageKey, PasswordHash, RepositoryError,
    StoredUser, User, UserChange, UserDirectory, UserPage, UserRepository, random_id,
};
use aws_config::{SdkConfig, retry::RetryConfig};
use aws_sdk_dynamodb::{
    Client, Config,
    operation::{
        RequestId,
        get_item::builders::GetItemFluentBuilder,
        put_item::PutItemError,
        update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    },
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure},
};

use crate::{
    cause::cause,
    item::{self, USER_ATTRIBUTES, USER_PREFIX, user_key},
};

/// The attribute that names the call which added a user.
const ADDED_BY: &str = "added_by";

/// Users of one table. Cheap to clone.
#[derive(Debug, Clone)]
pub struct DynamoDbUserRepository {
    client: Client,
    table: String,
}

impl DynamoDbUserRepository {
    pub(crate) fn new(config: &SdkConfig, table: String) -> Self {
        Self {
            client: Client::new(config),
            table,
        }
    }

    fn get(&self, email: &Email) -> GetItemFluentBuilder {
        self.client
            .get_item()
            .table_name(&self.table)
            .key("pk", user_key(email))
            .consistent_read(true)
    }

    /// Sets one attribute of a user, `#attribute`, to `:value`.
    fn set(
        &self,
        email: &Email,
        attribute: &str,
        value: AttributeValue,
    ) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.table)
            .key("pk", user_key(email))
            .update_expression("SET #attribute = :value")
            .expression_attribute_names("#attribute", attribute)
            .expression_attribute_values(":value", value)
    }
}

impl UserRepository for DynamoDbUserRepository {
    async fn find_by_email(&self, email: &Email) -> Result<Option<User>, RepositoryError> {
        let (projection, names) = user_attributes();
        let found = self
            .get(email)
            .projection_expression(projection)
            .set_expression_attribute_names(Some(names))
            .send()
            .await
            .map_err(unavailable)?;
        genuine(found)?.item.map(item::user).transpose()
    }
}

impl CredentialRepository for DynamoDbUserRepository {
    async fn find_with_password(
        &self,
        email: &Email,
    ) -> Result<Option<StoredUser>, RepositoryError> {
        let found = self.get(email).send().await.map_err(unavailable)?;
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
}

impl UserDirectory for DynamoDbUserRepository {
    async fn add(&self, user: &StoredUser) -> Result<(), DirectoryError> {
        let mut item = item::item(user)?;
        // Tells a call whose answer was lost and which the SDK repeats from one that comes second.
        let call = AttributeValue::S(random_id().ok_or_else(no_randomness)?);
        item.insert(ADDED_BY.into(), call.clone());
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
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
        let (attribute, value) = match change {
            UserChange::Disabled(disabled) => ("disabled", AttributeValue::Bool(disabled)),
            UserChange::Password(hash) => ("password_hash", item::hash_value(&hash)),
            UserChange::Roles(roles) => ("roles", item::roles_value(&roles)?),
        };
        let updated = self
            .set(email, attribute, value)
            .condition_expression("attribute_exists(pk)")
            .return_values(ReturnValue::AllNew)
            .send()
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
            .client
            .delete_item()
            .table_name(&self.table)
            .key("pk", user_key(email))
            .return_values(ReturnValue::AllOld)
            .customize()
            // A repetition could not tell its own earlier success from a user who never was.
            .config_override(Config::builder().retry_config(RetryConfig::disabled()))
            .send()
            .await
            .map_err(unavailable)?;
        genuine(deleted)?
            .attributes
            .map(|_| ())
            .ok_or(DirectoryError::NotFound)
    }

    async fn page(&self, after: Option<PageKey>) -> Result<UserPage, RepositoryError> {
        let (projection, names) = user_attributes();
        let scanned = self
            .client
            .scan()
            .table_name(&self.table)
            .consistent_read(true)
            .filter_expression("begins_with(pk, :prefix)")
            .expression_attribute_values(":prefix", AttributeValue::S(USER_PREFIX.into()))
            .projection_expression(format!("pk, {projection}"))
            .set_expression_attribute_names(Some(names))
            .set_exclusive_start_key(
                after.map(|PageKey(pk)| HashMap::from([("pk".to_owned(), AttributeValue::S(pk))])),
            )
            .send()
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

/// A projection on [`USER_ATTRIBUTES`]. Each goes by an alias, for some are reserved words.
fn user_attributes() -> (String, HashMap<String, String>) {
    let alias = |name: &str| format!("#{name}");
    (
        USER_ATTRIBUTES.map(alias).join(", "),
        USER_ATTRIBUTES
            .map(|name| (alias(name), name.to_owned()))
            .into(),
    )
}

/// An answer of `DynamoDB` itself, which names each of its own. An empty 200 of something in between
/// would read as a missing user, or as a write that was done.
fn genuine<T: RequestId>(answer: T) -> Result<T, RepositoryError> {
    if answer.request_id().is_none() {
        let cause = "the answer is not one of DynamoDB";
        return Err(RepositoryError::Unavailable(cause.into()));
    }
    Ok(answer)
}

fn unavailable(error: impl Error) -> RepositoryError {
    RepositoryError::Unavailable(cause(&error).into())
}

fn no_randomness() -> RepositoryError {
    RepositoryError::Unavailable("no randomness was to be had".into())
}

#[cfg(test)]
mod tests {
    use aws_config::BehaviorVersion;

    use super::*;

    /// DynamoDB Local has one copy of each item, so no test of behaviour tells the two apart.
    #[test]
    fn every_read_of_a_user_is_strongly_consistent() {
        let config = SdkConfig::builder().behavior_version(BehaviorVersion::latest());
        let users = DynamoDbUserRepository::new(&config.build(), "users".into());
        let get = users.get(&Email::parse("jane@example.com").unwrap());
        assert_eq!(*get.get_consistent_read(), Some(true));
    }
}
