//! Environments of a function that logs users in: sessions, attempts, and keys of three uses.

use super::*;
use crate::{attempt::AttemptLimits, session::SessionRules};

const SESSION_SECRET: &str = "Lw7Tq2Xz8Vn4Rb5Yc1Kd9Jf3Hs6Gp0Me";
const COUNTER_SECRET: &str = "Zr8Qw2Lm6Tk4Vb9Xp3HnYc5Jd7Ks1Fg0";

const STORE: (&str, &str) = ("AUTH_STORE", "memory");
const KEYS: [(&str, &str); 3] = [
    ("JWT_SECRET_KEY", SECRET),
    ("SESSION_SECRET_KEY", SESSION_SECRET),
    ("COUNTER_SECRET_KEY", COUNTER_SECRET),
];

/// Reads all settings of the function.
fn read(
    variables: &[(&str, &str)],
) -> Result<(Settings, SessionSettings, AttemptSettings), Vec<String>> {
    read_from(variables, |reader| {
        let common = Settings::read(reader, KeyUse::Sign);
        let sessions = SessionSettings::read(reader, common.as_ref());
        let attempts = AttemptSettings::read(reader, common.as_ref());
        Some((common?, sessions?, attempts?))
    })
}

/// Reads the settings with all keys and these variables.
fn with(extra: &[(&str, &str)]) -> Result<(SessionRules, AttemptLimits), Vec<String>> {
    let variables = [&[STORE], &KEYS[..], extra].concat();
    let (_, sessions, attempts) = read(&variables)?;
    Ok((sessions.rules, attempts.limits))
}

#[test]
fn the_defaults_of_sessions_and_attempts_are_the_documented_ones() {
    let (rules, limits) = with(&[]).unwrap();
    assert_eq!(rules, SessionRules::default());
    let documented = AttemptLimits {
        max_failures: 5,
        max_failures_per_day: 100,
        max_failures_per_network: 100,
        window: Duration::from_mins(15),
    };
    assert_eq!(limits, documented);
}

#[test]
fn every_setting_of_sessions_and_attempts_is_read() {
    let (rules, limits) = with(&[
        ("SESSION_IDLE_EXPIRATION", "7200"),
        ("SESSION_EXPIRATION", "86400"),
        ("SESSION_GRACE", "0"),
        ("LOGIN_MAX_FAILURES", "3"),
        ("LOGIN_MAX_FAILURES_PER_DAY", "50"),
        ("LOGIN_MAX_FAILURES_PER_NETWORK", "1000"),
        ("LOGIN_FAILURE_WINDOW", "60"),
    ])
    .unwrap();
    let expected = SessionRules {
        idle_expiration: Duration::from_hours(2),
        expiration: Duration::from_hours(24),
        grace: Duration::ZERO,
    };
    assert_eq!(rules, expected);
    let expected = AttemptLimits {
        max_failures: 3,
        max_failures_per_day: 50,
        max_failures_per_network: 1_000,
        window: Duration::from_mins(1),
    };
    assert_eq!(limits, expected);
}

#[test]
fn limits_that_are_out_of_bounds_are_rejected() {
    for (variable, values, range) in [
        ("SESSION_GRACE", ["-1", "301"], "0 to 300"),
        ("LOGIN_MAX_FAILURES", ["0", "1001"], "1 to 1000"),
        ("LOGIN_MAX_FAILURES_PER_DAY", ["0", "101"], "1 to 100"),
        ("LOGIN_MAX_FAILURES_PER_NETWORK", ["0", "1001"], "1 to 1000"),
        ("LOGIN_FAILURE_WINDOW", ["59", "86401"], "60 to 86400"),
    ] {
        let problem = format!("{variable}: must be a whole number from {range}");
        for value in values {
            let problems = with(&[(variable, value)]).unwrap_err();
            assert_eq!(problems, [problem.as_str()], "{value}");
        }
    }
}

/// Otherwise a session ends before the grace period of its first refresh, or before a client that uses its
/// access token to the end refreshes it.
#[test]
fn a_client_that_refreshes_when_its_token_expires_keeps_its_session() {
    const IDLE: &str = "SESSION_IDLE_EXPIRATION";
    for (variables, needed) in [
        (&[(IDLE, "3640")][..], Some(3_640)),
        (&[(IDLE, "3641")], None),
        (&[("JWT_EXPIRATION", "1209560")], Some(1_209_600)),
        (&[("JWT_EXPIRATION", "1209559")], None),
        (
            &[
                (IDLE, "70"),
                ("SESSION_GRACE", "0"),
                ("JWT_EXPIRATION", "60"),
            ],
            Some(70),
        ),
        (
            &[
                (IDLE, "71"),
                ("SESSION_GRACE", "0"),
                ("JWT_EXPIRATION", "60"),
            ],
            None,
        ),
    ] {
        let problems = with(variables).err().unwrap_or_default();
        let expected: Vec<String> = needed.map_or_else(Vec::new, |needed| {
            vec![format!(
                "{IDLE}: must be more than {needed}: JWT_EXPIRATION plus SESSION_GRACE plus 10 seconds"
            )]
        });
        assert_eq!(problems, expected, "{variables:?}");
    }
}

#[test]
fn every_use_of_keys_needs_a_source() {
    assert_eq!(
        read(&[STORE, KEYS[0]]).unwrap_err(),
        [
            "SESSION_SECRET_KEY: must be set, or SESSION_KEY_SECRET_ID instead",
            "COUNTER_SECRET_KEY: must be set, or COUNTER_KEY_SECRET_ID instead",
        ]
    );
}

#[test]
fn every_use_of_keys_accepts_only_one_source() {
    let ids = [
        ("SESSION_KEY_SECRET_ID", "sessions"),
        ("COUNTER_KEY_SECRET_ID", "counters"),
    ];
    assert_eq!(
        with(&ids).unwrap_err(),
        [
            "SESSION_KEY_SECRET_ID: set either this or SESSION_SECRET_KEY, not both",
            "COUNTER_KEY_SECRET_ID: set either this or COUNTER_SECRET_KEY, not both",
        ]
    );
}

#[test]
fn the_secrets_of_two_uses_must_differ() {
    for (first, second, third, expected) in [
        (
            SECRET,
            SECRET,
            COUNTER_SECRET,
            &["SESSION_SECRET_KEY: must differ from JWT_SECRET_KEY"][..],
        ),
        (
            SECRET,
            SESSION_SECRET,
            SECRET,
            &["COUNTER_SECRET_KEY: must differ from JWT_SECRET_KEY"],
        ),
        (
            SECRET,
            SESSION_SECRET,
            SESSION_SECRET,
            &["COUNTER_SECRET_KEY: must differ from SESSION_SECRET_KEY"],
        ),
        (
            SECRET,
            SECRET,
            SECRET,
            &[
                "SESSION_SECRET_KEY: must differ from JWT_SECRET_KEY",
                "COUNTER_SECRET_KEY: must differ from JWT_SECRET_KEY",
            ],
        ),
    ] {
        let secrets = [
            ("JWT_SECRET_KEY", first),
            ("SESSION_SECRET_KEY", second),
            ("COUNTER_SECRET_KEY", third),
        ];
        assert_eq!(
            read(&[&[STORE], &secrets[..]].concat()).unwrap_err(),
            expected
        );
    }
}

#[test]
fn two_uses_must_not_name_the_same_secret_of_secrets_manager() {
    let ids = |session, counter| {
        read(&[
            STORE,
            ("JWT_KEYS_SECRET_ID", "keys"),
            ("SESSION_KEY_SECRET_ID", session),
            ("COUNTER_KEY_SECRET_ID", counter),
        ])
    };
    assert_eq!(
        ids("keys", "sessions").unwrap_err(),
        ["SESSION_KEY_SECRET_ID: must differ from JWT_KEYS_SECRET_ID"]
    );
    assert_eq!(
        ids("sessions", "sessions").unwrap_err(),
        ["COUNTER_KEY_SECRET_ID: must differ from SESSION_KEY_SECRET_ID"]
    );
    let (common, sessions, attempts) = ids("sessions", "counters").unwrap();
    for (keys, expected) in [
        (common.keys, ("keys", KeyUse::Sign)),
        (sessions.keys, ("sessions", KeyUse::Sessions)),
        (attempts.keys, ("counters", KeyUse::Counters)),
    ] {
        let KeySettings::Secret { id, key_use, .. } = keys else {
            panic!("{keys:?}");
        };
        assert_eq!((id.as_str(), key_use), expected);
    }
}

#[test]
fn the_file_store_has_keys_for_every_use() {
    let (common, sessions, attempts) = read(&[FILE]).unwrap();
    for (keys, expected) in [
        (common.keys, KeyUse::Sign),
        (sessions.keys, KeyUse::Sessions),
        (attempts.keys, KeyUse::Counters),
    ] {
        assert!(matches!(keys, KeySettings::File { key_use, .. } if key_use == expected));
    }
}

#[test]
fn published_and_guessable_secrets_of_every_use_are_rejected() {
    let published = "local-only-not-for-deployment-8f2kq0zw6d1mxr4b";
    let in_lambda = ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand");
    let dynamodb = [
        ("AUTH_STORE", "dynamodb"),
        ("AUTH_TABLE", "users"),
        in_lambda,
    ];
    for (index, (variable, _)) in KEYS.into_iter().enumerate() {
        for (secret, problem) in [
            (published, "is a published secret"),
            (
                "changeme",
                "is a placeholder: create one with `openssl rand -base64 48`",
            ),
        ] {
            let mut keys = KEYS;
            keys[index].1 = secret;
            let problems = read(&[&dynamodb, &keys[..]].concat()).unwrap_err();
            assert_eq!(problems, [format!("{variable}: {problem}")]);
        }
    }
}
