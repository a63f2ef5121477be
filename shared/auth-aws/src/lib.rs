//! The bundle on AWS: users, sessions and counters in `DynamoDB`, keys in Secrets Manager. The only crate
//! that links the AWS SDK.
//!
//! Start at [`Aws`]. Region, credentials and endpoints come from the environment as in every AWS SDK, so
//! emulators need no extra configuration (`AWS_ENDPOINT_URL`).

mod aws;
mod cause;
mod http;
mod keys;
#[cfg(feature = "operator")]
mod stack;
mod store;

pub use aws::Aws;
pub use keys::KeySourceError;
#[cfg(feature = "operator")]
pub use stack::{SecretError, StackError};
pub use store::DynamoDbStore;
