//! Wycheproof's vectors for JSON Web Signature and JSON Web Key.

use std::{
    env, fs,
    io::{self, Write},
    path::Path,
    sync::Once,
};

use auth_core::{Algorithm, KeyError, KeySet, verify_compact};
use serde_json::{Value, json};

/// Cases whose label does not apply here, with the result that does.
const EXCEPTIONS: [(u64, &str); 8] = [
    // The key is for PS256 and the header names PS384: a key has one algorithm (RFC 8725 section 3.1).
    (346, "invalid"),
    (350, "invalid"),
    // ES512, which jsonwebtoken does not support. The key's alg, ES521, does not exist.
    (347, "invalid"),
    (351, "invalid"),
    // Byte for byte the same as the valid case 357 (C2SP/wycheproof issue 236).
    (367, "valid"),
    (370, "valid"),
    // Labelled valid, although the MAC is not that of the message.
    (372, "invalid"),
    (373, "invalid"),
];

/// Reads a file of vectors. `None` if the environment does not name their folder, which is reported once.
fn vectors(file: &str) -> Option<Value> {
    static REPORT: Once = Once::new();
    let Some(folder) = env::var_os("WYCHEPROOF_DIR") else {
        // Written to stdout directly: cargo hides what a passing test prints.
        REPORT.call_once(|| {
            let _ = writeln!(
                io::stdout(),
                "Wycheproof's vectors were not run: clone https://github.com/C2SP/wycheproof and set \
                 WYCHEPROOF_DIR to its folder testvectors_v1"
            );
        });
        return None;
    };
    // A relative path starts at the root of the project, where `make test` runs.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let path = root.join(folder).join(file);
    let text = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let vectors = serde_json::from_slice(&text);
    Some(vectors.unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

fn parse(key: &Value) -> Result<KeySet, KeyError> {
    KeySet::parse(&key.to_string(), Algorithm::HS256)
}

/// Returns a key and a JWS like these with a secret that cannot be guessed. A MAC that is right under the old
/// secret is replaced by one that is right under the new secret. A MAC that is wrong, or written in another way,
/// stays as it is.
fn with_another_secret(key: &Value, jws: &str) -> (Value, String) {
    let (message, mac) = jws.rsplit_once('.').expect("no MAC");
    let mac_with = |secret: &[u8]| forge::b64(forge::hmac_sha256(secret, message.as_bytes()));
    let old = mac_with(&forge::octets(key, "k"));
    let new = mac_with(forge::SECRET.as_bytes());
    let key = forge::with(key.clone(), &json!({"k": forge::b64(forge::SECRET)}));
    (key, format!("{message}.{}", mac.replace(&old, &new)))
}

fn is_accepted(key: &Value, jws: &str) -> bool {
    match parse(key) {
        Ok(keys) => verify_compact(jws.as_bytes(), &keys).is_ok(),
        Err(KeyError::Placeholder) => {
            let (key, jws) = with_another_secret(key, jws);
            let keys = parse(&key).expect("a key that cannot be guessed");
            verify_compact(jws.as_bytes(), &keys).is_ok()
        }
        Err(_) => false,
    }
}

/// Checks all cases of a file. Returns how many there are, how many of them are valid, and how many are run
/// with another key because theirs is rejected as guessable.
fn check(file: &str, vectors: &Value, exceptions: &[(u64, &str)]) -> (usize, usize, usize) {
    let (mut cases, mut valid, mut guessable) = (0, 0, 0);
    let (mut wrong, mut used) = (Vec::new(), 0);
    for group in vectors["testGroups"].as_array().expect("no test groups") {
        let key = group.get("public").unwrap_or(&group["private"]);
        let is_guessable = matches!(parse(key), Err(KeyError::Placeholder));
        for test in group["tests"].as_array().expect("no tests") {
            let id = test["tcId"].as_u64().expect("no id");
            let exception = exceptions.iter().find(|(case, _)| *case == id);
            let is_valid =
                exception.map_or(test["result"] == "valid", |(_, result)| *result == "valid");
            let jws = test["jws"].as_str().expect("jws is not a string");
            if is_accepted(key, jws) != is_valid {
                wrong.push(format!(
                    "{id} {} (labelled {})",
                    test["comment"], test["result"]
                ));
            }
            used += usize::from(exception.is_some());
            cases += 1;
            valid += usize::from(is_valid);
            guessable += usize::from(is_guessable);
        }
    }
    assert!(wrong.is_empty(), "{file}: {wrong:#?}");
    assert_eq!(used, exceptions.len(), "an exception has no case");
    (cases, valid, guessable)
}

#[test]
fn every_signature_vector_has_the_expected_result() {
    let file = "json_web_signature_test.json";
    if let Some(vectors) = vectors(file) {
        let (cases, valid, guessable) = check(file, &vectors, &EXCEPTIONS);
        println!("Wycheproof signature cases: {cases}, accepted {valid}, rekeyed {guessable}");
        // The secret of cases 357 to 377 consists of zeros.
        assert_eq!((cases, guessable), (401, 21));
    }
}

#[test]
fn every_key_vector_has_the_expected_result() {
    let file = "json_web_key_test.json";
    if let Some(vectors) = vectors(file) {
        let (cases, valid, guessable) = check(file, &vectors, &[]);
        println!("Wycheproof key cases: {cases}, accepted {valid}");
        assert_eq!((cases, guessable), (26, 0));
    }
}
