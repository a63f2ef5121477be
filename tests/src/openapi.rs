//! `openapi.yaml`, held against requests and answers.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{functions::FUNCTIONS, project};

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

    /// Holds an answer of a function's first route against the document: status, headers, body.
    pub fn check(
        &mut self,
        function: &str,
        status: u16,
        header: impl Fn(&str) -> Option<String>,
        body: &str,
    ) {
        let answer = &self.operation(function)["responses"][status.to_string()];
        let answer = self.resolved(answer).clone();
        assert!(answer.is_object(), "{function}: {status} is not described");
        let described = answer["headers"].as_object().expect("headers");
        for name in ["cache-control", "www-authenticate", "allow", "retry-after"] {
            let node = described
                .iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(name));
            let is_required = node.is_some_and(|(_, node)| self.resolved(node)["required"] == true);
            assert_eq!(
                header(name).is_some(),
                is_required,
                "{function} {status}: {name}"
            );
        }
        let body: Value = serde_json::from_str(body).expect("JSON");
        let schema = &answer["content"]["application/json"]["schema"];
        let errors = self.errors(schema, &body);
        assert!(errors.is_empty(), "{function} {status}: {errors:?}");
        self.seen.insert((function.to_owned(), status));
    }

    /// Whether the document takes `body` as the request of a function's first route.
    #[must_use]
    pub fn takes(&self, function: &str, body: &Value) -> bool {
        let request = &self.operation(function)["requestBody"];
        self.errors(&request["content"]["application/json"]["schema"], body)
            .is_empty()
    }

    /// The answers that the document describes and no check has seen.
    #[must_use]
    pub fn unseen(&self) -> BTreeSet<(String, u16)> {
        FUNCTIONS
            .iter()
            .flat_map(|function| {
                let responses = self.operation(function.name)["responses"].as_object();
                responses
                    .expect("responses")
                    .keys()
                    .map(|status| (function.name.to_owned(), status.parse().expect("a status")))
            })
            .filter(|answer| !self.seen.contains(answer))
            .collect()
    }

    fn operation(&self, function: &str) -> &Value {
        let function = FUNCTIONS.iter().find(|known| known.name == function);
        let (method, path) = (function.expect("a function").routes)()[0];
        &self.document["paths"][path][method.to_lowercase()]
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
