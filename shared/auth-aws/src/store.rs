//! The table, and the calls on it that everything else is built from.
//!
//! All items have the key `pk`. Reads are strongly consistent, so a user who was disabled is rejected by
//! the next request. Writes are conditional; [`Written`] is their result. The SDK's futures have several
//! kilobytes, and a login waits for two at once, so each is boxed.

mod accounts;
mod asks;
mod attempts;
mod expression;
mod held;
mod keys;
mod live;
mod own_sessions;
mod sessions;
mod transaction;
mod users;

use std::{collections::HashMap, error::Error, fmt::Display, time::Duration};

use auth_core::RepositoryError;
use aws_sdk_dynamodb::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    operation::{
        RequestId,
        get_item::builders::GetItemFluentBuilder,
        put_item::PutItemError,
        update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    },
    types::{
        AttributeValue::{self, S},
        KeysAndAttributes, ReturnValuesOnConditionCheckFailure,
        builders::KeysAndAttributesBuilder,
    },
};
use futures_util::FutureExt;

use crate::call_error::CallError;

/// How often a batch is requested while `DynamoDB` leaves some of its keys unprocessed.
const BATCH_ATTEMPTS: u32 = 3;

/// How much longer to wait before each further attempt.
const BATCH_PAUSE: Duration = Duration::from_millis(50);

/// How often a write is tried while transactions write the same item. The SDK does not retry such a write.
const MAX_WRITES: u32 = 6;

/// How much longer to wait before each further try.
const WRITE_PAUSE: Duration = Duration::from_millis(30);

#[cfg(feature = "operator")]
pub(crate) use sessions::OWNER_INDEX;

type Item = HashMap<String, AttributeValue>;

/// Users, sessions and counters in a `DynamoDB` table. Cheap to clone.
#[derive(Debug, Clone)]
pub struct DynamoDbStore {
    client: Client,
    table: String,
}

/// The result of a conditional write.
enum Written {
    /// The write was made. Contains the attributes that the request asked for.
    Done(Item),
    /// The condition failed. Contains the stored item; it is empty if there is none.
    Refused(Item),
}

impl Written {
    fn is_done(&self) -> bool {
        matches!(self, Self::Done(_))
    }
}

impl DynamoDbStore {
    pub(crate) fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    #[cfg(feature = "operator")]
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Returns the name or the ARN of the table.
    #[cfg(feature = "operator")]
    #[must_use]
    pub fn table_name(&self) -> &str {
        &self.table
    }

    /// Reads the item `<kind>#<id>`, after `adjust` has named the attributes to read.
    async fn get(
        &self,
        kind: &str,
        id: &impl Display,
        adjust: impl FnOnce(GetItemFluentBuilder) -> GetItemFluentBuilder,
    ) -> Result<Option<Item>, RepositoryError> {
        let request = adjust(self.client.get_item())
            .table_name(&self.table)
            .key("pk", S(format!("{kind}#{id}")))
            .consistent_read(true);
        let read = request.send().boxed().await.map_err(unavailable)?;
        Ok(confirmed(read)?.item)
    }

    /// Reads several items at once, and returns those that exist by their keys; `adjust` completes the request.
    /// Items that `DynamoDB` leaves unprocessed are read again. If some are still unprocessed after the last attempt,
    /// that is an error, because they may exist.
    async fn batch_get(
        &self,
        keys: impl IntoIterator<Item = String>,
        adjust: impl FnOnce(KeysAndAttributesBuilder) -> KeysAndAttributesBuilder,
    ) -> Result<HashMap<String, Item>, RepositoryError> {
        let keys = keys
            .into_iter()
            .map(|key| Item::from([("pk".to_owned(), S(key))]));
        let request = adjust(KeysAndAttributes::builder().set_keys(Some(keys.collect())));
        let request = request.consistent_read(true).build().map_err(malformed)?;
        let mut requests = HashMap::from([(self.table.clone(), request)]);
        let mut items = HashMap::new();
        for attempt in 0..BATCH_ATTEMPTS {
            if attempt > 0 {
                tokio::time::sleep(BATCH_PAUSE * attempt).await;
            }
            let request = self
                .client
                .batch_get_item()
                .set_request_items(Some(requests));
            let read = confirmed(request.send().boxed().await.map_err(unavailable)?)?;
            for item in read.responses.unwrap_or_default().into_values().flatten() {
                let key = item.get("pk").and_then(|key| key.as_s().ok()).cloned();
                items.insert(key.ok_or_else(|| malformed("an item without pk"))?, item);
            }
            requests = read.unprocessed_keys.unwrap_or_default();
            if requests.is_empty() {
                return Ok(items);
            }
        }
        let cause = "DynamoDB did not process all keys";
        Err(RepositoryError::Unavailable(cause.into()))
    }

    /// Stores the item `<kind>#<id>` unless it already exists.
    async fn put_new(
        &self,
        kind: &str,
        id: &impl Display,
        item: Item,
    ) -> Result<Written, RepositoryError> {
        let request = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .item("pk", S(format!("{kind}#{id}")))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        for attempt in 0..MAX_WRITES {
            pause(attempt).await;
            let error = match request.clone().send().boxed().await {
                Ok(put) => return confirmed(put).map(|_| Written::Done(Item::new())),
                Err(error) => error,
            };
            match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                    let item = failed.item().cloned();
                    return Ok(Written::Refused(item.unwrap_or_default()));
                }
                Some(PutItemError::TransactionConflictException(_)) => {}
                _ => return Err(unavailable(error)),
            }
        }
        Err(busy())
    }

    /// Updates the item `<kind>#<id>` with a request that was started with [`Client::update_item`].
    async fn update(
        &self,
        kind: &str,
        id: &impl Display,
        request: UpdateItemFluentBuilder,
    ) -> Result<Written, RepositoryError> {
        let request = request
            .table_name(&self.table)
            .key("pk", S(format!("{kind}#{id}")))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        for attempt in 0..MAX_WRITES {
            pause(attempt).await;
            let error = match request.clone().send().boxed().await {
                Ok(updated) => {
                    let attributes = confirmed(updated)?.attributes;
                    return Ok(Written::Done(attributes.unwrap_or_default()));
                }
                Err(error) => error,
            };
            match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    let item = failed.item().cloned();
                    return Ok(Written::Refused(item.unwrap_or_default()));
                }
                Some(UpdateItemError::TransactionConflictException(_)) => {}
                _ => return Err(unavailable(error)),
            }
        }
        Err(busy())
    }
}

/// Waits before a write is tried again. Even a sleep of zero would delay the first try, until the timer's next tick.
async fn pause(attempt: u32) {
    if attempt > 0 {
        tokio::time::sleep(WRITE_PAUSE * attempt).await;
    }
}

/// Returns the error for a write that other transactions have prevented.
fn busy() -> RepositoryError {
    RepositoryError::Unavailable("other transactions write the same items".into())
}

/// Checks that a response is from `DynamoDB`, which puts a request id into each. An empty 200 from a
/// proxy would otherwise pass for a missing user or a completed write.
fn confirmed<T: RequestId>(response: T) -> Result<T, RepositoryError> {
    if response.request_id().is_none() {
        let cause = "the response is not from DynamoDB";
        return Err(RepositoryError::Unavailable(cause.into()));
    }
    Ok(response)
}

/// Returns an error whose source is a [`CallError`].
fn unavailable<E>(error: SdkError<E>) -> RepositoryError
where
    E: Error + ProvideErrorMetadata + 'static,
{
    RepositoryError::Unavailable(Box::new(CallError::from(error)))
}

fn malformed(error: impl Display) -> RepositoryError {
    RepositoryError::Malformed(error.to_string())
}

#[cfg(test)]
mod tests {
    use std::{
        io::Read,
        net::{Shutdown, TcpListener},
        thread,
    };

    use auth_core::{
        CredentialRepository, Email, LiveRepository, NetworkCounter, SessionId, SessionRepository,
        UnixTime, UserRepository,
    };
    use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig};
    use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};

    use super::*;

    /// `DynamoDB` Local has one copy of each item, so no test of behaviour notices an eventually
    /// consistent read.
    #[tokio::test]
    async fn every_read_of_an_item_is_strongly_consistent() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = thread::spawn(move || {
            (0..5)
                .map(|_| {
                    let (mut stream, _) = listener.accept().unwrap();
                    let mut request = [0; 8192];
                    let length = stream.read(&mut request).unwrap();
                    stream.shutdown(Shutdown::Both).unwrap();
                    String::from_utf8_lossy(&request[..length]).into_owned()
                })
                .collect::<Vec<_>>()
        });
        let credentials = Credentials::new("local", "local", None, None, "tests");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(url)
            .region(Region::new("eu-central-1"))
            .retry_config(RetryConfig::disabled())
            .build();
        let store = DynamoDbStore::new(Client::new(&config), "users".into());
        let email = Email::parse("jane@example.com").unwrap();
        assert!(store.find_by_email(&email).await.is_err());
        let session = SessionId::random().unwrap();
        assert!(store.find_session(&session).await.is_err());
        assert!(store.find_user_and_session(&email, &session).await.is_err());
        let network = NetworkCounter {
            id: String::new(),
            max_failures: 1,
            window_ends: UnixTime::default(),
        };
        assert!(store.find_for_login(&email, &network).await.is_err());
        assert!(store.find_published_text().await.is_err());
        for request in server.join().unwrap() {
            assert!(request.contains("GetItem"), "{request}");
            assert!(request.contains(r#""ConsistentRead":true"#), "{request}");
        }
    }
}
