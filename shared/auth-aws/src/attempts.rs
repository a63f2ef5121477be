//! Counted attempts in the table, each counter one item, which DynamoDB deletes when its window is
//! over.

use std::collections::HashMap;

use auth_core::{
    AttemptDirectory, AttemptKind, AttemptRepository, CountedAttempts, Counter, RepositoryError,
};
use aws_config::{SdkConfig, retry::RetryConfig};
use aws_sdk_dynamodb::{
    Config, operation::update_item::builders::UpdateItemFluentBuilder, types::AttributeValue,
};
use serde::Deserialize;
use serde_dynamo::aws_sdk_dynamodb_1::from_item;

use crate::{
    item::{Item, malformed, number},
    table::{Table, genuine, is_made, unavailable},
};

/// What the keys of counters begin with.
const PREFIX: &str = "attempts#";

/// Counters of one table. Cheap to clone.
#[derive(Debug, Clone)]
pub struct DynamoDbAttemptRepository {
    table: Table,
}

#[derive(Deserialize)]
struct CounterItem {
    pk: String,
    attempts: u32,
    expires_at: u64,
}

fn counted(item: Item) -> Result<CountedAttempts, RepositoryError> {
    let item: CounterItem = from_item(item).map_err(malformed)?;
    let name = item
        .pk
        .strip_prefix(PREFIX)
        .and_then(|key| key.split('#').next());
    let kinds = [AttemptKind::Pair, AttemptKind::Network, AttemptKind::Email];
    let kind = kinds.into_iter().find(|kind| Some(kind.name()) == name);
    Ok(CountedAttempts {
        kind: kind.ok_or_else(|| malformed("pk is not that of a counter"))?,
        attempts: item.attempts,
        expires_at: item.expires_at,
    })
}

impl DynamoDbAttemptRepository {
    pub(crate) fn new(config: &SdkConfig, table: String) -> Self {
        Self {
            table: Table::new(config, table),
        }
    }

    fn update(&self, counter: &Counter) -> UpdateItemFluentBuilder {
        let key = format!("{PREFIX}{}", counter.key);
        self.table.update(AttributeValue::S(key))
    }

    /// The items of an address's counters.
    async fn items(&self, email_mac: &str) -> Result<Vec<Item>, RepositoryError> {
        let filter = "begins_with(pk, :prefix) AND email_mac = :email_mac";
        let values = HashMap::from([
            (":prefix".to_owned(), AttributeValue::S(PREFIX.into())),
            (":email_mac".to_owned(), AttributeValue::S(email_mac.into())),
        ]);
        self.table.scan_all(filter, values).await
    }
}

impl AttemptRepository for DynamoDbAttemptRepository {
    /// A repetition by the SDK after a lost answer counts twice, which errs to the safe side.
    async fn reserve(&self, counter: &Counter) -> Result<bool, RepositoryError> {
        let mut update = self
            .update(counter)
            .condition_expression("attribute_not_exists(attempts) OR attempts < :limit")
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":limit", number(counter.limit.into()))
            .expression_attribute_values(":expires_at", number(counter.expires_at));
        let mut expression = "ADD attempts :one SET expires_at = :expires_at".to_owned();
        if let Some(email_mac) = &counter.email_mac {
            expression.push_str(", email_mac = :email_mac");
            let email_mac = AttributeValue::S(email_mac.clone());
            update = update.expression_attribute_values(":email_mac", email_mac);
        }
        is_made(update.update_expression(expression).send().await)
    }

    async fn give_back(&self, counter: &Counter) -> Result<(), RepositoryError> {
        let update = self
            .update(counter)
            .update_expression("ADD attempts :less")
            // None is below none: the counter may have been cleared meanwhile.
            .condition_expression("attempts > :none")
            .expression_attribute_values(":less", AttributeValue::N("-1".into()))
            .expression_attribute_values(":none", number(0));
        // A repetition by the SDK would take another's attempt back.
        let once = Config::builder().retry_config(RetryConfig::disabled());
        is_made(update.customize().config_override(once).send().await).map(|_| ())
    }

    async fn clear(&self, counter: &Counter) -> Result<(), RepositoryError> {
        let update = self
            .update(counter)
            .update_expression("SET attempts = :none")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":none", number(0));
        is_made(update.send().await).map(|_| ())
    }
}

impl AttemptDirectory for DynamoDbAttemptRepository {
    async fn of_email(
        &self,
        email_mac: &str,
        now: u64,
    ) -> Result<Vec<CountedAttempts>, RepositoryError> {
        let items = self.items(email_mac).await?;
        let mut all: Vec<_> = items.into_iter().map(counted).collect::<Result<_, _>>()?;
        // DynamoDB deletes late.
        all.retain(|counted| counted.attempts > 0 && now < counted.expires_at);
        Ok(all)
    }

    async fn clear_email(&self, email_mac: &str) -> Result<usize, RepositoryError> {
        let items = self.items(email_mac).await?;
        let count = items.len();
        for mut item in items {
            let key = item.remove("pk").ok_or_else(|| malformed("no pk"))?;
            let deleted = self.table.delete(key).send().await;
            genuine(deleted.map_err(unavailable)?)?;
        }
        Ok(count)
    }
}
