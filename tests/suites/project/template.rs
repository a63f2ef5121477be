//! `template.yaml`: what a deployed stack consists of, and what its functions may do.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    env::VarError,
};

use auth_core::{SettingsReader, VARIABLES};
use bundle_tests::{functions, linked::LINKED, project, template::Template};
use serde_json::{Value, json};

/// What a function may read although the template does not set it: the default suits, or another variable
/// is set instead.
const NOT_SET: [&str; 9] = [
    "JWT_SECRET_KEY",
    "JWT_JWKS",
    "JWT_JWKS_URL",
    "JWT_ALGORITHM",
    "JWT_LEEWAY",
    "SESSION_SECRET_KEY",
    "COUNTER_SECRET_KEY",
    "SESSION_GRACE",
    "LOGIN_ERRORS",
];

/// With these parameters, the stack has all alarms, and they notify.
const ALARMING: [(&str, &str); 2] = [
    ("AlarmTopicArn", "arn:aws:sns:eu-central-1:1:alarms"),
    ("DeploymentPreference", "Canary10Percent5Minutes"),
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
        if !["keys", "login"].contains(&name) {
            // Guards read it to refuse it.
            assert!(read.remove("JWT_KEYS_SECRET_ID"), "{name}");
        }
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

/// X-Ray has no resources that a policy could name. Everything else has one.
#[test]
fn only_the_resource_of_x_ray_is_a_star() {
    let template = Template::with(&[("Tracing", "Active")]);
    for name in functions::names() {
        for (action, resource) in template.policy(&template.functions()[name]).rights() {
            assert!(!action.contains('*'), "{name}: {action}");
            let is_star = resource.contains('*');
            assert_eq!(is_star, action.starts_with("xray:"), "{name}: {action}");
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

/// Returns the names of the resources that a stack has only if a parameter is `true`, which is not the default.
fn only_with(parameter: &str) -> BTreeSet<String> {
    let default = &project::yaml("template.yaml")["Parameters"][parameter]["Default"];
    assert_eq!(default, "false", "{parameter}");
    let names = |value: &str| -> BTreeSet<String> {
        let template = Template::with(&[(parameter, value), ALARMING[1]]);
        let resources = template.section("Resources").as_object().unwrap();
        resources.keys().cloned().collect()
    };
    &names("true") - &names("false")
}

/// The page is public, so a stack has it only if its operator asks for it.
#[test]
fn the_page_is_deployed_only_if_a_parameter_says_so() {
    let routes = ["Contract", "File", "Page", "Root"].map(|route| format!("Docs{route}Route"));
    assert_eq!(only_with("ApiDocs"), routes.into());
}

/// It is of no use to a stack whose functions are all in Rust.
#[test]
fn authorizer_is_deployed_only_if_a_parameter_says_so() {
    let names = [
        "Duration",
        "Errors",
        "ErrorsMetric",
        "Function",
        "LogGroup",
        "NewVersionErrors",
        "Permission",
        "Role",
        "Throttles",
    ];
    let names = names.map(|name| format!("Authorizer{name}"));
    assert_eq!(only_with("Authorizer"), names.into());
}

#[test]
fn authorizer_reads_users_only_at_the_live_level() {
    for (level, reads_users) in [("live", true), ("token", false)] {
        let template = Template::with(&[("AuthorizerLevel", level)]);
        let rights = template
            .policy(&template.functions()["authorizer"])
            .rights();
        let has_right = |action: &str| rights.iter().any(|(one, _)| one == action);
        assert_eq!(has_right("dynamodb:BatchGetItem"), reads_users, "{level}");
        assert!(has_right("dynamodb:GetItem"), "{level}");
    }
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

#[test]
fn the_functions_the_api_and_the_table_have_alarms() {
    let template = Template::with(&ALARMING);
    let alarms = template.of_type("AWS::CloudWatch::Alarm");
    let check = |metric: &str, resource: &str| {
        let is_watched = alarms.values().any(|alarm| {
            let alarm = &alarm["Properties"];
            alarm["MetricName"] == metric && alarm["Dimensions"][0]["Value"] == resource
        });
        assert!(is_watched, "{resource}: {metric}");
    };
    for function in functions::names() {
        check("Throttles", &template.name_of(function));
        // A refused token is an error of `authorizer`, so its alarm counts lines of its log instead.
        if function != "authorizer" {
            check("Errors", &template.name_of(function));
        }
    }
    let errors = &alarms["AuthorizerErrors"]["Properties"];
    assert_eq!(errors["MetricName"], "AuthorizerErrors");
    // No one waits for keys.
    for function in functions::that_serve_requests() {
        check("Duration", &template.name_of(function));
    }
    check("5xx", "Api");
    check("ReadThrottleEvents", "AuthTable");
    check("WriteThrottleEvents", "AuthTable");
    for (name, alarm) in &alarms {
        let actions = &alarm["Properties"]["AlarmActions"];
        assert_eq!(*actions, json!(["AlarmTopicArn"]), "{name}");
    }
}

/// The metrics of `login`'s log are tested in `functions/logs.rs`.
#[test]
fn the_metric_of_the_access_log_counts_429() {
    let template = Template::read();
    let format = &template.resource("ApiStage")["Properties"]["AccessLogSettings"]["Format"];
    let line = |status: &str| -> Value {
        let line = format.as_str().unwrap().replace("$context.status", status);
        let line = line.replace("$context.responseLatency", "0");
        serde_json::from_str(&line).unwrap()
    };
    let filter = template.log_filter("ApiThrottledMetric");
    let counted = ["200", "429", "499", "500"].map(|status| filter.matches(&line(status)));
    assert_eq!(counted, [false, true, false, false]);
}

#[test]
fn every_metric_of_a_log_has_an_alarm() {
    let template = Template::with(&ALARMING);
    let alarms = template.of_type("AWS::CloudWatch::Alarm");
    for (name, filter) in template.of_type("AWS::Logs::MetricFilter") {
        let metric = &filter["Properties"]["MetricTransformations"][0];
        let is_watched = alarms.values().any(|alarm| {
            let alarm = &alarm["Properties"];
            alarm["MetricName"] == metric["MetricName"]
                && alarm["Namespace"] == metric["MetricNamespace"]
        });
        assert!(is_watched, "{name}");
    }
}

#[test]
fn every_threshold_is_a_parameter() {
    let parameters = &project::yaml("template.yaml")["Parameters"];
    for (name, alarm) in Template::with(&ALARMING).of_type("AWS::CloudWatch::Alarm") {
        let threshold = &alarm["Properties"]["Threshold"];
        let parameter = threshold.as_str().and_then(|text| parameters.get(text));
        assert!(parameter.is_some(), "{name}");
    }
}

#[test]
fn the_api_calls_aliases_to_which_every_change_is_published() {
    let template = Template::read();
    assert_eq!(
        template.section("Globals")["Function"]["AutoPublishAlias"],
        "live"
    );
    for (name, function) in template.functions() {
        let all = &function["Properties"]["AutoPublishAliasAllProperties"];
        assert_eq!(*all, true, "{name}");
    }
}

#[test]
fn every_deployment_preference_but_one_is_gradual() {
    let template = Template::read();
    let preference = &template.section("Globals")["Function"]["DeploymentPreference"];
    let enabled = json!(["CodeDeploy", "DeploymentPreference", "Enabled"]);
    let expected = json!({
        "Enabled": enabled,
        "Type": "DeploymentPreference",
        "PassthroughCondition": true,
    });
    assert_eq!(*preference, expected);
    let allowed = &template.section("Parameters")["DeploymentPreference"]["AllowedValues"];
    let mapped = template.section("Mappings")["CodeDeploy"].as_object();
    assert_eq!(mapped.unwrap().len(), allowed.as_array().unwrap().len());
    for allowed in allowed.as_array().unwrap() {
        let is_gradual = allowed != "AllAtOnce";
        let mapped = &mapped.unwrap()[allowed.as_str().unwrap()];
        assert_eq!(mapped["Enabled"], is_gradual.to_string(), "{allowed}");
        let template = Template::with(&[("DeploymentPreference", allowed.as_str().unwrap())]);
        let alarms = template.of_type("AWS::CloudWatch::Alarm");
        assert_eq!(alarms.contains_key("NewVersionServerErrors"), is_gradual);
    }
}

#[test]
fn a_gradual_deploy_is_rolled_back_by_errors_of_the_new_version_or_of_the_api() {
    let template = Template::with(&ALARMING);
    for name in functions::with_routes() {
        let function = &template.functions()[name];
        let alarms = &function["Properties"]["DeploymentPreference"]["Alarms"];
        let errors = alarms[0].as_str().unwrap();
        let function = template.name_of(name);
        let dimensions = json!([
            {"Name": "FunctionName", "Value": function},
            {"Name": "Resource", "Value": format!("${{{function}}}:live")},
            {"Name": "ExecutedVersion", "Value": format!("{function}.Version.Version")},
        ]);
        let watched = &template.resource(errors)["Properties"];
        assert_eq!(watched["Dimensions"], dimensions, "{name}");
        assert_eq!(watched["MetricName"], "Errors", "{name}");
        assert_eq!(*alarms, json!([errors, "NewVersionServerErrors"]), "{name}");
        assert_eq!(watched["Period"], 60, "{name}");
    }
    let watched = &template.resource("NewVersionServerErrors")["Properties"];
    let api = json!([{"Name": "ApiId", "Value": "Api"}]);
    assert_eq!(watched["Dimensions"], api);
    assert_eq!(watched["MetricName"], "5xx");
    assert_eq!(watched["Period"], 60);
    let keys = &template.functions()["keys"]["Properties"]["DeploymentPreference"];
    assert_eq!(*keys, json!({"Enabled": false}), "no traffic to move");
    let authorizer = &template.functions()["authorizer"]["Properties"]["DeploymentPreference"];
    let alarms = json!(["AuthorizerNewVersionErrors"]);
    assert_eq!(authorizer["Alarms"], alarms);
    let watched = &template.resource("AuthorizerNewVersionErrors")["Properties"];
    assert_eq!(watched["MetricName"], "AuthorizerErrors");
    assert_eq!(watched["Period"], 60);
    let immediate = Template::read();
    for name in functions::that_serve_requests() {
        let function = &immediate.functions()[name];
        let alarms = &function["Properties"]["DeploymentPreference"]["Alarms"];
        assert_eq!(*alarms, json!([]), "{name}");
    }
}

#[test]
fn an_existing_table_replaces_the_stacks_own() {
    let template = Template::with(&[("ExistingTable", "restored")]);
    assert!(template.of_type("AWS::DynamoDB::Table").is_empty());
    let arn =
        "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${ExistingTable}";
    for (name, function) in template.functions() {
        if let Some(table) = template.environment(&function).get("AUTH_TABLE") {
            assert_eq!(table, "restored");
        }
        let rights = template.policy(&function).rights();
        let mut tables = rights
            .iter()
            .filter(|right| right.0.starts_with("dynamodb:"));
        assert!(tables.all(|(_, resource)| resource == arn), "{name}");
    }
    for alarm in ["TableReadThrottles", "TableWriteThrottles"] {
        let dimension = &template.resource(alarm)["Properties"]["Dimensions"][0];
        assert_eq!(dimension["Value"], "ExistingTable", "{alarm}");
    }
    let output = &template.section("Outputs")["TableName"]["Value"];
    assert_eq!(output, "ExistingTable");
}

#[test]
fn the_table_is_encrypted_backed_up_and_kept() {
    let template = Template::read();
    let table = template.resource("AuthTable");
    assert_eq!(table["UpdateReplacePolicy"], "Retain");
    assert_eq!(table["DeletionPolicy"], "RetainExceptOnCreate");
    let table = &table["Properties"];
    assert_eq!(table["BillingMode"], "PAY_PER_REQUEST");
    assert_eq!(table["SSESpecification"]["SSEEnabled"], true);
    let recovery = &table["PointInTimeRecoverySpecification"];
    assert_eq!(recovery["PointInTimeRecoveryEnabled"], true);
    let expiry = json!({"AttributeName": "expires_at", "Enabled": true});
    assert_eq!(table["TimeToLiveSpecification"], expiry);
    assert_eq!(table["DeletionProtectionEnabled"], true);
    assert_eq!(table["KeySchema"][0]["AttributeName"], "pk");
}

/// An index with other attributes would be written at each refresh.
#[test]
fn the_index_of_owners_contains_only_keys() {
    let template = Template::read();
    let indexes = &template.resource("AuthTable")["Properties"]["GlobalSecondaryIndexes"];
    let expected = json!([{
        "IndexName": "by_owner",
        "KeySchema": [{"AttributeName": "owner", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    }]);
    assert_eq!(*indexes, expected);
}

/// `CloudFormation` would store a value of the template again whenever it changes.
#[test]
fn the_keys_of_access_tokens_are_created_by_the_function_keys() {
    let template = Template::read();
    let secret = &template.resource("JwtKeys")["Properties"];
    assert!(secret["GenerateSecretString"].is_null() && secret["SecretString"].is_null());
    let created = template.resource("AccessTokenKeys");
    assert_eq!(created["Type"], "Custom::AccessTokenKeys");
    let expected = json!({
        "ServiceToken": "KeysFunction.Arn",
        "ServiceTimeout": "120",
        "Table": "AuthTable",
        "Secret": "JwtKeys",
        "Version": "KeysFunction.Version",
    });
    assert_eq!(created["Properties"], expected);
    // What the API calls is created once the keys are there.
    for function in functions::that_serve_requests() {
        let needed = &template.functions()[function]["DependsOn"];
        assert_eq!(needed, "AccessTokenKeys", "{function}");
    }
}

#[test]
fn keys_rotate_on_a_schedule_unless_the_parameter_is_0() {
    let rotating = [
        "KeysRotation",
        "KeysRotationPermission",
        "KeysCheck",
        "KeysCheckPermission",
    ];
    let rotating = rotating
        .into_iter()
        .chain(["OverdueKeysMetric", "OverdueKeys"]);
    let resources = |days| {
        let template = Template::with(&[("KeyRotationDays", days)]);
        template.section("Resources").as_object().unwrap().clone()
    };
    let (none, scheduled) = (resources("0"), resources("30"));
    for name in rotating {
        assert!(
            !none.contains_key(name) && scheduled.contains_key(name),
            "{name}"
        );
    }
    let schedule = json!({
        "SecretId": "JwtKeys",
        "RotationLambdaARN": "KeysFunction.Arn",
        "RotateImmediatelyOnUpdate": false,
        "RotationRules": {"AutomaticallyAfterDays": "KeyRotationDays"},
    });
    assert_eq!(scheduled["KeysRotation"]["Properties"], schedule);
    let input = &scheduled["KeysCheck"]["Properties"]["Targets"][0]["Input"];
    let input = input.as_str().unwrap().replace("${KeyRotationDays}", "30");
    let input: Value = serde_json::from_str(&input).unwrap();
    assert_eq!(input, json!({"action": "check", "rotation_days": 30}));
}

#[test]
fn the_template_allows_the_algorithms_that_keys_accepts() {
    let template = Template::read();
    let keys = LINKED.iter().find(|function| function.name == "keys");
    let allowed = &template.section("Parameters")["JwtAlgorithm"]["AllowedValues"];
    let all = [
        "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256",
        "ES384", "EdDSA",
    ];
    let accepted = all.into_iter().filter(|algorithm| {
        let mut environment = template.environment(&template.functions()["keys"]);
        environment.insert("JWT_ALGORITHM".into(), (*algorithm).into());
        keys.unwrap().check_settings(&environment).is_ok()
    });
    assert_eq!(*allowed, json!(accepted.collect::<Vec<_>>()));
}

#[test]
fn the_generated_keys_of_refresh_tokens_are_accepted() {
    check_generated("SessionKeys");
}

#[test]
fn the_generated_keys_of_counters_are_accepted() {
    check_generated("CounterKeys");
}

/// Checks that a generated secret is a JWK with canonical base64url: only its alphabet, without a remainder.
fn check_generated(secret: &str) {
    let template = Template::read();
    let generate = &template.resource(secret)["Properties"]["GenerateSecretString"];
    let members = generate["SecretStringTemplate"].as_str().unwrap();
    let members: Value = serde_json::from_str(members).unwrap();
    assert_eq!(members, json!({"kty": "oct", "alg": "HS256"}));
    assert_eq!(generate["GenerateStringKey"], "k");
    let length = generate["PasswordLength"].as_u64().unwrap();
    assert!(length.is_multiple_of(4) && length * 6 / 8 >= 32);
    // Secrets Manager chooses from all visible ASCII.
    let excluded = generate["ExcludeCharacters"].as_str().unwrap();
    let left: String = ('!'..='~').filter(|c| !excluded.contains(*c)).collect();
    let is_base64url = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    assert!(left.len() == 64 && left.chars().all(is_base64url), "{left}");
}

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
