//! What a deployed stack tells of itself.

use auth_core::{Algorithm, KeyError, KeySet, KeyUse};
use aws_sdk_cloudformation::types::Stack;

use crate::{aws::Aws, cause::cause, keys::Text};

/// The outputs of the template that name the table and the secret of refresh tokens.
const TABLE_OUTPUT: &str = "TableName";
const SESSION_KEYS_OUTPUT: &str = "SessionKeysSecretId";

/// Why a stack does not tell what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// `CloudFormation` refused or could not be reached.
    #[error("the stack cannot be read: {0}")]
    Unreadable(String),
    /// The stack is another's, or of a former version.
    #[error("the stack has no output {0}: it is not one of this template")]
    NoOutput(&'static str),
}

/// Why a secret gives no keys.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Secrets Manager refused or could not be reached.
    #[error("the secret cannot be read: {0}")]
    Unreadable(String),
    /// It holds no keys for refresh tokens.
    #[error("the secret is refused: {0}")]
    Refused(#[from] KeyError),
}

impl Aws {
    /// The table of a stack of `template.yaml`, from the stack's outputs.
    ///
    /// # Errors
    ///
    /// [`StackError`] where there is no such stack, or none of that template.
    pub async fn table_of_stack(&self, name: &str) -> Result<String, StackError> {
        self.output(name, TABLE_OUTPUT).await
    }

    /// The id of the secret of a stack's refresh tokens, from its outputs.
    ///
    /// # Errors
    ///
    /// As [`Aws::table_of_stack`].
    pub async fn session_keys_of_stack(&self, name: &str) -> Result<String, StackError> {
        self.output(name, SESSION_KEYS_OUTPUT).await
    }

    /// The keys of refresh tokens in a secret, read once.
    ///
    /// # Errors
    ///
    /// [`SecretError`] where they cannot be read, or are none.
    pub async fn read_session_keys(&self, id: String) -> Result<KeySet, SecretError> {
        let text = self.secret(id).await.read().await;
        let keys = KeySet::parse(&text.map_err(SecretError::Unreadable)?, Algorithm::HS256)?;
        Ok(keys.fit_for(KeyUse::Sessions)?)
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
