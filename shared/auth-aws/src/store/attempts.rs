//! Counters as items of the table: `attempts#<MAC of the subject>#<day>` and
//! `network#<MAC of the network>#<end of the window>`. `DynamoDB` deletes them when their day or window has
//! ended.
//!
//! An item of attempts has an attribute for each source, named after it. The name has five characters, and no
//! other attribute's name does.

use std::collections::BTreeSet;

use auth_core::{
    AttemptDirectory, AttemptRepository, Count, Counter, NetworkCounter, Outcome, RepositoryError,
    Reserved, Stale,
};
use aws_config::retry::RetryConfig;
use aws_sdk_dynamodb::{
    Config,
    types::{
        AttributeValue::{self, N, S, Ss},
        ReturnValue,
    },
};
use futures_util::FutureExt;

use super::{DynamoDbStore, Item, Written, confirmed, malformed, unavailable};

pub(super) const KIND: &str = "attempts";
pub(super) const NETWORK_KIND: &str = "network";

/// The length of an attribute name that is a source.
const SOURCE_CHARS: usize = 5;

fn count(item: Item) -> Result<Count, RepositoryError> {
    let mut count = Count::default();
    for (name, value) in item {
        match name.as_str() {
            "pk" | "expires_at" => {}
            "failures" => count.failures = number(&value)?,
            "tickets" => {
                let tickets = value.as_ss().map_err(|_| malformed("tickets"))?;
                count.tickets = tickets.iter().cloned().collect();
            }
            _ if name.len() == SOURCE_CHARS => {
                count.sources.insert(name, number(&value)?);
            }
            _ => return Err(malformed("a counter with an unknown attribute")),
        }
    }
    Ok(count)
}

/// Returns the failures of the counter of a network.
pub(super) fn failures(item: &Item) -> Result<u32, RepositoryError> {
    let value = item.get("failures");
    number(value.ok_or_else(|| malformed("a counter without failures"))?)
}

fn number(value: &AttributeValue) -> Result<u32, RepositoryError> {
    let number = value.as_n().ok().and_then(|number| number.parse().ok());
    number.ok_or_else(|| malformed("a counter with an attribute that is not a number"))
}

impl AttemptRepository for DynamoDbStore {
    async fn find_attempts(&self, counter: &Counter) -> Result<Count, RepositoryError> {
        let item = self.get(KIND, &counter.id, |request| request).await?;
        count(item.unwrap_or_default())
    }

    /// A retry by the SDK adds the same ticket, which a set contains once.
    async fn reserve_attempt(
        &self,
        counter: &Counter,
        ticket: &str,
    ) -> Result<Reserved, RepositoryError> {
        let request = self
            .client
            .update_item()
            .update_expression("ADD tickets :ticket SET expires_at = :day_ends")
            // The rule of `Count::has_room`.
            .condition_expression(
                "(attribute_not_exists(failures) OR failures < :max_per_day) \
                 AND (attribute_not_exists(#source) OR #source < :max_per_source) \
                 AND (attribute_not_exists(tickets) OR size(tickets) < :max_tickets)",
            )
            .expression_attribute_names("#source", &counter.source)
            .expression_attribute_values(":ticket", Ss(vec![ticket.to_owned()]))
            .expression_attribute_values(":day_ends", N(counter.day_ends().as_secs().to_string()))
            .expression_attribute_values(":max_per_day", N(counter.max_per_day.to_string()))
            .expression_attribute_values(":max_per_source", N(counter.max_per_source.to_string()))
            .expression_attribute_values(":max_tickets", N(Count::MAX_TICKETS.to_string()))
            .return_values(ReturnValue::AllNew);
        let (is_done, item) = match self.update(KIND, &counter.id, request).await? {
            Written::Done(item) => (true, item),
            Written::Refused(item) => (false, item),
        };
        let count = count(item)?;
        match (is_done, count.tickets.contains(ticket)) {
            // If the write is refused although the ticket is there, an earlier attempt of this call has added it.
            (_, true) => Ok(Reserved::Done(count)),
            (false, false) => Ok(Reserved::Refused(count)),
            // Without attributes, the response would read as a counter with room.
            (true, false) => Err(malformed("the counter does not contain the ticket")),
        }
    }

    /// A retry by the SDK no longer finds the ticket, and its condition fails.
    async fn settle_attempt(
        &self,
        counter: &Counter,
        ticket: &str,
        stale: &Stale,
        outcome: Outcome,
    ) -> Result<(), RepositoryError> {
        // `DynamoDB` rejects a set with duplicates.
        let mut tickets = BTreeSet::from([ticket.to_owned()]);
        tickets.extend(stale.tickets.iter().cloned());
        let mut request = self
            .client
            .update_item()
            .condition_expression("contains(tickets, :ticket)")
            .expression_attribute_values(":ticket", S(ticket.to_owned()))
            .expression_attribute_values(":tickets", Ss(tickets.into_iter().collect()));
        let mut expression = "DELETE tickets :tickets".to_owned();
        let mut removed: Vec<&String> = stale.sources.iter().collect();
        match outcome {
            Outcome::Failed => {
                expression.push_str(" ADD failures :one, #source :one");
                request = request
                    .expression_attribute_names("#source", &counter.source)
                    .expression_attribute_values(":one", N("1".into()));
            }
            Outcome::Released => {}
            Outcome::Succeeded => removed.push(&counter.source),
        }
        let names: Vec<String> = (0..removed.len()).map(|i| format!("#removed{i}")).collect();
        if !names.is_empty() {
            expression.push_str(" REMOVE ");
            expression.push_str(&names.join(", "));
        }
        for (name, source) in names.into_iter().zip(removed) {
            request = request.expression_attribute_names(name, source);
        }
        let request = request.update_expression(expression);
        self.update(KIND, &counter.id, request).await.map(|_| ())
    }

    async fn add_network_failure(&self, counter: &NetworkCounter) -> Result<(), RepositoryError> {
        let ends = counter.window_ends.as_secs().to_string();
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", S(format!("{NETWORK_KIND}#{}", counter.id)))
            .update_expression("ADD failures :one SET expires_at = :window_ends")
            .expression_attribute_values(":one", N("1".into()))
            .expression_attribute_values(":window_ends", N(ends))
            .customize()
            .config_override(Config::builder().retry_config(RetryConfig::disabled()));
        let updated = request.send().boxed().await.map_err(unavailable)?;
        confirmed(updated).map(|_| ())
    }
}

impl AttemptDirectory for DynamoDbStore {
    async fn clear_attempts(&self, counter: &Counter) -> Result<bool, RepositoryError> {
        let request = self
            .client
            .delete_item()
            .table_name(&self.table)
            .key("pk", S(format!("{KIND}#{}", counter.id)))
            .return_values(ReturnValue::AllOld);
        let deleted = request.send().boxed().await.map_err(unavailable)?;
        Ok(confirmed(deleted)?.attributes.is_some())
    }
}
