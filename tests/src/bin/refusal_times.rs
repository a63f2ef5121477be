//! Measures how long `login` takes to refuse an unknown email, a wrong password and a disabled user: the
//! release binary on DynamoDB Local, the three in turn. `make bench` runs it.

use std::time::{Duration, Instant};

use auth_core::UserDirectory;
use bundle_tests::{
    client::ADDRESS,
    dynamodb::Table,
    events,
    process::{Process, release},
    store::tutorial_user,
};
use serde_json::json;

const ROUNDS: usize = 200;

/// Rounds before measuring: the server compiles while it runs.
const WARM_UP: usize = 30;

const CASES: [(&str, &str); 3] = [
    ("unknown email", "nobody@example.com"),
    ("wrong password", "john.doe@leapify.tech"),
    ("disabled user", "disabled@example.com"),
];

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let table = Table::with_tutorial_user().await;
    let mut disabled = tutorial_user().await;
    disabled.user.email = CASES[2].1.into();
    disabled.user.disabled = true;
    let store = table.store().await;
    store.add_user(&disabled).await.expect("added");
    let mut variables = table.environment_with_keys();
    // High enough that all passwords are checked.
    variables.push(("LOGIN_MAX_FAILURES", "1000"));
    let login = Process::start_binary(&release("login"), "login", &variables, &[]).await;
    let mut times = CASES.map(|_| Vec::with_capacity(ROUNDS));
    for round in 0..WARM_UP + ROUNDS {
        // Each case follows every other one equally often.
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

async fn refusal(login: &Process, email: &str) -> Duration {
    let body = json!({"email": email, "password": "wrong"});
    let event = events::post("login", &body, ADDRESS);
    let begin = Instant::now();
    let reply = login.send(&event).await;
    let time = begin.elapsed();
    assert_eq!(reply.status(), 401, "{reply:?}");
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
