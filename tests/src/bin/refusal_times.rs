//! How long `login` takes to refuse an unknown email, a wrong password and a disabled user: the release
//! binary on DynamoDB Local, the three in turn. `make bench` runs it.

use std::time::{Duration, Instant};

use auth_core::{CredentialRepository, Email, InMemoryUserRepository, UserDirectory};
use bundle_tests::{
    binaries::{Function, release},
    dynamodb::{self, DynamoDbLocal},
    events,
};
use serde_json::json;

const ROUNDS: usize = 200;

/// Rounds before the clock counts: the server compiles while it runs.
const WARM_UP: usize = 30;

const CASES: [(&str, &str); 3] = [
    ("unknown email", "nobody@example.com"),
    ("wrong password", "john.doe@leapify.tech"),
    ("disabled user", "disabled@example.com"),
];

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let server = DynamoDbLocal::start().await;
    add_users(&server).await;
    let url = server.url();
    let mut variables = dynamodb::environment_with_keys(&url);
    // More than are needed, so that none is refused unseen.
    variables.push(("LOGIN_MAX_FAILURES", "1000"));
    let login = Function::start_with(&release("login"), &variables, &[]).await;
    let mut times = CASES.map(|_| Vec::with_capacity(ROUNDS));
    for round in 0..WARM_UP + ROUNDS {
        // Each case follows each other one equally often.
        for i in 0..CASES.len() {
            let case = if round % 2 == 0 {
                i
            } else {
                CASES.len() - 1 - i
            };
            let case = (case + round) % CASES.len();
            let time = refusal(&login, CASES[case].1).await;
            if round >= WARM_UP {
                times[case].push(time);
            }
        }
    }
    report(times);
}

async fn add_users(server: &DynamoDbLocal) {
    server.add_tutorial_user().await;
    let tutorial = InMemoryUserRepository::with_tutorial_user();
    let john = Email::parse(CASES[1].1).expect("an address");
    let found = tutorial.find_with_password(&john).await;
    let mut disabled = found.expect("an answer").expect("the user");
    disabled.user.email = CASES[2].1.into();
    disabled.user.disabled = true;
    server.users().await.add(&disabled).await.expect("added");
}

async fn refusal(login: &Function, email: &str) -> Duration {
    let body = json!({"email": email, "password": "wrong"});
    let event = events::post("login", &body, "203.0.113.7");
    let begin = Instant::now();
    let answer = login.answer(&event).await;
    let time = begin.elapsed();
    assert_eq!(answer.status(), 401, "{answer:?}");
    time
}

fn report(mut times: [Vec<Duration>; 3]) {
    let medians = times.each_mut().map(|times| {
        times.sort_unstable();
        times[ROUNDS / 2].as_secs_f64()
    });
    let least = medians.into_iter().fold(f64::INFINITY, f64::min);
    println!("Time to refuse a login, {ROUNDS} of each, medians:");
    for ((name, _), median) in CASES.into_iter().zip(medians) {
        println!(
            "  {name:15} {:7.2} ms  {:.3}",
            median * 1_000.0,
            median / least
        );
    }
}
