//! Finds out which actions an operator may use on a table, without changing it.

use std::error::Error;

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    types::{AttributeValue, AttributeValue::S, KeysAndAttributes},
};
use futures_util::FutureExt;

use crate::{
    call_error::CallError,
    store::{DynamoDbStore, OWNER_INDEX},
};

/// The key of an item that does not exist: every address has an `@`.
const KEY: &str = "user#doctor";

/// A condition that no item meets.
const NEVER: &str = "attribute_exists(pk) AND attribute_not_exists(pk)";

/// An action on the table that `authctl` uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableRight {
    /// Reads an item.
    GetItem,
    /// Reads several items.
    BatchGetItem,
    /// Searches the index of sessions by owner.
    Query,
    /// Reads all items.
    Scan,
    /// Adds an item.
    PutItem,
    /// Changes an item.
    UpdateItem,
    /// Deletes an item.
    DeleteItem,
}

impl TableRight {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::GetItem,
        Self::BatchGetItem,
        Self::Query,
        Self::Scan,
        Self::PutItem,
        Self::UpdateItem,
        Self::DeleteItem,
    ];

    /// Returns the IAM action.
    #[must_use]
    pub fn action(self) -> &'static str {
        match self {
            Self::GetItem => "dynamodb:GetItem",
            Self::BatchGetItem => "dynamodb:BatchGetItem",
            Self::Query => "dynamodb:Query",
            Self::Scan => "dynamodb:Scan",
            Self::PutItem => "dynamodb:PutItem",
            Self::UpdateItem => "dynamodb:UpdateItem",
            Self::DeleteItem => "dynamodb:DeleteItem",
        }
    }
}

impl DynamoDbStore {
    /// Tries an action: reads an item that does not exist, or writes one under a condition that never holds.
    ///
    /// # Errors
    ///
    /// [`CallError`] if AWS refuses the action or cannot be reached.
    pub async fn try_right(&self, right: TableRight) -> Result<(), CallError> {
        match right {
            TableRight::GetItem => self.try_get().await,
            TableRight::BatchGetItem => self.try_batch_get().await,
            TableRight::Query => self.try_query().await,
            TableRight::Scan => self.try_scan().await,
            TableRight::PutItem => self.try_put().await,
            TableRight::UpdateItem => self.try_update().await,
            TableRight::DeleteItem => self.try_delete().await,
        }
    }

    async fn try_get(&self) -> Result<(), CallError> {
        let request = self.client().get_item().table_name(self.table_name());
        let request = request.key("pk", key()).projection_expression("pk");
        request.send().boxed().await?;
        Ok(())
    }

    async fn try_batch_get(&self) -> Result<(), CallError> {
        let keys = KeysAndAttributes::builder().keys([("pk".to_owned(), key())].into());
        let keys = keys.projection_expression("pk").build();
        let keys = keys.map_err(|error| CallError::other(error.to_string()))?;
        let request = self.client().batch_get_item();
        let request = request.request_items(self.table_name(), keys);
        request.send().boxed().await?;
        Ok(())
    }

    async fn try_query(&self) -> Result<(), CallError> {
        let request = self.client().query().table_name(self.table_name());
        let request = request
            .index_name(OWNER_INDEX)
            .key_condition_expression("#owner = :owner")
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_values(":owner", key())
            .limit(1);
        request.send().boxed().await?;
        Ok(())
    }

    async fn try_scan(&self) -> Result<(), CallError> {
        let request = self.client().scan().table_name(self.table_name());
        let request = request.projection_expression("pk").limit(1);
        request.send().boxed().await?;
        Ok(())
    }

    async fn try_put(&self) -> Result<(), CallError> {
        let request = self.client().put_item().table_name(self.table_name());
        let request = request.item("pk", key()).condition_expression(NEVER);
        allowed(request.send().boxed().await)
    }

    async fn try_update(&self) -> Result<(), CallError> {
        let request = self.client().update_item().table_name(self.table_name());
        let request = request.key("pk", key()).condition_expression(NEVER);
        allowed(request.send().boxed().await)
    }

    async fn try_delete(&self) -> Result<(), CallError> {
        let request = self.client().delete_item().table_name(self.table_name());
        let request = request.key("pk", key()).condition_expression(NEVER);
        allowed(request.send().boxed().await)
    }
}

/// Accepts a write that was allowed and whose condition failed.
fn allowed<T, E>(sent: Result<T, SdkError<E>>) -> Result<(), CallError>
where
    E: Error + ProvideErrorMetadata + 'static,
{
    match sent {
        Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(()),
        sent => Ok(sent.map(drop)?),
    }
}

fn key() -> AttributeValue {
    S(KEY.to_owned())
}
