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

/// The highest ratio of two medians that does not reveal which one a refusal was.
const MOST: f64 = 1.05;

const CASES: [&str; 3] = ["unknown email", "wrong password", "disabled user"];

/// Each round has its own emails, because an email may fail only 100 times a day.
fn address(case: usize, round: usize) -> String {
    format!(
        "{}{round}@example.com",
        ["nobody", "jane", "disabled"][case]
    )
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let table = Table::new().await;
    let (store, mut user) = (table.store().await, tutorial_user().await);
    for round in 0..WARM_UP + ROUNDS {
        for case in [1, 2] {
            user.user.email = address(case, round);
            user.user.disabled = case == 2;
            store.add_user(&user).await.expect("added");
        }
    }
    let mut variables = table.environment_with_keys();
    // High enough that all passwords are checked.
    variables.push(("LOGIN_MAX_FAILURES_PER_NETWORK", "1000"));
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
            let time = refusal(&login, &address(case, round)).await;
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
    println!(
        "Time to refuse a login, {ROUNDS} of each, medians, and their ratio to the least (target: at most {MOST}):"
    );
    for (name, median) in CASES.into_iter().zip(medians) {
        let (time, ratio) = (median * 1_000.0, median / least);
        let met = if ratio <= MOST { "met" } else { "missed" };
        println!("  {name:15} {time:7.2} ms  {ratio:.3}  {met}");
    }
}
