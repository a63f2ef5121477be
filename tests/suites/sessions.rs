//! Sessions: one suite for the stores in memory and in DynamoDB, and the real binaries, many at once
//! and with answers cut off.

use std::{collections::BTreeSet, sync::Barrier, thread, time::Duration};

use auth_core::SessionRepository;
use bundle_tests::{
    app::{TestApp, Tokens, memory, tokens},
    binaries::{Function, release},
    dynamodb::{self, DynamoDbLocal, TABLE},
    events,
    fault_proxy::{Fault, FaultProxy},
    outage_suite,
    session_suite::{self as suite, session_id},
    stores::{self, Attempts, SessionStore, Users},
};
use futures_util::{FutureExt, future::join_all};
use login::Stores;
use serde_json::{Value, json};
use tokio::runtime::Builder;

async fn pass_the_suite<U: Users, S: SessionStore, A: Attempts>(stores: &Stores<U, S, A>) {
    stores::a_step_is_made_once(&stores.sessions).await;
    stores::an_attempt_is_settled_once(&stores.attempts).await;
    stores::sessions_of_a_user_end_once(&stores.users).await;
    suite::refreshes_at_once_converge(stores).await;
    suite::a_former_token_is_repeated_and_then_a_theft(stores).await;
    suite::an_older_token_is_a_theft_at_once(stores).await;
    suite::a_session_expires(stores).await;
    suite::a_logout_ends_one_session(stores).await;
    suite::a_logout_everywhere_ends_all(stores).await;
    suite::changes_of_the_user_reach_sessions(stores).await;
    suite::a_forged_token_reaches_no_store(stores).await;
    outage_suite::an_outage_at_any_step_ends_nothing(stores).await;
    outage_suite::an_outage_locks_nobody_out(stores).await;
    outage_suite::an_attempt_that_is_never_settled_lets_go(stores).await;
    suite::a_late_start_revives_nothing(stores).await;
    outage_suite::a_guess_that_cannot_be_counted_is_a_503(stores).await;
}

#[tokio::test]
async fn the_stores_in_memory_pass_the_suite() {
    pass_the_suite(&memory()).await;
}

#[tokio::test]
async fn the_stores_in_dynamodb_pass_the_suite() {
    let server = DynamoDbLocal::start().await;
    server.add_tutorial_user().await;
    pass_the_suite(&server.stores().await).await;
}

/// In memory nothing waits, so that only threads come at once.
#[test]
fn refreshes_on_many_threads_converge_in_memory() {
    let stores = memory();
    let app = TestApp::on(stores.clone(), &[]);
    let runtime = || Builder::new_current_thread().enable_time().build().unwrap();
    let mut token = runtime().block_on(app.sign_in()).refresh;
    for step in 1..=20 {
        let barrier = Barrier::new(20);
        let successors: BTreeSet<String> = thread::scope(|scope| {
            let refresh = || {
                barrier.wait();
                let refreshed = runtime().block_on(app.refresh(&token));
                refreshed.unwrap().refresh
            };
            let threads: Vec<_> = (0..20).map(|_| scope.spawn(refresh)).collect();
            let answers = threads.into_iter().map(|thread| thread.join().unwrap());
            answers.collect()
        });
        assert_eq!(successors.len(), 1);
        token = successors.into_iter().next().unwrap();
        let found = stores.sessions.find(&session_id(&token)).now_or_never();
        assert_eq!(found.unwrap().unwrap().unwrap().generation, step);
    }
}

async fn start(url: &str) -> Function {
    let variables = dynamodb::environment_with_keys(url);
    Function::start_with(&release("login"), &variables, &[]).await
}

async fn post(login: &Function, endpoint: &str, body: &Value) -> Result<Tokens, (u16, String)> {
    let answer = login
        .answer(&events::post(endpoint, body, "203.0.113.7"))
        .await;
    let body = serde_json::from_str(answer.body()).unwrap_or_default();
    tokens(&(answer.status(), body))
}

async fn refresh(login: &Function, token: &str) -> Result<Tokens, (u16, String)> {
    post(login, "refresh", &json!({ "refresh_token": token })).await
}

async fn generation(server: &DynamoDbLocal, token: &str) -> u32 {
    let stores = server.stores().await;
    let found = stores.sessions.find(&session_id(token)).await.unwrap();
    found.unwrap().generation
}

/// Twenty processes, as Lambda would start them for a burst.
#[tokio::test]
async fn refreshes_in_many_processes_converge() {
    let server = DynamoDbLocal::start().await;
    server.add_tutorial_user().await;
    let url = server.url();
    let processes = join_all((0..20).map(|_| start(&url))).await;
    let mut token = post(&processes[0], "login", &events::credentials())
        .await
        .unwrap()
        .refresh;
    for step in 1..=5 {
        let answers = join_all(processes.iter().map(|login| refresh(login, &token))).await;
        let successors: BTreeSet<String> = answers
            .into_iter()
            .map(|answer| answer.unwrap().refresh)
            .collect();
        assert_eq!(successors.len(), 1, "step {step}");
        assert_eq!(generation(&server, &token).await, step);
        token = successors.into_iter().next().unwrap();
    }
    println!("20 processes refreshed one token at once, 5 times: one successor each");
}

/// The write is made, its answer never comes. The SDK's own repetition finds the step that its first
/// attempt made; where that answer is lost too, the client's next request does.
#[tokio::test]
async fn a_refresh_whose_answer_is_lost_has_one_successor() {
    let server = DynamoDbLocal::start().await;
    server.add_tutorial_user().await;
    let proxy = FaultProxy::start(&server.url()).await;
    let login = start(proxy.url()).await;
    let first = post(&login, "login", &events::credentials())
        .await
        .unwrap()
        .refresh;

    proxy.set(Fault::CutAnswersOfWrites);
    let lost = refresh(&login, &first).await.unwrap_err();
    assert_eq!(lost, (503, "Service temporarily unavailable".into()));
    assert_eq!(generation(&server, &first).await, 1, "the step was made");
    proxy.set(Fault::None);
    let retried = join_all((0..20).map(|_| refresh(&login, &first))).await;
    let successors: BTreeSet<String> = retried
        .into_iter()
        .map(|answer| answer.unwrap().refresh)
        .collect();
    assert_eq!(successors.len(), 1);
    assert_eq!(generation(&server, &first).await, 1);

    let second = successors.into_iter().next().unwrap();
    proxy.set(Fault::CutNextAnswer);
    let third = refresh(&login, &second).await.expect("the SDK asks again");
    assert_eq!(generation(&server, &first).await, 2);
    assert!(refresh(&login, &third.refresh).await.is_ok());
}

/// DynamoDB fails in every way there is, at every step: a 503, and the token is as good as before.
#[tokio::test]
async fn an_outage_of_dynamodb_ends_no_session() {
    let server = DynamoDbLocal::start_with_files().await;
    server.add_tutorial_user().await;
    let proxy = FaultProxy::start(&server.url()).await;
    let login = start(proxy.url()).await;
    let mut token = post(&login, "login", &events::credentials())
        .await
        .unwrap()
        .refresh;
    for fault in [
        Fault::InternalError,
        Fault::Throttle,
        Fault::Cut,
        Fault::EmptyAnswer,
        Fault::FailWrites,
    ] {
        proxy.set(fault);
        for _ in 0..5 {
            assert_eq!(
                refresh(&login, &token).await.unwrap_err().0,
                503,
                "{fault:?}"
            );
            let body = json!({"refresh_token": token, "all_sessions": true});
            let refused = post(&login, "logout", &body).await;
            assert_eq!(refused.unwrap_err().0, 503, "{fault:?}");
        }
        proxy.set(Fault::None);
        token = refresh(&login, &token).await.expect("tokens").refresh;
    }
}

/// A theft is told to who reads the logs, by the session and without a token.
#[tokio::test]
async fn a_reused_token_is_a_warning_with_the_session_and_no_token() {
    let server = DynamoDbLocal::start().await;
    server.add_tutorial_user().await;
    let url = server.url();
    let mut variables = dynamodb::environment_with_keys(&url);
    variables.push(("SESSION_GRACE", "1"));
    let login = Function::start_with(&release("login"), &variables, &[]).await;
    let first = post(&login, "login", &events::credentials()).await.unwrap();
    let second = refresh(&login, &first.refresh).await.unwrap();
    let third = refresh(&login, &second.refresh).await.unwrap();
    let refused = refresh(&login, &first.refresh).await.unwrap_err();
    assert_eq!(refused, (401, "Invalid refresh token".into()));
    assert!(
        refresh(&login, &third.refresh).await.is_err(),
        "the newest is dead"
    );

    // The former token, when its grace is over, and a logout everywhere with it.
    let mut thefts = vec![(first.clone(), "refresh")];
    for endpoint in ["refresh", "logout"] {
        let begun = post(&login, "login", &events::credentials()).await.unwrap();
        refresh(&login, &begun.refresh).await.unwrap();
        tokio::time::sleep(Duration::from_millis(2_100)).await;
        let body = json!({"refresh_token": begun.refresh, "all_sessions": true});
        post(&login, endpoint, &body).await.unwrap_err();
        thefts.push((begun, endpoint));
    }

    let logs = login.logs();
    let lines = logs
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let warnings: Vec<Value> = lines.filter(|line| line["level"] == "WARN").collect();
    assert_eq!(warnings.len(), thefts.len(), "{logs}");
    for (warning, (tokens, endpoint)) in warnings.iter().zip(&thefts) {
        assert_eq!(warning["message"], "refresh token reused, session revoked");
        assert_eq!(
            warning["session_id"],
            session_id(&tokens.refresh).to_string()
        );
        assert_eq!(warning["endpoint"], *endpoint);
    }
    for tokens in thefts
        .iter()
        .map(|(tokens, _)| tokens)
        .chain([&second, &third])
    {
        // The session's id is what a refresh token begins with.
        let mac = &tokens.refresh[27..];
        assert!(
            !logs.contains(mac) && !logs.contains(&tokens.access),
            "{logs}"
        );
    }
}

/// An item that no version of the bundle has written is nobody's invalid token.
#[tokio::test]
async fn a_row_that_is_no_session_is_a_500() {
    let server = DynamoDbLocal::start().await;
    server.add_tutorial_user().await;
    let login = start(&server.url()).await;
    let token = post(&login, "login", &events::credentials())
        .await
        .unwrap()
        .refresh;
    let update = server.client().update_item().table_name(TABLE);
    let key = format!("session#{}", session_id(&token));
    update
        .key("pk", aws_sdk_dynamodb::types::AttributeValue::S(key))
        .update_expression("REMOVE user_id")
        .send()
        .await
        .unwrap();
    assert_eq!(refresh(&login, &token).await.unwrap_err().0, 500);
    assert!(login.logs().contains("a stored item cannot be read"));
}
