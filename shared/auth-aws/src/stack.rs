//! A deployed stack: its outputs, and its account and region.

use std::collections::HashMap;

use auth_core::{Algorithm, KeyError, KeySet, KeyUse};

use crate::{aws::Aws, call_error::CallError, place::Place};

/// The output of the template with the table.
const TABLE_OUTPUT: &str = "TableName";

/// Why a stack or one of its outputs is not available.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// `CloudFormation` refused the request or could not be reached.
    #[error("the stack cannot be read: {0}")]
    Unreadable(#[from] CallError),
    /// The stack was not deployed from this version of the template.
    #[error("the stack has no output {0}: it was not deployed from this version of the template")]
    NoOutput(&'static str),
}

/// Why the keys of a secret are not available.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Secrets Manager refused the request or could not be reached.
    #[error("the secret cannot be read: {0}")]
    Unreadable(#[from] CallError),
    /// The secret does not contain keys for this use.
    #[error("the secret is rejected: {0}")]
    Rejected(#[from] KeyError),
}

/// A stack of `template.yaml`.
#[derive(Debug, Clone)]
pub struct Stack {
    name: String,
    arn: String,
    outputs: HashMap<String, String>,
    parameters: HashMap<String, String>,
}

impl Stack {
    /// Returns the name under which the stack was read.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the ARN, which is the stack's id.
    #[must_use]
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// Returns the account and region of the stack; `None` if its id is not an ARN.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        Place::from_arn(&self.arn)
    }

    /// Returns the name of the table.
    ///
    /// # Errors
    ///
    /// [`StackError::NoOutput`] if the stack does not name one.
    pub fn table(&self) -> Result<&str, StackError> {
        self.output(TABLE_OUTPUT)
    }

    /// Returns the id of the secret with the keys for a use.
    ///
    /// # Errors
    ///
    /// [`StackError::NoOutput`] if the stack does not name one.
    pub fn secret(&self, key_use: KeyUse) -> Result<&str, StackError> {
        self.output(match key_use {
            KeyUse::Sign | KeyUse::Verify => "JwtKeysSecretId",
            KeyUse::Sessions => "SessionKeysSecretId",
            KeyUse::Counters => "CounterKeysSecretId",
            KeyUse::Actions => "ActionKeysSecretId",
        })
    }

    /// Returns the URL of the queue of emails that could not be sent.
    ///
    /// # Errors
    ///
    /// [`StackError::NoOutput`] if the stack was deployed without self-service.
    pub fn ask_queue(&self) -> Result<&str, StackError> {
        self.output("AskQueueUrl")
    }

    /// Returns the value of a parameter, if the stack has it.
    #[must_use]
    pub fn parameter(&self, key: &str) -> Option<&str> {
        self.parameters.get(key).map(String::as_str)
    }

    fn output(&self, key: &'static str) -> Result<&str, StackError> {
        let output = self.outputs.get(key).map(String::as_str);
        output.ok_or(StackError::NoOutput(key))
    }
}

impl Aws {
    /// Reads a stack.
    ///
    /// # Errors
    ///
    /// [`StackError::Unreadable`] if there is no such stack or it cannot be read.
    pub async fn stack(&self, name: &str) -> Result<Stack, StackError> {
        let client = aws_sdk_cloudformation::Client::new(self.config().await);
        let described = client.describe_stacks().stack_name(name).send().await;
        let described = described.map_err(CallError::from)?.stacks;
        let stack = described.and_then(|stacks| stacks.into_iter().next());
        let stack = stack.ok_or_else(|| CallError::other("the response names no stack"))?;
        let outputs = stack.outputs.unwrap_or_default().into_iter();
        let parameters = stack.parameters.unwrap_or_default().into_iter();
        Ok(Stack {
            name: name.to_owned(),
            arn: stack.stack_id.unwrap_or_default(),
            outputs: outputs
                .filter_map(|output| Some((output.output_key?, output.output_value?)))
                .collect(),
            parameters: parameters
                .filter_map(|parameter| {
                    Some((parameter.parameter_key?, parameter.parameter_value?))
                })
                .collect(),
        })
    }

    /// Reads the keys for `key_use` from a secret, once. `default` is the algorithm of a key that does not name
    /// one.
    ///
    /// # Errors
    ///
    /// [`SecretError`] if they cannot be read or are not usable.
    pub async fn read_keys(
        &self,
        id: &str,
        default: Algorithm,
        key_use: KeyUse,
    ) -> Result<KeySet, SecretError> {
        let text = self.secret(id.to_owned()).await.value().await?;
        Ok(KeySet::parse_deployed(&text, default, key_use)?)
    }
}
