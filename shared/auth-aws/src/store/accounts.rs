//! Changes that users make to their own accounts.
//!
//! Each change is one transaction with its notice. A move and a deletion are conditional on every attribute that was
//! read, so no other change is lost.

use std::convert::identity;

use auth_core::{
    Account, AccountRepository, ActionMark, Ask, Email, HeldAddress, MoveKind, NewPassword,
    Relocation, RepositoryError, UnixTime,
};
use aws_sdk_dynamodb::types::AttributeValue::{Bool, N, S};
use serde_dynamo::aws_sdk_dynamodb_1::{from_item, to_item};

use super::{
    DynamoDbStore, Item, asks,
    expression::{Expression, seconds},
    held, malformed, users,
};

/// Attributes that a user may lack.
const OPTIONAL: [&str; 3] = ["last_action", "moved_at", "version"];

impl AccountRepository for DynamoDbStore {
    async fn find_account(&self, email: &Email) -> Result<Option<Account>, RepositoryError> {
        let item = self.get(users::KIND, email, identity).await?;
        item.map(from_item).transpose().map_err(malformed)
    }

    async fn create_account(
        &self,
        account: &Account,
        issued_at: UnixTime,
        now: UnixTime,
    ) -> Result<bool, RepositoryError> {
        let email = address(account)?;
        let item = to_item(account).map_err(malformed)?;
        // The rule of `HeldAddress::allows_link`.
        let allows_link =
            Expression::new("attribute_not_exists(pk) OR (#until <= :now AND #since < :issued_at)")
                .name("#until", "until")
                .name("#since", "since")
                .value(":now", seconds(now))
                .value(":issued_at", seconds(issued_at));
        self.transaction()
            .put(users::KIND, &email, item, Some(Expression::absent()))?
            .check(held::KIND, &email, allows_link)?
            .commit()
            .await
    }

    async fn set_password(&self, change: &NewPassword) -> Result<bool, RepositoryError> {
        let update =
            Expression::new("SET password_hash = :hash, last_action = :mark ADD #version :one")
                .name("#version", "version")
                .value(":hash", S(change.hash.expose().to_owned()))
                .value(":mark", mark(&change.mark))
                .value(":one", N("1".into()))
                .value(":id", S(change.user_id.clone()))
                .value(":version", N(change.version.to_string()))
                .value(":false", Bool(false));
        let condition = format!(
            "disabled = :false AND {}",
            users::is_version(change.version)
        );
        let transaction = self.transaction();
        let transaction = transaction.update(users::KIND, &change.email, update, &condition)?;
        asks::put(transaction, &change.notice, None)?.commit().await
    }

    /// A retry by the SDK finds the next version with the mark, and the caller reads it.
    async fn raise_version(
        &self,
        email: &Email,
        user_id: &str,
        version: u64,
        action: &ActionMark,
    ) -> Result<bool, RepositoryError> {
        let request = self
            .client
            .update_item()
            .update_expression("SET last_action = :mark ADD #version :one")
            .condition_expression(users::is_version(version))
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":mark", mark(action))
            .expression_attribute_values(":one", N("1".into()))
            .expression_attribute_values(":id", S(user_id.to_owned()))
            .expression_attribute_values(":version", N(version.to_string()));
        let written = self.update(users::KIND, email, request).await?;
        Ok(written.is_done())
    }

    async fn move_account(
        &self,
        relocation: &Relocation,
        now: UnixTime,
    ) -> Result<bool, RepositoryError> {
        let (from, to) = (address(&relocation.from)?, address(&relocation.to)?);
        let Some(old) = self.find_unchanged(&from, &relocation.from).await? else {
            return Ok(false);
        };
        let mut transaction = self
            .transaction()
            .put(
                users::KIND,
                &to,
                moved(&old, &relocation.to)?,
                Some(Expression::absent()),
            )?
            .delete(users::KIND, &from, unchanged(&old))?;
        let user_id = &relocation.from.stored.user.id;
        transaction = match &relocation.kind {
            MoveKind::Confirmed { hold } => {
                let checked = held::check_free(transaction, &to, user_id, now)?;
                held::put(checked, &from, hold)?
            }
            MoveKind::Undone => held::release(transaction, &to, user_id, &from)?,
        };
        for notice in &relocation.notices {
            transaction = asks::put(transaction, notice, None)?;
        }
        transaction.commit().await
    }

    async fn delete_account(
        &self,
        account: &Account,
        hold: &HeldAddress,
        notice: &Ask,
    ) -> Result<bool, RepositoryError> {
        let email = address(account)?;
        let Some(old) = self.find_unchanged(&email, account).await? else {
            return Ok(false);
        };
        let transaction = self.transaction();
        let transaction = transaction.delete(users::KIND, &email, unchanged(&old))?;
        let transaction = held::put(transaction, &email, hold)?;
        asks::put(transaction, notice, None)?.commit().await
    }
}

impl DynamoDbStore {
    /// Returns the item of a user, if the user has not changed since `account` was read.
    async fn find_unchanged(
        &self,
        email: &Email,
        account: &Account,
    ) -> Result<Option<Item>, RepositoryError> {
        let Some(item) = self.get(users::KIND, email, identity).await? else {
            return Ok(None);
        };
        let found: Account = from_item(item.clone()).map_err(malformed)?;
        Ok((found == *account).then_some(item))
    }
}

/// Returns the condition that the user has not changed since the item was read.
fn unchanged(item: &Item) -> Expression {
    Expression::unchanged(item, &OPTIONAL)
}

/// Returns the item of a user at another address. It keeps all attributes of the old item that are not part of an
/// [`Account`].
fn moved(old: &Item, to: &Account) -> Result<Item, RepositoryError> {
    let mut item = old.clone();
    for name in OPTIONAL {
        item.remove(name);
    }
    let changed: Item = to_item(to).map_err(malformed)?;
    item.extend(changed);
    Ok(item)
}

/// Returns the key of a user.
fn address(account: &Account) -> Result<Email, RepositoryError> {
    Email::parse(&account.stored.user.email).map_err(malformed)
}

fn mark(mark: &ActionMark) -> aws_sdk_dynamodb::types::AttributeValue {
    S(mark.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_who_gets_an_attribute_has_changed() {
        let item = Item::from([("version".to_owned(), N("1".into()))]);
        let condition = unchanged(&item);
        assert_eq!(
            condition.text,
            "#a0 = :a0 AND attribute_not_exists(#b0) AND attribute_not_exists(#b1)"
        );
        let absent = [&condition.names["#b0"], &condition.names["#b1"]];
        assert_eq!(absent, ["last_action", "moved_at"]);
        assert_eq!(condition.values.len(), 1);

        let names = unchanged(&Item::new()).names;
        assert!(names.values().any(|name| name == "version"), "{names:?}");
    }
}
