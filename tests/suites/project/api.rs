//! The API of `template.yaml`: what its routes call, its limits, its issuer, and what other stacks import.

use std::collections::{BTreeMap, BTreeSet};

use bundle_tests::{functions, template::Template};
use serde_json::{Value, json};

/// Returns the properties of the resources of a type, by the binary of the function whose alias `member` names. Those
/// that name no alias are not about the API.
fn by_function(template: &Template, kind: &str, member: &str) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    for (name, resource) in template.of_type(kind) {
        let properties = resource["Properties"].clone();
        let called = properties[member].as_str();
        if !called.is_some_and(|called| called.ends_with(".Alias")) {
            continue;
        }
        let function = template.called(&properties[member]);
        assert!(found.insert(function, properties).is_none(), "{name}");
    }
    found
}

fn names() -> Vec<&'static str> {
    functions::with_routes().collect()
}

#[test]
fn every_function_with_routes_has_one_integration_which_passes_events_of_version_2() {
    let template = Template::read();
    let kind = "AWS::ApiGatewayV2::Integration";
    let integrations = by_function(&template, kind, "IntegrationUri");
    assert_eq!(integrations.keys().collect::<Vec<_>>(), names());
    for (function, mut integration) in integrations {
        integration["IntegrationUri"].take();
        let expected = json!({
            "ApiId": "Api",
            "IntegrationType": "AWS_PROXY",
            "IntegrationUri": null,
            "PayloadFormatVersion": "2.0",
        });
        assert_eq!(integration, expected, "{function}");
    }
}

/// A call without a permission on the alias fails, even if the function itself may be called.
#[test]
fn only_this_api_may_call_the_alias_of_a_function() {
    let template = Template::read();
    let mut permissions = by_function(&template, "AWS::Lambda::Permission", "FunctionName");
    // The APIs of other stacks call it.
    assert!(permissions.remove("authorizer").is_some());
    assert_eq!(permissions.keys().collect::<Vec<_>>(), names());
    let api = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*";
    for (function, permission) in permissions {
        assert_eq!(permission["Action"], "lambda:InvokeFunction", "{function}");
        assert_eq!(permission["Principal"], "apigateway.amazonaws.com");
        assert_eq!(permission["SourceArn"], api, "{function}");
    }
}

/// They call the function itself. Each names its caller's account or resource (confused deputy).
#[test]
fn only_secrets_manager_and_the_schedule_may_call_keys() {
    let template = Template::read();
    let keys = template.name_of("keys");
    let mut callers = BTreeMap::new();
    for (name, permission) in template.of_type("AWS::Lambda::Permission") {
        let permission = &permission["Properties"];
        if permission["FunctionName"] == keys {
            assert_eq!(permission["Action"], "lambda:InvokeFunction", "{name}");
            let caller = permission["Principal"].as_str().unwrap().to_owned();
            let limits = json!([permission["SourceAccount"], permission["SourceArn"]]);
            callers.insert(caller, limits);
        }
    }
    let expected = [
        ("events.amazonaws.com", json!([null, "KeysCheck.Arn"])),
        (
            "secretsmanager.amazonaws.com",
            json!(["AWS::AccountId", null]),
        ),
    ];
    let expected = expected.map(|(caller, limits)| (caller.to_owned(), limits));
    assert_eq!(callers, expected.into());
}

#[test]
fn every_route_belongs_to_the_api() {
    for (name, route) in Template::read().of_type("AWS::ApiGatewayV2::Route") {
        assert_eq!(route["Properties"]["ApiId"], "Api", "{name}");
    }
}

#[test]
fn the_stage_serves_every_change_without_a_prefix() {
    let template = Template::read();
    let stage = &template.resource("ApiStage")["Properties"];
    assert_eq!(stage["ApiId"], "Api");
    assert_eq!(stage["StageName"], "$default");
    assert_eq!(stage["AutoDeploy"], true);
}

/// The routes of `account` that hash passwords.
const HASHING: [&str; 5] = [
    "DELETE /api/v1/account",
    "POST /api/v1/email",
    "POST /api/v1/password",
    "POST /api/v1/password/reset",
    "POST /api/v1/sign-up/confirm",
];

/// API Gateway refuses settings of a route that does not exist yet.
#[test]
fn the_stage_throttles_all_routes_and_waits_for_those_with_their_own_limits() {
    for (self_service, routes) in [("false", &[][..]), ("true", &HASHING[..])] {
        let template = Template::with(&[("SelfService", self_service)]);
        let stage = template.resource("ApiStage");
        let limits = |rate: &str, burst: &str| json!({"ThrottlingRateLimit": rate, "ThrottlingBurstLimit": burst});
        let properties = &stage["Properties"];
        let default = limits("ApiRateLimit", "ApiBurstLimit");
        assert_eq!(properties["DefaultRouteSettings"], default);
        let own: BTreeMap<&str, Value> = [&["POST /api/v1/login"][..], routes]
            .concat()
            .into_iter()
            .map(|route| (route, limits("LoginRateLimit", "LoginBurstLimit")))
            .collect();
        assert_eq!(properties["RouteSettings"], json!(own));
        let referred = stage["Metadata"]["Routes"].as_array();
        let awaited: BTreeSet<&str> = [&stage["DependsOn"]]
            .into_iter()
            .chain(referred.into_iter().flatten())
            .map(|name| {
                let route = template.resource(name.as_str().unwrap());
                route["Properties"]["RouteKey"].as_str().unwrap()
            })
            .collect();
        assert_eq!(awaited, own.into_keys().collect());
    }
}

#[test]
fn pages_of_other_origins_may_call_the_api_only_with_the_parameter() {
    let cors = |origins: &str| {
        let template = Template::with(&[("CorsOrigins", origins)]);
        template.resource("Api")["Properties"]["CorsConfiguration"].clone()
    };
    assert_eq!(cors(""), Value::Null);
    let mut methods = cors("https://app.example.com")["AllowMethods"].take();
    methods
        .as_array_mut()
        .unwrap()
        .sort_by_key(ToString::to_string);
    let routes = functions::all()
        .iter()
        .flat_map(|function| &function.routes);
    let served: BTreeSet<&str> = routes.map(|route| &*route.method).collect();
    assert_eq!(methods, json!(served), "every method of a route");
    let expected = json!({
        "AllowOrigins": [",", "CorsOrigins"],
        "AllowMethods": null,
        "AllowHeaders": ["authorization", "content-type"],
        "ExposeHeaders": ["www-authenticate", "retry-after"],
        "MaxAge": 600,
    });
    let mut cors = cors("https://app.example.com");
    cors["AllowMethods"].take();
    assert_eq!(cors, expected);
}

#[test]
fn the_issuer_is_the_url_of_the_api_unless_a_parameter_names_another() {
    for (parameter, expected) in [
        ("", "Api.ApiEndpoint"),
        ("https://auth.example.com", "https://auth.example.com"),
    ] {
        let template = Template::with(&[("JwtIssuer", parameter)]);
        for function in functions::with_store() {
            let environment = template.environment(&template.functions()[function]);
            assert_eq!(environment["JWT_ISSUER"], expected, "{function}");
        }
        let output = template.section("Outputs")["Issuer"]["Value"].as_str();
        let referred = if parameter.is_empty() {
            expected
        } else {
            "JwtIssuer"
        };
        assert_eq!(output, Some(referred));
    }
}

/// A guarded API is another stack. It needs no secret of this one.
#[test]
fn other_stacks_can_import_what_a_guard_needs_and_no_secret() {
    let template = Template::read();
    let outputs = template.section("Outputs").as_object().unwrap();
    let exported = outputs
        .iter()
        .filter(|(_, output)| !output["Export"].is_null());
    let exported: BTreeSet<&str> = exported
        .map(|(name, output)| {
            let export = format!("${{AWS::StackName}}-{name}");
            assert_eq!(output["Export"], json!({"Name": export}));
            name.as_str()
        })
        .collect();
    assert_eq!(
        exported,
        [
            "ApiUrl",
            "Audience",
            "AuthorizerArn",
            "Issuer",
            "JwksUrl",
            "TableName"
        ]
        .into()
    );
}
