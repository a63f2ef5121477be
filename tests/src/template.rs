//! Looks up the parts of `template.yaml`. `!Ref X` and `!GetAtt X.Y` read as `X` and `X.Y`.

mod routes;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::{log_filter::LogFilter, policy::Policy, project};

/// The parameters with which a stack has all functions and routes.
const ALL_FUNCTIONS: [(&str, &str); 7] = [
    ("ApiDocs", "true"),
    ("Authorizer", "true"),
    ("SelfService", "true"),
    ("SignUp", "open"),
    ("SignUpRoles", "Reader=read"),
    ("MailFrom", "no-reply@example.com"),
    ("AppUrl", "https://app.example.com/account"),
];

/// The template of the stack, with the values that its parameters have in a deploy.
pub struct Template {
    document: Value,
    parameters: BTreeMap<String, String>,
}

impl Template {
    /// Reads the template with all functions, and the defaults of the parameters.
    #[must_use]
    pub fn read() -> Self {
        Self::with(&[])
    }

    /// Reads the template with these values of parameters and the defaults of the others, except that all functions
    /// are deployed. Each `!If` becomes the branch that applies. Resources whose condition is false, and members that
    /// are `AWS::NoValue`, are left out.
    #[must_use]
    pub fn with(values: &[(&str, &str)]) -> Self {
        let mut document = project::yaml("template.yaml");
        let parameters = document["Parameters"].as_object().expect("parameters");
        let mut parameters: BTreeMap<String, String> = parameters
            .iter()
            .map(|(name, parameter)| (name.clone(), text(&parameter["Default"])))
            .collect();
        for (name, value) in ALL_FUNCTIONS.iter().chain(values) {
            let replaced = parameters.insert((*name).to_owned(), (*value).to_owned());
            assert!(replaced.is_some(), "no parameter {name}");
        }
        let named = document["Conditions"].as_object().expect("conditions");
        let conditions: BTreeMap<String, bool> = named
            .iter()
            .map(|(name, condition)| (name.clone(), holds(condition, named, &parameters)))
            .collect();
        let resources = document["Resources"].as_object_mut().expect("resources");
        resources.retain(|_, resource| match resource["Condition"].as_str() {
            Some(condition) => conditions[condition],
            None => true,
        });
        choose(&mut document, &conditions);
        Self {
            document,
            parameters,
        }
    }

    /// Returns a section, such as `Outputs`.
    #[must_use]
    pub fn section(&self, name: &str) -> &Value {
        &self.document[name]
    }

    /// Returns a resource by its logical name, or by what `!GetAtt` or `!Ref` names.
    #[must_use]
    pub fn resource(&self, name: &str) -> &Value {
        let name = name.split('.').next().unwrap_or_default();
        let resource = &self.document["Resources"][name];
        assert!(resource.is_object(), "no resource {name}");
        resource
    }

    /// Returns the resources of a type, by their logical names.
    #[must_use]
    pub fn of_type(&self, kind: &str) -> BTreeMap<String, Value> {
        let resources = self.document["Resources"].as_object().expect("resources");
        resources
            .iter()
            .filter(|(_, resource)| resource["Type"] == kind)
            .map(|(name, resource)| (name.clone(), resource.clone()))
            .collect()
    }

    /// Returns the descriptions of the assertions in `Rules` that the parameters violate.
    #[must_use]
    pub fn violations(&self) -> Vec<&str> {
        let rules = self.document["Rules"].as_object().expect("rules");
        let holds = |condition: &Value| holds(condition, &Map::new(), &self.parameters);
        rules
            .values()
            .filter(|rule| holds(&rule["RuleCondition"]))
            .flat_map(|rule| rule["Assertions"].as_array().expect("assertions"))
            .filter(|assertion| !holds(&assertion["Assert"]))
            .map(|assertion| assertion["AssertDescription"].as_str().expect("a text"))
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

    /// Returns a function's environment, with each parameter replaced by its value.
    #[must_use]
    pub fn environment(&self, function: &Value) -> BTreeMap<String, String> {
        let global = &self.document["Globals"]["Function"]["Environment"]["Variables"];
        let own = &function["Properties"]["Environment"]["Variables"];
        let variables = [global, own].into_iter().filter_map(Value::as_object);
        variables
            .flatten()
            .map(|(name, value)| {
                let text = value.as_str().expect("a text");
                let value = self.parameters.get(text).cloned();
                let value = value.or_else(|| self.queue_url(text));
                (name.clone(), value.unwrap_or_else(|| text.to_owned()))
            })
            .collect()
    }

    /// Returns what `!Ref` returns for a queue. `None` for anything else.
    fn queue_url(&self, name: &str) -> Option<String> {
        let resource = &self.document["Resources"][name];
        (resource["Type"] == "AWS::SQS::Queue")
            .then(|| format!("https://sqs.eu-central-1.amazonaws.com/123456789012/{name}"))
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

/// Returns whether a condition of the template is true.
fn holds(
    condition: &Value,
    named: &Map<String, Value>,
    parameters: &BTreeMap<String, String>,
) -> bool {
    match condition.as_array().map(Vec::as_slice) {
        // !And [!Condition name, !Condition name]
        Some([Value::String(one), Value::String(other)]) if named.contains_key(other) => {
            [one, other]
                .into_iter()
                .all(|name| holds(&named[name], named, parameters))
        }
        // !Equals [!Ref name, value]
        Some([Value::String(name), Value::String(value)]) => parameters[name] == *value,
        // !Not [condition]
        Some([condition]) => !holds(condition, named, parameters),
        // !And [condition, condition]
        Some([one, other]) => [one, other]
            .into_iter()
            .all(|condition| holds(condition, named, parameters)),
        _ => panic!("the tests do not know the condition {condition}"),
    }
}

/// Replaces each `!If` with the branch that applies, and removes `AWS::NoValue`.
fn choose(value: &mut Value, conditions: &BTreeMap<String, bool>) {
    match value {
        Value::Array(items) => {
            if let [Value::String(name), yes, no] = items.as_slice()
                && let Some(holds) = conditions.get(name)
            {
                let branch = if *holds { yes } else { no };
                *value = branch.clone();
                return choose(value, conditions);
            }
            for item in items.iter_mut() {
                choose(item, conditions);
            }
            items.retain(|item| item != "AWS::NoValue");
        }
        Value::Object(members) => {
            for member in members.values_mut() {
                choose(member, conditions);
            }
            members.retain(|_, member| member != "AWS::NoValue");
        }
        _ => {}
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
