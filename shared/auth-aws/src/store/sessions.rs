//! Sessions as items of the table: `session#<id>`. `DynamoDB` deletes them by `expires_at`, their idle
//! expiry.
//!
//! Each step of a session is one conditional write. Of any number of processes at once, one makes it and
//! the others see the result.

use std::convert::identity;

use auth_core::{
    Advance, Email, RepositoryError, Session, SessionDirectory, SessionId, SessionRepository,
};
use aws_sdk_dynamodb::types::AttributeValue::{Bool, N, S};
use serde_dynamo::aws_sdk_dynamodb_1::{from_item, to_item};

use super::{DynamoDbStore, Written, malformed};

const KIND: &str = "session";

impl SessionRepository for DynamoDbStore {
    async fn start_session(&self, session: &Session) -> Result<(), RepositoryError> {
        let item = to_item(session).map_err(malformed)?;
        // If it was refused, an earlier attempt of this call has stored the session. A late attempt
        // must not undo its later steps.
        self.put_new(KIND, &session.id, item).await.map(|_| ())
    }

    async fn find_session(&self, id: &SessionId) -> Result<Option<Session>, RepositoryError> {
        let item = self.get(KIND, id, identity).await?;
        item.map(from_item).transpose().map_err(malformed)
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
            Written::Refused(item) => {
                let stored = from_item(item).map_err(malformed)?;
                Ok(Advance::Refused(Some(stored)))
            }
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
    async fn list_sessions(&self, email: &Email) -> Result<Vec<Session>, RepositoryError> {
        let filter = "begins_with(pk, :prefix) AND email = :email";
        let values = [
            (":prefix".to_owned(), S(format!("{KIND}#"))),
            (":email".to_owned(), S(email.to_string())),
        ];
        let items = self.scan(filter, values.into()).await?;
        let sessions = items.into_iter().map(from_item);
        sessions.collect::<Result<_, _>>().map_err(malformed)
    }
}

#[cfg(test)]
mod tests {
    use auth_core::{SessionRules, UnixTime, User};

    use super::*;
    use crate::store::Item;

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

    #[test]
    fn a_session_survives_the_conversion_and_is_deleted_at_its_idle_expiry() {
        let original = jane();
        let item: Item = to_item(&original).unwrap();
        assert_eq!(
            item["expires_at"],
            N(original.idle_expires_at.as_secs().to_string())
        );
        assert_eq!(from_item::<Session>(item).unwrap(), original);
    }

    #[test]
    fn an_item_that_is_not_a_session_is_an_error() {
        for (attribute, value) in [
            ("id", S("1".into())),
            ("generation", N("-1".into())),
            ("revoked", S("no".into())),
        ] {
            let mut item: Item = to_item(jane()).unwrap();
            item.insert(attribute.into(), value);
            assert!(from_item::<Session>(item).is_err(), "{attribute}");
        }
    }
}
