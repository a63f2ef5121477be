//! The bundle on AWS: users, sessions, counters and published keys in `DynamoDB`, private keys in Secrets Manager.
//! The only crate that links the AWS SDK.
//!
//! Start at [`Aws`]. Region, credentials and endpoints come from the environment as in every AWS SDK, so
//! emulators need no extra configuration (`AWS_ENDPOINT_URL`).

mod aws;
mod call_error;
mod callback;
mod cause;
#[cfg(feature = "operator")]
mod choice;
mod http;
#[cfg(feature = "operator")]
mod inspection;
mod keys;
#[cfg(feature = "mail")]
mod mail;
#[cfg(feature = "operator")]
mod place;
mod rfc3339;
#[cfg(feature = "operator")]
mod rights;
#[cfg(feature = "operator")]
mod stack;
mod store;

pub use aws::Aws;
pub use call_error::{CallError, FailureKind};
pub use callback::Callback;
#[cfg(feature = "operator")]
pub use choice::AwsChoice;
#[cfg(feature = "operator")]
pub use inspection::{Described, TableState};
pub use keys::{KeySourceError, SecretRing};
#[cfg(feature = "mail")]
pub use mail::{SesTransport, SqsQueue};
#[cfg(feature = "operator")]
pub use place::Place;
pub use rfc3339::rfc3339;
#[cfg(feature = "operator")]
pub use rights::TableRight;
#[cfg(feature = "operator")]
pub use stack::{SecretError, Stack, StackError};
pub use store::DynamoDbStore;
