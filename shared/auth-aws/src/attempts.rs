//! Counted attempts in the table, each counter one item, which DynamoDB deletes when its window is
//! over.

use std::collections::{BTreeSet, HashMap};

use auth_core::{
    AttemptDirectory, AttemptKind, AttemptRepository, Count, CountedAttempts, Counter, Outcome,
    RepositoryError,
};
use aws_sdk_dynamodb::{
    operation::update_item::builders::UpdateItemFluentBuilder,
    types::{AttributeValue, ReturnValue},
};
use futures_util::FutureExt;
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

/// The attributes of a counter. DynamoDB keeps no empty set and no number before the first is added.
#[derive(Deserialize)]
struct CounterItem {
    pk: String,
    #[serde(default)]
    failures: u32,
    #[serde(default)]
    pending: BTreeSet<String>,
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
        count: Count {
            failures: item.failures,
            pending: item.pending,
        },
        expires_at: item.expires_at,
    })
}

impl DynamoDbAttemptRepository {
    pub(crate) fn new(table: Table) -> Self {
        Self { table }
    }

    fn update(&self, counter: &Counter) -> UpdateItemFluentBuilder {
        let key = format!("{PREFIX}{}", counter.key);
        self.table.update(AttributeValue::S(key))
    }

    /// The items of an email's counters.
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
    /// A repetition by the SDK adds the same ticket, which a set has once.
    async fn reserve(&self, counter: &Counter, ticket: &str) -> Result<Count, RepositoryError> {
        let mut expression = "ADD pending :tickets SET expires_at = :expires_at".to_owned();
        let mut update = self
            .update(counter)
            .expression_attribute_values(":tickets", tickets(ticket, &[]))
            .expression_attribute_values(":expires_at", number(counter.expires_at));
        if let Some(email_mac) = &counter.email_mac {
            expression.push_str(", email_mac = :email_mac");
            let email_mac = AttributeValue::S(email_mac.clone());
            update = update.expression_attribute_values(":email_mac", email_mac);
        }
        let updated = update
            .update_expression(expression)
            .return_values(ReturnValue::AllNew)
            .send()
            .boxed()
            .await;
        let updated = genuine(updated.map_err(unavailable)?)?;
        Ok(counted(updated.attributes.unwrap_or_default())?.count)
    }

    /// A repetition by the SDK no longer finds the ticket, and stops at the condition.
    async fn settle(
        &self,
        counter: &Counter,
        ticket: &str,
        over: &[String],
        outcome: Outcome,
    ) -> Result<(), RepositoryError> {
        let update = self
            .update(counter)
            .condition_expression("contains(pending, :ticket)")
            .expression_attribute_values(":ticket", AttributeValue::S(ticket.to_owned()))
            .expression_attribute_values(":tickets", tickets(ticket, over));
        let update = match outcome {
            Outcome::Failed => update
                .update_expression("DELETE pending :tickets ADD failures :one")
                .expression_attribute_values(":one", number(1)),
            Outcome::GivenBack => update.update_expression("DELETE pending :tickets"),
            Outcome::Cleared => update.update_expression("DELETE pending :tickets REMOVE failures"),
        };
        is_made(update.send().boxed().await).map(|_| ())
    }
}

fn tickets(ticket: &str, over: &[String]) -> AttributeValue {
    AttributeValue::Ss([&[ticket.to_owned()], over].concat())
}

impl AttemptDirectory for DynamoDbAttemptRepository {
    async fn of_email(&self, email_mac: &str) -> Result<Vec<CountedAttempts>, RepositoryError> {
        let items = self.items(email_mac).await?;
        items.into_iter().map(counted).collect()
    }

    async fn clear_email(&self, email_mac: &str) -> Result<usize, RepositoryError> {
        let items = self.items(email_mac).await?;
        let count = items.len();
        for mut item in items {
            let key = item.remove("pk").ok_or_else(|| malformed("no pk"))?;
            let deleted = self.table.delete(key).send().boxed().await;
            genuine(deleted.map_err(unavailable)?)?;
        }
        Ok(count)
    }
}
