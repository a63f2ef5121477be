//! Checks requests and responses against `openapi.yaml`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::{client::Reply, project};

/// Headers that a response has if, and only if, the document requires them.
const HEADERS: [&str; 6] = [
    "allow",
    "cache-control",
    "etag",
    "location",
    "retry-after",
    "www-authenticate",
];

/// The document, and the responses that were seen.
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

    /// Checks a response of an operation against the document: status, headers and body. A path that is
    /// not served belongs to no operation, so a 404 counts for all of them.
    pub fn check(&mut self, operation: &str, reply: &Reply) {
        let status = reply.status();
        let response = &self.operation(operation)["responses"][status.to_string()];
        let response = self.resolve(response).clone();
        assert!(
            response.is_object(),
            "{operation}: {status} is not described"
        );
        let described = response["headers"].as_object().expect("headers");
        for name in HEADERS {
            let node = described
                .iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(name));
            let node = node.map(|(_, node)| self.resolve(node));
            let is_required = node.is_some_and(|node| node["required"] == true);
            let header = reply.header(name);
            assert_eq!(
                header.is_some(),
                is_required,
                "{operation} {status}: {name}"
            );
            if let (Some(node), Some(value)) = (node, header) {
                let errors = self.errors(&node["schema"], &as_json(value));
                assert!(
                    errors.is_empty(),
                    "{operation} {status}: {name}: {errors:?}"
                );
            }
        }
        if response["content"].is_null() {
            assert_eq!(reply.body(), "", "{operation} {status}");
        } else {
            let content_type = reply.header("content-type").expect("a type");
            let media_type = content_type.split(';').next().expect("a type");
            let content = &response["content"][media_type];
            assert!(
                content.is_object(),
                "{operation} {status}: {media_type} is not described"
            );
            let body = match (media_type, reply.header("content-encoding")) {
                (_, Some(_)) => "compressed".into(),
                ("application/json", None) => reply.json(),
                (_, None) => reply.body().into(),
            };
            let errors = self.errors(&content["schema"], &body);
            assert!(errors.is_empty(), "{operation} {status}: {errors:?}");
        }
        if status == 404 {
            let all: Vec<String> = self.operations().into_keys().collect();
            self.seen.extend(all.into_iter().map(|id| (id, status)));
        } else {
            self.seen.insert((operation.to_owned(), status));
        }
    }

    /// Returns whether the document allows `body` as the request of an operation.
    #[must_use]
    pub fn allows(&self, operation: &str, body: &Value) -> bool {
        let request = &self.operation(operation)["requestBody"];
        self.errors(&request["content"]["application/json"]["schema"], body)
            .is_empty()
    }

    /// Returns the responses that the document describes but that were not seen.
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
            .filter(|response| !self.seen.contains(response))
            .collect()
    }

    /// Returns the operations by their ids.
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

    fn resolve<'a>(&'a self, node: &'a Value) -> &'a Value {
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

/// Returns a header as the JSON that its schema describes: a number or a string.
fn as_json(header: &str) -> Value {
    header.parse::<u64>().map_or(header.into(), Value::from)
}
