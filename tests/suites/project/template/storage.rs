//! The table and the keys.

use bundle_tests::{functions, linked::LINKED, template::Template};
use serde_json::{Value, json};

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
fn the_generated_keys_of_links_are_accepted() {
    check_generated("ActionKeys");
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
