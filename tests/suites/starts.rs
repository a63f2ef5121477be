//! The real binaries: starts that are refused, and what a started one weighs.

use std::process::Command;

use bundle_tests::{
    app::{ENVIRONMENT, KEYS, environment_with},
    binaries::{Function, refused_start, release},
    events, forge,
};

#[test]
fn refused_settings_end_the_start_with_their_names() {
    let store = ("AUTH_STORE", "memory");
    let secret = ("JWT_SECRET_KEY", forge::SECRET);
    let short = &forge::SECRET[..31];
    for (variables, named) in [
        (vec![store], vec!["JWT_SECRET_KEY: must be set"]),
        (
            vec![store, ("JWT_SECRET_KEY", "changeme")],
            vec!["JWT_SECRET_KEY: is a placeholder"],
        ),
        (
            vec![store, ("JWT_SECRET_KEY", short)],
            vec!["JWT_SECRET_KEY: must be at least 32 bytes for HS256, has 31"],
        ),
        (
            vec![store, secret, ("JWT_EXPIRATON", "60")],
            vec!["JWT_EXPIRATON: unknown variable"],
        ),
        (vec![secret], vec!["AUTH_STORE: must be set"]),
        (
            vec![("AUTH_STORE", "redis"), secret],
            vec!["AUTH_STORE: must be dynamodb or memory"],
        ),
        (
            vec![
                store,
                secret,
                ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
            ],
            vec![
                "AUTH_STORE: memory is for local work",
                "JWT_SECRET_KEY: is the published secret of local work",
            ],
        ),
        (
            vec![("JWT_SECRET_KEY", "changeme"), ("JWT_EXPIRATON", "60")],
            vec![
                "AUTH_STORE: must be set",
                "JWT_SECRET_KEY: is a placeholder",
                "JWT_EXPIRATON: unknown variable",
            ],
        ),
    ] {
        for function in ["me", "login"] {
            // The key that `login` alone reads is not what is looked at here.
            let session_key = ("SESSION_SECRET_KEY", "k8Wq3Zt6Yv1Xn4Rb7Mc2Jd5Hf9Gs0LpA");
            let variables = [&variables[..], &[session_key]].concat();
            let (status, message) = refused_start(&release(function), &variables);
            assert_eq!(status.code(), Some(1), "{function} {message}");
            assert_eq!(message.lines().count(), 1 + named.len(), "{message}");
            for problem in &named {
                assert!(
                    message.contains(problem),
                    "{function}: {problem} is not in {message}"
                );
            }
            assert!(!message.contains(short), "the secret is in {message}");
        }
    }
}

/// Each problem of the settings that `login` alone has.
#[test]
fn settings_of_sessions_and_attempts_are_checked_by_login() {
    let session_key = KEYS[1];
    for (variables, problem) in [
        (
            &[][..],
            "SESSION_SECRET_KEY: must be set, or SESSION_KEY_SECRET_ID in its place",
        ),
        (
            &[("SESSION_SECRET_KEY", "changeme")],
            "SESSION_SECRET_KEY: is a placeholder",
        ),
        (
            &[("SESSION_SECRET_KEY", forge::SECRET)],
            "SESSION_SECRET_KEY: must differ from JWT_SECRET_KEY, which `me` reads too",
        ),
        (
            &[session_key, ("SESSION_KEY_SECRET_ID", "keys")],
            "SESSION_KEY_SECRET_ID: set it or SESSION_SECRET_KEY, not both",
        ),
        (
            &[session_key, ("SESSION_GRACE", "301")],
            "SESSION_GRACE: must be a whole number",
        ),
        (
            &[session_key, ("SESSION_EXPIRATION", "0")],
            "SESSION_EXPIRATION: must be",
        ),
        (
            &[session_key, ("SESSION_IDLE_EXPIRATION", "1h")],
            "SESSION_IDLE_EXPIRATION: must be",
        ),
        (
            &[session_key, ("LOGIN_MAX_FAILURES", "0")],
            "LOGIN_MAX_FAILURES: must be",
        ),
        (
            &[session_key, ("LOGIN_FAILURE_WINDOW", "86401")],
            "LOGIN_FAILURE_WINDOW: must be",
        ),
        (
            &[session_key, ("LOGIN_ERRORS", "both")],
            "LOGIN_ERRORS: must be uniform or distinct",
        ),
        (
            &[session_key, ("SESSION_GRCE", "5")],
            "SESSION_GRCE: unknown variable",
        ),
    ] {
        let variables = [&ENVIRONMENT[..2], variables].concat();
        let (status, message) = refused_start(&release("login"), &variables);
        assert_eq!(status.code(), Some(1), "{message}");
        assert_eq!(message.lines().count(), 2, "{message}");
        assert!(message.contains(problem), "{problem} is not in {message}");
    }
}

#[test]
fn a_process_outside_lambda_says_where_it_belongs() {
    for function in ["login", "me"] {
        let output = Command::new(release(function))
            .env_clear()
            .envs(ENVIRONMENT)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(
            message.contains("AWS_LAMBDA_RUNTIME_API: is set by AWS Lambda"),
            "{message}"
        );
        assert_eq!(message.lines().count(), 5, "{message}");
    }
}

#[test]
fn the_published_secret_of_refresh_tokens_is_refused_in_lambda() {
    let lambda = ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand");
    let (_, message) = refused_start(&release("login"), &environment_with(lambda));
    let problem = "SESSION_SECRET_KEY: is the published secret of local work";
    assert!(message.contains(problem), "{message}");
}

/// Each problem of the settings that only AWS has.
#[test]
fn settings_of_aws_are_checked_too() {
    for (variables, problem) in [
        (
            vec![
                ("AUTH_STORE", "dynamodb"),
                ("JWT_SECRET_KEY", forge::SECRET),
            ],
            "AUTH_TABLE: must be set",
        ),
        (
            vec![
                ("AUTH_STORE", "dynamodb"),
                ("AUTH_TABLE", "users"),
                ("JWT_SECRET_KEY", forge::SECRET),
                ("JWT_KEYS_SECRET_ID", "keys"),
            ],
            "JWT_KEYS_SECRET_ID: set it or JWT_SECRET_KEY, not both",
        ),
    ] {
        for function in ["me", "login"] {
            let (status, message) = refused_start(&release(function), &variables);
            assert_eq!(status.code(), Some(1), "{function} {message}");
            assert!(message.contains(problem), "{function}: {message}");
        }
    }
}

#[tokio::test]
async fn the_binaries_stay_small() {
    for name in ["login", "me"] {
        let size = std::fs::metadata(release(name)).unwrap().len();
        println!("{name}: {size} bytes");
        assert!(size < 10_000_000, "{name}: {size} bytes");
    }
    let me = Function::start(&release("me")).await;
    let good = events::object("me_success").to_string();
    for _ in 0..1000 {
        assert_eq!(me.answer(&good).await.status(), 200);
    }
    let resident = me.resident_bytes();
    println!(
        "me: {} KiB resident after 1,000 invocations",
        resident / 1024
    );
    assert!(resident < 10 * 1024 * 1024, "{resident} bytes");
}
