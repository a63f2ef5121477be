//! The calls that no role may allow.

use bundle_tests::{functions, policy::Call};
use serde_json::json;

use super::{
    PUBLISHED, SESSION, USER,
    calls::{batch, delete, put, put_attribute, read, read_attributes, update},
    self_service,
};

/// A call, and what it would do.
pub(super) type Forbidden = (&'static str, Call);

/// Returns calls that a function must not be allowed to make.
pub(super) fn forbidden(function: &str) -> Vec<Forbidden> {
    let own = match function {
        "discovery" => forbidden_for_discovery(),
        "keys" => forbidden_for_keys(),
        "login" => forbidden_for_login(),
        "account" => self_service::forbidden_for_account(),
        "mailer" => self_service::forbidden_for_mailer(),
        "authorizer" => forbidden_for_guards(),
        guard if functions::is_guard(guard) => forbidden_for_guards(),
        other => panic!("the test does not know what {other} must not do"),
    };
    let mut all = forbidden_for_all();
    // What only these two may do.
    let allowed: &[&str] = match function {
        "account" => &[
            "delete a user",
            "put a user",
            "query the index",
            "read other items",
        ],
        "mailer" => &["read other items"],
        _ => &[],
    };
    all.retain(|(what, _)| !allowed.contains(what));
    all.into_iter().chain(own).collect()
}

fn forbidden_for_all() -> Vec<Forbidden> {
    vec![
        ("delete a user", delete(USER)),
        ("put a user", put(USER)),
        (
            "change the roles of a user",
            update(USER, "SET #roles = :value"),
        ),
        ("read the whole table", Call::to_table("Scan", &json!({}))),
        (
            "query the index",
            Call::to_table("Query", &json!({"IndexName": "by_owner"})),
        ),
        ("read other items", read("held#1")),
        (
            "read other published keys",
            read_attributes("keys#other", "key_set"),
        ),
        (
            "read other items in a batch",
            batch(&["held#1"], Some("pk")),
        ),
        (
            "read the keys of tokens in a batch",
            batch(&[PUBLISHED], Some("pk")),
        ),
        ("read another secret", Call::get_secret("OtherKeys.Id")),
    ]
}

fn forbidden_for_discovery() -> Vec<Forbidden> {
    vec![
        ("read a user", read(USER)),
        (
            "read an attribute of a user",
            read_attributes(USER, "key_set"),
        ),
        (
            "read another attribute of the keys",
            read_attributes(PUBLISHED, "key_set, version"),
        ),
        ("read the whole item of the keys", read(PUBLISHED)),
        ("read users in a batch", batch(&[USER], Some("pk"))),
        ("read the keys of tokens", Call::get_secret("JwtKeys.Id")),
    ]
}

fn forbidden_for_keys() -> Vec<Forbidden> {
    vec![
        ("read a user", read(USER)),
        ("publish other keys", put("keys#other")),
        (
            "read the keys of refresh tokens",
            Call::get_secret("SessionKeys.Id"),
        ),
        (
            "replace the keys of refresh tokens",
            Call::change_secret("PutSecretValue", "SessionKeys.Id"),
        ),
        (
            "delete its secret",
            Call::change_secret("DeleteSecret", "JwtKeys.Id"),
        ),
    ]
}

fn forbidden_for_login() -> Vec<Forbidden> {
    vec![
        ("read the published keys", read(PUBLISHED)),
        (
            "replace the keys of tokens",
            Call::change_secret("PutSecretValue", "JwtKeys.Id"),
        ),
        ("put a counter", put("attempts#1#2")),
        ("ask for any email", put("ask#1")),
        ("invite a user", put_attribute("ask#reuse#1", "roles")),
        ("disable a user", update(USER, "SET disabled = :value")),
        ("change the id of a user", update(USER, "SET id = :value")),
        ("let a user expire", update(USER, "SET expires_at = :value")),
        (
            "give a session another user",
            update(SESSION, "SET #owner = :value"),
        ),
        (
            "change the version of another item",
            update(PUBLISHED, "SET version = :value"),
        ),
    ]
}

fn forbidden_for_guards() -> Vec<Forbidden> {
    vec![
        (
            "read a password hash",
            batch(&[USER, SESSION], Some("pk, password_hash")),
        ),
        ("read whole items", batch(&[USER, SESSION], None)),
        ("read a counter", batch(&[USER, "attempts#1#2"], Some("pk"))),
        (
            "read a counter of a network",
            batch(&["network#1#2"], Some("pk")),
        ),
        ("read one item", read(USER)),
        ("read the whole item of the keys", read(PUBLISHED)),
        (
            "read another attribute of the keys",
            read_attributes(PUBLISHED, "key_set, version"),
        ),
        (
            "read the keys of another item",
            read_attributes(USER, "key_set"),
        ),
        ("publish keys", put(PUBLISHED)),
        ("read the keys of tokens", Call::get_secret("JwtKeys.Id")),
        ("revoke a session", update(SESSION, "SET revoked = :value")),
        (
            "read the keys of refresh tokens",
            Call::get_secret("SessionKeys.Id"),
        ),
        (
            "read the keys of counters",
            Call::get_secret("CounterKeys.Id"),
        ),
    ]
}
