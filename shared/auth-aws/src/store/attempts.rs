//! Counters as items of the table: `attempts#<pair, ip or email>#<MAC>#<begin of the window>`. `DynamoDB`
//! deletes them when their window has ended.

use auth_core::{
    AttemptDirectory, AttemptKind, AttemptRepository, Count, CountedAttempts, Counter, Outcome,
    RepositoryError, UnixTime,
};
use aws_sdk_dynamodb::types::{
    AttributeValue::{N, S, Ss},
    ReturnValue,
};
use futures_util::FutureExt;
use serde::Deserialize;
use serde_dynamo::aws_sdk_dynamodb_1::{from_item, to_attribute_value};

use super::{DynamoDbStore, Item, Written, confirmed, malformed, unavailable};

const KIND: &str = "attempts";

/// A counter as an operator reads it.
#[derive(Deserialize)]
struct CounterItem {
    pk: String,
    #[serde(flatten)]
    count: Count,
    expires_at: UnixTime,
}

fn counted(item: Item) -> Result<CountedAttempts, RepositoryError> {
    let item: CounterItem = from_item(item).map_err(malformed)?;
    let name = item.pk.split('#').nth(1);
    let kinds = [AttemptKind::Pair, AttemptKind::Network, AttemptKind::Email];
    let kind = kinds.into_iter().find(|kind| Some(kind.name()) == name);
    Ok(CountedAttempts {
        kind: kind.ok_or_else(|| malformed("pk is not the key of a counter"))?,
        count: item.count,
        expires_at: item.expires_at,
    })
}

impl AttemptRepository for DynamoDbStore {
    /// A retry by the SDK adds the same ticket, which a set contains once.
    async fn reserve_attempt(
        &self,
        counter: &Counter,
        ticket: &str,
    ) -> Result<Count, RepositoryError> {
        let expires_at = to_attribute_value(counter.expires_at).map_err(malformed)?;
        let mut expression = "ADD pending :tickets SET expires_at = :expires_at".to_owned();
        let mut request = self
            .client
            .update_item()
            .expression_attribute_values(":tickets", Ss(vec![ticket.to_owned()]))
            .expression_attribute_values(":expires_at", expires_at);
        if let Some(email_mac) = &counter.email_mac {
            expression.push_str(", email_mac = :email_mac");
            request = request.expression_attribute_values(":email_mac", S(email_mac.clone()));
        }
        let request = request
            .update_expression(expression)
            .return_values(ReturnValue::AllNew);
        let item = match self.update(KIND, &counter.key, request).await? {
            Written::Done(item) | Written::Refused(item) => item,
        };
        let count: Count = from_item(item).map_err(malformed)?;
        // Without attributes, the response would read as a counter with room.
        if !count.pending.contains(ticket) {
            return Err(malformed("the counter does not contain the ticket"));
        }
        Ok(count)
    }

    /// A retry by the SDK no longer finds the ticket, and its condition fails.
    async fn settle_attempt(
        &self,
        counter: &Counter,
        ticket: &str,
        expired: &[String],
        outcome: Outcome,
    ) -> Result<(), RepositoryError> {
        let tickets = [&[ticket.to_owned()], expired].concat();
        let request = self
            .client
            .update_item()
            .condition_expression("contains(pending, :ticket)")
            .expression_attribute_values(":ticket", S(ticket.to_owned()))
            .expression_attribute_values(":tickets", Ss(tickets));
        let request = match outcome {
            Outcome::Failed => request
                .update_expression("DELETE pending :tickets ADD failures :one")
                .expression_attribute_values(":one", N("1".into())),
            Outcome::Released => request.update_expression("DELETE pending :tickets"),
            Outcome::Reset => request.update_expression("DELETE pending :tickets REMOVE failures"),
        };
        self.update(KIND, &counter.key, request).await.map(|_| ())
    }
}

impl DynamoDbStore {
    /// Returns the items of an email's counters.
    async fn counter_items(&self, email_mac: &str) -> Result<Vec<Item>, RepositoryError> {
        let filter = "begins_with(pk, :prefix) AND email_mac = :email_mac";
        let values = [
            (":prefix".to_owned(), S(format!("{KIND}#"))),
            (":email_mac".to_owned(), S(email_mac.to_owned())),
        ];
        self.scan(filter, values.into()).await
    }
}

impl AttemptDirectory for DynamoDbStore {
    async fn list_attempts(
        &self,
        email_mac: &str,
    ) -> Result<Vec<CountedAttempts>, RepositoryError> {
        let items = self.counter_items(email_mac).await?;
        items.into_iter().map(counted).collect()
    }

    async fn clear_attempts(&self, email_mac: &str) -> Result<usize, RepositoryError> {
        let items = self.counter_items(email_mac).await?;
        let count = items.len();
        for mut item in items {
            let key = item.remove("pk").ok_or_else(|| malformed("no pk"))?;
            let request = self.client.delete_item().table_name(&self.table);
            let deleted = request.key("pk", key).send().boxed().await;
            confirmed(deleted.map_err(unavailable)?)?;
        }
        Ok(count)
    }
}
