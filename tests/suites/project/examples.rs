//! The templates of the examples: they refer to what `template.yaml` exports, and cache nothing.

use std::{collections::BTreeSet, fs};

use bundle_tests::{project, template::Template};
use serde_json::{Value, json};

/// Returns the templates of the examples that have one for each kind of authorizer, by their paths.
fn templates(name: &str) -> Vec<(String, Value)> {
    let folders = fs::read_dir(project::root().join("examples")).unwrap();
    let folders = folders.map(|folder| folder.unwrap().file_name().into_string().unwrap());
    let paths = folders.map(|folder| format!("examples/{folder}/{name}.yaml"));
    let paths = paths.filter(|path| project::root().join(path).is_file());
    paths
        .map(|path| (path.clone(), project::yaml(&path)))
        .collect()
}

/// Returns the outputs that a template imports.
fn imported(value: &Value) -> BTreeSet<String> {
    match value {
        Value::String(text) => {
            let output = text.strip_prefix("${SignInStack}-");
            output.into_iter().map(str::to_owned).collect()
        }
        Value::Array(items) => items.iter().flat_map(imported).collect(),
        Value::Object(members) => members.values().flat_map(imported).collect(),
        _ => BTreeSet::new(),
    }
}

#[test]
fn the_examples_import_only_what_the_stack_exports() {
    let template = Template::read();
    for (name, count, expected) in [
        ("native", 2, &["Audience", "Issuer"][..]),
        ("authorizer", 2, &["AuthorizerArn"]),
        ("template", 1, &["Audience", "Issuer", "TableName"]),
    ] {
        let templates = templates(name);
        assert_eq!(templates.len(), count, "{name}.yaml");
        for (path, example) in templates {
            let imported = imported(&example);
            assert!(imported.iter().eq(expected), "{path}: {imported:?}");
            for output in imported {
                let export = &template.section("Outputs")[&output]["Export"];
                assert!(export.is_object(), "{path}: {output} is not exported");
            }
        }
    }
}

/// The example with axum reads what `me` reads.
#[test]
fn the_role_of_the_example_with_axum_is_that_of_me() {
    let rights = |statements: &Value| -> Vec<Value> {
        let statements = statements.as_array().unwrap().iter().cloned();
        let on_table = statements.filter(|one| one["Action"].to_string().contains("dynamodb:"));
        let without_resource = on_table.map(|mut statement| {
            statement["Resource"].take();
            statement
        });
        without_resource.collect()
    };
    let template = Template::read();
    let me = &template.resource("MeRole")["Properties"]["Policies"][0];
    let example = project::yaml("examples/axum/template.yaml");
    let own = &example["Resources"]["Function"]["Properties"]["Policies"][0]["Statement"];
    let expected = rights(&me["PolicyDocument"]["Statement"]);
    assert_eq!(expected.len(), 2);
    assert_eq!(rights(own), expected);
}

#[test]
fn every_route_of_the_examples_is_guarded() {
    for (name, kind) in [("native", "JWT"), ("authorizer", "CUSTOM")] {
        for (path, example) in templates(name) {
            let resources = example["Resources"].as_object().unwrap();
            let routes = resources
                .values()
                .filter(|one| one["Type"] == "AWS::ApiGatewayV2::Route");
            let mut count = 0;
            for route in routes {
                count += 1;
                let route = &route["Properties"];
                assert_eq!(route["AuthorizationType"], kind, "{path}");
                assert_eq!(route["AuthorizerId"], "Authorizer", "{path}");
            }
            assert_eq!(count, 2, "{path}");
        }
    }
}

/// A cached response would outlive a sign-out and be valid for other routes.
#[test]
fn the_examples_cache_no_response_of_authorizer() {
    for (path, example) in templates("authorizer") {
        let authorizer = &example["Resources"]["Authorizer"]["Properties"];
        assert_eq!(authorizer["AuthorizerResultTtlInSeconds"], 0, "{path}");
        assert_eq!(authorizer["AuthorizerPayloadFormatVersion"], "2.0");
        assert_eq!(authorizer["EnableSimpleResponses"], true, "{path}");
        let source = json!(["$request.header.Authorization"]);
        assert_eq!(authorizer["IdentitySource"], source, "{path}");
    }
}

/// Otherwise anyone could use up the account's concurrency through an example, and no one could sign in.
#[test]
fn the_examples_limit_the_rate_of_requests() {
    for name in ["native", "authorizer", "template"] {
        for (path, example) in templates(name) {
            let limits = &example["Resources"]["Stage"]["Properties"]["DefaultRouteSettings"];
            assert_eq!(limits["ThrottlingRateLimit"], 100, "{path}");
            assert_eq!(limits["ThrottlingBurstLimit"], 200, "{path}");
        }
    }
}
