//! What each function asks of AWS is what its role in the template allows, and no more.

use std::collections::BTreeSet;

use auth_core::{CredentialRepository, Email, InMemoryUserRepository, PasswordHash, UserDirectory};
use bundle_tests::{
    binaries::{Function, release},
    dynamodb::{self, DynamoDbLocal},
    events,
    fault_proxy::FaultProxy,
    secrets::Secrets,
    template::Template,
};
use serde_json::Value;

/// A hash of `changeme` that a login renews.
const BCRYPT: &str = "$2b$10$gV8eQ.uFSGIvWZKHKTRteuHxJ3IJ.ApQ5v8.gbz3eUnvM4O59uMTm";

const KEY: &str =
    r#"{"kty":"oct","alg":"HS256","k":"a3EzbVo4dlQxd1l4UDVuQjdjUjJkRjZnSDlqTDRzQTA"}"#;

/// The action and resource that a call needs.
fn right(target: &str) -> (String, String) {
    let (service, operation) = target.split_once('.').expect("a target");
    match service {
        "DynamoDB_20120810" => (format!("dynamodb:{operation}"), "AuthTable.Arn".into()),
        "secretsmanager" => (format!("secretsmanager:{operation}"), "JwtKeys.Id".into()),
        other => panic!("a call of {other}"),
    }
}

#[tokio::test]
async fn each_role_allows_exactly_the_calls_that_its_function_makes() {
    let server = DynamoDbLocal::start().await;
    let tutorial = InMemoryUserRepository::with_tutorial_user();
    let john = Email::parse("john.doe@leapify.tech").unwrap();
    let mut stored = tutorial.find_with_password(&john).await.unwrap().unwrap();
    stored.password_hash = PasswordHash::parse(BCRYPT).unwrap();
    server.users().await.add(&stored).await.unwrap();
    let secrets = Secrets::serve(Some(KEY)).await;
    let template = Template::read();

    let mut token = String::new();
    for (name, function) in template.functions() {
        let (users, keys) = (
            FaultProxy::start(&server.url()).await,
            FaultProxy::start(secrets.url()).await,
        );
        let mut variables = dynamodb::environment(users.url());
        variables.push(("JWT_KEYS_SECRET_ID", "keys"));
        variables.push(("AWS_ENDPOINT_URL_SECRETS_MANAGER", keys.url()));
        let process = Function::start_with(&release(&name), &variables, &[]).await;
        let answer = match name.as_str() {
            "login" => {
                process
                    .answer(&events::object("login_success").to_string())
                    .await
            }
            "me" => {
                let mut event = events::object("me_no_token");
                event["headers"]["authorization"] = format!("Bearer {token}").into();
                process.answer(&event.to_string()).await
            }
            other => panic!("say here what {other} does"),
        };
        assert_eq!(answer.status(), 200, "{name}: {answer:?}");
        let body: Value = serde_json::from_str(answer.body()).unwrap();
        token = body["access_token"].as_str().unwrap_or(&token).to_owned();

        let calls: BTreeSet<_> = users
            .calls()
            .union(&keys.calls())
            .map(|call| right(call))
            .collect();
        let mut allowed = template.rights(&function);
        allowed.retain(|(action, _)| !action.starts_with("logs:") && !action.starts_with("xray:"));
        println!("{name}: {calls:?}");
        assert_eq!(allowed, calls, "{name}");
    }
}
