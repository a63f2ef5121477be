//! Parameters and outputs.

use bundle_tests::{linked::LINKED, project, template::Template};
use serde_json::json;

#[test]
fn every_parameter_has_a_description_and_a_default() {
    let template = project::yaml("template.yaml");
    for (name, parameter) in template["Parameters"].as_object().unwrap() {
        let description = parameter["Description"].as_str().unwrap_or_default();
        assert!(description.len() > 10, "{name}");
        assert!(!parameter["Default"].is_null(), "{name}");
    }
}

/// scripts/deploy.py saves parameters in files that are committed, and describes a rejected value by the constraint.
#[test]
fn no_parameter_is_secret_and_every_pattern_is_described() {
    let template = Template::read();
    for (name, parameter) in template.section("Parameters").as_object().unwrap() {
        assert!(parameter["NoEcho"].is_null(), "{name}");
        let is_described = parameter["ConstraintDescription"].is_string();
        assert_eq!(
            parameter["AllowedPattern"].is_string(),
            is_described,
            "{name}"
        );
    }
}

#[test]
fn the_outputs_name_the_address_and_what_operators_use() {
    let template = Template::read();
    let outputs = template.section("Outputs");
    assert_eq!(outputs["TableName"]["Value"], "AuthTable");
    assert_eq!(outputs["JwtKeysSecretId"]["Value"], "JwtKeys");
    assert_eq!(outputs["SessionKeysSecretId"]["Value"], "SessionKeys");
    assert_eq!(outputs["CounterKeysSecretId"]["Value"], "CounterKeys");
    assert_eq!(outputs["ActionKeysSecretId"]["Value"], "ActionKeys");
    assert_eq!(outputs["AskQueueUrl"]["Value"], "AskQueue");
    assert_eq!(outputs["ApiUrl"]["Value"], "Api.ApiEndpoint");
}

/// How the values that a parameter allows are related to those that its variable accepts.
enum Relation {
    /// They are the same.
    Same,
    /// The parameter allows fewer.
    Fewer,
}

#[test]
fn the_template_allows_the_names_that_the_functions_accept() {
    let long = "x".repeat(257);
    let characters = (' '..='~').chain(['\u{e9}', '\n']).map(String::from);
    let names: Vec<String> = characters.chain([long[1..].into(), long]).collect();
    check_parameter("JwtIssuer", "JWT_ISSUER", &names, &Relation::Same);
    check_parameter("JwtAudience", "JWT_AUDIENCE", &names, &Relation::Same);
}

const NUMBERS: [&str; 28] = [
    "1",
    "9",
    "60",
    "99",
    "100",
    "101",
    "999",
    "1000",
    "9999",
    "99999",
    "999999",
    "1000000",
    "2499999",
    "2589999",
    "2591999",
    "2592000",
    "0",
    "-1",
    "2592001",
    "2600000",
    "9999999",
    "10000000",
    "99999999",
    "100000000",
    "3600.5",
    "1e3",
    "+5",
    "",
];

#[test]
fn the_template_allows_the_lifetimes_of_tokens_that_the_functions_accept() {
    check_parameter("JwtExpiration", "JWT_EXPIRATION", &NUMBERS, &Relation::Same);
}

#[test]
fn the_template_allows_only_numbers_that_login_accepts() {
    for (parameter, variable) in [
        ("SessionIdleExpiration", "SESSION_IDLE_EXPIRATION"),
        ("SessionExpiration", "SESSION_EXPIRATION"),
        ("LoginMaxFailures", "LOGIN_MAX_FAILURES"),
        ("LoginFailureWindow", "LOGIN_FAILURE_WINDOW"),
        ("LoginMaxFailuresPerDay", "LOGIN_MAX_FAILURES_PER_DAY"),
        (
            "LoginMaxFailuresPerNetwork",
            "LOGIN_MAX_FAILURES_PER_NETWORK",
        ),
    ] {
        check_parameter(parameter, variable, &NUMBERS, &Relation::Fewer);
    }
}

/// Checks that functions accept what a parameter allows: otherwise a deploy would end in functions that do not
/// start.
fn check_parameter(
    parameter: &str,
    variable: &str,
    values: &[impl AsRef<str>],
    relation: &Relation,
) {
    let pattern = &project::yaml("template.yaml")["Parameters"][parameter]["AllowedPattern"];
    // CloudFormation matches a pattern against the whole value.
    let schema = json!({"pattern": format!("^({})$", pattern.as_str().unwrap())});
    let allowed = jsonschema::validator_for(&schema).unwrap();
    let (template, mut readers) = (Template::read(), 0);
    for function in &LINKED {
        let mut environment = template.environment(&template.functions()[function.name]);
        // A pattern cannot compare this parameter with these.
        for (other, value) in [
            ("JWT_EXPIRATION", "1"),
            ("SESSION_IDLE_EXPIRATION", "99999999"),
        ] {
            if environment.contains_key(other) {
                environment.insert(other.into(), value.into());
            }
        }
        if !environment.contains_key(variable) {
            continue;
        }
        readers += 1;
        for value in values.iter().map(AsRef::as_ref) {
            environment.insert(variable.into(), value.into());
            let is_accepted = function.check_settings(&environment).is_ok();
            let is_allowed = allowed.is_valid(&value.into());
            let is_right = match relation {
                Relation::Same => is_allowed == is_accepted,
                Relation::Fewer => is_accepted || !is_allowed,
            };
            assert!(is_right, "{} {parameter} {value:?}", function.name);
        }
    }
    assert!(readers > 0, "no function reads {variable}");
}
