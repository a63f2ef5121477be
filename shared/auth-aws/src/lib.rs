//! Users, sessions and counted attempts in `DynamoDB`, and keys in Secrets Manager: the only crate that links the AWS SDK.
//!
//! Start at [`Aws`]. Region, credentials and endpoints come from the environment as every AWS SDK
//! reads them, so that emulators need no code here (`AWS_ENDPOINT_URL`).

mod attempts;
mod aws;
mod cause;
mod http;
mod item;
mod keys;
mod sessions;
#[cfg(feature = "operator")]
mod stack;
mod table;
mod users;

pub use attempts::DynamoDbAttemptRepository;
pub use aws::Aws;
pub use keys::KeysRefused;
pub use sessions::DynamoDbSessionRepository;
#[cfg(feature = "operator")]
pub use stack::{SecretError, StackError};
pub use users::DynamoDbUserRepository;
