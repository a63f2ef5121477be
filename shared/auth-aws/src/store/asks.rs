//! Asks as items of the table, `ask#<id>`, and their limits, `attempts#<MAC of kind and address>#<day>` and
//! `network#<MAC of the network>#<end of the hour>`. `DynamoDB` deletes them by `expires_at`.
//!
//! An ask and everything that limits it are written in one transaction, so the calls do not depend on who has an
//! account or whether an address is throttled.

use std::{convert::identity, time::Duration};

use auth_core::{
    Ask, AskCount, AskId, AskLimit, AskLimits, AskRepository, Asked, MailDirectory, MailRepository,
    NetworkCounter, NoticeRepository, RepositoryError, UnixTime,
};
use aws_sdk_dynamodb::types::AttributeValue::{N, S};
use futures_util::FutureExt;
use serde_dynamo::aws_sdk_dynamodb_1::{from_item, to_item};

use super::{
    DynamoDbStore, Item, attempts, confirmed,
    expression::{Expression, seconds},
    malformed,
    transaction::{Transacted, Transaction},
    unavailable,
};

const KIND: &str = "ask";

/// Removes the attributes that only an unsent ask has, `email` first. Names with `#` are aliases of reserved words.
const REMOVED: &str = "REMOVE email, user_id, version, #from, #to, #roles";

impl AskRepository for DynamoDbStore {
    async fn put_asks(
        &self,
        asks: &[Ask],
        limits: &AskLimits,
        now: UnixTime,
    ) -> Result<Asked, RepositoryError> {
        let mut transaction = self.transaction();
        if let Some(network) = &limits.network {
            transaction = count_network(transaction, network)?;
        }
        for limit in &limits.addresses {
            transaction = count_ask(transaction, limit, now)?;
        }
        for ask in asks {
            transaction = put(transaction, ask, Some(Expression::absent()))?;
        }
        match (transaction.send().await?, &limits.network) {
            (Transacted::Done, _) => Ok(Asked::Put),
            // The network is the first write.
            (Transacted::Refused(positions), Some(network)) if positions.contains(&0) => {
                Ok(Asked::NetworkFull(network.window_ends))
            }
            (Transacted::Refused(_), _) => Ok(Asked::Throttled),
        }
    }
}

impl NoticeRepository for DynamoDbStore {
    async fn put_notice(&self, notice: &Ask) -> Result<(), RepositoryError> {
        // If the write is refused, the notice already exists.
        let (id, item) = (notice.id.as_str(), item(notice)?);
        self.put_new(KIND, &id, item).await.map(|_| ())
    }
}

impl MailRepository for DynamoDbStore {
    async fn find_ask(&self, id: &AskId) -> Result<Option<Ask>, RepositoryError> {
        let item = self.get(KIND, &id.as_str(), identity).await?;
        let unsent = item.filter(|item| item.contains_key("email"));
        unsent.map(|item| ask(id, item)).transpose()
    }

    async fn complete_ask(&self, id: &AskId) -> Result<(), RepositoryError> {
        let request = self
            .client
            .update_item()
            .update_expression(REMOVED)
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#from", "from")
            .expression_attribute_names("#to", "to")
            .expression_attribute_names("#roles", "roles");
        self.update(KIND, &id.as_str(), request).await.map(|_| ())
    }
}

/// Scans the table, so no function in a stack may do it.
impl MailDirectory for DynamoDbStore {
    async fn list_asks(&self) -> Result<Vec<AskId>, RepositoryError> {
        let mut ids = Vec::new();
        let mut start = None;
        loop {
            let request = self
                .client
                .scan()
                .table_name(&self.table)
                .consistent_read(true)
                .filter_expression("begins_with(pk, :kind) AND attribute_exists(email)")
                .projection_expression("pk")
                .expression_attribute_values(":kind", S(format!("{KIND}#")))
                .set_exclusive_start_key(start);
            let page = confirmed(request.send().boxed().await.map_err(unavailable)?)?;
            let keys = page.items.unwrap_or_default();
            ids.extend(keys.iter().filter_map(ask_id));
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(ids);
            }
        }
    }
}

/// Returns the id in the key of an item.
fn ask_id(item: &Item) -> Option<AskId> {
    let key = item.get("pk")?.as_s().ok()?;
    key.strip_prefix("ask#").map(AskId::from_text)
}

/// Adds an ask to a transaction.
pub(super) fn put<'a>(
    transaction: Transaction<'a>,
    ask: &Ask,
    condition: Option<Expression>,
) -> Result<Transaction<'a>, RepositoryError> {
    transaction.put(KIND, &ask.id.as_str(), item(ask)?, condition)
}

/// Returns the item of an ask, whose key contains the id.
fn item(ask: &Ask) -> Result<Item, RepositoryError> {
    let mut item: Item = to_item(ask).map_err(malformed)?;
    item.remove("id");
    Ok(item)
}

/// Parses an item, whose key contains the id.
fn ask(id: &AskId, mut item: Item) -> Result<Ask, RepositoryError> {
    item.remove("pk");
    item.insert("id".into(), S(id.as_str().to_owned()));
    from_item(item).map_err(malformed)
}

/// Counts an ask of an address, if the rule of [`AskCount::has_room`] allows it.
fn count_ask<'a>(
    transaction: Transaction<'a>,
    limit: &AskLimit,
    now: UnixTime,
) -> Result<Transaction<'a>, RepositoryError> {
    let before = |pause: Duration| seconds(now - pause);
    let update = Expression::new("SET asked_at = :now, expires_at = :day_ends ADD asks :one")
        .value(":now", seconds(now))
        .value(":day_ends", seconds(limit.day_ends))
        .value(":one", N("1".into()))
        .value(":max", N(AskCount::MAX_FREQUENT.to_string()))
        .value(":pause", before(AskCount::PAUSE))
        .value(":long_pause", before(AskCount::LONG_PAUSE));
    let condition = "attribute_not_exists(asks) OR (asks < :max AND asked_at <= :pause) OR asked_at <= :long_pause";
    transaction.update(attempts::KIND, &limit.id, update, condition)
}

/// Counts an ask of a network, if it has room.
fn count_network<'a>(
    transaction: Transaction<'a>,
    network: &NetworkCounter,
) -> Result<Transaction<'a>, RepositoryError> {
    let update = Expression::new("ADD failures :one SET expires_at = :window_ends")
        .value(":one", N("1".into()))
        .value(":window_ends", seconds(network.window_ends))
        .value(":max", N(network.max_failures.to_string()));
    let condition = "attribute_not_exists(failures) OR failures < :max";
    transaction.update(attempts::NETWORK_KIND, &network.id, update, condition)
}
