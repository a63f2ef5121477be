//! Claims: names, types and times.

use serde_json::{Value, json};

use super::Table;
use crate as forge;

const LEEWAY: u64 = 5;

pub(super) fn add(table: &mut Table) {
    names(table);
    types(table);
    numbers(table);
    times(table);
}

fn names(table: &mut Table) {
    for wrong in [
        json!("other"),
        json!("Auth"),
        json!("auth "),
        json!("auth/"),
        json!("aut"),
        json!("https://auth"),
        json!(["auth"]),
        json!(["auth", "other"]),
    ] {
        table.add_claims("iss", &json!({ "iss": wrong }));
    }
    for wrong in [
        json!("other"),
        json!("API"),
        json!("api "),
        json!("api,other"),
        json!("ap"),
        json!("*"),
        json!([]),
        json!(["other"]),
        json!(["other", "API"]),
        json!(["api", 1]),
        json!([["api"]]),
        json!({"api": true}),
    ] {
        table.add_claims("aud", &json!({ "aud": wrong }));
    }
    // Look-alikes: Cyrillic a, zero width space, a decomposed letter, a zero byte, full width.
    for wrong in [
        "\u{430}pi",
        "api\u{200b}",
        "a\u{301}pi",
        "api\u{0}",
        "\u{ff41}pi",
    ] {
        table.add_claims("look-alike", &json!({ "aud": wrong }));
        table.add_claims("look-alike", &json!({ "iss": wrong.replace("pi", "uth") }));
    }
}

/// Adds tokens with every claim missing, and with every wrong type.
fn types(table: &mut Table) {
    let texts = ["iss", "sub", "client_id", "jti", "sid", "email"];
    let not_text = [
        json!(1),
        json!(true),
        json!({}),
        json!([]),
        json!(["1"]),
        json!(""),
    ];
    for claim in texts {
        for wrong in &not_text {
            table.add_claims("wrong type", &json!({ claim: wrong }));
        }
    }
    for claim in forge::CLAIMS {
        table.add_claims("missing", &json!({ claim: null }));
        let text = forge::claims(table.now).to_string();
        let value = forge::claims(table.now)[claim].to_string();
        let null = text.replace(
            &format!("\"{claim}\":{value}"),
            &format!("\"{claim}\":null"),
        );
        assert_ne!(null, text);
        table.add(
            format!("{claim} null"),
            table.signer.signed(table.signer.header().to_string(), null),
        );
    }
    for wrong in [
        json!("Admin"),
        json!([1]),
        json!([null]),
        json!({"0": "Admin"}),
        json!(["Admin", ["Root"]]),
        json!(true),
    ] {
        table.add_claims("wrong type", &json!({ "roles": wrong }));
    }
    for wrong in [
        json!(["read"]),
        json!(1),
        json!({"read": true}),
        json!(true),
    ] {
        table.add_claims("wrong type", &json!({ "scope": wrong }));
    }
    for wrong in [json!(1), json!(true), json!("")] {
        table.add_claims("wrong type", &json!({ "aud": wrong }));
    }
    for wrong in [
        "AAECAwQFBgcICQoLDA0OD",
        "AAECAwQFBgcICQoLDA0ODw==",
        "AAEC",
        "session",
    ] {
        table.add_claims("not a session", &json!({ "sid": wrong }));
    }
}

/// Adds times that are not numbers in range.
fn numbers(table: &mut Table) {
    for claim in ["iat", "nbf", "exp"] {
        let as_text = forge::claims(table.now)[claim].to_string();
        for wrong in [
            json!(as_text),
            json!([1]),
            json!({}),
            json!(true),
            json!(-1),
            json!(1e18),
            json!(9_007_199_254_740_993_u64),
            json!(u64::MAX),
            json!(""),
        ] {
            table.add_claims("not a time in range", &json!({ claim: wrong }));
        }
        for raw in [
            "1e400",
            "-1e400",
            "NaN",
            "Infinity",
            "0x7fffffff",
            "1_800_000_000",
            "01",
        ] {
            let claims = forge::claims(table.now).to_string();
            let valid = format!("\"{claim}\":{as_text}");
            let token = table.signer.signed(
                table.signer.header().to_string(),
                claims.replace(&valid, &format!("\"{claim}\":{raw}")),
            );
            table.add(format!("{claim} {raw}"), token);
        }
    }
}

fn times(table: &mut Table) {
    let (now, future) = (table.now, table.now + LEEWAY + table.margin);
    let life = |iat: u64, exp: u64| json!({"iat": iat, "nbf": iat, "exp": exp});
    let mut add = |what: &str, changes: Value| table.add_claims(what, &changes);
    add("issued in the future", json!({ "iat": future }));
    add("issued in the far future", life(now + 4_000, now + 7_000));
    add("not valid yet", json!({ "nbf": future }));
    add(
        "not valid yet, with a fraction",
        json!({"nbf": f64::from(u32::try_from(future).expect("before 2106")) + 0.5}),
    );
    add("lives a second too long", life(now, now + 3601));
    add(
        "lives a fraction too long",
        json!({"iat": now, "exp": f64::from(u32::try_from(now).expect("before 2106")) + 3600.5}),
    );
    add("lives forever", json!({"exp": 253_402_300_799_u64}));
    add("expires when it is issued", life(now, now));
    add("expires before it is issued", life(now, now - 1));
    add(
        "issued in 1970 with a lifetime of decades",
        json!({"iat": 0, "nbf": 0}),
    );
    for (name, claims) in [
        (
            "expired at the limit of the leeway",
            life(now - 3600, now - LEEWAY),
        ),
        (
            "expired a second after the leeway",
            life(now - 3600, now - LEEWAY - 1),
        ),
        ("expired long ago", life(1_000, 2_000)),
        ("expired in 1970", json!({"iat": 0, "nbf": 0, "exp": 1})),
    ] {
        table.add_expired(name, table.signer.token(now, &json!({}), &claims));
    }
}
