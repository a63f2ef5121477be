//! Items of a snapshot that only the functions of self-service use.
//!
//! They stay JSON until they are used: all functions load the same file, and code that parses these items would make
//! each of them larger.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::{repository::RepositoryError, time::UnixTime};

/// Items by their keys.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Items(Map<String, Value>);

impl Items {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn contains(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    pub(super) fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, RepositoryError> {
        self.0.get(key).map(parse).transpose()
    }

    /// Parses all items.
    pub(super) fn all<T: DeserializeOwned>(&self) -> Result<Vec<T>, RepositoryError> {
        self.0.values().map(parse).collect()
    }

    pub(super) fn put(&mut self, key: &str, item: &impl Serialize) -> Result<(), RepositoryError> {
        let item = serde_json::to_value(item);
        let item = item.map_err(|error| RepositoryError::Malformed(error.to_string()))?;
        self.0.insert(key.to_owned(), item);
        Ok(())
    }

    pub(super) fn remove(&mut self, key: &str) {
        self.0.remove(key);
    }

    /// Removes the items whose `expires_at` is not after `now`.
    pub(super) fn remove_expired(&mut self, now: UnixTime) {
        let expires_at = |item: &Value| item["expires_at"].as_u64();
        self.0
            .retain(|_, item| expires_at(item).is_none_or(|at| now.as_secs() < at));
    }
}

fn parse<T: DeserializeOwned>(item: &Value) -> Result<T, RepositoryError> {
    // The error's own text may repeat an address.
    let damaged = "an item of self-service in the store is damaged";
    T::deserialize(item).map_err(|_| RepositoryError::Malformed(damaged.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Item {
        name: String,
        expires_at: UnixTime,
    }

    fn item(name: &str, expires_at: u64) -> Item {
        Item {
            name: name.into(),
            expires_at: UnixTime::from_secs(expires_at),
        }
    }

    #[test]
    fn items_are_found_until_they_are_removed_or_expire() {
        let mut items = Items::default();
        for (key, expires_at) in [("a", 10), ("b", 11), ("c", 12)] {
            items.put(key, &item(key, expires_at)).unwrap();
        }
        items.remove_expired(UnixTime::from_secs(10));
        items.remove("c");
        assert_eq!(items.get::<Item>("a").unwrap(), None);
        assert_eq!(items.all::<Item>().unwrap(), [item("b", 11)]);
        assert!(items.contains("b") && !items.contains("c") && !items.is_empty());
    }

    #[test]
    fn a_damaged_item_is_an_error_that_does_not_repeat_it() {
        let mut items = Items::default();
        items.put("a", &"jane@example.com").unwrap();
        let error = items.get::<Item>("a").unwrap_err();
        assert!(matches!(&error, RepositoryError::Malformed(_)));
        assert!(!error.to_string().contains("jane"), "{error}");
    }
}
