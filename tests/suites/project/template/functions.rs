//! Functions: their environment, roles and logs.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    env::VarError,
};

use auth_core::{LAMBDA_MARKER, SettingsReader, VARIABLES};
use bundle_tests::{functions, linked::LINKED, template::Template};
use serde_json::json;

/// What a function may read although the template does not set it: the default suits, or another variable
/// is set instead.
const NOT_SET: [&str; 10] = [
    "JWT_SECRET_KEY",
    "JWT_JWKS",
    "JWT_JWKS_URL",
    "JWT_ALGORITHM",
    "JWT_LEEWAY",
    "SESSION_SECRET_KEY",
    "COUNTER_SECRET_KEY",
    "ACTION_SECRET_KEY",
    "SESSION_GRACE",
    "LOGIN_ERRORS",
];

/// A function starts with its environment in AWS Lambda, reads every variable of it, and no others except those
/// that the template does not set on purpose.
#[test]
fn the_environment_of_each_function_is_what_it_reads() {
    let template = Template::read();
    let deployed = template.functions();
    for function in &LINKED {
        let name = function.name;
        let set = template.environment(&deployed[name]);
        let lambda = ("AWS_LAMBDA_INITIALIZATION_TYPE".into(), "on-demand".into());
        let variables: BTreeMap<String, String> = set.clone().into_iter().chain([lambda]).collect();
        let read = RefCell::new(BTreeSet::new());
        let lookup = |variable: &str| {
            read.borrow_mut().insert(variable.to_owned());
            let value = variables.get(variable).cloned();
            value.ok_or(VarError::NotPresent)
        };
        let accepted =
            (function.read_settings)(SettingsReader::new(variables.keys().cloned(), &lookup));
        accepted.unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut read = read.into_inner();
        let set: BTreeSet<String> = set.into_keys().collect();
        // Only outside Lambda, account sends emails itself.
        read.remove(LAMBDA_MARKER);
        if !["keys", "login", "mailer"].contains(&name) {
            // Guards read it to refuse it.
            assert!(read.remove("JWT_KEYS_SECRET_ID"), "{name}");
        }
        // To refuse a key that is also used for something else.
        let others: &[&str] = match name {
            "account" => &["SESSION_KEY_SECRET_ID"],
            "mailer" => &[
                "COUNTER_KEY_SECRET_ID",
                "JWT_KEYS_SECRET_ID",
                "SESSION_KEY_SECRET_ID",
            ],
            _ => &[],
        };
        assert!(others.iter().all(|other| read.remove(*other)), "{name}");
        read.retain(|variable| set.contains(variable) || !NOT_SET.contains(&variable.as_str()));
        assert_eq!(set, read, "{name}");
        assert!(set.iter().all(|name| VARIABLES.contains(&name.as_str())));
    }
}

/// A guard reads the same settings as `me`. Other variables are its own, and must not look like settings of the bundle.
#[test]
fn every_guard_has_the_settings_of_me() {
    let template = Template::read();
    let deployed = template.functions();
    let expected = template.environment(&deployed["me"]);
    for guard in functions::guards() {
        let mut environment = template.environment(&deployed[&guard.name]);
        let unknown =
            SettingsReader::new(environment.keys().cloned(), &|_| Err(VarError::NotPresent));
        assert_eq!(unknown.finish(Some(())), Ok(()), "{}", guard.name);
        environment.retain(|variable, _| VARIABLES.contains(&&**variable));
        assert_eq!(environment, expected, "{}", guard.name);
    }
}

#[test]
fn every_function_has_its_own_role_and_logs() {
    let template = Template::read();
    let mut seen = BTreeSet::new();
    for name in functions::names() {
        let function = &template.functions()[name];
        let role = function["Properties"]["Role"].as_str().unwrap();
        let group = function["Properties"]["LoggingConfig"]["LogGroup"].as_str();
        let group = group.unwrap();
        let rights = template.policy(function).rights();
        for action in ["logs:CreateLogStream", "logs:PutLogEvents"] {
            let right = (action.to_owned(), format!("{group}.Arn"));
            assert!(rights.contains(&right), "{name}: {action}");
        }
        assert!(seen.insert(role.to_owned()), "{name}");
        assert!(seen.insert(group.to_owned()), "{name}");
    }
}

#[test]
fn functions_trace_only_with_the_parameter() {
    for (tracing, expected) in [("Disabled", 0), ("Active", 2)] {
        let template = Template::with(&[("Tracing", tracing)]);
        assert_eq!(
            template.section("Globals")["Function"]["Tracing"],
            "Tracing"
        );
        for name in functions::names() {
            let rights = template.policy(&template.functions()[name]).rights();
            let traces = rights.iter().filter(|right| right.0.starts_with("xray:"));
            assert_eq!(traces.count(), expected, "{name} {tracing}");
        }
    }
}

/// X-Ray has no resources that a policy could name. In the sandbox of SES, the recipient of an email is a resource, too.
/// The role that reads the table's stream may read former ones.
#[test]
fn only_x_ray_emails_and_streams_have_resources_with_a_star() {
    let template = Template::with(&[("Tracing", "Active")]);
    for name in functions::names() {
        for (action, resource) in template.policy(&template.functions()[name]).rights() {
            assert!(!action.contains('*'), "{name}: {action}");
            if action.starts_with("xray:") {
                assert_eq!(resource, "*", "{name}: {action}");
                continue;
            }
            let is_star = resource.contains('*');
            let is_mail = action.starts_with("ses:") && resource.ends_with(":identity/*");
            let is_stream = action.starts_with("dynamodb:") && resource.ends_with("/stream/*");
            assert_eq!(is_star, is_mail || is_stream, "{name}: {action} {resource}");
        }
    }
}

#[test]
fn only_functions_have_roles() {
    let template = Template::read();
    let roles = template.of_type("AWS::IAM::Role").len();
    assert_eq!(roles, functions::all().len());
    assert!(template.of_type("AWS::IAM::Policy").is_empty());
}

/// Any API of the account may use it, but only as an authorizer.
#[test]
fn only_authorizers_of_the_account_may_call_authorizer() {
    let template = Template::read();
    let permission = &template.resource("AuthorizerPermission")["Properties"];
    let expected = json!({
        "FunctionName": "AuthorizerFunction.Alias",
        "Action": "lambda:InvokeFunction",
        "Principal": "apigateway.amazonaws.com",
        "SourceArn": "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:*/authorizers/*",
    });
    assert_eq!(*permission, expected);
    let output = &template.section("Outputs")["AuthorizerArn"];
    assert_eq!(output["Value"], "AuthorizerFunction.Alias");
    assert_eq!(output["Condition"], "HasAuthorizer");
}

#[test]
fn every_log_group_has_a_retention() {
    let groups = Template::read().of_type("AWS::Logs::LogGroup");
    assert_eq!(
        groups.len(),
        functions::all().len() + 1,
        "the API has one too"
    );
    for (name, group) in groups {
        let days = &group["Properties"]["RetentionInDays"];
        assert_eq!(days, "LogRetentionDays", "{name}");
    }
}
