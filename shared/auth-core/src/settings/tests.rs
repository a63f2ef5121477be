//! Valid and invalid environments of every function. Those of `login` are in `login`, those of self-service in
//! `accounts`.

mod accounts;
mod login;

use std::{collections::BTreeMap, env::VarError, ffi::OsString, path::PathBuf, time::Duration};

use super::*;
use crate::{
    key::{Algorithm, KeySet, KeyUse},
    token::TokenSettings,
};

const SECRET: &str = "kq3mZ8vT1wYxP5nB7cR2dF6gH9jL4sA0";

/// Reads settings from these variables. Returns the problems if there are any.
fn read_from<T>(
    variables: &[(&str, &str)],
    read: impl FnOnce(&mut SettingsReader) -> Option<T>,
) -> Result<T, Vec<String>> {
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
    let settings = read(&mut reader);
    reader
        .finish(settings)
        .map_err(|error| error.problems().to_vec())
}

fn read(key_use: KeyUse, variables: &[(&str, &str)]) -> Result<Settings, Vec<String>> {
    read_from(variables, |reader| Settings::read(reader, key_use))
}

fn with(extra: &[(&str, &str)]) -> Result<Settings, Vec<String>> {
    let mut variables = vec![("AUTH_STORE", "memory"), ("JWT_SECRET_KEY", SECRET)];
    variables.extend_from_slice(extra);
    read(KeyUse::Verify, &variables)
}

fn fixed(settings: &Settings) -> &KeySet {
    match &settings.keys {
        KeySettings::Fixed(keys) => keys,
        other => panic!("{other:?}"),
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
            expiration: Duration::from_mins(1),
            leeway: Duration::ZERO,
        }
    );
}

#[test]
fn all_problems_are_reported_together() {
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
            "JWT_SECRET_KEY: is a placeholder: create one with `openssl rand -base64 48`",
            "JWT_LEEWAY: must be a whole number from 0 to 300",
        ]
    );
}

#[test]
fn variables_of_other_functions_are_ignored() {
    assert!(with(&[("LOGIN_ERRORS", "anything")]).is_ok());
    assert!(with(&[("AUTH_STACK", "sign-in")]).is_ok(), "of authctl");
}

#[test]
fn variables_with_other_prefixes_are_ignored() {
    assert!(with(&[("PATH", "/bin"), ("XJWT_X", "1")]).is_ok());
}

#[test]
fn unknown_variables_with_a_prefix_of_the_bundle_are_rejected() {
    for name in [
        "JWT_SECRET",
        "AUTH_STORES",
        "LOGIN_ERROR",
        "SESSION_GRACES",
        "COUNTER_KEY",
        "JWT_",
    ] {
        assert_eq!(
            problems(&[(name, "1")]),
            [format!("{name}: unknown variable")]
        );
    }
}

#[test]
fn values_that_are_empty_or_not_utf_8_are_rejected() {
    assert_eq!(problems(&[("JWT_ISSUER", "")]), ["JWT_ISSUER: is empty"]);
    assert_eq!(
        problems(&[("JWT_ISSUER", "\u{0}not-utf-8")]),
        ["JWT_ISSUER: is not UTF-8"]
    );
}

#[test]
fn numbers_that_are_out_of_bounds_or_not_only_digits_are_rejected() {
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
fn names_that_need_escapes_in_a_header_are_rejected() {
    for value in ["a\"b", "a\\b", "a b", "a,b", "ä", "a\r\nb"] {
        assert_eq!(problems(&[("JWT_AUDIENCE", value)]).len(), 1, "{value:?}");
    }
}

#[test]
fn a_secret_must_suit_its_algorithm() {
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
        ["JWT_ALGORITHM: must be HS256, HS384 or HS512 with a secret"]
    );
    assert_eq!(problems(&[("JWT_ALGORITHM", "none")]).len(), 1);
    let both = problems(&[("JWT_ALGORITHM", "RS256"), ("JWT_SECRET_KEY", "changeme")]);
    assert_eq!(both.len(), 2, "{both:?}");
}

#[test]
fn problems_do_not_repeat_values() {
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
fn a_function_that_only_verifies_accepts_public_keys_instead_of_the_secret() {
    let variables = [("AUTH_STORE", "memory"), ("JWT_JWKS", PUBLIC)];
    let settings = read(KeyUse::Verify, &variables).unwrap();
    assert!(fixed(&settings).signing_key().is_none());
}

#[test]
fn a_function_that_signs_does_not_accept_public_keys_instead_of_the_secret() {
    let variables = [("AUTH_STORE", "memory"), ("JWT_JWKS", PUBLIC)];
    assert_eq!(
        read(KeyUse::Sign, &variables).unwrap_err(),
        ["JWT_SECRET_KEY: must be set, or JWT_KEYS_SECRET_ID instead"]
    );
}

#[test]
fn a_source_of_keys_must_be_set() {
    assert_eq!(
        read(KeyUse::Verify, &[("AUTH_STORE", "memory")]).unwrap_err(),
        ["JWT_SECRET_KEY: must be set, or JWT_KEYS_TABLE or JWT_JWKS instead"]
    );
}

#[test]
fn a_secret_among_public_keys_is_rejected() {
    let secret_set = r#"{"kty":"oct","k":"a3EzbVo4dlQxd1l4UDVuQjdjUjJkRjZnSDlqTDRzQTA"}"#;
    assert_eq!(
        read(
            KeyUse::Verify,
            &[("AUTH_STORE", "memory"), ("JWT_JWKS", secret_set)]
        )
        .unwrap_err(),
        ["JWT_JWKS: must contain only public keys"]
    );
}

#[test]
fn local_settings_are_rejected_in_lambda() {
    let local = "local-development-key-not-for-deployment-0123456789";
    assert!(with(&[("JWT_SECRET_KEY", local)]).is_ok());
    let found = problems(&[
        ("JWT_SECRET_KEY", local),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
    ]);
    assert_eq!(found.len(), 2);
    assert!(found[0].starts_with("AUTH_STORE: memory is for local work"));
    assert!(found[1].starts_with("JWT_SECRET_KEY: is a published secret"));
}

const FILE: (&str, &str) = ("AUTH_STORE", "file");

#[test]
fn the_file_store_needs_no_other_variable_and_creates_its_keys() {
    for (variables, expected) in [
        (vec![FILE], ".local/store.json"),
        (vec![FILE, ("AUTH_FILE", "a/b")], "a/b"),
    ] {
        let settings = read(KeyUse::Sign, &variables).unwrap();
        let path = PathBuf::from(expected);
        assert_eq!(settings.store, Store::File { path: path.clone() });
        assert!(matches!(settings.keys, KeySettings::File { path: found, .. } if found == path));
    }
}

#[test]
fn a_configured_secret_replaces_the_keys_of_the_file_store() {
    let settings = read(KeyUse::Sign, &[FILE, ("JWT_SECRET_KEY", SECRET)]).unwrap();
    assert!(fixed(&settings).signing_key().is_some());
}

#[test]
fn the_file_store_creates_keys_for_some_algorithms() {
    for name in ["HS256", "HS384", "HS512", "RS256", "ES256", "EdDSA"] {
        for key_use in [KeyUse::Sign, KeyUse::Verify] {
            let settings = read(key_use, &[FILE, ("JWT_ALGORITHM", name)]).unwrap();
            let KeySettings::File { algorithm, .. } = settings.keys else {
                panic!("{:?}", settings.keys);
            };
            assert_eq!(algorithm.name(), name);
        }
    }
    for name in ["RS384", "RS512", "PS256", "PS384", "PS512", "ES384"] {
        assert_eq!(
            read(KeyUse::Sign, &[FILE, ("JWT_ALGORITHM", name)]).unwrap_err(),
            [
                "JWT_ALGORITHM: must be HS256, HS384, HS512, RS256, ES256 or EdDSA for keys of the file store"
            ]
        );
    }
}

#[test]
fn the_file_store_is_rejected_in_lambda() {
    let in_lambda = ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand");
    assert_eq!(
        read(KeyUse::Sign, &[FILE, in_lambda]).unwrap_err()[0],
        "AUTH_STORE: file is for local work: its user has a published password"
    );
}

#[test]
fn a_named_table_stores_users_and_a_named_secret_contains_the_keys() {
    let named = [
        ("AUTH_STORE", "dynamodb"),
        ("AUTH_TABLE", "users-1.A_b"),
        (
            "JWT_KEYS_SECRET_ID",
            "arn:aws:secretsmanager:eu-central-1:123456789012:secret:JwtKeys-a1B2c3",
        ),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
    ];
    let settings = read(KeyUse::Sign, &named).unwrap();
    let table = "users-1.A_b".into();
    assert_eq!(settings.store, Store::DynamoDb { table });
    let KeySettings::Secret { id, .. } = settings.keys else {
        panic!("{:?}", settings.keys);
    };
    assert_eq!(id, named[2].1);
}

#[test]
fn a_guard_reads_published_keys_from_a_table() {
    let memory = ("AUTH_STORE", "memory");
    let variables = [memory, ("JWT_KEYS_TABLE", "users-1.A_b")];
    let settings = read(KeyUse::Verify, &variables).unwrap();
    let KeySettings::Table { table } = settings.keys else {
        panic!("{:?}", settings.keys);
    };
    assert_eq!(table, "users-1.A_b");
    let malformed = [memory, ("JWT_KEYS_TABLE", "a b")];
    assert_eq!(
        read(KeyUse::Verify, &malformed).unwrap_err(),
        ["JWT_KEYS_TABLE: must be the name or ARN of a table"]
    );
    assert_eq!(
        read(KeyUse::Sign, &variables).unwrap_err(),
        ["JWT_SECRET_KEY: must be set, or JWT_KEYS_SECRET_ID instead"]
    );
}

#[test]
fn a_guard_rejects_the_secret_with_private_keys() {
    let (memory, id) = (("AUTH_STORE", "memory"), ("JWT_KEYS_SECRET_ID", "keys"));
    let problem = "JWT_KEYS_SECRET_ID: only functions that sign may read private keys: set JWT_KEYS_TABLE instead";
    for other in [("JWT_KEYS_TABLE", "users"), ("JWT_JWKS", PUBLIC)] {
        assert_eq!(read(KeyUse::Verify, &[memory, id]).unwrap_err(), [problem]);
        let both = [memory, id, other];
        assert_eq!(read(KeyUse::Verify, &both).unwrap_err(), [problem]);
    }
}

#[test]
fn a_missing_or_malformed_table_is_rejected() {
    let dynamodb = ("AUTH_STORE", "dynamodb");
    assert_eq!(problems(&[dynamodb]), ["AUTH_TABLE: must be set"]);
    for table in ["ab", "a b c", "tab\u{e9}lle", "table;drop"] {
        assert_eq!(
            problems(&[dynamodb, ("AUTH_TABLE", table)]),
            ["AUTH_TABLE: must be the name or ARN of a table"],
            "{table}"
        );
    }
}

#[test]
fn a_malformed_secret_id_is_rejected() {
    let id = ("JWT_KEYS_SECRET_ID", "a secret, once");
    assert_eq!(
        read(KeyUse::Sign, &[("AUTH_STORE", "memory"), id]).unwrap_err(),
        ["JWT_KEYS_SECRET_ID: must be the name or ARN of a secret"]
    );
}

#[test]
fn only_one_source_of_keys_may_be_set() {
    let (table, jwks) = (("JWT_KEYS_TABLE", "users"), ("JWT_JWKS", PUBLIC));
    let (secret, id) = (("JWT_SECRET_KEY", SECRET), ("JWT_KEYS_SECRET_ID", "keys"));
    for (key_use, one, other) in [
        (KeyUse::Sign, secret, id),
        (KeyUse::Verify, secret, table),
        (KeyUse::Verify, secret, jwks),
        (KeyUse::Verify, table, jwks),
    ] {
        let variables = [("AUTH_STORE", "memory"), other, one];
        let problem = format!("{}: set either this or {}, not both", other.0, one.0);
        assert_eq!(read(key_use, &variables).unwrap_err(), [problem]);
    }
}

#[test]
fn a_function_that_signs_ignores_public_keys() {
    let (id, jwks) = (("JWT_KEYS_SECRET_ID", "keys"), ("JWT_JWKS", PUBLIC));
    assert!(read(KeyUse::Sign, &[("AUTH_STORE", "memory"), id, jwks]).is_ok());
}
