//! The outputs of a deployed stack.

use auth_core::{Algorithm, KeyError, KeySet, KeyUse};
use aws_sdk_cloudformation::types::Stack;

use crate::{aws::Aws, cause::cause, keys::KeyDocument};

/// The outputs of the template with the table and the secret of counters.
const TABLE_OUTPUT: &str = "TableName";
const COUNTER_KEYS_OUTPUT: &str = "CounterKeysSecretId";

/// Why an output of a stack is not available.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// `CloudFormation` refused the request or could not be reached.
    #[error("the stack cannot be read: {0}")]
    Unreadable(String),
    /// The stack was not deployed from this version of the template.
    #[error("the stack has no output {0}: it was not deployed from this template")]
    NoOutput(&'static str),
}

/// Why the keys of a secret are not available.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Secrets Manager refused the request or could not be reached.
    #[error("the secret cannot be read: {0}")]
    Unreadable(String),
    /// The secret does not contain keys for counters.
    #[error("the secret is rejected: {0}")]
    Rejected(#[from] KeyError),
}

impl Aws {
    /// Returns the table of a stack of `template.yaml`, from the stack's outputs.
    ///
    /// # Errors
    ///
    /// [`StackError`] if there is no such stack, or it was not deployed from that template.
    pub async fn table_of_stack(&self, name: &str) -> Result<String, StackError> {
        self.output(name, TABLE_OUTPUT).await
    }

    /// Returns the id of the secret of a stack's counters, from its outputs.
    ///
    /// # Errors
    ///
    /// As [`Aws::table_of_stack`].
    pub async fn counter_keys_of_stack(&self, name: &str) -> Result<String, StackError> {
        self.output(name, COUNTER_KEYS_OUTPUT).await
    }

    /// Reads the counter keys from a secret, once.
    ///
    /// # Errors
    ///
    /// [`SecretError`] if they cannot be read or are not usable.
    pub async fn read_counter_keys(&self, id: String) -> Result<KeySet, SecretError> {
        let text = self.secret(id).await.read().await;
        let text = text.map_err(SecretError::Unreadable)?;
        let keys = KeySet::parse_deployed(&text, Algorithm::HS256, KeyUse::Counters)?;
        Ok(keys)
    }

    async fn output(&self, stack: &str, key: &'static str) -> Result<String, StackError> {
        let client = aws_sdk_cloudformation::Client::new(self.config().await);
        let described = client.describe_stacks().stack_name(stack).send().await;
        let described = described.map_err(|error| StackError::Unreadable(cause(&error)))?;
        let mut outputs = described.stacks().iter().flat_map(Stack::outputs);
        let output = outputs.find(|output| output.output_key() == Some(key));
        output
            .and_then(|output| output.output_value())
            .map(str::to_owned)
            .ok_or(StackError::NoOutput(key))
    }
}
