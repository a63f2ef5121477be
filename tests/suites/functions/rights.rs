//! Each function calls exactly what its role in the template allows in AWS.

use std::collections::BTreeSet;

use auth_core::{PasswordHash, UserDirectory};
use bundle_tests::{
    client::Client, dynamodb::Table, fault_proxy::FaultProxy, functions, process::Process,
    secrets::Secrets, store::tutorial_user, template::Template,
};

/// A hash of `changeme` that a login renews.
const BCRYPT: &str = "$2b$10$gV8eQ.uFSGIvWZKHKTRteuHxJ3IJ.ApQ5v8.gbz3eUnvM4O59uMTm";

const KEY: &str =
    r#"{"kty":"oct","alg":"HS256","k":"a3EzbVo4dlQxd1l4UDVuQjdjUjJkRjZnSDlqTDRzQTA"}"#;

#[tokio::test]
async fn each_role_allows_exactly_the_calls_of_its_function() {
    let template = Template::read();
    for name in functions::names() {
        let calls = calls(name).await;
        println!("{name}: {calls:?}");
        let mut allowed = template.rights(&template.functions()[name]);
        allowed.retain(|(action, _)| !action.starts_with("logs:") && !action.starts_with("xray:"));
        assert_eq!(allowed, calls, "{name}");
    }
}

/// Uses everything that a function does. Returns the actions and resources that it needed.
async fn calls(function: &str) -> BTreeSet<(String, String)> {
    let (table, mut john) = (Table::new().await, tutorial_user().await);
    john.password_hash = PasswordHash::parse(BCRYPT).unwrap();
    table.store().await.add_user(&john).await.unwrap();
    let proxy = FaultProxy::start(table.url()).await;
    let secrets = Secrets::serve(Some(KEY)).await;
    let process = start(function, &table.behind(proxy.url()), &secrets).await;
    match function {
        "login" => use_login(&process).await,
        "me" => {
            // Only the calls of `me` are recorded.
            let secrets = Secrets::serve(Some(KEY)).await;
            let token = start("login", &table, &secrets)
                .await
                .sign_in()
                .await
                .access;
            assert_eq!(process.me(&token).await, 200);
        }
        other => panic!("the test does not know how to use {other}: add everything that it does"),
    }
    let calls = proxy.calls();
    let calls = calls.iter().map(|call| {
        let operation = call.strip_prefix("DynamoDB_20120810.").unwrap();
        (format!("dynamodb:{operation}"), "AuthTable.Arn".to_owned())
    });
    let read = secrets.requested().into_iter();
    let read = read.map(|secret| ("secretsmanager:GetSecretValue".to_owned(), secret));
    calls.chain(read).collect()
}

/// Starts a function whose secrets have the names that they have in the template.
async fn start(function: &str, table: &Table, secrets: &Secrets) -> Process {
    let mut variables = table.environment();
    variables.push(("AWS_ENDPOINT_URL_SECRETS_MANAGER", secrets.url()));
    variables.push(("JWT_KEYS_SECRET_ID", "JwtKeys.Id"));
    variables.push(("SESSION_KEY_SECRET_ID", "SessionKeys.Id"));
    Process::start(function, &variables).await
}

/// Does everything that `login` does to its store.
async fn use_login(login: &Process) {
    let first = login.sign_in().await.refresh;
    login.refresh(&first).await.unwrap();
    for all_sessions in [false, true] {
        let token = login.sign_in().await.refresh;
        login.log_out(&token, all_sessions).await;
    }
    login.sign_in().await;
}
