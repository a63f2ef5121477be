//! Wycheproof's vectors for JSON Web Signature and JSON Web Key.

use auth_core::{Algorithm, KeySet, verify_compact};
use bundle_tests::project;
use serde_json::Value;

/// Cases whose label is not followed, each with its reason.
const EXCEPTIONS: [(u64, bool, &str); 8] = [
    (
        346,
        false,
        "the key says PS256 and the header PS384: a key has one algorithm (RFC 8725 section 3.1)",
    ),
    (350, false, "as 346"),
    (
        347,
        false,
        "ES512, which jsonwebtoken does not have; the key's alg, ES521, is no algorithm at all",
    ),
    (351, false, "as 347"),
    (
        367,
        true,
        "byte for byte the valid case 357 (C2SP/wycheproof issue 236)",
    ),
    (370, true, "as 367"),
    (
        372,
        false,
        "labelled valid, although its MAC is not that of the message",
    ),
    (373, false, "as 372"),
];

fn vectors(file: &str) -> Value {
    let folder = std::env::var_os("WYCHEPROOF_DIR");
    let folder = folder.unwrap_or_else(|| "../shared/vectors/wycheproof".into());
    let folder = project::root().join(folder);
    let path = folder.join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!(
            "{}: {error}. Set WYCHEPROOF_DIR to a folder with the testvectors_v1 files of C2SP/wycheproof.",
            path.display()
        )
    });
    serde_json::from_str(&text).expect("JSON")
}

fn accepts(group: &Value, test: &Value) -> bool {
    let key = group.get("public").unwrap_or(&group["private"]);
    let jws = test["jws"].as_str().expect("a compact JWS");
    KeySet::parse(&key.to_string(), Algorithm::HS256)
        .is_ok_and(|keys| verify_compact(jws.as_bytes(), &keys).is_ok())
}

fn check(file: &str, exceptions: &[(u64, bool, &str)]) -> (usize, usize) {
    let vectors = vectors(file);
    let (mut cases, mut valid, mut wrong, mut used) = (0, 0, Vec::new(), 0);
    for group in vectors["testGroups"].as_array().expect("groups") {
        for test in group["tests"].as_array().expect("tests") {
            let id = test["tcId"].as_u64().expect("an id");
            let label = test["result"] == "valid";
            let exception = exceptions.iter().find(|(known, ..)| *known == id);
            used += usize::from(exception.is_some());
            let expected = exception.map_or(label, |(_, verdict, _)| *verdict);
            if accepts(group, test) != expected {
                wrong.push(format!(
                    "{id} {} (labelled {})",
                    test["comment"], test["result"]
                ));
            }
            cases += 1;
            valid += usize::from(expected);
        }
    }
    assert!(wrong.is_empty(), "{file}: {wrong:#?}");
    assert_eq!(used, exceptions.len(), "an exception names no case");
    (cases, valid)
}

#[test]
fn every_signature_vector_has_its_verdict() {
    let (cases, valid) = check("json_web_signature_test.json", &EXCEPTIONS);
    println!("Wycheproof signature cases: {cases}, accepted {valid}");
    assert_eq!(cases, 401);
}

#[test]
fn every_key_vector_has_its_verdict() {
    let (cases, valid) = check("json_web_key_test.json", &[]);
    println!("Wycheproof key cases: {cases}, accepted {valid}");
    assert_eq!(cases, 26);
}
