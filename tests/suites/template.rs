//! `template.yaml`: what a deployed stack is made of, and what its functions may do.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    env::VarError,
};

use auth_core::{SettingsReader, VARIABLES};
use bundle_tests::{functions::FUNCTIONS, project, template::Template};
use login::LoginSettings;
use serde_json::Value;

/// What a function may read and the template leaves out, for its default or for another variable in
/// its place.
const LEFT_OUT: [&str; 7] = [
    "JWT_SECRET_KEY",
    "JWT_JWKS",
    "JWT_ALGORITHM",
    "JWT_LEEWAY",
    "SESSION_SECRET_KEY",
    "SESSION_GRACE",
    "LOGIN_ERRORS",
];

/// A function starts with its environment in real Lambda, reads each variable of it, and no other
/// but those that the template means to leave out.
#[test]
fn the_environment_of_each_function_is_what_it_reads() {
    let template = Template::read();
    for (name, function) in template.functions() {
        let mut variables = template.environment(&function);
        variables.insert("AWS_LAMBDA_INITIALIZATION_TYPE".into(), "on-demand".into());
        let read = RefCell::new(BTreeSet::new());
        let lookup = |variable: &str| {
            read.borrow_mut().insert(variable.to_owned());
            let value = variables.get(variable).cloned();
            value.ok_or(VarError::NotPresent)
        };
        let reader = SettingsReader::new(variables.keys().cloned(), &lookup);
        let function = FUNCTIONS.iter().find(|function| function.name == name);
        if let Err(error) = (function.expect("a function").read_settings)(reader) {
            panic!("{name}: {error}");
        }
        let mut read = read.into_inner();
        read.retain(|variable| !LEFT_OUT.contains(&variable.as_str()));
        variables.remove("AWS_LAMBDA_INITIALIZATION_TYPE");
        let given: BTreeSet<String> = variables.into_keys().collect();
        assert_eq!(given, read, "{name}");
        assert!(given.iter().all(|name| VARIABLES.contains(&name.as_str())));
    }
}

#[test]
fn every_function_has_a_role_and_logs_of_its_own() {
    let template = Template::read();
    let mut seen = BTreeSet::new();
    for (name, function) in template.functions() {
        let properties = &function["Properties"];
        let role = properties["Role"].as_str().unwrap().to_owned();
        let group = properties["LoggingConfig"]["LogGroup"].as_str().unwrap();
        let rights = template.rights(&function);
        for action in ["logs:CreateLogStream", "logs:PutLogEvents"] {
            let right = (action.to_owned(), format!("{group}.Arn"));
            assert!(rights.contains(&right), "{name}: {action}");
        }
        assert!(seen.insert(role) && seen.insert(group.to_owned()), "{name}");
    }
}

/// X-Ray has no resources that a policy could name; for everything else there is one.
#[test]
fn nothing_is_a_star_but_the_resource_of_x_ray() {
    let template = Template::read();
    for (name, function) in template.functions() {
        for (action, resource) in template.rights(&function) {
            assert!(!action.contains('*'), "{name}: {action}");
            let is_star = resource.contains('*');
            assert_eq!(is_star, action.starts_with("xray:"), "{name}: {action}");
        }
    }
    let roles = template.of_type("AWS::IAM::Role").len();
    assert_eq!(
        roles,
        template.functions().len(),
        "each role is a function's"
    );
    assert!(template.of_type("AWS::IAM::Policy").is_empty());
}

#[test]
fn every_log_group_has_a_retention_and_every_function_its_alarms() {
    let template = Template::read();
    let groups = template.of_type("AWS::Logs::LogGroup");
    assert_eq!(
        groups.len(),
        template.functions().len() + 1,
        "and the API's"
    );
    for (name, group) in groups {
        let days = &group["Properties"]["RetentionInDays"];
        assert_eq!(days, "LogRetentionDays", "{name}");
    }
    let alarms = template.of_type("AWS::CloudWatch::Alarm");
    let watched = |metric: &str, value: &str| {
        alarms.values().any(|alarm| {
            let alarm = &alarm["Properties"];
            alarm["MetricName"] == metric && alarm["Dimensions"][0]["Value"] == value
        })
    };
    for binary in template.functions().keys() {
        for metric in ["Errors", "Throttles", "Duration"] {
            assert!(
                watched(metric, &template.name_of(binary)),
                "{binary}: {metric}"
            );
        }
    }
    assert!(watched("5xx", "Api"));
    assert!(watched("ReadThrottleEvents", "AuthTable"));
    assert!(watched("WriteThrottleEvents", "AuthTable"));
    for (name, alarm) in &alarms {
        assert_eq!(
            alarm["Properties"]["AlarmActions"][0], "HasAlarmTopic",
            "{name}"
        );
    }
}

#[test]
fn the_table_is_kept_safe() {
    let template = Template::read();
    let table = template.resource("AuthTable");
    assert_eq!(table["UpdateReplacePolicy"], "Retain");
    let table = &table["Properties"];
    assert_eq!(table["BillingMode"], "PAY_PER_REQUEST");
    assert_eq!(table["SSESpecification"]["SSEEnabled"], true);
    assert_eq!(
        table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"],
        true
    );
    assert_eq!(
        table["TimeToLiveSpecification"],
        serde_json::json!({"AttributeName": "expires_at", "Enabled": true})
    );
    assert_eq!(table["DeletionProtectionEnabled"][0], "IsDeletionProtected");
    assert_eq!(table["KeySchema"][0]["AttributeName"], "pk");
}

/// The generated secrets are canonical base64url: of its alphabet alone, without a remainder.
#[test]
fn the_secrets_are_generated_as_keys_that_the_functions_take() {
    for secret in ["JwtKeys", "SessionKeys"] {
        check_generated(secret);
    }
}

fn check_generated(secret: &str) {
    let template = Template::read();
    let generate = &template.resource(secret)["Properties"]["GenerateSecretString"];
    let head: Value =
        serde_json::from_str(generate["SecretStringTemplate"].as_str().unwrap()).unwrap();
    assert_eq!(head, serde_json::json!({"kty": "oct", "alg": "HS256"}));
    assert_eq!(generate["GenerateStringKey"], "k");
    let length = generate["PasswordLength"].as_u64().unwrap();
    assert!(length.is_multiple_of(4) && length * 6 / 8 >= 32);
    // Secrets Manager draws from all visible ASCII.
    let excluded = generate["ExcludeCharacters"].as_str().unwrap();
    let left: String = ('!'..='~').filter(|c| !excluded.contains(*c)).collect();
    let is_base64url = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    assert!(left.len() == 64 && left.chars().all(is_base64url), "{left}");
}

#[test]
fn every_parameter_is_described_and_the_outputs_name_the_address_and_the_table() {
    let template = project::yaml("template.yaml");
    for (name, parameter) in template["Parameters"].as_object().unwrap() {
        let description = parameter["Description"].as_str().unwrap_or_default();
        assert!(description.len() > 10, "{name}");
        assert!(
            !parameter["Default"].is_null(),
            "{name}: a deploy needs no answer"
        );
    }
    let outputs: BTreeMap<String, Value> =
        serde_json::from_value(template["Outputs"].clone()).unwrap();
    assert_eq!(outputs["TableName"]["Value"], "AuthTable");
    assert!(outputs.contains_key("ApiUrl"));
}

/// A value that a stack takes is one that the functions take: a deploy does not end in functions that
/// refuse their start.
#[test]
fn the_template_takes_what_the_functions_take() {
    let parameters = &project::yaml("template.yaml")["Parameters"];
    let template = Template::read();
    let functions = template.functions();
    let environment = template.environment(&functions["me"]);
    let long = "x".repeat(257);
    let names = (' '..='~').chain(['\u{e9}', '\n']).map(String::from);
    let names: Vec<String> = names.chain([long.clone(), long[1..].into()]).collect();
    let numbers = [
        "1", "9", "60", "999999", "1000000", "2499999", "2589999", "2591999", "2592000", "0", "-1",
        "2592001", "2600000", "9999999", "10000000", "3600.5", "1e3", "+5", "",
    ];
    let numbers: Vec<String> = numbers.map(String::from).into();
    for (parameter, variable, values) in [
        ("JwtIssuer", "JWT_ISSUER", &names),
        ("JwtAudience", "JWT_AUDIENCE", &names),
        ("JwtExpiration", "JWT_EXPIRATION", &numbers),
    ] {
        // CloudFormation matches a pattern against the whole value.
        let pattern = parameters[parameter]["AllowedPattern"].as_str().unwrap();
        let schema = serde_json::json!({"pattern": format!("^({pattern})$")});
        let allowed = jsonschema::validator_for(&schema).unwrap();
        for value in values {
            let mut variables = environment.clone();
            variables.insert(variable.into(), value.clone());
            let lookup = |name: &str| variables.get(name).cloned().ok_or(VarError::NotPresent);
            let reader = SettingsReader::new(variables.keys().cloned(), &lookup);
            let taken = me::read_settings(reader).is_ok();
            let allowed = allowed.is_valid(&value.as_str().into());
            assert_eq!(allowed, taken, "{parameter} {value:?}");
        }
    }
    // Of these the template takes less than the function does.
    let environment = template.environment(&functions["login"]);
    for (parameter, variable) in [
        ("SessionIdleExpiration", "SESSION_IDLE_EXPIRATION"),
        ("SessionExpiration", "SESSION_EXPIRATION"),
        ("LoginMaxFailures", "LOGIN_MAX_FAILURES"),
        ("LoginFailureWindow", "LOGIN_FAILURE_WINDOW"),
    ] {
        let pattern = parameters[parameter]["AllowedPattern"].as_str().unwrap();
        let schema = serde_json::json!({"pattern": format!("^({pattern})$")});
        let allowed = jsonschema::validator_for(&schema).unwrap();
        let more = [
            "99",
            "999",
            "1000",
            "9999",
            "99999",
            "99999999",
            "100000000",
        ];
        for value in numbers.iter().map(String::as_str).chain(more) {
            let mut variables = environment.clone();
            variables.insert(variable.into(), value.into());
            let lookup = |name: &str| variables.get(name).cloned().ok_or(VarError::NotPresent);
            let reader = SettingsReader::new(variables.keys().cloned(), &lookup);
            let taken = LoginSettings::read(reader).is_ok();
            assert!(
                taken || !allowed.is_valid(&value.into()),
                "{parameter} {value:?}"
            );
        }
    }
}
