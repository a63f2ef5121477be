//! Addresses that are held, as items of the table: `held#<email in lower case>`, deleted by `expires_at`.

use std::convert::identity;

use auth_core::{Email, HeldAddress, HeldRepository, RepositoryError, UnixTime};
use aws_sdk_dynamodb::types::AttributeValue::S;
use serde_dynamo::aws_sdk_dynamodb_1::{from_item, to_item};

use super::{
    DynamoDbStore,
    expression::{Expression, seconds},
    malformed,
    transaction::Transaction,
};

pub(super) const KIND: &str = "held";

impl HeldRepository for DynamoDbStore {
    async fn find_held(&self, email: &Email) -> Result<Option<HeldAddress>, RepositoryError> {
        let item = self.get(KIND, email, identity).await?;
        item.map(from_item).transpose().map_err(malformed)
    }
}

/// Adds a held address to a transaction.
pub(super) fn put<'a>(
    transaction: Transaction<'a>,
    email: &Email,
    hold: &HeldAddress,
) -> Result<Transaction<'a>, RepositoryError> {
    let item = to_item(hold).map_err(malformed)?;
    transaction.put(KIND, email, item, None)
}

/// Checks the rule of `HeldAddress::is_free_for`.
pub(super) fn check_free<'a>(
    transaction: Transaction<'a>,
    email: &Email,
    user_id: &str,
    now: UnixTime,
) -> Result<Transaction<'a>, RepositoryError> {
    let is_free = Expression::new("attribute_not_exists(pk) OR #until <= :now OR user_id = :id")
        .name("#until", "until")
        .value(":now", seconds(now))
        .value(":id", S(user_id.to_owned()));
    transaction.check(KIND, email, is_free)
}

/// Releases an address that is held for a user whose address is `current` now.
pub(super) fn release<'a>(
    transaction: Transaction<'a>,
    email: &Email,
    user_id: &str,
    current: &Email,
) -> Result<Transaction<'a>, RepositoryError> {
    let is_own = Expression::new("user_id = :id AND #current = :current")
        .name("#current", "current")
        .value(":id", S(user_id.to_owned()))
        .value(":current", S(current.to_string()));
    transaction.delete(KIND, email, is_own)
}
