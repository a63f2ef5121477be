//! Reads the user and the session that a live guard checks, in one round trip.

use auth_core::{Email, LiveRepository, RepositoryError, Session, SessionId, User};
use serde_dynamo::aws_sdk_dynamodb_1::from_item;

use super::{DynamoDbStore, malformed, sessions, users};

/// The attributes of a user and of a session, which a batch reads from each of its items.
const PROJECTION: &str = "pk, id, email, disabled, version, #roles, #owner, user_version, generation, created_at, \
     rotated_at, expires_at, absolute_expires_at, revoked";

impl LiveRepository for DynamoDbStore {
    async fn find_user_and_session(
        &self,
        email: &Email,
        id: &SessionId,
    ) -> Result<(Option<User>, Option<Session>), RepositoryError> {
        let user_key = format!("{}#{email}", users::KIND);
        let session_key = format!("{}#{id}", sessions::KIND);
        let keys = [user_key.clone(), session_key.clone()];
        let mut items = self
            .batch_get(keys, |request| {
                request
                    .projection_expression(PROJECTION)
                    .expression_attribute_names("#roles", "roles")
                    .expression_attribute_names("#owner", "owner")
            })
            .await?;
        let user = items.remove(&user_key).map(from_item).transpose();
        let session = items.remove(&session_key).map(sessions::session);
        Ok((user.map_err(malformed)?, session.transpose()?))
    }
}
