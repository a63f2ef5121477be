//! What a command acts on, and how prompts name it.

use std::path::PathBuf;

use auth_aws::{DynamoDbStore, Stack};

/// An open store.
pub(crate) struct Opened<S> {
    pub(crate) store: S,
    pub(crate) target: Target,
}

/// Where an open store is.
pub(crate) enum Target {
    File(PathBuf),
    Table(DynamoDbStore),
    Stack(Stack),
}

impl Target {
    /// Returns the text that names it in prompts, with region and account. Use it only for prompts: finding the
    /// account of a table takes another request.
    pub(crate) async fn describe(&self) -> String {
        match self {
            Self::File(path) => format!("file {}", path.display()),
            Self::Stack(stack) => match stack.place() {
                Some(place) => format!("stack {} ({place})", stack.name()),
                None => format!("stack {} ({})", stack.name(), stack.arn()),
            },
            Self::Table(store) => {
                let place = match store.place().await {
                    Ok(Some(place)) => place.to_string(),
                    Ok(None) => "not on AWS".into(),
                    Err(error) => format!("region and account unknown: {error}"),
                };
                format!("table {} ({place})", store.table_name())
            }
        }
    }
}
