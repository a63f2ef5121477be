//! Looks up the parts of `template.yaml`. `!Ref X` and `!GetAtt X.Y` read as `X` and `X.Y`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{log_filter::LogFilter, policy::Policy, project};

/// The template of the stack.
pub struct Template(Value);

impl Template {
    /// Reads the template.
    #[must_use]
    pub fn read() -> Self {
        Self(project::yaml("template.yaml"))
    }

    /// Returns a resource by its logical name, or by what `!GetAtt` or `!Ref` names.
    #[must_use]
    pub fn resource(&self, name: &str) -> &Value {
        let name = name.split('.').next().unwrap_or_default();
        let resource = &self.0["Resources"][name];
        assert!(resource.is_object(), "no resource {name}");
        resource
    }

    /// Returns the resources of a type, by their logical names.
    #[must_use]
    pub fn of_type(&self, kind: &str) -> BTreeMap<String, Value> {
        let resources = self.0["Resources"].as_object().expect("resources");
        resources
            .iter()
            .filter(|(_, resource)| resource["Type"] == kind)
            .map(|(name, resource)| (name.clone(), resource.clone()))
            .collect()
    }

    /// Returns the functions by the names of their binaries.
    #[must_use]
    pub fn functions(&self) -> BTreeMap<String, Value> {
        self.of_type("AWS::Serverless::Function")
            .into_values()
            .map(|function| {
                let binary = &function["Metadata"]["BuildProperties"]["Binary"];
                (binary.as_str().expect("a binary").to_owned(), function)
            })
            .collect()
    }

    /// Returns the logical name of a function.
    #[must_use]
    pub fn name_of(&self, binary: &str) -> String {
        self.of_type("AWS::Serverless::Function")
            .into_iter()
            .find(|(_, function)| function["Metadata"]["BuildProperties"]["Binary"] == binary)
            .map(|(name, _)| name)
            .expect("a function")
    }

    /// Returns a function's environment, with each parameter replaced by its default.
    #[must_use]
    pub fn environment(&self, function: &Value) -> BTreeMap<String, String> {
        let global = &self.0["Globals"]["Function"]["Environment"]["Variables"];
        let own = &function["Properties"]["Environment"]["Variables"];
        let variables = [global, own].into_iter().filter_map(Value::as_object);
        variables
            .flatten()
            .map(|(name, value)| {
                let text = value.as_str().expect("a text");
                let value = match self.0["Parameters"].get(text) {
                    Some(parameter) => match &parameter["Default"] {
                        Value::String(text) => text.clone(),
                        other => other.to_string(),
                    },
                    None => text.to_owned(),
                };
                (name.clone(), value)
            })
            .collect()
    }

    /// Returns what a function's own role allows.
    #[must_use]
    pub fn policy(&self, function: &Value) -> Policy {
        let role = function["Properties"]["Role"].as_str().expect("a role");
        let role = &self.resource(role)["Properties"];
        assert!(
            role["ManagedPolicyArns"].is_null(),
            "managed policies allow more"
        );
        let policies = role["Policies"].as_array().expect("policies");
        let statements = policies.iter().flat_map(|policy| {
            let statements = policy["PolicyDocument"]["Statement"].as_array();
            statements.expect("statements").clone()
        });
        Policy::parse(&statements.collect::<Vec<_>>())
    }

    /// Returns the filter of a metric by its logical name.
    #[must_use]
    pub fn log_filter(&self, name: &str) -> LogFilter {
        let pattern = &self.resource(name)["Properties"]["FilterPattern"];
        LogFilter::parse(pattern.as_str().expect("a pattern"))
    }
}
