//! What an operator wants to know about a table, without changing it.

use std::sync::{Arc, Mutex, PoisonError};

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
    pub is_active: bool,
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
            is_active: status == Some(&TableStatus::Active),
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
    /// AWS's time in seconds since 1970, if there was a response; even a refusal has one.
    pub server_time: Option<i64>,
}

impl DynamoDbStore {
    /// Describes the table.
    pub async fn describe(&self) -> Described {
        let date = ResponseDate::default();
        let request = self.client().describe_table().table_name(self.table_name());
        let request = request.customize().interceptor(date.clone());
        let described = request.send().boxed().await.map_err(CallError::from);
        let missing = || CallError::other("the response describes no table");
        let table = described.and_then(|output| output.table.ok_or_else(missing));
        Described {
            table: table.map(TableState::from),
            server_time: date.seconds(),
        }
    }

    /// Returns the account and region of the table; `None` if its ARN is not an AWS ARN.
    ///
    /// # Errors
    ///
    /// [`CallError`] if the table cannot be described.
    pub async fn place(&self) -> Result<Option<Place>, CallError> {
        Ok(Place::of_arn(&self.describe().await.table?.arn))
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

/// Remembers the `Date` of the last response, which the SDK's types do not contain.
#[derive(Debug, Clone, Default)]
struct ResponseDate(Arc<Mutex<Option<i64>>>);

impl ResponseDate {
    fn seconds(&self) -> Option<i64> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Intercept for ResponseDate {
    fn name(&self) -> &'static str {
        "ResponseDate"
    }

    fn read_after_transmit(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let date = date.and_then(|text| DateTime::from_str(text, DateTimeFormat::HttpDate).ok());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = date.map(|date| date.secs());
        Ok(())
    }
}
