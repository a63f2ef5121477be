//! Headers: algorithms, key names, types, forbidden members, duplicates.

use serde_json::{Value, json};

use super::Table;
use crate::{self as forge, b64};

pub(super) fn add(table: &mut Table) {
    no_algorithm(table);
    other_algorithms(table);
    key_names(table);
    types(table);
    forbidden_members(table);
    duplicates(table);
    other_case(table);
}

/// Adds member names in capitals, because names are case-sensitive (RFC 7515 section 10.13).
fn other_case(table: &mut Table) {
    let (header, claims) = (
        table.signer.header().to_string(),
        forge::claims(table.now).to_string(),
    );
    for name in ["alg", "typ", "kid"] {
        let header = header.replace(
            &format!("\"{name}\""),
            &format!("\"{}\"", name.to_uppercase()),
        );
        table.add(
            format!("{name} in capitals"),
            table.signer.signed(header, &claims),
        );
    }
    for name in forge::CLAIMS {
        let claims = claims.replace(
            &format!("\"{name}\":"),
            &format!("\"{}\":", name.to_uppercase()),
        );
        table.add(
            format!("{name} in capitals"),
            table.signer.signed(&header, claims),
        );
    }
}

/// Adds `none` in several spellings: without a signature, with an empty one and with a valid one.
fn no_algorithm(table: &mut Table) {
    let claims = forge::claims(table.now).to_string();
    let both = format!("{}none", table.signer.algorithm());
    for alg in ["none", "None", "NONE", "nOnE", "none ", "", "null", &both] {
        table.add_header("alg with a valid signature", &json!({ "alg": alg }));
        let header = forge::with(table.signer.header(), &json!({ "alg": alg })).to_string();
        let message = forge::message(header, &claims);
        table.add(
            format!("alg {alg:?} and an empty signature"),
            format!("{message}."),
        );
        table.add(format!("alg {alg:?} and no signature part"), message);
    }
    table.add_header("alg missing", &json!({ "alg": null }));
    let null = r#"{"alg":null,"typ":"at+jwt","kid":"KID"}"#.replace("KID", table.signer.kid());
    table.add("alg null", table.signer.signed(null, claims));
}

fn other_algorithms(table: &mut Table) {
    let signer = table.signer;
    let right = signer.algorithm();
    let (family, bits) = right.split_at(2);
    let wrong = [
        json!(right.to_lowercase()),
        json!(format!("{right} ")),
        json!(format!(" {right}")),
        json!(format!("{family}-{bits}")),
        json!("SHA256"),
        json!("HS256"),
        json!("RS256"),
        json!("PS256"),
        json!("ES256"),
        json!("ES384"),
        json!("EdDSA"),
        json!("ES512"),
        json!("HS1"),
        json!("dir"),
        json!("A256GCM"),
        json!("RSA-OAEP"),
        json!([right]),
        json!({ "name": right }),
        json!(256),
        json!(true),
    ];
    for alg in wrong.into_iter().filter(|alg| *alg != right) {
        table.add_header("alg is not that of the key", &json!({ "alg": alg }));
    }
    for alg in signer.other_algorithms() {
        let header = forge::with(table.signer.header(), &json!({ "alg": alg })).to_string();
        let message = forge::message(header, forge::claims(table.now).to_string());
        let signature = signer.sign_otherwise(alg, message.as_bytes());
        table.add(
            format!("{alg} with the right key"),
            format!("{message}.{}", b64(signature)),
        );
    }
}

fn key_names(table: &mut Table) {
    let signer = table.signer;
    let kid = signer.kid();
    for wrong in [
        json!(null),
        json!(""),
        json!("unknown"),
        json!(0),
        json!([kid]),
        json!({ "kid": kid }),
        json!(false),
        json!(kid.to_lowercase()),
        json!(format!("{kid} ")),
        json!(format!("{kid}\u{0}")),
        json!("../../../../dev/null"),
        json!("/proc/self/environ"),
        json!("' OR '1'='1"),
        json!("key; touch /tmp/owned"),
        json!("https://attacker.example/key"),
        json!("x".repeat(4096)),
    ] {
        table.add_header("kid", &json!({ "kid": wrong }));
    }
    let null = r#"{"alg":"ALG","typ":"at+jwt","kid":null}"#.replace("ALG", signer.algorithm());
    table.add(
        "kid null",
        signer.signed(null, forge::claims(table.now).to_string()),
    );
}

fn types(table: &mut Table) {
    for wrong in [
        json!(null),
        json!("JWT"),
        json!("jwt"),
        json!("AT+JWT"),
        json!("at+JWT"),
        json!("at+jwt "),
        json!(""),
        json!("id+jwt"),
        json!("refresh+jwt"),
        json!("application/jwt"),
        json!("application/application/at+jwt"),
        json!("text/at+jwt"),
        json!(["at+jwt"]),
        json!(1),
    ] {
        table.add_header("typ", &json!({ "typ": wrong }));
    }
}

fn forbidden_members(table: &mut Table) {
    let own_key = table.signer.verifying_jwk();
    for member in [
        json!({"crit": ["exp"]}),
        json!({"crit": []}),
        json!({"crit": ["b64"], "b64": true}),
        json!({"crit": "exp"}),
        json!({"b64": false}),
        json!({"b64": true}),
        json!({"zip": "DEF"}),
        json!({"cty": "JWT"}),
        json!({"cty": "at+jwt"}),
        json!({"jwk": own_key}),
        json!({"jwk": {}}),
        json!({"jku": "https://attacker.example/jwks.json"}),
        json!({"x5u": "https://attacker.example/cert"}),
        json!({"x5c": ["MIIB"]}),
        json!({"x5c": []}),
    ] {
        table.add_header("forbidden member", &member);
    }
}

fn duplicates(table: &mut Table) {
    let (header, claims) = table.members();
    let with_header = |extra: &str| (format!("{{{extra},{header}}}"), format!("{{{claims}}}"));
    let with_claims = |extra: &str| (format!("{{{header}}}"), format!("{{{extra},{claims}}}"));
    let repeated = format!(r#""alg":"{}""#, table.signer.algorithm());
    for extra in [
        &repeated,
        r#""alg":"none""#,
        r#""\u0061lg":"none""#,
        r#""typ":"JWT""#,
        r#""kid":"other""#,
        r#""x":{"a":1,"a":2}"#,
        r#""x":1,"x":1"#,
    ] {
        let (header, claims) = with_header(extra);
        table.add(
            format!("header with {extra} before the valid members"),
            table.signer.signed(header, claims),
        );
    }
    for extra in [
        r#""sub":"2""#,
        r#""exp":9999999999"#,
        r#""aud":"other""#,
        r#""\u0073ub":"2""#,
        r#""roles":[]"#,
        r#""x":[{"a":1,"a":2}]"#,
        r#""x":1,"x":1"#,
    ] {
        let (header, claims) = with_claims(extra);
        table.add(
            format!("claims with {extra} before the valid ones"),
            table.signer.signed(header, claims),
        );
    }
    let value: Value =
        serde_json::from_str(&with_claims(r#""sub":"2""#).1).expect("a lenient parser accepts it");
    assert_eq!(value["sub"], "1");
}
