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
use serde_json::{Value, json};

/// A hash of `changeme` that a login renews.
const BCRYPT: &str = "$2b$10$gV8eQ.uFSGIvWZKHKTRteuHxJ3IJ.ApQ5v8.gbz3eUnvM4O59uMTm";

const KEY: &str =
    r#"{"kty":"oct","alg":"HS256","k":"a3EzbVo4dlQxd1l4UDVuQjdjUjJkRjZnSDlqTDRzQTA"}"#;

/// What a call of DynamoDB needs: action and resource.
fn right(target: &str) -> (String, String) {
    let (service, operation) = target.split_once('.').expect("a target");
    assert_eq!(service, "DynamoDB_20120810");
    (format!("dynamodb:{operation}"), "AuthTable.Arn".into())
}

async fn tokens(process: &Function, event: &str) -> Value {
    let answer = process.answer(event).await;
    assert_eq!(answer.status(), 200, "{answer:?}");
    serde_json::from_str(answer.body()).unwrap()
}

/// Everything that `login` does to the stores. Returns an access token.
async fn use_login(process: &Function) -> String {
    let login = events::post("login", &events::credentials(), "203.0.113.7");
    let refresh = |tokens: &Value| {
        let body = json!({ "refresh_token": tokens["refresh_token"] });
        events::post("refresh", &body, "203.0.113.7")
    };
    let first = tokens(process, &login).await;
    tokens(process, &refresh(&first)).await;
    for all_sessions in [false, true] {
        let token = tokens(process, &login).await["refresh_token"].clone();
        let body = json!({"refresh_token": token, "all_sessions": all_sessions});
        let logout = events::post("logout", &body, "203.0.113.7");
        assert_eq!(process.answer(&logout).await.status(), 204);
    }
    let last = tokens(process, &login).await;
    last["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn each_role_allows_exactly_the_calls_that_its_function_makes() {
    let server = DynamoDbLocal::start().await;
    let tutorial = InMemoryUserRepository::with_tutorial_user();
    let john = Email::parse("john.doe@leapify.tech").unwrap();
    let mut stored = tutorial.find_with_password(&john).await.unwrap().unwrap();
    stored.password_hash = PasswordHash::parse(BCRYPT).unwrap();
    server.users().await.add(&stored).await.unwrap();
    let template = Template::read();

    let mut token = String::new();
    for (name, function) in template.functions() {
        let table = FaultProxy::start(&server.url()).await;
        // The secrets go by the names that the template has for them.
        let secrets = Secrets::serve(Some(KEY)).await;
        let mut variables = dynamodb::environment(table.url());
        variables.push(("AWS_ENDPOINT_URL_SECRETS_MANAGER", secrets.url()));
        variables.push(("JWT_KEYS_SECRET_ID", "JwtKeys.Id"));
        variables.push(("SESSION_KEY_SECRET_ID", "SessionKeys.Id"));
        let process = Function::start_with(&release(&name), &variables, &[]).await;
        match name.as_str() {
            "login" => token = use_login(&process).await,
            "me" => {
                let mut event = events::object("me_no_token");
                event["headers"]["authorization"] = format!("Bearer {token}").into();
                tokens(&process, &event.to_string()).await;
            }
            other => panic!("say here what {other} does"),
        }

        let read = secrets.asked().into_iter();
        let read = read.map(|secret| ("secretsmanager:GetSecretValue".to_owned(), secret));
        let calls = table.calls();
        let calls: BTreeSet<_> = calls.iter().map(|call| right(call)).chain(read).collect();
        let mut allowed = template.rights(&function);
        allowed.retain(|(action, _)| !action.starts_with("logs:") && !action.starts_with("xray:"));
        println!("{name}: {calls:?}");
        assert_eq!(allowed, calls, "{name}");
    }
}
