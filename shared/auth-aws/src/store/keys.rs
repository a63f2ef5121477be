//! The published keys of access tokens: the item `keys#access-tokens`, with the text of [`PublishedKeys`] and a
//! version.

use auth_core::{PublishedKeyRepository, PublishedKeys, RepositoryError, Versioned};
use aws_sdk_dynamodb::{
    operation::put_item::PutItemError,
    types::{
        AttributeValue::{N, S},
        ReturnValuesOnConditionCheckFailure,
    },
};
use futures_util::FutureExt;

use super::{DynamoDbStore, Item, confirmed, malformed, unavailable};

const KIND: &str = "keys";
const ID: &str = "access-tokens";

/// The attributes of the item; neither is a reserved word.
const KEY_SET: &str = "key_set";
const VERSION: &str = "version";

impl DynamoDbStore {
    /// Returns the text of the published keys, or `None` if the table has no such item. The text of an item without it
    /// is empty.
    pub(crate) async fn find_published_text(&self) -> Result<Option<String>, RepositoryError> {
        let item = self
            .get(KIND, &ID, |request| request.projection_expression(KEY_SET))
            .await?;
        Ok(item.map(|item| key_set(&item)))
    }
}

fn key_set(item: &Item) -> String {
    let text = item.get(KEY_SET).and_then(|text| text.as_s().ok());
    text.cloned().unwrap_or_default()
}

fn version_number(item: &Item) -> Option<u64> {
    item.get(VERSION)?.as_n().ok()?.parse().ok()
}

impl PublishedKeyRepository for DynamoDbStore {
    async fn load_published(&self) -> Result<Versioned<PublishedKeys>, RepositoryError> {
        let Some(item) = self.get(KIND, &ID, |request| request).await? else {
            return Ok(Versioned {
                contents: None,
                version: None,
            });
        };
        let contents = PublishedKeys::parse(&key_set(&item))
            .map_err(|error| malformed(format_args!("the item keys#access-tokens: {error}")))?;
        let version = version_number(&item)
            .ok_or_else(|| malformed("the item keys#access-tokens has no version"))?;
        Ok(Versioned {
            contents: Some(contents),
            version: Some(version.to_string()),
        })
    }

    async fn replace_published(
        &self,
        version: Option<&str>,
        keys: &PublishedKeys,
    ) -> Result<bool, RepositoryError> {
        let current = version
            .map_or(Ok(0), str::parse::<u64>)
            .map_err(malformed)?;
        let item = Item::from([
            ("pk".to_owned(), S(format!("{KIND}#{ID}"))),
            (KEY_SET.to_owned(), S(keys.to_json())),
            (VERSION.to_owned(), N((current + 1).to_string())),
        ]);
        let request = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item.clone()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let request = match version {
            None => request.condition_expression("attribute_not_exists(pk)"),
            Some(version) => request
                .condition_expression(format!("{VERSION} = :version"))
                .expression_attribute_values(":version", N(version.to_owned())),
        };
        let error = match request.send().boxed().await {
            Ok(put) => return confirmed(put).map(|_| true),
            Err(error) => error,
        };
        match error.as_service_error() {
            // The item may be there because the response to an earlier attempt was lost.
            Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                Ok(failed.item() == Some(&item))
            }
            _ => Err(unavailable(error)),
        }
    }
}
