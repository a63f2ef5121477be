//! Parts of the stack that exist only if a parameter says so.

use std::collections::BTreeSet;

use bundle_tests::{project, template::Template};

use super::ALARMING;

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

/// With false, a stack is what it was before self-service existed.
#[test]
fn self_service_is_deployed_only_if_a_parameter_says_so() {
    let parameters = &project::yaml("template.yaml")["Parameters"];
    assert_eq!(parameters["SelfService"]["Default"], "false");
    assert_eq!(parameters["SignUp"]["Default"], "closed");
    let without = Template::with(&[("SelfService", "false"), ALARMING[1]]);
    let (functions, stage) = (without.functions(), without.resource("ApiStage"));
    assert!(!functions.contains_key("account") && !functions.contains_key("mailer"));
    assert_eq!(stage["DependsOn"], "LoginRoute");
    let text = without.section("Resources").to_string();
    for part in [
        "AccountFunction",
        "Mail",
        "Ask",
        "AWS::SES",
        "AWS::SQS",
        "StreamSpecification",
    ] {
        // Every ARN has an account.
        let text = text.replace("AWS::AccountId", "");
        assert!(!text.contains(part), "{part}");
    }
    let closed = Template::with(&[("SignUp", "closed")]);
    let routes = Template::read().routes();
    let opened: Vec<_> = routes.difference(&closed.routes()).cloned().collect();
    let sign_up = ["account", "POST", "/api/v1/sign-up"].map(str::to_owned);
    assert_eq!(opened, [sign_up.into()]);
}

#[test]
fn an_existing_table_replaces_the_stacks_own() {
    let template = Template::with(&[("ExistingTable", "restored"), STREAM]);
    assert!(template.of_type("AWS::DynamoDB::Table").is_empty());
    let arn =
        "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${ExistingTable}";
    for (name, function) in template.functions() {
        if let Some(table) = template.environment(&function).get("AUTH_TABLE") {
            assert_eq!(table, "restored");
        }
        let rights = template.policy(&function).rights();
        let tables = rights
            .iter()
            .filter(|right| right.0.starts_with("dynamodb:"));
        for (action, resource) in tables {
            let expected = match action.trim_start_matches("dynamodb:") {
                "DescribeStream" | "GetRecords" | "GetShardIterator" | "ListStreams" => {
                    format!("{arn}/stream/*")
                }
                "Query" => format!("{arn}/index/by_owner"),
                _ => arn.to_owned(),
            };
            assert_eq!(*resource, expected, "{name}: {action}");
        }
    }
    for alarm in ["TableReadThrottles", "TableWriteThrottles"] {
        let dimension = &template.resource(alarm)["Properties"]["Dimensions"][0];
        assert_eq!(dimension["Value"], "ExistingTable", "{alarm}");
    }
    let source = &template.resource("MailerStream")["Properties"]["EventSourceArn"];
    assert_eq!(source, "ExistingTableStreamArn");
    let output = &template.section("Outputs")["TableName"]["Value"];
    assert_eq!(output, "ExistingTable");
}

const STREAM: (&str, &str) = (
    "ExistingTableStreamArn",
    "arn:aws:dynamodb:eu-central-1:123456789012:table/restored/stream/1",
);

/// Otherwise a stack would be deployed whose emails are never sent.
#[test]
fn self_service_needs_a_sender_and_the_stream_of_an_existing_table() {
    let without = ("SelfService", "false");
    let no_sender = ("MailFrom", "");
    let table = ("ExistingTable", "restored");
    for (parameters, missing) in [
        (&[][..], None),
        (&[no_sender][..], Some("MailFrom")),
        (&[no_sender, without][..], None),
        (&[table][..], Some("ExistingTableStreamArn")),
        (&[table, without][..], None),
        (&[table, STREAM][..], None),
    ] {
        let template = Template::with(parameters);
        let needed = missing.map(|name| format!("needs {name},"));
        match (template.violations().as_slice(), needed) {
            ([], None) => {}
            ([description], Some(needed)) if description.contains(&needed) => {}
            (violations, _) => panic!("{parameters:?}: {violations:?}"),
        }
    }
}
