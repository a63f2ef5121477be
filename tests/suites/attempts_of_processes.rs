//! Guessing passwords against the real `login`: however many processes there are, and whatever a caller
//! says of where it is.

use bundle_tests::{
    app::environment_with,
    binaries::{Function, release},
    dynamodb::{self, DynamoDbLocal},
    events,
};
use futures_util::future::join_all;
use serde_json::{Value, json};

/// For tests on the real clock: a window that ends during none of them, but at midnight.
const WINDOW: (&str, &str) = ("LOGIN_FAILURE_WINDOW", "86400");

fn wrong() -> Value {
    json!({"email": "john.doe@leapify.tech", "password": "wrong"})
}

/// Five processes that share nothing but the table.
#[tokio::test]
async fn no_number_of_processes_lets_more_guesses_through() {
    let server = DynamoDbLocal::start().await;
    server.add_tutorial_user().await;
    let url = server.url();
    let mut variables = dynamodb::environment_with_keys(&url);
    variables.push(WINDOW);
    let binary = release("login");
    let processes = join_all((0..5).map(|_| Function::start_with(&binary, &variables, &[]))).await;
    // Their first requests find a cold server.
    let right = events::post("login", &events::credentials(), "198.51.100.6");
    for login in &processes {
        assert_eq!(login.answer(&right).await.status(), 200);
    }
    let event = events::post("login", &wrong(), "198.51.100.7");
    let guesses = processes.iter().map(async |login| {
        let mut answers = Vec::new();
        for _ in 0..10 {
            let answer = login.answer(&event).await;
            answers.push((answer.status(), answer.header("retry-after").is_some()));
        }
        answers
    });
    let answers = join_all(guesses).await.concat();
    let count = |status| answers.iter().filter(|told| told.0 == status).count();
    assert_eq!((count(401), count(429)), (5, 45), "{answers:?}");
    let is_told = |(status, is_told): &(u16, bool)| *is_told == (*status == 429);
    assert!(answers.iter().all(is_told));
    let logs: String = processes.iter().map(Function::logs).collect();
    assert_eq!(logs.matches(r#""outcome":"WrongPassword""#).count(), 5);
    let full = r#""outcome":"TooManyAttempts","counter":"pair""#;
    assert_eq!(logs.matches(full).count(), 45, "{logs}");
}

/// Headers of a caller have no say, and neither do the lower halves of IPv6 addresses.
#[tokio::test]
async fn the_address_is_the_one_that_api_gateway_saw() {
    let variables = environment_with(WINDOW);
    let login = Function::start_with(&release("login"), &variables, &[]).await;
    let mut claimed = 0..;
    let mut status = async |address: &str, version: &str| {
        let text = events::post("login", &wrong(), address);
        let mut event: Value = serde_json::from_str(&text).unwrap();
        let claim = format!("10.1.2.{}", claimed.next().unwrap());
        for header in ["x-forwarded-for", "forwarded", "x-real-ip"] {
            event["headers"][header] = claim.clone().into();
        }
        if version == "1.0" {
            event = rest(&wrong(), address, &claim);
        }
        login.answer(&event.to_string()).await.status()
    };
    for version in ["2.0", "1.0"] {
        let last = if version == "2.0" { 7 } else { 8 };
        let v4 = format!("198.51.100.{last}");
        let v6 = |suffix: &str| format!("2001:db8:0:{last}:{suffix}");
        for _ in 0..5 {
            assert_eq!(status(&v4, version).await, 401);
        }
        assert_eq!(status(&v4, version).await, 429, "{version}");
        for i in 0..5 {
            assert_eq!(status(&v6(&format!("{i}::{i}")), version).await, 401);
        }
        assert_eq!(status(&v6("ffff::"), version).await, 429, "{version}");
        assert_eq!(status("2001:db8:1::1", version).await, 401, "another /64");
    }
}

/// The event of a REST API.
fn rest(body: &Value, address: &str, claim: &str) -> Value {
    let mut event = events::object("login_success.v1");
    event["body"] = body.to_string().into();
    event["requestContext"]["identity"]["sourceIp"] = address.into();
    event["headers"]["X-Forwarded-For"] = claim.into();
    event["multiValueHeaders"]["X-Forwarded-For"] = json!([claim]);
    event
}
