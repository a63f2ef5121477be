//! Sessions in the table, each one item. A step of a session is one conditional write, and so is its
//! end: of any number of processes at once, one makes the step and the others see what it made.

use std::collections::HashMap;

use auth_core::{
    Advance, Email, RepositoryError, Session, SessionDirectory, SessionId, SessionRepository,
};
use aws_sdk_dynamodb::{
    operation::{put_item::PutItemError, update_item::UpdateItemError},
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure},
};
use futures_util::FutureExt;
use serde::{Deserialize, Serialize};
use serde_dynamo::aws_sdk_dynamodb_1::{from_item, to_item};

use crate::{
    item::{Item, malformed, number},
    table::{Table, genuine, is_made, unavailable},
};

/// What the keys of sessions begin with.
const PREFIX: &str = "session#";

/// Sessions of one table. Cheap to clone.
#[derive(Debug, Clone)]
pub struct DynamoDbSessionRepository {
    table: Table,
}

/// The attributes of a session. `expires_at` is the one by which DynamoDB deletes: the idle expiry,
/// which is never the later one.
#[derive(Serialize, Deserialize)]
struct SessionItem {
    pk: String,
    email: String,
    user_id: String,
    user_version: u64,
    generation: u32,
    created_at: u64,
    rotated_at: u64,
    expires_at: u64,
    absolute_expires_at: u64,
    revoked: bool,
}

impl From<&Session> for SessionItem {
    fn from(session: &Session) -> Self {
        Self {
            pk: key(&session.id),
            email: session.email.to_string(),
            user_id: session.user_id.clone(),
            user_version: session.user_version,
            generation: session.generation,
            created_at: session.created_at,
            rotated_at: session.rotated_at,
            expires_at: session.idle_expires_at,
            absolute_expires_at: session.expires_at,
            revoked: session.revoked,
        }
    }
}

fn key(id: &SessionId) -> String {
    format!("{PREFIX}{id}")
}

fn session(item: Item) -> Result<Session, RepositoryError> {
    let item: SessionItem = from_item(item).map_err(malformed)?;
    let id = item.pk.strip_prefix(PREFIX).and_then(SessionId::parse);
    Ok(Session {
        id: id.ok_or_else(|| malformed("pk is not that of a session"))?,
        email: Email::parse(&item.email).map_err(malformed)?,
        user_id: item.user_id,
        user_version: item.user_version,
        generation: item.generation,
        created_at: item.created_at,
        rotated_at: item.rotated_at,
        idle_expires_at: item.expires_at,
        expires_at: item.absolute_expires_at,
        revoked: item.revoked,
    })
}

impl DynamoDbSessionRepository {
    pub(crate) fn new(table: Table) -> Self {
        Self { table }
    }
}

impl SessionRepository for DynamoDbSessionRepository {
    async fn start(&self, session: &Session) -> Result<(), RepositoryError> {
        let item: Item = to_item(SessionItem::from(session)).map_err(malformed)?;
        // A repetition finds what an earlier attempt put. One that arrives late must not undo what
        // has come of the session since.
        let put = self
            .table
            .put()
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)")
            .send()
            .boxed()
            .await;
        let error = match put {
            Ok(put) => return genuine(put).map(|_| ()),
            Err(error) => error,
        };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(()),
            _ => Err(unavailable(error)),
        }
    }

    async fn find(&self, id: &SessionId) -> Result<Option<Session>, RepositoryError> {
        let get = self
            .table
            .get(AttributeValue::S(key(id)))
            .send()
            .boxed()
            .await;
        let found = genuine(get.map_err(unavailable)?)?;
        found.item.map(session).transpose()
    }

    async fn advance(&self, next: &Session) -> Result<Advance, RepositoryError> {
        let presented = next.generation.checked_sub(1);
        let presented = presented.ok_or_else(|| malformed("no step leads to generation 0"))?;
        let updated = self
            .table
            .update(AttributeValue::S(key(&next.id)))
            .update_expression(
                "SET generation = :next, rotated_at = :now, expires_at = :expires_at",
            )
            .condition_expression(
                "generation = :presented AND revoked = :false \
                 AND expires_at > :now AND absolute_expires_at > :now",
            )
            .expression_attribute_values(":presented", number(presented.into()))
            .expression_attribute_values(":next", number(next.generation.into()))
            .expression_attribute_values(":now", number(next.rotated_at))
            .expression_attribute_values(":expires_at", number(next.idle_expires_at))
            .expression_attribute_values(":false", AttributeValue::Bool(false))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .boxed()
            .await;
        let error = match updated {
            Ok(updated) => return genuine(updated).map(|_| Advance::Done),
            Err(error) => error,
        };
        match error.into_service_error() {
            UpdateItemError::ConditionalCheckFailedException(failed) => {
                let stored = failed.item.map(session).transpose()?;
                Ok(Advance::Refused(stored))
            }
            other => Err(unavailable(other)),
        }
    }

    async fn revoke(&self, id: &SessionId) -> Result<(), RepositoryError> {
        let updated = self
            .table
            .update(AttributeValue::S(key(id)))
            .update_expression("SET revoked = :true")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":true", AttributeValue::Bool(true))
            .send()
            .boxed()
            .await;
        is_made(updated).map(|_| ())
    }
}

impl SessionDirectory for DynamoDbSessionRepository {
    async fn of_user(&self, email: &Email) -> Result<Vec<Session>, RepositoryError> {
        let filter = "begins_with(pk, :prefix) AND email = :email";
        let values = HashMap::from([
            (":prefix".to_owned(), AttributeValue::S(PREFIX.into())),
            (":email".to_owned(), AttributeValue::S(email.to_string())),
        ]);
        let items = self.table.scan_all(filter, values).await?;
        items.into_iter().map(session).collect()
    }
}

#[cfg(test)]
mod tests {
    use auth_core::{SessionRules, User};

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
        let id = SessionId::random().unwrap();
        Session::begin(id, &email, &user, &SessionRules::default(), 1_000)
    }

    #[test]
    fn a_session_comes_back_from_an_item_that_dynamodb_deletes_at_the_idle_expiry() {
        let original = jane();
        let item: Item = to_item(SessionItem::from(&original)).unwrap();
        assert_eq!(item["expires_at"], number(original.idle_expires_at));
        assert_eq!(session(item).unwrap(), original);
    }

    #[test]
    fn an_item_that_is_no_session_is_an_error() {
        for (attribute, value) in [
            ("pk", AttributeValue::S("session#1".into())),
            ("generation", AttributeValue::N("-1".into())),
            ("revoked", AttributeValue::S("no".into())),
        ] {
            let mut item: Item = to_item(SessionItem::from(&jane())).unwrap();
            item.insert(attribute.into(), value);
            let read = session(item);
            assert!(
                matches!(read, Err(RepositoryError::Malformed(_))),
                "{attribute}"
            );
        }
    }
}
