//! Each function makes exactly the calls to AWS that its role in the template allows.

use auth_core::{PasswordHash, UserDirectory};
use bundle_tests::{
    client::{ADDRESS, Client},
    dynamodb::Table,
    events,
    fault_proxy::FaultProxy,
    functions,
    policy::{Call, Policy},
    process::Process,
    secrets::Secrets,
    store::tutorial_user,
    template::Template,
};
use serde_json::{Value, json};

/// A hash of `changeme` that a login renews.
const BCRYPT: &str = "$2b$10$gV8eQ.uFSGIvWZKHKTRteuHxJ3IJ.ApQ5v8.gbz3eUnvM4O59uMTm";

const KEY: &str =
    r#"{"kty":"oct","alg":"HS256","k":"a3EzbVo4dlQxd1l4UDVuQjdjUjJkRjZnSDlqTDRzQTA"}"#;

/// A user and a session, as their keys in the table.
const USER: &str = "user#jane@example.com";
const SESSION: &str = "session#1";

/// Returns the role of a function, without the rights that every function has and that no request of a test uses.
fn policy(function: &str) -> Policy {
    let template = Template::read();
    let policy = template.policy(&template.functions()[function]);
    policy.without("logs:")
}

#[tokio::test]
async fn each_role_allows_exactly_the_calls_of_its_function() {
    for function in functions::names() {
        let (policy, calls) = (policy(function), calls(function).await);
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
    let process = start(function, &table.behind(proxy.url()), &secrets).await;
    match function {
        "discovery" => {
            let reply = process.send(&events::success("discovery")).await;
            assert_eq!(reply.status(), 200);
        }
        "login" => use_login(&process).await,
        "me" => {
            // Only the calls of `me` are recorded.
            let secrets = Secrets::serve(Some(KEY)).await;
            let login = start("login", &table, &secrets).await;
            let token = login.sign_in().await.access;
            assert_eq!(process.me(&token).await, 200);
        }
        other => panic!("the test does not know how to use {other}: add everything that it does"),
    }
    let requests = proxy.requests().into_iter().map(|(target, body)| {
        let operation = target.strip_prefix("DynamoDB_20120810.").unwrap();
        Call::to_table(operation, &serde_json::from_slice(&body).unwrap())
    });
    let secrets = secrets.requested();
    requests
        .chain(secrets.iter().map(|secret| Call::get_secret(secret)))
        .collect()
}

/// Starts a function whose secrets have the names that they have in the template.
async fn start(function: &str, table: &Table, secrets: &Secrets) -> Process {
    let mut variables = table.environment();
    variables.push(("AWS_ENDPOINT_URL_SECRETS_MANAGER", secrets.url()));
    variables.push(("JWT_KEYS_SECRET_ID", "JwtKeys.Id"));
    variables.push(("SESSION_KEY_SECRET_ID", "SessionKeys.Id"));
    variables.push(("COUNTER_KEY_SECRET_ID", "CounterKeys.Id"));
    // A window that does not end during the test, except at midnight.
    variables.push(("LOGIN_FAILURE_WINDOW", "86400"));
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
    // The last login is refused by a counter that the process remembers to be full.
    let mut wrong = events::credentials();
    wrong["password"] = "wrong".into();
    for expected in [401, 401, 401, 401, 401, 429, 429] {
        let refused = login.post("login", &wrong, ADDRESS).await;
        assert_eq!(refused.status(), expected);
    }
}

/// Returns calls that a function must not be allowed to make.
fn forbidden(function: &str) -> Vec<(&'static str, Call)> {
    let mut forbidden = vec![
        ("delete a user", delete(USER)),
        ("put a user", put(USER)),
        (
            "change the roles of a user",
            update(USER, "SET #roles = :value"),
        ),
        ("read the whole table", Call::to_table("Scan", &json!({}))),
        (
            "query the index",
            Call::to_table("Query", &json!({"IndexName": "by_owner"})),
        ),
        ("read other items", read("keys#access-tokens")),
        (
            "read other items in a batch",
            batch(&["keys#access-tokens"], Some("pk")),
        ),
        ("read another secret", Call::get_secret("OtherKeys.Id")),
    ];
    forbidden.extend(match function {
        "discovery" => vec![
            ("read a user", read(USER)),
            ("read users in a batch", batch(&[USER], Some("pk"))),
            ("read the keys of tokens", Call::get_secret("JwtKeys.Id")),
        ],
        "login" => vec![
            ("put a counter", put("attempts#1#2")),
            ("disable a user", update(USER, "SET disabled = :value")),
            ("change the id of a user", update(USER, "SET id = :value")),
            ("let a user expire", update(USER, "SET expires_at = :value")),
            (
                "give a session another user",
                update(SESSION, "SET #owner = :value"),
            ),
            (
                "change the version of another item",
                update("keys#access-tokens", "SET version = :value"),
            ),
        ],
        "me" => vec![
            (
                "read a password hash",
                batch(&[USER, SESSION], Some("pk, password_hash")),
            ),
            ("read whole items", batch(&[USER, SESSION], None)),
            ("read a counter", batch(&[USER, "attempts#1#2"], Some("pk"))),
            (
                "read a counter of a network",
                batch(&["network#1#2"], Some("pk")),
            ),
            ("read one item", read(USER)),
            ("revoke a session", update(SESSION, "SET revoked = :value")),
            (
                "read the keys of refresh tokens",
                Call::get_secret("SessionKeys.Id"),
            ),
            (
                "read the keys of counters",
                Call::get_secret("CounterKeys.Id"),
            ),
        ],
        other => panic!("the test does not know what {other} must not do"),
    });
    forbidden
}

fn key(pk: &str) -> Value {
    json!({"pk": {"S": pk}})
}

fn read(pk: &str) -> Call {
    Call::to_table("GetItem", &json!({"Key": key(pk)}))
}

fn batch(pks: &[&str], projection: Option<&str>) -> Call {
    let keys: Vec<Value> = pks.iter().map(|pk| key(pk)).collect();
    let mut table = json!({"Keys": keys});
    if let Some(projection) = projection {
        table["ProjectionExpression"] = projection.into();
    }
    Call::to_table("BatchGetItem", &json!({"RequestItems": {"users": table}}))
}

fn put(pk: &str) -> Call {
    Call::to_table("PutItem", &json!({"Item": key(pk)}))
}

fn delete(pk: &str) -> Call {
    Call::to_table("DeleteItem", &json!({"Key": key(pk)}))
}

fn update(pk: &str, expression: &str) -> Call {
    let body = json!({
        "Key": key(pk),
        "UpdateExpression": expression,
        "ExpressionAttributeNames": {"#roles": "roles", "#owner": "owner"},
    });
    Call::to_table("UpdateItem", &body)
}
