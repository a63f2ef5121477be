//! `openapi.yaml`, held against requests and answers.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::project;

/// The document, and which of its answers were seen.
pub struct OpenApi {
    document: Value,
    seen: BTreeSet<(String, u16)>,
}

impl OpenApi {
    /// Reads the document.
    #[must_use]
    pub fn read() -> Self {
        Self {
            document: project::yaml("openapi.yaml"),
            seen: BTreeSet::new(),
        }
    }

    /// Holds an answer of an operation against the document: status, headers, body. A path that is
    /// served nowhere belongs to no operation, so that a 404 is one of each.
    pub fn check(
        &mut self,
        operation: &str,
        status: u16,
        header: impl Fn(&str) -> Option<String>,
        body: &str,
    ) {
        let answer = &self.operation(operation)["responses"][status.to_string()];
        let answer = self.resolved(answer).clone();
        assert!(answer.is_object(), "{operation}: {status} is not described");
        let described = answer["headers"].as_object().expect("headers");
        for name in ["cache-control", "www-authenticate", "allow", "retry-after"] {
            let node = described
                .iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(name));
            let is_required = node.is_some_and(|(_, node)| self.resolved(node)["required"] == true);
            assert_eq!(
                header(name).is_some(),
                is_required,
                "{operation} {status}: {name}"
            );
        }
        if answer["content"].is_null() {
            assert_eq!(body, "", "{operation} {status}");
        } else {
            let body: Value = serde_json::from_str(body).expect("JSON");
            let schema = &answer["content"]["application/json"]["schema"];
            let errors = self.errors(schema, &body);
            assert!(errors.is_empty(), "{operation} {status}: {errors:?}");
        }
        if status == 404 {
            let all: Vec<String> = self.operations().into_keys().collect();
            self.seen.extend(all.into_iter().map(|id| (id, status)));
        } else {
            self.seen.insert((operation.to_owned(), status));
        }
    }

    /// Whether the document takes `body` as the request of an operation.
    #[must_use]
    pub fn takes(&self, operation: &str, body: &Value) -> bool {
        let request = &self.operation(operation)["requestBody"];
        self.errors(&request["content"]["application/json"]["schema"], body)
            .is_empty()
    }

    /// The answers that the document describes and no check has seen.
    #[must_use]
    pub fn unseen(&self) -> BTreeSet<(String, u16)> {
        let described = self.operations().into_iter().flat_map(|(id, operation)| {
            let responses = operation["responses"].as_object().expect("responses");
            let statuses = responses
                .keys()
                .map(|status| status.parse().expect("a status"));
            statuses
                .map(move |status| (id.clone(), status))
                .collect::<Vec<_>>()
        });
        described
            .filter(|answer| !self.seen.contains(answer))
            .collect()
    }

    /// The operations by their ids.
    fn operations(&self) -> BTreeMap<String, &Value> {
        let paths = self.document["paths"].as_object().expect("paths");
        let operations = paths
            .values()
            .filter_map(Value::as_object)
            .flat_map(Map::values);
        operations
            .map(|operation| {
                let id = operation["operationId"].as_str().expect("an id");
                (id.to_owned(), operation)
            })
            .collect()
    }

    fn operation(&self, id: &str) -> &Value {
        self.operations().get(id).expect("an operation")
    }

    fn resolved<'a>(&'a self, node: &'a Value) -> &'a Value {
        let reference = node["$ref"]
            .as_str()
            .and_then(|text| text.strip_prefix('#'));
        reference.map_or(node, |pointer| {
            self.document.pointer(pointer).expect("a reference")
        })
    }

    fn errors(&self, schema: &Value, body: &Value) -> Vec<String> {
        let schema = json!({"allOf": [schema], "components": self.document["components"]});
        let validator = jsonschema::validator_for(&schema).expect("a schema");
        let errors = validator.iter_errors(body);
        errors.map(|error| error.to_string()).collect()
    }
}
