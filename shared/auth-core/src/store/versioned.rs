//! A value of a snapshot that is replaced only if it has not changed.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{key::KeyError, repository::RepositoryError, ring::Versioned};

/// JSON with the number of its replacements, which may contain private keys.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VersionedJson {
    version: u64,
    value: Value,
}

impl VersionedJson {
    /// Parses the value.
    pub(super) fn parse<T>(
        stored: Option<&Self>,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, KeyError>,
    ) -> Result<Versioned<T>, RepositoryError> {
        let Some(Self { version, value }) = stored else {
            return Ok(Versioned {
                contents: None,
                version: None,
            });
        };
        let contents = parse(&value.to_string())
            .map_err(|error| RepositoryError::Malformed(format!("{name}: {error}")))?;
        Ok(Versioned {
            contents: Some(contents),
            version: Some(version.to_string()),
        })
    }

    /// Replaces a value that has this version. Returns `false` if it has another one.
    pub(super) fn replace(stored: &mut Option<Self>, version: Option<&str>, value: Value) -> bool {
        let current = stored.as_ref().map(|stored| stored.version);
        let is_current = current.map(|number| number.to_string()).as_deref() == version;
        if is_current {
            let version = current.unwrap_or_default() + 1;
            *stored = Some(Self { version, value });
        }
        is_current
    }
}
