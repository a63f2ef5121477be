//! Starts of the real functions: what fails them, what does not, and how large a started function is.

use std::{fs, process::Command};

use bundle_tests::{
    app::{ENVIRONMENT, KEYS, PRIVATE_KEYS, environment_with},
    events, functions,
    process::{self, Process, binary, failed_start},
    store::TemporaryFileStore,
};
use serde_json::Value;

const MEMORY: (&str, &str) = ("AUTH_STORE", "memory");
const SECRET: (&str, &str) = KEYS[0];
const SESSION_SECRET: (&str, &str) = KEYS[1];
const LAMBDA: (&str, &str) = ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand");

/// Starts a function that is expected to end at once, without repeating a secret. Returns the logged reason.
fn reason(function: &str, variables: &[(&str, &str)]) -> String {
    let (code, output) = failed_start(function, variables);
    assert_eq!(code, Some(1), "{function}: {output}");
    for (name, value) in variables {
        let is_repeated = name.ends_with("_SECRET_KEY") && output.contains(value);
        assert!(!is_repeated, "{function}: {output}");
    }
    parse_reason(&output)
}

/// Parses the only line of the log, which is followed by what Rust prints.
fn parse_reason(output: &str) -> String {
    let printed = "Error: the function ended; the log says why";
    let log = output
        .strip_suffix('\n')
        .and_then(|output| output.strip_suffix(printed));
    let log: Value = serde_json::from_str(log.expect(output)).expect("one JSON line");
    assert_eq!(log["level"], "ERROR");
    assert_eq!(log["message"], "the function did not start");
    log["reason"].as_str().unwrap().to_owned()
}

/// Returns the problems of the settings with which a function does not start.
fn problems(function: &str, variables: &[(&str, &str)]) -> Vec<String> {
    parse_problems(&reason(function, variables))
}

fn parse_problems(reason: &str) -> Vec<String> {
    let problems = reason.strip_prefix("invalid settings:\n  ").expect(reason);
    problems.split("\n  ").map(str::to_owned).collect()
}

/// Checks that `problems` are exactly those that begin with these texts.
fn check_problems(problems: &[String], expected: &[&str]) {
    assert_eq!(problems.len(), expected.len(), "{problems:?}");
    for text in expected {
        let is_reported = problems.iter().any(|problem| problem.starts_with(text));
        assert!(is_reported, "{text} is not in {problems:?}");
    }
}

#[test]
fn every_function_with_a_store_reports_all_problems_of_its_settings() {
    for (variables, expected) in [
        (&[MEMORY][..], &["JWT_SECRET_KEY: must be set, or "][..]),
        (
            &[MEMORY, ("JWT_SECRET_KEY", "changeme")],
            &["JWT_SECRET_KEY: is a placeholder"],
        ),
        (
            &[MEMORY, ("JWT_SECRET_KEY", &SECRET.1[..31])],
            &["JWT_SECRET_KEY: must be at least 32 bytes for HS256, has 31"],
        ),
        (
            &[MEMORY, SECRET, ("JWT_EXPIRATON", "60")],
            &["JWT_EXPIRATON: unknown variable"],
        ),
        (&[SECRET], &["AUTH_STORE: must be set"]),
        (
            &[("AUTH_STORE", "redis"), SECRET],
            &["AUTH_STORE: must be dynamodb, file or memory"],
        ),
        (
            &[MEMORY, SECRET, LAMBDA],
            &[
                "AUTH_STORE: memory is for local work",
                "JWT_SECRET_KEY: is a published secret",
            ],
        ),
        (
            &[("JWT_SECRET_KEY", "changeme"), ("JWT_EXPIRATON", "60")],
            &[
                "AUTH_STORE: must be set",
                "JWT_SECRET_KEY: is a placeholder",
                "JWT_EXPIRATON: unknown variable",
            ],
        ),
    ] {
        for function in functions::with_store() {
            // The keys that only `login` reads are not tested here.
            let variables = [variables, &PRIVATE_KEYS[1..]].concat();
            check_problems(&problems(function, &variables), expected);
        }
    }
}

#[test]
fn discovery_needs_published_keys_and_reports_unknown_variables() {
    let problems = problems("discovery", &[("JWT_EXPIRATON", "60"), LAMBDA]);
    check_problems(
        &problems,
        &[
            "AUTH_STORE: must be set",
            "JWT_SECRET_KEY: must be set, or JWT_KEYS_TABLE instead",
            "JWT_EXPIRATON: unknown variable",
        ],
    );
}

#[test]
fn login_reports_problems_of_sessions_and_attempts() {
    for (variables, expected) in [
        (
            &[][..],
            "SESSION_SECRET_KEY: must be set, or SESSION_KEY_SECRET_ID instead",
        ),
        (
            &[("SESSION_SECRET_KEY", "changeme")],
            "SESSION_SECRET_KEY: is a placeholder",
        ),
        (
            &[("SESSION_SECRET_KEY", SECRET.1)],
            "SESSION_SECRET_KEY: must differ from JWT_SECRET_KEY",
        ),
        (
            &[SESSION_SECRET, ("SESSION_KEY_SECRET_ID", "keys")],
            "SESSION_KEY_SECRET_ID: set either this or SESSION_SECRET_KEY, not both",
        ),
        (
            &[SESSION_SECRET, ("SESSION_GRACE", "301")],
            "SESSION_GRACE: must be a whole number",
        ),
        (
            &[SESSION_SECRET, ("SESSION_EXPIRATION", "0")],
            "SESSION_EXPIRATION: must be",
        ),
        (
            &[SESSION_SECRET, ("SESSION_IDLE_EXPIRATION", "1h")],
            "SESSION_IDLE_EXPIRATION: must be",
        ),
        (
            &[SESSION_SECRET, ("LOGIN_MAX_FAILURES", "0")],
            "LOGIN_MAX_FAILURES: must be",
        ),
        (
            &[SESSION_SECRET, ("LOGIN_FAILURE_WINDOW", "86401")],
            "LOGIN_FAILURE_WINDOW: must be",
        ),
        (
            &[SESSION_SECRET, ("LOGIN_ERRORS", "both")],
            "LOGIN_ERRORS: must be uniform or distinct",
        ),
        (
            &[SESSION_SECRET, ("SESSION_GRCE", "5")],
            "SESSION_GRCE: unknown variable",
        ),
        (
            &[SESSION_SECRET, ("COUNTER_SECRET", "5")],
            "COUNTER_SECRET: unknown variable",
        ),
        (
            &[SESSION_SECRET, ("LOGIN_FAILURE_WINDOW", "59")],
            "LOGIN_FAILURE_WINDOW: must be",
        ),
        (
            &[SESSION_SECRET, ("LOGIN_MAX_FAILURES_PER_DAY", "101")],
            "LOGIN_MAX_FAILURES_PER_DAY: must be",
        ),
        (
            &[SESSION_SECRET, ("SESSION_IDLE_EXPIRATION", "3600")],
            "SESSION_IDLE_EXPIRATION: must be more than 3640",
        ),
    ] {
        let counters = [KEYS[2]];
        let variables = [&[MEMORY, SECRET], &counters[..], variables].concat();
        check_problems(&problems("login", &variables), &[expected]);
    }
}

#[test]
fn login_rejects_the_published_secret_of_refresh_tokens_in_lambda() {
    let problem = "SESSION_SECRET_KEY: is a published secret";
    let problems = problems("login", &environment_with(LAMBDA));
    assert!(problems.iter().any(|one| one == problem), "{problems:?}");
}

#[test]
fn every_function_with_a_store_needs_the_table_of_dynamodb() {
    for function in functions::with_store() {
        let variables = [&[("AUTH_STORE", "dynamodb")], &PRIVATE_KEYS[..]].concat();
        let problems = problems(function, &variables);
        assert_eq!(problems, ["AUTH_TABLE: must be set"], "{function}");
    }
}

#[test]
fn every_function_with_keys_accepts_only_one_source() {
    let guards = functions::guards().map(|guard| &*guard.name);
    let guards = guards.flat_map(|guard| [(guard, "JWT_KEYS_TABLE"), (guard, "JWT_JWKS")]);
    for (function, source) in guards.chain([("login", "JWT_KEYS_SECRET_ID")]) {
        let table = [("AUTH_STORE", "dynamodb"), ("AUTH_TABLE", "users")];
        let variables = [&table[..], &PRIVATE_KEYS, &[(source, "keys")]].concat();
        let problem = format!("{source}: set either this or JWT_SECRET_KEY, not both");
        assert_eq!(problems(function, &variables), [problem], "{function}");
    }
}

#[test]
fn every_function_with_a_store_rejects_the_file_in_lambda() {
    for function in functions::with_store() {
        let variables = [&[("AUTH_STORE", "file"), LAMBDA], &PRIVATE_KEYS[..]].concat();
        let expected = "AUTH_STORE: file is for local work";
        check_problems(&problems(function, &variables), &[expected]);
    }
}

#[test]
fn a_damaged_file_fails_the_start_of_functions_that_read_their_keys_from_it() {
    check_damaged_file(functions::with_store(), &[]);
}

/// A guard at the token level need not open the store then.
#[test]
fn a_damaged_file_fails_the_start_of_functions_with_their_own_keys() {
    check_damaged_file(functions::with_routes_that_read_users(), &PRIVATE_KEYS);
}

/// Checks that no function starts on a damaged file, and that the log names the file, which stays as it is.
fn check_damaged_file(functions: impl Iterator<Item = &'static str>, keys: &[(&str, &str)]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.json");
    let damaged = r#"{"users": {}, "sessions": "hunter2"}"#;
    fs::write(&path, damaged).unwrap();
    let file = [
        ("AUTH_STORE", "file"),
        ("AUTH_FILE", path.to_str().unwrap()),
    ];
    for function in functions {
        let reason = reason(function, &[&file[..], keys].concat());
        let problem = format!("{}: damaged at line 1, column 35", path.display());
        assert!(reason.ends_with(&problem), "{function}: {reason}");
        assert_eq!(reason.matches(&problem).count(), 1, "{reason}");
        assert!(!reason.contains("hunter2"), "{function}: {reason}");
        assert_eq!(fs::read_to_string(&path).unwrap(), damaged);
    }
}

/// The environment of the function `mailer`.
const MAILER: [(&str, &str); 4] = [
    ("AUTH_STORE", "dynamodb"),
    ("AUTH_TABLE", "users"),
    ("ACTION_SECRET_KEY", PRIVATE_KEYS[3].1),
    ("MAIL_QUEUE_URL", "http://127.0.0.1:9/"),
];

/// The environment of the function `keys`.
const KEEPER: [(&str, &str); 3] = [
    ("AUTH_TABLE", "users"),
    ("JWT_KEYS_SECRET_ID", "JwtKeys"),
    ("JWT_ALGORITHM", "RS256"),
];

#[test]
fn keys_reports_all_problems_of_its_settings() {
    let variables = [("JWT_ALGORITHM", "HS256"), ("JWT_EXPIRATON", "60"), LAMBDA];
    let expected = [
        "AUTH_TABLE: must be set",
        "JWT_KEYS_SECRET_ID: must be set",
        "JWT_ALGORITHM: must be RS256, ES256 or EdDSA",
        "JWT_EXPIRATON: unknown variable",
    ];
    check_problems(&problems("keys", &variables), &expected);
}

#[test]
fn a_process_outside_of_lambda_reports_how_to_start_it() {
    for function in functions::names() {
        let mut command = Command::new(binary(function));
        command.env_clear();
        match function {
            "keys" => command.envs(KEEPER),
            "mailer" => command.envs(MAILER),
            _ => command.envs(ENVIRONMENT),
        };
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        // Its log is for people.
        let log = String::from_utf8(output.stdout).unwrap();
        let reason = log
            .trim_end()
            .strip_prefix("ERROR the function did not start reason=");
        let expected = [
            "AWS_LAMBDA_RUNTIME_API: is set by AWS Lambda",
            "AWS_LAMBDA_FUNCTION_NAME: is set by AWS Lambda",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE: is set by AWS Lambda",
            "AWS_LAMBDA_FUNCTION_VERSION: is set by AWS Lambda",
        ];
        check_problems(&parse_problems(reason.expect(&log)), &expected);
    }
}

/// Desktop sessions set it, and `make run` passes it on.
#[tokio::test]
async fn a_variable_of_desktop_sessions_is_ignored() {
    let store = TemporaryFileStore::new();
    let mut variables = store.environment();
    variables.push(("SESSION_MANAGER", "local/host:@/tmp/.ICE-unix/1"));
    for function in functions::with_routes() {
        let process = Process::start(function, &variables).await;
        let reply = process.send(&events::success(function)).await;
        assert_eq!(reply.status(), 200, "{function}");
    }
}

/// Returns whether release builds are tested, and says so if not.
fn is_release() -> bool {
    let is_release = process::is_release();
    if !is_release {
        println!("size and memory not tested: the limits are those of release builds (RELEASE=1)");
    }
    is_release
}

#[test]
fn the_binaries_stay_small() {
    if !is_release() {
        return;
    }
    for function in functions::names() {
        let size = fs::metadata(binary(function)).unwrap().len();
        println!("{function}: {size} bytes");
        // It contains a list of common passwords.
        let max = if function == "account" {
            12_000_000
        } else {
            10_000_000
        };
        assert!(size < max, "{function}: {size} bytes");
    }
}

#[tokio::test]
async fn me_needs_little_memory() {
    if !is_release() {
        return;
    }
    let store = TemporaryFileStore::new();
    let me = Process::start("me", &store.environment()).await;
    let event = events::success("me");
    for _ in 0..1000 {
        assert_eq!(me.send(&event).await.status(), 200);
    }
    let resident = me.resident_bytes();
    let kib = resident / 1024;
    println!("me: {kib} KiB resident after 1,000 invocations");
    assert!(resident < 10 * 1024 * 1024, "{resident} bytes");
}
