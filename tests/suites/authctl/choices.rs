//! Which stack, profile and region the tool works with.

use std::fs;

use bundle_tests::{authctl::Tool, dynamodb::Table, stack::Stack};

use crate::{JANE, PASSWORD};

/// Returns the environment of an operator of a stack, without the stack's name.
fn environment<'a>(table: &'a Table, stack: &'a Stack) -> Vec<(&'a str, &'a str)> {
    let mut environment = table.environment();
    environment.retain(|(name, _)| name.starts_with("AWS_"));
    environment.push(("AWS_ENDPOINT_URL_CLOUDFORMATION", stack.url()));
    environment
}

#[tokio::test(flavor = "multi_thread")]
async fn auth_stack_names_the_stack() {
    let table = Table::new().await;
    let stack = Stack::serve(&[("TableName", table.name())]).await;
    let environment = environment(&table, &stack);
    let tool = Tool::with(&[], &environment).and(&[("AUTH_STACK", "sign-in")]);
    tool.succeed(&["user", "add", JANE], PASSWORD);
    let shown = Tool::on(&table).text(&["user", "show", JANE], "");
    assert!(shown.starts_with(JANE), "{shown}");

    for other in [("AUTH_STORE", "file"), ("AUTH_TABLE", table.name())] {
        let tool = Tool::with(&[], &environment).and(&[("AUTH_STACK", "sign-in"), other]);
        let (code, _, error) = tool.run(&["user", "list"], "");
        assert_eq!(code, 2, "{error}");
        assert!(error.contains("both name a store"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_wins_over_the_credentials_of_the_environment_and_a_region_over_both() {
    let table = Table::new().await;
    let stack = Stack::serve(&[("TableName", table.name())]).await;
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    let profile = "[profile prod]\nregion = eu-north-1\naws_access_key_id = AKIDPROD\n\
                   aws_secret_access_key = secret\n";
    fs::write(&config, profile).unwrap();
    let mut environment = environment(&table, &stack);
    environment.push(("AWS_CONFIG_FILE", config.to_str().unwrap()));
    environment.push(("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"));
    let tool = |options: &[&str], has_region: bool| {
        let mut environment = environment.clone();
        environment.retain(|(name, _)| has_region || *name != "AWS_REGION");
        let tool = Tool::with(&["--stack", "sign-in"], &environment);
        tool.succeed(&[options, &["user", "list"]].concat(), "");
        stack.callers().pop().unwrap()
    };
    for (options, has_region, key, region) in [
        (&[][..], true, "local", "eu-central-1"),
        (&["--profile", "prod"], false, "AKIDPROD", "eu-north-1"),
        (&["--profile", "prod"], true, "AKIDPROD", "eu-central-1"),
        (&["--region", "us-west-2"], true, "local", "us-west-2"),
        (
            &["--profile", "prod", "--region", "us-west-2"],
            true,
            "AKIDPROD",
            "us-west-2",
        ),
    ] {
        let caller = tool(options, has_region);
        assert!(
            caller.contains(&format!("Credential={key}/")),
            "{options:?}: {caller}"
        );
        let scope = format!("/{region}/cloudformation/");
        assert!(caller.contains(&scope), "{options:?}: {caller}");
    }
}
