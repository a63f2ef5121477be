//! Sessions as items of the table: `session#<id>`. `DynamoDB` deletes them by `expires_at`, their idle
//! expiry.
//!
//! Each step of a session is one conditional write. Of any number of concurrent processes, one makes it and
//! the others see the result.

use std::convert::identity;

use auth_core::{
    Advance, RepositoryError, Session, SessionDirectory, SessionId, SessionRepository,
};
use aws_sdk_dynamodb::types::AttributeValue::{Bool, N, S};
use futures_util::FutureExt;
use serde_dynamo::aws_sdk_dynamodb_1::{from_item, to_item};

use super::{DynamoDbStore, Item, Written, confirmed, malformed, unavailable};

pub(super) const KIND: &str = "session";

/// The index of sessions by their users.
pub(crate) const OWNER_INDEX: &str = "by_owner";

/// The most items of a `BatchGetItem`.
const MAX_BATCH: i32 = 100;

/// Parses an item, whose key contains the id.
pub(super) fn session(mut item: Item) -> Result<Session, RepositoryError> {
    let key = item.remove("pk").and_then(|key| key.as_s().ok().cloned());
    let id = key.as_deref().and_then(|key| key.strip_prefix("session#"));
    let id = id.ok_or_else(|| malformed("pk is not the key of a session"))?;
    item.insert("id".into(), S(id.to_owned()));
    from_item(item).map_err(malformed)
}

impl SessionRepository for DynamoDbStore {
    async fn start_session(&self, session: &Session) -> Result<(), RepositoryError> {
        let mut item: Item = to_item(session).map_err(malformed)?;
        item.remove("id");
        // If the write is refused, an earlier attempt of this call has stored the session. A late attempt
        // must not undo later steps.
        self.put_new(KIND, &session.id, item).await.map(|_| ())
    }

    async fn find_session(&self, id: &SessionId) -> Result<Option<Session>, RepositoryError> {
        let item = self.get(KIND, id, identity).await?;
        item.map(session).transpose()
    }

    async fn advance_session(&self, next: &Session) -> Result<Advance, RepositoryError> {
        let presented = next.generation.checked_sub(1);
        let presented = presented.ok_or_else(|| malformed("no step leads to generation 0"))?;
        let request = self
            .client
            .update_item()
            .update_expression(
                "SET generation = :next, rotated_at = :now, expires_at = :expires_at",
            )
            .condition_expression(
                "generation = :presented AND revoked = :false \
                 AND expires_at > :now AND absolute_expires_at > :now",
            )
            .expression_attribute_values(":presented", N(presented.to_string()))
            .expression_attribute_values(":next", N(next.generation.to_string()))
            .expression_attribute_values(":now", N(next.rotated_at.as_secs().to_string()))
            .expression_attribute_values(
                ":expires_at",
                N(next.idle_expires_at.as_secs().to_string()),
            )
            .expression_attribute_values(":false", Bool(false));
        match self.update(KIND, &next.id, request).await? {
            Written::Done(_) => Ok(Advance::Done),
            Written::Refused(item) if item.is_empty() => Ok(Advance::Refused(None)),
            Written::Refused(item) => Ok(Advance::Refused(Some(session(item)?))),
        }
    }

    async fn revoke_session(&self, id: &SessionId) -> Result<(), RepositoryError> {
        let request = self
            .client
            .update_item()
            .update_expression("SET revoked = :true")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":true", Bool(true));
        self.update(KIND, id, request).await.map(|_| ())
    }
}

impl SessionDirectory for DynamoDbStore {
    /// The index has only keys and is eventually consistent; the sessions themselves are read from the table.
    async fn list_sessions(
        &self,
        owner: &str,
        limit: usize,
    ) -> Result<Vec<Session>, RepositoryError> {
        let (mut sessions, mut left) = (Vec::new(), limit);
        let mut after = None;
        while left > 0 {
            let request = self
                .client
                .query()
                .table_name(&self.table)
                .index_name(OWNER_INDEX)
                .key_condition_expression("#owner = :owner")
                .expression_attribute_names("#owner", "owner")
                .expression_attribute_values(":owner", S(owner.to_owned()))
                .limit(i32::try_from(left).unwrap_or(MAX_BATCH).min(MAX_BATCH))
                .set_exclusive_start_key(after);
            let page = confirmed(request.send().boxed().await.map_err(unavailable)?)?;
            let keys = page.items().iter().filter_map(|item| item.get("pk"));
            let keys: Vec<String> = keys.filter_map(|key| key.as_s().ok().cloned()).collect();
            left = left.saturating_sub(keys.len());
            if !keys.is_empty() {
                let items = self.batch_get(keys, identity).await?;
                let found = items.into_values().map(session);
                sessions.extend(found.collect::<Result<Vec<_>, _>>()?);
            }
            after = page.last_evaluated_key.filter(|key| !key.is_empty());
            if after.is_none() {
                break;
            }
        }
        Ok(sessions)
    }
}

#[cfg(test)]
mod tests {
    use auth_core::{Email, SessionRules, UnixTime, User};

    use super::*;

    fn jane() -> Session {
        let user = User {
            id: "7".into(),
            email: "Jane@Example.com".into(),
            disabled: false,
            version: 2,
            roles: vec![],
        };
        let email = Email::parse(&user.email).unwrap();
        let now = UnixTime::from_secs(1_000);
        Session::new(&email, &user, &SessionRules::default(), now).unwrap()
    }

    fn item(session: &Session) -> Item {
        let mut item: Item = to_item(session).unwrap();
        item.remove("id");
        item.insert("pk".into(), S(format!("{KIND}#{}", session.id)));
        item
    }

    #[test]
    fn a_session_survives_the_conversion_and_is_deleted_at_its_idle_expiry() {
        let original = jane();
        let item = item(&original);
        let expected = N(original.idle_expires_at.as_secs().to_string());
        assert_eq!(item["expires_at"], expected);
        assert_eq!(session(item).unwrap(), original);
    }

    #[test]
    fn an_item_that_is_not_a_session_is_an_error() {
        for (attribute, value) in [
            ("pk", S("session#1".into())),
            ("pk", S("user#a@b.c".into())),
            ("generation", N("-1".into())),
            ("revoked", S("no".into())),
        ] {
            let mut item = item(&jane());
            item.insert(attribute.into(), value);
            let read = session(item);
            let is_malformed = matches!(read, Err(RepositoryError::Malformed(_)));
            assert!(is_malformed, "{attribute}");
        }
    }
}
