//! Settings as an environment gives them, good and bad.

use std::{collections::BTreeMap, env::VarError, ffi::OsString};

use super::*;

const SECRET: &str = "kq3mZ8vT1wYxP5nB7cR2dF6gH9jL4sA0";

fn read(key_use: KeyUse, variables: &[(&str, &str)]) -> Result<Settings, Vec<String>> {
    let variables: BTreeMap<&str, &str> = variables.iter().copied().collect();
    let lookup = |name: &str| {
        let value = variables.get(name).ok_or(VarError::NotPresent)?;
        if *value == "\u{0}not-utf-8" {
            return Err(VarError::NotUnicode(OsString::new()));
        }
        Ok((*value).to_owned())
    };
    let names = variables.keys().map(ToString::to_string);
    let mut reader = SettingsReader::new(names, &lookup);
    let settings = Settings::read(&mut reader, key_use);
    reader
        .finish(settings)
        .map_err(|error| error.problems().to_vec())
}

fn with(extra: &[(&str, &str)]) -> Result<Settings, Vec<String>> {
    let mut variables = vec![("AUTH_STORE", "memory"), ("JWT_SECRET_KEY", SECRET)];
    variables.extend_from_slice(extra);
    read(KeyUse::Verify, &variables)
}

fn fixed(settings: &Settings) -> &KeySet {
    match &settings.keys {
        KeySettings::Fixed(keys) => keys,
        other @ KeySettings::Secret { .. } => panic!("{other:?}"),
    }
}

fn problems(extra: &[(&str, &str)]) -> Vec<String> {
    with(extra).unwrap_err()
}

#[test]
fn the_defaults_are_the_documented_ones() {
    let settings = with(&[]).unwrap();
    assert_eq!(settings.store, Store::Memory);
    assert_eq!(settings.tokens, TokenSettings::default());
    assert_eq!(
        fixed(&settings).signing_key().unwrap().algorithm(),
        Algorithm::HS256
    );
}

#[test]
fn every_setting_is_read() {
    let settings = with(&[
        ("JWT_ISSUER", "https://auth.example.com"),
        ("JWT_AUDIENCE", "shop"),
        ("JWT_EXPIRATION", "60"),
        ("JWT_LEEWAY", "0"),
    ])
    .unwrap();
    assert_eq!(
        settings.tokens,
        TokenSettings {
            issuer: "https://auth.example.com".into(),
            audience: "shop".into(),
            expiration: 60,
            leeway: 0,
        }
    );
}

#[test]
fn every_problem_is_reported_together() {
    assert_eq!(
        read(
            KeyUse::Sign,
            &[
                ("JWT_SECRET_KEY", "changeme"),
                ("JWT_EXPIRATON", "60"),
                ("JWT_LEEWAY", "-1")
            ]
        )
        .unwrap_err(),
        [
            "JWT_EXPIRATON: unknown variable",
            "AUTH_STORE: must be set",
            "JWT_SECRET_KEY: is a placeholder: make one with `openssl rand -base64 48`",
            "JWT_LEEWAY: must be a whole number from 0 to 300",
        ]
    );
}

#[test]
fn another_function_s_variable_is_let_through_and_a_stranger_s_too() {
    assert!(
        with(&[
            ("LOGIN_ERRORS", "whatever"),
            ("PATH", "/bin"),
            ("XJWT_X", "1")
        ])
        .is_ok()
    );
}

#[test]
fn unknown_variables_of_every_prefix_are_refused() {
    for name in [
        "JWT_SECRET",
        "AUTH_STORES",
        "LOGIN_ERROR",
        "SESSION_GRACES",
        "JWT_",
    ] {
        assert_eq!(
            problems(&[(name, "1")]),
            [format!("{name}: unknown variable")]
        );
    }
}

#[test]
fn values_that_are_empty_or_not_utf8_are_refused() {
    assert_eq!(problems(&[("JWT_ISSUER", "")]), ["JWT_ISSUER: is empty"]);
    assert_eq!(
        problems(&[("JWT_ISSUER", "\u{0}not-utf-8")]),
        ["JWT_ISSUER: is not UTF-8"]
    );
}

#[test]
fn numbers_are_digits_within_bounds() {
    for value in [
        "0",
        "2592001",
        "+5",
        "1.5",
        "60s",
        " 60",
        "99999999999999999999",
    ] {
        assert_eq!(
            problems(&[("JWT_EXPIRATION", value)]),
            ["JWT_EXPIRATION: must be a whole number from 1 to 2592000"],
            "{value}"
        );
    }
}

#[test]
fn names_that_would_need_escapes_in_a_header_are_refused() {
    for value in ["a\"b", "a\\b", "a b", "a,b", "ä", "a\r\nb"] {
        assert_eq!(problems(&[("JWT_AUDIENCE", value)]).len(), 1, "{value:?}");
    }
}

#[test]
fn a_secret_must_fit_the_algorithm() {
    assert_eq!(
        problems(&[("JWT_SECRET_KEY", &SECRET[..31])]),
        ["JWT_SECRET_KEY: must be at least 32 bytes for HS256, has 31"]
    );
    assert_eq!(
        problems(&[("JWT_ALGORITHM", "HS512")]),
        ["JWT_SECRET_KEY: must be at least 64 bytes for HS512, has 32"]
    );
    assert_eq!(
        problems(&[("JWT_ALGORITHM", "RS256")]),
        ["JWT_ALGORITHM: must be HS256, HS384 or HS512 with JWT_SECRET_KEY"]
    );
    assert_eq!(problems(&[("JWT_ALGORITHM", "none")]).len(), 1);
    let both = problems(&[("JWT_ALGORITHM", "RS256"), ("JWT_SECRET_KEY", "changeme")]);
    assert_eq!(both.len(), 2, "{both:?}");
}

#[test]
fn no_problem_repeats_the_value_of_a_variable() {
    let text = problems(&[
        ("JWT_SECRET_KEY", "changeme-hunter2"),
        ("JWT_JWKS", "hunter2"),
    ])
    .join("\n");
    assert!(!text.contains("hunter2"), "{text}");
}

const PUBLIC: &str =
    r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

#[test]
fn a_function_that_only_verifies_takes_public_keys_in_place_of_the_secret() {
    let settings = read(
        KeyUse::Verify,
        &[("AUTH_STORE", "memory"), ("JWT_JWKS", PUBLIC)],
    )
    .unwrap();
    assert!(fixed(&settings).signing_key().is_none());
    assert_eq!(
        problems(&[("JWT_JWKS", PUBLIC)]),
        ["JWT_JWKS: set it or JWT_SECRET_KEY, not both"]
    );
    assert_eq!(
        read(KeyUse::Verify, &[("AUTH_STORE", "memory")]).unwrap_err(),
        ["JWT_SECRET_KEY: must be set, or JWT_KEYS_SECRET_ID or JWT_JWKS in its place"]
    );
    assert_eq!(
        read(
            KeyUse::Sign,
            &[("AUTH_STORE", "memory"), ("JWT_JWKS", PUBLIC)]
        )
        .unwrap_err(),
        ["JWT_SECRET_KEY: must be set, or JWT_KEYS_SECRET_ID in its place"]
    );
}

#[test]
fn public_keys_that_could_sign_are_refused() {
    let secret_set = r#"{"kty":"oct","k":"a3EzbVo4dlQxd1l4UDVuQjdjUjJkRjZnSDlqTDRzQTA"}"#;
    assert_eq!(
        read(
            KeyUse::Verify,
            &[("AUTH_STORE", "memory"), ("JWT_JWKS", secret_set)]
        )
        .unwrap_err(),
        ["JWT_JWKS: must hold public keys alone"]
    );
}

#[test]
fn local_settings_are_refused_in_real_lambda() {
    let local = "local-development-key-not-for-deployment-0123456789";
    assert!(with(&[("JWT_SECRET_KEY", local)]).is_ok());
    let found = problems(&[
        ("JWT_SECRET_KEY", local),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
    ]);
    assert_eq!(found.len(), 2);
    assert!(found[0].starts_with("AUTH_STORE: memory is for local work"));
    assert!(found[1].starts_with("JWT_SECRET_KEY: is the published secret"));
}

#[test]
fn users_are_in_a_table_and_keys_in_a_secret_where_they_are_named() {
    let named = [
        ("AUTH_STORE", "dynamodb"),
        ("AUTH_TABLE", "users-1.A_b"),
        (
            "JWT_KEYS_SECRET_ID",
            "arn:aws:secretsmanager:eu-central-1:123456789012:secret:JwtKeys-a1B2c3",
        ),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
    ];
    for key_use in [KeyUse::Sign, KeyUse::Verify] {
        let settings = read(key_use, &named).unwrap();
        let table = "users-1.A_b".into();
        assert_eq!(settings.store, Store::DynamoDb { table });
        let KeySettings::Secret { id, .. } = settings.keys else {
            panic!("fixed keys");
        };
        assert_eq!(id, named[2].1);
    }
}

#[test]
fn a_table_or_secret_that_is_missing_or_none_is_refused() {
    let dynamodb = ("AUTH_STORE", "dynamodb");
    assert_eq!(problems(&[dynamodb]), ["AUTH_TABLE: must be set"]);
    for table in ["ab", "a b c", "tab\u{e9}lle", "table;drop"] {
        assert_eq!(
            problems(&[dynamodb, ("AUTH_TABLE", table)]),
            ["AUTH_TABLE: must be the name or ARN of a table"],
            "{table}"
        );
    }
    let store = ("AUTH_STORE", "memory");
    assert_eq!(
        read(
            KeyUse::Sign,
            &[store, ("JWT_KEYS_SECRET_ID", "a secret, once")]
        )
        .unwrap_err(),
        ["JWT_KEYS_SECRET_ID: must be the name or ARN of a secret"]
    );
}

#[test]
fn keys_come_from_one_place() {
    let (secret_id, jwks) = (("JWT_KEYS_SECRET_ID", "keys"), ("JWT_JWKS", PUBLIC));
    assert_eq!(
        problems(&[secret_id]),
        ["JWT_KEYS_SECRET_ID: set it or JWT_SECRET_KEY, not both"]
    );
    let variables = [("AUTH_STORE", "memory"), secret_id, jwks];
    assert_eq!(
        read(KeyUse::Verify, &variables).unwrap_err(),
        ["JWT_JWKS: set it or JWT_KEYS_SECRET_ID, not both"]
    );
    // Public keys are another function's.
    assert!(read(KeyUse::Sign, &variables).is_ok());
}
