//! Users in `DynamoDB` and keys in Secrets Manager: the only crate that links the AWS SDK.
//!
//! Start at [`Aws`]. Region, credentials and endpoints come from the environment as every AWS SDK
//! reads them, so that emulators need no code here (`AWS_ENDPOINT_URL`).

mod aws;
mod cause;
mod item;
mod keys;
#[cfg(feature = "operator")]
mod stack;
mod users;

pub use aws::Aws;
pub use keys::KeysRefused;
#[cfg(feature = "operator")]
pub use stack::StackError;
pub use users::DynamoDbUserRepository;
