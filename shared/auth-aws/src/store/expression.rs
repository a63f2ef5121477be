//! Conditions and updates, with the names and values that they refer to.

use std::collections::BTreeMap;

use auth_core::UnixTime;
use aws_sdk_dynamodb::types::AttributeValue::{self, N};

use super::Item;

/// An expression with the names and values that it refers to.
#[derive(Default, Clone)]
pub(super) struct Expression {
    pub(super) text: String,
    pub(super) names: BTreeMap<String, String>,
    pub(super) values: BTreeMap<String, AttributeValue>,
}

impl Expression {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }

    /// Returns the condition that there is no item.
    pub(super) fn absent() -> Self {
        Self::new("attribute_not_exists(pk)")
    }

    /// Adds an alias of an attribute, for reserved words.
    pub(super) fn name(mut self, alias: &str, attribute: &str) -> Self {
        self.names.insert(alias.to_owned(), attribute.to_owned());
        self
    }

    pub(super) fn value(mut self, name: &str, value: AttributeValue) -> Self {
        self.values.insert(name.to_owned(), value);
        self
    }

    /// Returns the condition that an item has exactly these values, and that attributes of `optional` that are missing
    /// here are still missing.
    pub(super) fn unchanged(item: &Item, optional: &[&str]) -> Self {
        let attributes: BTreeMap<_, _> = item.iter().collect();
        let mut expression = Self::default();
        let mut terms = Vec::new();
        for (i, (attribute, value)) in attributes.into_iter().enumerate() {
            let (name, placeholder) = (format!("#a{i}"), format!(":a{i}"));
            terms.push(format!("{name} = {placeholder}"));
            expression = expression
                .name(&name, attribute)
                .value(&placeholder, value.clone());
        }
        let absent = optional.iter().filter(|name| !item.contains_key(**name));
        for (i, attribute) in absent.enumerate() {
            let name = format!("#b{i}");
            terms.push(format!("attribute_not_exists({name})"));
            expression = expression.name(&name, attribute);
        }
        expression.text = terms.join(" AND ");
        expression
    }
}

/// Returns a time as a number of seconds since 1970.
pub(super) fn seconds(time: UnixTime) -> AttributeValue {
    N(time.as_secs().to_string())
}
