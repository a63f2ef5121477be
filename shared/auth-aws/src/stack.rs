//! What a deployed stack tells of itself.

use aws_sdk_cloudformation::types::Stack;

use crate::{aws::Aws, cause::cause};

/// The output of the template that names the table.
const TABLE_OUTPUT: &str = "TableName";

/// Why a stack names no table.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// `CloudFormation` refused or could not be reached.
    #[error("the stack cannot be read: {0}")]
    Unreadable(String),
    /// The stack is another's.
    #[error("the stack has no output {TABLE_OUTPUT}: it is not one of this template")]
    NoTable,
}

impl Aws {
    /// The table of a stack of `template.yaml`, from the stack's outputs.
    ///
    /// # Errors
    ///
    /// [`StackError`] where there is no such stack, or none of that template.
    pub async fn table_of_stack(&self, name: &str) -> Result<String, StackError> {
        let client = aws_sdk_cloudformation::Client::new(self.config().await);
        let described = client.describe_stacks().stack_name(name).send().await;
        let described = described.map_err(|error| StackError::Unreadable(cause(&error)))?;
        let mut outputs = described.stacks().iter().flat_map(Stack::outputs);
        let table = outputs.find(|output| output.output_key() == Some(TABLE_OUTPUT));
        table
            .and_then(|output| output.output_value())
            .map(str::to_owned)
            .ok_or(StackError::NoTable)
    }
}
