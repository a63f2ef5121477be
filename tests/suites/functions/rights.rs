//! Each function makes exactly the calls to AWS that its role in the template allows.

mod calls;
mod forbidden;
mod self_service;

use std::time::Duration;

use auth_core::{Algorithm, LAMBDA_MARKER, PasswordHash, UserDirectory};
use bundle_tests::{
    authorizer::Api,
    client::{ADDRESS, Client},
    dynamodb::Table,
    events,
    fault_proxy::FaultProxy,
    functions,
    linked::LINKED,
    policy::{Call, Policy},
    process::Process,
    runtime_api::Outcome,
    secrets::Secrets,
    signing_stack::SigningStack,
    store::tutorial_user,
    template::Template,
};
use forbidden::forbidden;

/// A hash of `changeme` that a login renews.
const BCRYPT: &str = "$2b$10$gV8eQ.uFSGIvWZKHKTRteuHxJ3IJ.ApQ5v8.gbz3eUnvM4O59uMTm";

const KEY: &str =
    r#"{"kty":"oct","alg":"HS256","k":"a3EzbVo4dlQxd1l4UDVuQjdjUjJkRjZnSDlqTDRzQTA"}"#;

/// A user and a session, as their keys in the table.
const USER: &str = "user#jane@example.com";
const SESSION: &str = "session#1";

/// The item of the published keys.
const PUBLISHED: &str = "keys#access-tokens";

/// Returns the role of a function, without the rights that every function has and that no request of a test uses.
fn policy(function: &str) -> Policy {
    let template = Template::read();
    let policy = template.policy(&template.functions()[function]);
    // Lambda reads the stream; emails and the queue are not in this test.
    let others = [
        "logs:",
        "ses:",
        "sqs:",
        "dynamodb:DescribeStream",
        "dynamodb:ListStreams",
    ];
    others.into_iter().fold(policy, Policy::without)
}

/// Rights of a function of your own on resources of your own are not compared.
#[tokio::test]
async fn each_role_allows_exactly_the_calls_of_its_function() {
    for function in functions::names() {
        let is_of_bundle = LINKED.iter().any(|linked| linked.name == function);
        let (mut policy, calls) = (policy(function), calls(function).await);
        if !is_of_bundle {
            policy = policy.on_table();
        }
        for call in &calls {
            assert!(policy.allows(call), "{function} may not make {call:?}");
        }
        for (right, narrowed) in policy.narrowed() {
            let is_needed = calls.iter().any(|call| !narrowed.allows(call));
            assert!(is_needed, "{function} does not need {right}");
        }
    }
}

#[test]
fn no_role_allows_what_its_function_must_not_do() {
    for function in functions::names() {
        for (what, call) in forbidden(function) {
            assert!(!policy(function).allows(&call), "{function}: {what}");
        }
    }
}

/// A guard and the documents need only public keys.
#[test]
fn guards_have_no_rights_on_secrets() {
    for function in functions::names() {
        let rights = policy(function).rights();
        let is_on_secrets =
            |action: &str| action.starts_with("secretsmanager:") || action.contains('*');
        let has_one = rights.iter().any(|(action, _)| is_on_secrets(action));
        let needs_one = ["account", "keys", "login", "mailer"].contains(&function);
        assert_eq!(has_one, needs_one, "{function}: {rights:?}");
    }
}

#[test]
fn every_condition_forbids_something() {
    for function in functions::names() {
        for (condition, widened) in policy(function).widened() {
            let mut forbidden = forbidden(function).into_iter();
            let is_needed = forbidden.any(|(_, call)| widened.allows(&call));
            assert!(is_needed, "{function}: {condition} forbids nothing");
        }
    }
}

/// Makes a function do everything that it can do. Returns the calls that it made.
async fn calls(function: &str) -> Vec<Call> {
    let (table, mut john) = (Table::new().await, tutorial_user().await);
    john.password_hash = PasswordHash::parse(BCRYPT).unwrap();
    table.store().await.add_user(&john).await.unwrap();
    let proxy = FaultProxy::start(table.url()).await;
    let secrets = Secrets::serve(Some(KEY)).await;
    let stack = SigningStack::on(table).await;
    stack.create_keys(Algorithm::ES256).await;
    let created = stack.secrets.calls().len();
    let process = start(function, &stack, proxy.url(), &secrets).await;
    match function {
        "discovery" => {
            let reply = process.send(&events::success("discovery_jwks")).await;
            assert_eq!(reply.status(), 200);
        }
        "keys" => use_keys(&process).await,
        "login" => use_login(&process).await,
        "account" => self_service::use_account(&process, &stack).await,
        "mailer" => self_service::use_mailer(&process, &stack).await,
        "authorizer" => {
            let token = stack.start_login().await.sign_in().await.access;
            let outcome = process.outcome(&Api::Http.with_token(&token)).await;
            assert_eq!(Api::Http.status(&outcome), 200, "{outcome:?}");
        }
        guard if functions::is_guard(guard) => {
            assert_eq!(stack.secrets.calls().len(), created);
            // Only the calls of the guard to the table are recorded.
            let token = stack.start_login().await.sign_in().await.access;
            let reply = process.send(&events::with_token(guard, &token)).await;
            assert_eq!(reply.status(), 200, "{guard}: {reply:?}");
        }
        other => panic!("the test does not know how to use {other}: add everything that it does"),
    }
    let requests = proxy.requests().into_iter().flat_map(|(target, body)| {
        let operation = target.strip_prefix("DynamoDB_20120810.").unwrap();
        Call::all_to_table(operation, &serde_json::from_slice(&body).unwrap())
    });
    let read = secrets.requested();
    let read = read.iter().map(|secret| Call::get_secret(secret));
    let calls = requests.chain(read);
    if function != "keys" {
        return calls.collect();
    }
    let changes = stack.secrets.calls().split_off(created);
    let changes = changes
        .iter()
        .map(|operation| Call::change_secret(operation, "JwtKeys.Id"));
    calls.chain(changes).collect()
}

/// Starts a function whose secrets have the names that they have in the template.
async fn start(
    function: &str,
    stack: &SigningStack,
    table_url: &str,
    secrets: &Secrets,
) -> Process {
    let table = stack.table.behind(table_url);
    let mut variables = table.environment();
    let url = if function == "keys" {
        stack.secrets.url()
    } else {
        secrets.url()
    };
    variables.push(("AWS_ENDPOINT_URL_SECRETS_MANAGER", url));
    variables.push(match function {
        // Nothing listens there, so no email is sent, and none is queued.
        "mailer" => ("MAIL_QUEUE_URL", "http://127.0.0.1:9/"),
        "keys" | "login" => ("JWT_KEYS_SECRET_ID", "JwtKeys.Id"),
        _ => ("JWT_KEYS_TABLE", table.name()),
    });
    if function == "keys" {
        variables.push(("JWT_ALGORITHM", "ES256"));
    }
    if function == "login" {
        // An old refresh token counts as reused once the second of its rotation is over.
        variables.extend([("LOGIN_NOTICES", "on"), ("SESSION_GRACE", "0")]);
    }
    variables.push(("SESSION_KEY_SECRET_ID", "SessionKeys.Id"));
    variables.push(("COUNTER_KEY_SECRET_ID", "CounterKeys.Id"));
    variables.push(("ACTION_KEY_SECRET_ID", "ActionKeys.Id"));
    if function == "account" {
        variables.push(("SIGN_UP", "open"));
        // Otherwise, it would send the emails itself.
        variables.push((LAMBDA_MARKER, "on-demand"));
    }
    if function == "mailer" {
        variables.push(("AWS_ENDPOINT_URL_SESV2", "http://127.0.0.1:9"));
        variables.push(("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:9"));
    }
    // A window that does not end during the test, except at midnight.
    variables.push(("LOGIN_FAILURE_WINDOW", "86400"));
    Process::start(function, &variables).await
}

/// Makes `keys` read and replace both sets.
async fn use_keys(keys: &Process) {
    for event in [
        r#"{"action":"repair"}"#,
        r#"{"action":"rotate","now":true}"#,
    ] {
        match keys.outcome(event).await {
            Outcome::Response(list) => assert_eq!(list["keys"][0]["state"], "signs", "{list}"),
            Outcome::Error(error) => panic!("{event}: {error}"),
        }
    }
}

/// Does everything that `login` does to its store.
async fn use_login(login: &Process) {
    let first = login.sign_in().await.refresh;
    login.refresh(&first).await.unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    login.refresh(&first).await.unwrap_err();
    for all_sessions in [false, true] {
        let token = login.sign_in().await.refresh;
        login.log_out(&token, all_sessions).await;
    }
    // The last login is refused by a counter that the process remembers to be full.
    let mut wrong = events::credentials();
    wrong["password"] = "wrong".into();
    for expected in [401, 401, 401, 401, 401, 429, 429] {
        let refused = login.post("login", &wrong, ADDRESS).await;
        assert_eq!(refused.status(), expected);
    }
}
