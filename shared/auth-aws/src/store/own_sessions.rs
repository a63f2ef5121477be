//! Sessions that their users end themselves.

use auth_core::{OwnSessionRepository, RepositoryError, Session, SessionId};
use aws_sdk_dynamodb::types::AttributeValue::{Bool, N, S};

use super::{DynamoDbStore, expression::Expression, sessions, users};

impl OwnSessionRepository for DynamoDbStore {
    async fn revoke_own_session(
        &self,
        owner: &str,
        id: &SessionId,
    ) -> Result<bool, RepositoryError> {
        let request = self
            .client
            .update_item()
            .update_expression("SET revoked = :true")
            .condition_expression("#owner = :owner")
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_values(":owner", S(owner.to_owned()))
            .expression_attribute_values(":true", Bool(true));
        let written = self.update(sessions::KIND, id, request).await?;
        Ok(written.is_done())
    }

    async fn end_other_sessions(&self, session: &Session) -> Result<bool, RepositoryError> {
        let version = N(session.user_version.to_string());
        let raise_user = Expression::new("ADD #version :one")
            .name("#version", "version")
            .value(":one", N("1".into()))
            .value(":id", S(session.user_id.clone()))
            .value(":version", version.clone());
        let raise_session = Expression::new("ADD user_version :one")
            .value(":one", N("1".into()))
            .value(":version", version)
            .value(":false", Bool(false));
        self.transaction()
            .update(
                users::KIND,
                &session.email,
                raise_user,
                &users::is_version(session.user_version),
            )?
            .update(
                sessions::KIND,
                &session.id,
                raise_session,
                "user_version = :version AND revoked = :false",
            )?
            .commit()
            .await
    }
}
