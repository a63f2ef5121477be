//! The one table, and what is believed of its answers.
//!
//! The SDK's futures are of several kilobytes, and a login waits for four at once: each is boxed, so that
//! the futures of the handlers stay small.

use std::{collections::HashMap, error::Error};

use auth_core::RepositoryError;
use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    operation::{
        RequestId,
        delete_item::builders::DeleteItemFluentBuilder,
        get_item::builders::GetItemFluentBuilder,
        put_item::builders::PutItemFluentBuilder,
        update_item::{UpdateItemError, UpdateItemOutput, builders::UpdateItemFluentBuilder},
    },
    types::AttributeValue,
};
use futures_util::FutureExt;

use crate::{cause::cause, item::Item};

/// A table and the client that asks it. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) client: Client,
    pub(crate) name: String,
}

impl Table {
    pub(crate) fn new(client: Client, name: String) -> Self {
        Self { client, name }
    }

    /// A strongly consistent read.
    pub(crate) fn get(&self, key: AttributeValue) -> GetItemFluentBuilder {
        let get = self.client.get_item().table_name(&self.name);
        get.key("pk", key).consistent_read(true)
    }

    pub(crate) fn put(&self) -> PutItemFluentBuilder {
        self.client.put_item().table_name(&self.name)
    }

    pub(crate) fn update(&self, key: AttributeValue) -> UpdateItemFluentBuilder {
        let update = self.client.update_item().table_name(&self.name);
        update.key("pk", key)
    }

    pub(crate) fn delete(&self, key: AttributeValue) -> DeleteItemFluentBuilder {
        let delete = self.client.delete_item().table_name(&self.name);
        delete.key("pk", key)
    }

    /// All items that a filter lets through. It reads the whole table.
    pub(crate) async fn scan_all(
        &self,
        filter: &str,
        values: HashMap<String, AttributeValue>,
    ) -> Result<Vec<Item>, RepositoryError> {
        let (mut items, mut after) = (Vec::new(), None);
        loop {
            let scanned = self
                .client
                .scan()
                .table_name(&self.name)
                .consistent_read(true)
                .filter_expression(filter)
                .set_expression_attribute_values(Some(values.clone()))
                .set_exclusive_start_key(after)
                .send()
                .boxed()
                .await
                .map_err(unavailable)?;
            let scanned = genuine(scanned)?;
            items.extend(scanned.items.unwrap_or_default());
            after = scanned.last_evaluated_key.filter(|key| !key.is_empty());
            if after.is_none() {
                return Ok(items);
            }
        }
    }
}

/// An answer of `DynamoDB` itself, which names each of its own. An empty 200 of something in between
/// would read as a missing user, or as a write that was done.
pub(crate) fn genuine<T: RequestId>(answer: T) -> Result<T, RepositoryError> {
    if answer.request_id().is_none() {
        let cause = "the answer is not one of DynamoDB";
        return Err(RepositoryError::Unavailable(cause.into()));
    }
    Ok(answer)
}

/// Whether an update was made, or stopped by its condition.
pub(crate) fn is_made(
    updated: Result<UpdateItemOutput, SdkError<UpdateItemError>>,
) -> Result<bool, RepositoryError> {
    let error = match updated {
        Ok(updated) => return genuine(updated).map(|_| true),
        Err(error) => error,
    };
    match error.as_service_error() {
        Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(false),
        _ => Err(unavailable(error)),
    }
}

pub(crate) fn unavailable(error: impl Error) -> RepositoryError {
    RepositoryError::Unavailable(cause(&error).into())
}

#[cfg(test)]
mod tests {
    use aws_config::{BehaviorVersion, SdkConfig};

    use super::*;

    /// DynamoDB Local has one copy of each item, so no test of behaviour tells the two apart.
    #[test]
    fn every_read_of_an_item_is_strongly_consistent() {
        let config = SdkConfig::builder().behavior_version(BehaviorVersion::latest());
        let table = Table::new(Client::new(&config.build()), "users".into());
        let get = table.get(AttributeValue::S("user#jane@example.com".into()));
        assert_eq!(*get.get_consistent_read(), Some(true));
    }
}
