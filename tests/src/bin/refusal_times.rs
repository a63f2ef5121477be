//! Measures whether the response time reveals who has an account: the release binaries on DynamoDB Local, all cases of
//! a request in turn. `make bench` runs it.
//!
//! The requests are a refused login and those that ask for an email: a sign-up and a forgotten password.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use auth_core::{LAMBDA_MARKER, UserDirectory, random_id};
use bundle_tests::{
    dynamodb::Table,
    events,
    process::{Process, release},
    store::tutorial_user,
};
use serde_json::json;

const ROUNDS: usize = 200;

/// Rounds before measuring: the server compiles while it runs.
const WARM_UP: usize = 30;

/// The addresses that requests are about. Each round has its own, because logins with an address may fail only 100
/// times a day, and an email to it can be requested only once a minute.
struct Case {
    name: &'static str,
    address: fn(usize) -> String,
}

const UNKNOWN: Case = Case {
    name: "unknown email",
    address: |round| format!("nobody{round}@example.com"),
};
const KNOWN: Case = Case {
    name: "known email",
    address: |round| format!("jane{round}@example.com"),
};
const DISABLED: Case = Case {
    name: "disabled user",
    address: |round| format!("disabled{round}@example.com"),
};
/// The address for which the previous round has requested an email.
const THROTTLED: Case = Case {
    name: "throttled address",
    address: |round| (UNKNOWN.address)(round.wrapping_sub(1)),
};

/// A request whose response is the same in all cases.
struct Compared {
    title: &'static str,
    function: &'static str,
    path: &'static str,
    status: u16,
    cases: &'static [Case],
    /// The highest ratio of two medians that is too small to reveal the case.
    most: f64,
}

const COMPARED: [Compared; 3] = [
    Compared {
        title: "refuse a login with a wrong password",
        function: "login",
        path: "login",
        status: 401,
        cases: &[UNKNOWN, KNOWN, DISABLED],
        most: 1.05,
    },
    Compared {
        title: "accept a sign-up",
        function: "account",
        path: "sign-up",
        status: 202,
        cases: &[UNKNOWN, KNOWN, DISABLED, THROTTLED],
        most: 1.01,
    },
    Compared {
        title: "accept a forgotten password",
        function: "account",
        path: "password/forgot",
        status: 202,
        cases: &[UNKNOWN, KNOWN, DISABLED, THROTTLED],
        most: 1.01,
    },
];

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let table = Table::new().await;
    let (store, mut user) = (table.store().await, tutorial_user().await);
    for round in 0..WARM_UP + ROUNDS {
        for case in [KNOWN, DISABLED] {
            user.user.email = (case.address)(round);
            user.user.disabled = case.name == DISABLED.name;
            store.add_user(&user).await.expect("added");
        }
    }
    // As in Lambda, where a stream starts `mailer`; elsewhere, `account` sends emails before it responds. Lambda refuses
    // the secrets of the tests.
    let secrets: [String; 4] = std::array::from_fn(|_| {
        let half = || random_id().expect("randomness");
        half() + &half()
    });
    let mut variables = table.environment();
    variables.extend([
        (LAMBDA_MARKER, "on-demand"),
        ("SIGN_UP", "open"),
        ("JWT_SECRET_KEY", &secrets[0]),
        ("SESSION_SECRET_KEY", &secrets[1]),
        ("COUNTER_SECRET_KEY", &secrets[2]),
        ("ACTION_SECRET_KEY", &secrets[3]),
    ]);
    let mut is_met = true;
    for (index, compared) in COMPARED.iter().enumerate() {
        let binary = release(compared.function);
        let process = Process::start_binary(&binary, compared.function, &variables, &[]).await;
        is_met &= report(compared, compared.measure(&process, index).await);
        compared.check_throttled(&process.logs());
    }
    if is_met {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

impl Compared {
    /// Returns the times of each case.
    async fn measure(&self, process: &Process, index: usize) -> Vec<Vec<Duration>> {
        let count = self.cases.len();
        let mut times = vec![Vec::with_capacity(ROUNDS); count];
        for round in 0..WARM_UP + ROUNDS {
            for case in order(count, round) {
                // Each request has its own network, because a network may ask only 50 times an hour.
                let (high, low) = (round / 256, round % 256);
                let source = format!("10.{}.{high}.{low}", index * count + case);
                let time = self.time(process, case, round, &source).await;
                if round >= WARM_UP {
                    times[case].push(time);
                }
            }
        }
        times
    }

    async fn time(&self, process: &Process, case: usize, round: usize, source: &str) -> Duration {
        let email = (self.cases[case].address)(round);
        let mut body = json!({"email": email});
        if self.path == "login" {
            body["password"] = "wrong".into();
        }
        let event = events::post(self.path, &body, source);
        let begin = Instant::now();
        let reply = process.send(&event).await;
        let time = begin.elapsed();
        assert_eq!(reply.status(), self.status, "{reply:?}");
        time
    }

    /// Checks that the requests about throttled addresses were throttled, and no others.
    fn check_throttled(&self, logs: &str) {
        let has_throttled = self.cases.iter().any(|case| case.name == THROTTLED.name);
        let expected = if has_throttled {
            WARM_UP + ROUNDS - 1
        } else {
            0
        };
        assert_eq!(logs.matches(r#""Throttled""#).count(), expected);
    }
}

/// Returns the order of the cases in a round. Over twice as many rounds as there are cases, each case follows every
/// other one equally often.
fn order(count: usize, round: usize) -> impl Iterator<Item = usize> {
    (0..count).map(move |position| {
        let position = if (round / count).is_multiple_of(2) {
            position
        } else {
            count - 1 - position
        };
        let from_either_end = if position % 2 == 1 {
            position.div_ceil(2)
        } else {
            count - position / 2
        };
        (from_either_end + round) % count
    })
}

/// Prints the medians, and returns whether none of them reveals the case.
fn report(compared: &Compared, mut times: Vec<Vec<Duration>>) -> bool {
    let medians = times.iter_mut().map(|times| {
        times.sort_unstable();
        times[ROUNDS / 2].as_secs_f64()
    });
    let medians: Vec<f64> = medians.collect();
    let least = medians.iter().copied().fold(f64::INFINITY, f64::min);
    let (title, most) = (compared.title, compared.most);
    println!(
        "Time to {title}, {ROUNDS} of each, medians, and their ratio to the least (target: at most {most}):"
    );
    for (case, median) in compared.cases.iter().zip(&medians) {
        let (time, ratio) = (median * 1_000.0, median / least);
        let met = if ratio <= most { "met" } else { "missed" };
        println!("  {:17} {time:7.2} ms  {ratio:.3}  {met}", case.name);
    }
    medians.iter().all(|median| median / least <= most)
}
