//! What an operator wants to know about a table, without changing it.

use std::sync::{Arc, Mutex, PoisonError};

use auth_core::Clock;
use aws_sdk_dynamodb::{
    config::{
        ConfigBag, Intercept, RuntimeComponents,
        interceptors::BeforeDeserializationInterceptorContextRef,
    },
    error::BoxError,
    primitives::{DateTime, DateTimeFormat},
    types::{
        ContinuousBackupsStatus, GlobalSecondaryIndexDescription, IndexStatus,
        PointInTimeRecoveryStatus, TableDescription, TableStatus, TimeToLiveStatus,
    },
};
use futures_util::FutureExt;

use crate::{call_error::CallError, place::Place, store::DynamoDbStore};

/// A table as AWS describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableState {
    /// The ARN.
    pub arn: String,
    /// The status, such as `ACTIVE`.
    pub status: String,
    /// Whether the table can be used.
    pub is_usable: bool,
    /// The status of the index of sessions by owner; `None` if the table has no such index.
    pub index: Option<String>,
    /// Whether the index can be used.
    pub is_index_active: bool,
    /// Whether the table is protected from deletion.
    pub is_deletion_protected: bool,
}

impl From<TableDescription> for TableState {
    fn from(table: TableDescription) -> Self {
        let indexes = table.global_secondary_indexes();
        let index = indexes.iter().find(|index| is_owner_index(index));
        let index = index.and_then(GlobalSecondaryIndexDescription::index_status);
        let status = table.table_status();
        Self {
            status: status.map(ToString::to_string).unwrap_or_default(),
            is_usable: matches!(status, Some(TableStatus::Active | TableStatus::Updating)),
            index: index.map(ToString::to_string),
            is_index_active: index == Some(&IndexStatus::Active),
            is_deletion_protected: table.deletion_protection_enabled().unwrap_or_default(),
            arn: table.table_arn.unwrap_or_default(),
        }
    }
}

fn is_owner_index(index: &GlobalSecondaryIndexDescription) -> bool {
    index.index_name() == Some(crate::store::OWNER_INDEX)
}

/// The response to a request for a table.
#[derive(Debug)]
pub struct Described {
    /// The table.
    pub table: Result<TableState, CallError>,
    /// By how many seconds the local clock is ahead of AWS's, if there was a response; even a refusal has a time.
    pub clock_difference: Option<i64>,
}

impl DynamoDbStore {
    /// Describes the table.
    pub async fn describe(&self) -> Described {
        let clock_difference = ClockDifference::default();
        let request = self.client().describe_table().table_name(self.table_name());
        let request = request.customize().interceptor(clock_difference.clone());
        let described = request.send().boxed().await.map_err(CallError::from);
        let missing = || CallError::other("the response describes no table");
        let table = described.and_then(|output| output.table.ok_or_else(missing));
        Described {
            table: table.map(TableState::from),
            clock_difference: clock_difference.seconds(),
        }
    }

    /// Returns the account and region of the table; `None` if its ARN is not an AWS ARN.
    ///
    /// # Errors
    ///
    /// [`CallError`] if the table cannot be described.
    pub async fn place(&self) -> Result<Option<Place>, CallError> {
        Ok(Place::from_arn(&self.describe().await.table?.arn))
    }

    /// Returns the attribute with the time at which items expire; `None` if expired items are not deleted.
    ///
    /// # Errors
    ///
    /// [`CallError`] if it cannot be read.
    pub async fn time_to_live(&self) -> Result<Option<String>, CallError> {
        let request = self.client().describe_time_to_live();
        let request = request.table_name(self.table_name()).send();
        let described = request.boxed().await?.time_to_live_description;
        let enabled = described.filter(|description| {
            matches!(
                description.time_to_live_status,
                Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)
            )
        });
        Ok(enabled.and_then(|description| description.attribute_name))
    }

    /// Returns whether point-in-time recovery is on.
    ///
    /// # Errors
    ///
    /// [`CallError`] if it cannot be read.
    pub async fn has_point_in_time_recovery(&self) -> Result<bool, CallError> {
        let request = self.client().describe_continuous_backups();
        let request = request.table_name(self.table_name()).send();
        let described = request.boxed().await?.continuous_backups_description;
        Ok(described.is_some_and(|backups| {
            let recovery = backups.point_in_time_recovery_description;
            let status = recovery.and_then(|recovery| recovery.point_in_time_recovery_status);
            backups.continuous_backups_status == ContinuousBackupsStatus::Enabled
                && status == Some(PointInTimeRecoveryStatus::Enabled)
        }))
    }
}

/// Compares the local clock with the `Date` of each response, which the SDK's types do not contain, and remembers the last
/// difference. It compares them when the response arrives: retries may follow.
#[derive(Debug, Clone, Default)]
struct ClockDifference(Arc<Mutex<Option<i64>>>);

impl ClockDifference {
    fn seconds(&self) -> Option<i64> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Intercept for ClockDifference {
    fn name(&self) -> &'static str {
        "ClockDifference"
    }

    fn read_after_transmit(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let date = date.and_then(|text| DateTime::from_str(text, DateTimeFormat::HttpDate).ok());
        let local = i64::try_from(Clock::system().now().as_secs())?;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) =
            date.map(|date| local.saturating_sub(date.secs()));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::TcpListener,
        thread,
        time::{Duration, SystemTime, UNIX_EPOCH},
    };

    use aws_config::{BehaviorVersion, Region, SdkConfig};
    use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};

    use super::*;
    use crate::aws::Aws;

    /// Serves one failure with the current time, and does not respond to retries.
    fn serve_one_failure() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            let _ = client.read(&mut [0; 8192]).unwrap();
            let date = DateTime::from(SystemTime::now());
            let date = date.fmt(DateTimeFormat::HttpDate).unwrap();
            write!(
                client,
                "HTTP/1.1 500 No\r\ndate: {date}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            )
            .unwrap();
            // The system accepts further connections as long as the listener exists.
            thread::park();
            drop(listener);
        });
        url
    }

    #[test]
    fn a_table_is_usable_while_it_is_updated() {
        for (status, is_usable) in [
            (TableStatus::Active, true),
            (TableStatus::Updating, true),
            (TableStatus::Creating, false),
            (TableStatus::Deleting, false),
        ] {
            let table = TableDescription::builder().table_status(status.clone());
            let table = TableState::from(table.build());
            assert_eq!(table.is_usable, is_usable, "{status}");
        }
    }

    #[tokio::test]
    async fn retries_without_a_response_do_not_change_the_difference_of_the_clocks() {
        let credentials = Credentials::new("local", "local", None, None, "tests");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(serve_one_failure())
            .region(Region::new("eu-central-1"))
            .build();
        let store = Aws::for_function_with(config).store("users").await;
        // A `Date` has no fraction. The failure comes early in a second, and the retries take 1.6 s.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        thread::sleep(Duration::from_nanos(
            1_000_000_000 - u64::from(now.subsec_nanos()),
        ));
        let described = store.describe().await;
        assert!(described.table.is_err());
        assert_eq!(described.clock_difference, Some(0));
    }
}
