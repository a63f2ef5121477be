//! Evaluates calls to AWS against the policies of `template.yaml`, conditions on `DynamoDB` included.
//!
//! Knows only what the policies use; anything else panics. The context of a call is what the Developer Guide of
//! `DynamoDB` describes ("Using IAM policy conditions for fine-grained access control").

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// The table, as the policies name it.
const TABLE: &str = "AuthTable.Arn";

/// The words of expressions that are not attributes.
const KEYWORDS: [&str; 14] = [
    "SET",
    "REMOVE",
    "ADD",
    "DELETE",
    "AND",
    "OR",
    "NOT",
    "BETWEEN",
    "IN",
    "attribute_exists",
    "attribute_not_exists",
    "begins_with",
    "contains",
    "if_not_exists",
];

/// A call, as IAM sees it.
#[derive(Debug)]
pub struct Call {
    action: String,
    resource: String,
    context: BTreeMap<&'static str, BTreeSet<String>>,
}

impl Call {
    /// Returns the call of a request for a secret.
    #[must_use]
    pub fn get_secret(secret: &str) -> Self {
        Self {
            action: "secretsmanager:GetSecretValue".into(),
            resource: secret.into(),
            context: BTreeMap::new(),
        }
    }

    /// Returns the call of a request that changes a secret.
    #[must_use]
    pub fn change_secret(operation: &str, secret: &str) -> Self {
        Self {
            action: format!("secretsmanager:{operation}"),
            ..Self::get_secret(secret)
        }
    }

    /// Returns the calls of a request to `DynamoDB`: one, or those of the writes of a transaction.
    #[must_use]
    pub fn all_to_table(operation: &str, body: &Value) -> Vec<Self> {
        writes(operation, body)
            .iter()
            .map(|(operation, body)| Self::to_table(operation, body))
            .collect()
    }

    /// Returns the call of a request to `DynamoDB`, from its operation and body.
    #[must_use]
    pub fn to_table(operation: &str, body: &Value) -> Self {
        let index = body["IndexName"].as_str();
        let mut context = BTreeMap::new();
        // A batch has the same members as a single read, for one table.
        let batch = body["RequestItems"].as_object();
        let request = batch.map_or(body, |tables| tables.values().next().expect("a table"));
        let keys = request["Keys"].as_array().into_iter().flatten();
        let keys: Vec<&Value> = keys.chain(request.get("Key")).collect();
        let items = || keys.iter().copied().chain(request.get("Item"));
        let leading = items().map(|item| text(&item["pk"]["S"]));
        context.insert("dynamodb:LeadingKeys", leading.collect());
        let names = items().flat_map(|item| item.as_object().expect("an item").keys().cloned());
        let names = names.chain(expression_attributes(request));
        context.insert("dynamodb:Attributes", names.collect());
        if matches!(operation, "GetItem" | "BatchGetItem" | "Query" | "Scan") {
            let select = match request.get("ProjectionExpression") {
                Some(_) => "SPECIFIC_ATTRIBUTES",
                None => "ALL_ATTRIBUTES",
            };
            context.insert("dynamodb:Select", [select.to_owned()].into());
        }
        Self {
            action: format!("dynamodb:{operation}"),
            resource: index.map_or(TABLE.into(), |index| format!("{TABLE}/index/{index}")),
            context,
        }
    }
}

/// Returns the operations of a request with their bodies: its own, or those of the writes of a transaction, as IAM sees
/// them.
#[must_use]
pub fn writes(operation: &str, body: &Value) -> Vec<(String, Value)> {
    let Some(writes) = body["TransactItems"].as_array() else {
        return vec![(operation.to_owned(), body.clone())];
    };
    let writes = writes
        .iter()
        .flat_map(|write| write.as_object().expect("a write"));
    let writes = writes.map(|(kind, body)| {
        let operation = match kind.as_str() {
            "Put" => "PutItem",
            "Update" => "UpdateItem",
            "Delete" => "DeleteItem",
            "ConditionCheck" => "ConditionCheckItem",
            other => panic!("the tests do not know the write {other}"),
        };
        (operation.to_owned(), body.clone())
    });
    writes.collect()
}

/// Returns the attributes that the expressions of a request name.
fn expression_attributes(request: &Value) -> impl Iterator<Item = String> {
    let aliases = &request["ExpressionAttributeNames"];
    let expressions = [
        "ProjectionExpression",
        "UpdateExpression",
        "ConditionExpression",
        "KeyConditionExpression",
    ];
    let expressions = expressions.into_iter();
    let expressions = expressions.filter_map(|name| request[name].as_str());
    let is_name = |c: char| c.is_ascii_alphanumeric() || "_#:".contains(c);
    let words = expressions.flat_map(move |text| text.split(move |c| !is_name(c)));
    words
        .filter(|word| !word.is_empty() && !word.starts_with(':') && !KEYWORDS.contains(word))
        .map(|word| match word.strip_prefix('#') {
            Some(_) => text(&aliases[word]),
            None => word.to_owned(),
        })
}

/// What a role allows. Everything else is denied.
#[derive(Debug, Clone)]
pub struct Policy(Vec<Statement>);

#[derive(Debug, Clone)]
struct Statement {
    actions: Vec<String>,
    resources: Vec<String>,
    conditions: Vec<Condition>,
}

#[derive(Debug, Clone)]
struct Condition {
    operator: String,
    key: String,
    values: Vec<String>,
}

impl Policy {
    /// Parses the statements of a policy.
    #[must_use]
    pub fn parse(statements: &[Value]) -> Self {
        Self(statements.iter().map(Statement::parse).collect())
    }

    /// Returns the allowed actions and resources, without their conditions.
    #[must_use]
    pub fn rights(&self) -> BTreeSet<(String, String)> {
        let pairs = self.0.iter().flat_map(|statement| {
            let actions = statement.actions.iter();
            actions.flat_map(|action| {
                let resources = statement.resources.iter();
                resources.map(|resource| (action.clone(), resource.clone()))
            })
        });
        pairs.collect()
    }

    /// Returns the policy without the statements about a service.
    #[must_use]
    pub fn without(mut self, service: &str) -> Self {
        self.0
            .retain(|statement| !statement.actions.iter().any(|a| a.starts_with(service)));
        self
    }

    /// Returns only the statements about the table.
    #[must_use]
    pub fn on_table(mut self) -> Self {
        self.0
            .retain(|statement| statement.resources.iter().all(|r| r.starts_with(TABLE)));
        self
    }

    /// Returns whether any statement allows a call.
    #[must_use]
    pub fn allows(&self, call: &Call) -> bool {
        self.0.iter().any(|statement| statement.allows(call))
    }

    /// Returns the policies that lack one action, resource or value of a condition, each with what it lacks.
    #[must_use]
    pub fn narrowed(&self) -> Vec<(String, Self)> {
        let mut policies = Vec::new();
        for (i, mut statement) in self.0.clone().into_iter().enumerate() {
            for (list, values) in statement.lists().into_iter().enumerate() {
                for value in 0..values.len() {
                    let mut policy = self.clone();
                    let removed = policy.0[i].lists()[list].remove(value);
                    policies.push((format!("{removed} in {:?}", self.0[i]), policy));
                }
            }
        }
        policies
    }

    /// Returns the policies that lack one condition, each with what it lacks.
    #[must_use]
    pub fn widened(&self) -> Vec<(String, Self)> {
        let mut policies = Vec::new();
        for i in 0..self.0.len() {
            for condition in 0..self.0[i].conditions.len() {
                let mut policy = self.clone();
                let removed = policy.0[i].conditions.remove(condition);
                policies.push((format!("{removed:?} in {:?}", self.0[i]), policy));
            }
        }
        policies
    }
}

impl Statement {
    fn parse(statement: &Value) -> Self {
        assert_eq!(statement["Effect"], "Allow");
        let mut conditions = Vec::new();
        for (operator, keys) in statement["Condition"].as_object().into_iter().flatten() {
            for (key, values) in keys.as_object().expect("keys with values") {
                conditions.push(Condition {
                    operator: operator.clone(),
                    key: key.clone(),
                    values: texts(values),
                });
            }
        }
        Self {
            actions: texts(&statement["Action"]),
            resources: resources(&statement["Resource"]),
            conditions,
        }
    }

    fn lists(&mut self) -> Vec<&mut Vec<String>> {
        let values = self
            .conditions
            .iter_mut()
            .map(|condition| &mut condition.values);
        [&mut self.actions, &mut self.resources]
            .into_iter()
            .chain(values)
            .collect()
    }

    fn allows(&self, call: &Call) -> bool {
        self.actions.contains(&call.action)
            && self.resources.contains(&call.resource)
            && self
                .conditions
                .iter()
                .all(|condition| condition.holds(call))
    }
}

impl Condition {
    fn holds(&self, call: &Call) -> bool {
        let actual = call.context.get(self.key.as_str());
        let mut all = actual.into_iter().flatten();
        match self.operator.as_str() {
            // These two hold if there is nothing to compare.
            "ForAllValues:StringEquals" => all.all(|value| self.values.contains(value)),
            "ForAllValues:StringLike" => all.all(|value| {
                let is_like = |pattern: &String| match pattern.strip_suffix('*') {
                    Some(prefix) => value.starts_with(prefix),
                    None => value == pattern,
                };
                self.values.iter().any(is_like)
            }),
            "StringEquals" => all.next().is_some_and(|value| self.values.contains(value)),
            "StringEqualsIfExists" => all.next().is_none_or(|value| self.values.contains(value)),
            other => panic!("the tests do not know the operator {other}"),
        }
    }
}

/// Returns the names of resources. `!Sub ${AuthTable.Arn}/index/name` reads as `AuthTable.Arn/index/name`.
fn resources(value: &Value) -> Vec<String> {
    let names = texts(value).into_iter();
    names
        .map(|name| name.replace(&format!("${{{TABLE}}}"), TABLE))
        .collect()
}

/// Returns a list of texts from one text or a list, because policies allow both.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(all) => all.iter().map(text).collect(),
        one => vec![text(one)],
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
