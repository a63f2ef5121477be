//! Several conditional writes as one transaction.
//!
//! The SDK repeats a transaction whose response was lost with the same token, so `DynamoDB` writes it once. A
//! transaction that conflicts with another one is retried here.

use std::{collections::BTreeMap, fmt::Display};

use auth_core::RepositoryError;
use aws_sdk_dynamodb::{
    operation::transact_write_items::TransactWriteItemsError,
    types::{
        AttributeValue::{self, S},
        CancellationReason, ConditionCheck, Delete, Put, TransactWriteItem, Update,
    },
};
use futures_util::FutureExt;

use super::{
    DynamoDbStore, Item, MAX_WRITES, busy, confirmed, expression::Expression, malformed, pause,
    unavailable,
};

/// Writes that are made together or not at all.
pub(super) struct Transaction<'a> {
    store: &'a DynamoDbStore,
    writes: Vec<TransactWriteItem>,
}

/// The result of a transaction.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Transacted {
    /// All writes were made.
    Done,
    /// The condition of at least one write failed. Contains their positions.
    Refused(Vec<usize>),
}

impl DynamoDbStore {
    pub(super) fn transaction(&self) -> Transaction<'_> {
        Transaction {
            store: self,
            writes: Vec::new(),
        }
    }
}

impl Transaction<'_> {
    fn key(kind: &str, id: &impl Display) -> AttributeValue {
        S(format!("{kind}#{id}"))
    }

    /// Stores an item.
    pub(super) fn put(
        mut self,
        kind: &str,
        id: &impl Display,
        item: Item,
        condition: Option<Expression>,
    ) -> Result<Self, RepositoryError> {
        let condition = condition.unwrap_or_default();
        let put = Put::builder()
            .table_name(&self.store.table)
            .set_item(Some(item))
            .item("pk", Self::key(kind, id))
            .set_condition_expression(some(condition.text))
            .set_expression_attribute_names(map(condition.names))
            .set_expression_attribute_values(map(condition.values));
        let put = put.build().map_err(malformed)?;
        self.writes
            .push(TransactWriteItem::builder().put(put).build());
        Ok(self)
    }

    /// Updates an item. `condition` uses the names and values of `update`, too.
    pub(super) fn update(
        mut self,
        kind: &str,
        id: &impl Display,
        update: Expression,
        condition: &str,
    ) -> Result<Self, RepositoryError> {
        let update = Update::builder()
            .table_name(&self.store.table)
            .key("pk", Self::key(kind, id))
            .update_expression(update.text)
            .condition_expression(condition)
            .set_expression_attribute_names(map(update.names))
            .set_expression_attribute_values(map(update.values));
        let update = update.build().map_err(malformed)?;
        let write = TransactWriteItem::builder().update(update);
        self.writes.push(write.build());
        Ok(self)
    }

    /// Deletes an item.
    pub(super) fn delete(
        mut self,
        kind: &str,
        id: &impl Display,
        condition: Expression,
    ) -> Result<Self, RepositoryError> {
        let delete = Delete::builder()
            .table_name(&self.store.table)
            .key("pk", Self::key(kind, id))
            .condition_expression(condition.text)
            .set_expression_attribute_names(map(condition.names))
            .set_expression_attribute_values(map(condition.values));
        let delete = delete.build().map_err(malformed)?;
        let write = TransactWriteItem::builder().delete(delete);
        self.writes.push(write.build());
        Ok(self)
    }

    /// Only checks an item.
    pub(super) fn check(
        mut self,
        kind: &str,
        id: &impl Display,
        condition: Expression,
    ) -> Result<Self, RepositoryError> {
        let check = ConditionCheck::builder()
            .table_name(&self.store.table)
            .key("pk", Self::key(kind, id))
            .condition_expression(condition.text)
            .set_expression_attribute_names(map(condition.names))
            .set_expression_attribute_values(map(condition.values));
        let check = check.build().map_err(malformed)?;
        let write = TransactWriteItem::builder().condition_check(check);
        self.writes.push(write.build());
        Ok(self)
    }

    /// Makes all writes, or none if a condition fails.
    pub(super) async fn send(self) -> Result<Transacted, RepositoryError> {
        for attempt in 0..MAX_WRITES {
            pause(attempt).await;
            let request = self.store.client.transact_write_items();
            let request = request.set_transact_items(Some(self.writes.clone()));
            let error = match request.send().boxed().await {
                Ok(written) => return confirmed(written).map(|_| Transacted::Done),
                Err(error) => error,
            };
            let Some(TransactWriteItemsError::TransactionCanceledException(canceled)) =
                error.as_service_error()
            else {
                return Err(unavailable(error));
            };
            let reasons = canceled.cancellation_reasons();
            let refused: Vec<usize> = positions(reasons, "ConditionalCheckFailed").collect();
            if !refused.is_empty() {
                return Ok(Transacted::Refused(refused));
            }
            if positions(reasons, "TransactionConflict").next().is_none() {
                return Err(unavailable(error));
            }
        }
        Err(busy())
    }

    /// Makes all writes, or none if a condition fails. Returns whether they were made.
    pub(super) async fn commit(self) -> Result<bool, RepositoryError> {
        Ok(self.send().await? == Transacted::Done)
    }
}

fn positions<'a>(
    reasons: &'a [CancellationReason],
    code: &'a str,
) -> impl Iterator<Item = usize> + 'a {
    let reasons = reasons.iter().enumerate();
    reasons.filter_map(move |(i, reason)| (reason.code() == Some(code)).then_some(i))
}

fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// Returns a map for the SDK, which rejects an empty one.
fn map<V>(map: BTreeMap<String, V>) -> Option<std::collections::HashMap<String, V>> {
    (!map.is_empty()).then(|| map.into_iter().collect())
}
