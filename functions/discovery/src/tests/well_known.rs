//! The public keys and the metadata that lead to them.

use std::{sync::Mutex, time::Duration};

use auth_core::{
    InMemoryStore, KeyKeeper, KeyRules, KeyUse, KeysUnavailable, PublishedFuture, RotateWhen,
    UnixTime,
};

use super::*;

const JWKS: &str = "/.well-known/jwks.json";

const METADATA: [&str; 2] = [
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
];

const ISSUER: (&str, &str) = ("JWT_ISSUER", "https://api.example.com");

const TABLE: (&str, &str) = ("JWT_KEYS_TABLE", "users");

const START: u64 = 1_800_000_000;

/// Keys that a test replaces. `None` is an outage without keys.
#[derive(Debug, Clone, Default)]
struct Published(Arc<Mutex<Option<Arc<PublishedKeys>>>>);

impl PublishedSource for Published {
    fn published(&self) -> PublishedFuture<'_> {
        let keys = self.0.lock().unwrap().clone();
        Box::pin(async { keys.ok_or(KeysUnavailable) })
    }
}

/// A keeper of new keys, the function that serves them, and the time of both.
struct World {
    keeper: KeyKeeper<InMemoryStore, InMemoryStore>,
    published: Published,
    discovery: Discovery,
    now: Arc<Mutex<u64>>,
}

impl World {
    fn new(algorithm: Algorithm) -> Self {
        let now = Arc::new(Mutex::new(START));
        let time = Arc::clone(&now);
        let clock = Clock::from_fn(move || UnixTime::from_secs(*time.lock().unwrap()));
        let store = InMemoryStore::default();
        let rules = KeyRules {
            algorithm,
            expiration: Duration::from_hours(1),
        };
        let published = Published::default();
        let source: Arc<dyn PublishedSource> = Arc::new(published.clone());
        Self {
            keeper: KeyKeeper::new(store.clone(), store, rules, clock.clone()),
            published,
            discovery: with(&[TABLE, ISSUER], source, clock),
            now,
        }
    }

    /// Creates the keys that are missing, and lets the function read them.
    fn publish(&self) {
        let state = self.keeper.repair().now_or_never().unwrap().unwrap();
        *self.published.0.lock().unwrap() = Some(Arc::new(state.published));
    }

    fn rotate(&self) {
        let rotated = self.keeper.rotate(RotateWhen::Now).now_or_never();
        let state = rotated.unwrap().unwrap();
        *self.published.0.lock().unwrap() = Some(Arc::new(state.published));
    }

    fn pass(&self, seconds: u64) {
        *self.now.lock().unwrap() += seconds;
    }

    fn get(&self, path: &str) -> Response {
        send_to(&self.discovery, "GET", path, &[])
    }

    fn kids(&self) -> Vec<String> {
        let keys = body(&self.get(JWKS))["keys"].clone();
        let keys = keys.as_array().unwrap().iter();
        keys.map(|key| key["kid"].as_str().unwrap().to_owned())
            .collect()
    }
}

fn body(response: &Response) -> Value {
    serde_json::from_slice(response.body()).unwrap()
}

#[test]
fn the_keys_have_only_true_public_members() {
    for (algorithm, members) in [
        (
            Algorithm::RS256,
            &["alg", "e", "kid", "kty", "n", "use"][..],
        ),
        (
            Algorithm::ES256,
            &["alg", "crv", "kid", "kty", "use", "x", "y"],
        ),
        (Algorithm::EdDSA, &["alg", "crv", "kid", "kty", "use", "x"]),
    ] {
        let world = World::new(algorithm);
        world.publish();
        let response = world.get(JWKS);
        assert_eq!(response.status(), 200);
        assert_eq!(header(&response, "content-type"), Some("application/json"));
        let cache_control = header(&response, "cache-control");
        assert_eq!(cache_control, Some("public, max-age=300"));
        let jwks = body(&response);
        assert_eq!(jwks.as_object().unwrap().len(), 1);
        let keys = jwks["keys"].as_array().unwrap();
        assert_eq!(keys.len(), 2, "the active key and the standby");
        for key in keys {
            let mut names: Vec<&str> = key.as_object().unwrap().keys().map(|k| &**k).collect();
            names.sort_unstable();
            assert_eq!(names, members);
            assert_eq!(key["alg"], algorithm.name());
            assert_eq!(key["use"], "sig");
        }
    }
}

#[test]
fn both_documents_of_metadata_have_exactly_these_members() {
    let world = World::new(Algorithm::ES256);
    world.publish();
    for path in METADATA {
        for path in [path.to_owned(), format!("/prod{path}")] {
            let response = world.get(&path);
            assert_eq!(response.status(), 200, "{path}");
            let cache_control = header(&response, "cache-control");
            assert_eq!(cache_control, Some("public, max-age=300"));
            let expected = serde_json::json!({
                "issuer": "https://api.example.com",
                "jwks_uri": "https://api.example.com/.well-known/jwks.json",
                "response_types_supported": [],
                "id_token_signing_alg_values_supported": ["ES256"],
            });
            assert_eq!(body(&response), expected);
        }
    }
}

#[test]
fn an_hmac_has_no_public_keys() {
    let hs512 = ("JWT_ALGORITHM", "HS512");
    let secret = (
        "JWT_SECRET_KEY",
        "p5vt9cy3h7ejn2ua8f2kq0zw6d1mxr4bp5vt9cy3h7ejn2ua8f2kq0zw6d1mxr4b",
    );
    for (variables, algorithm) in [
        (&[SECRET, ISSUER][..], "HS256"),
        (&[secret, hs512, ISSUER], "HS512"),
    ] {
        let discovery = with(variables, PublishedKeys::default(), Clock::system());
        let jwks = send_to(&discovery, "GET", JWKS, &[]);
        assert_eq!(body(&jwks), serde_json::json!({"keys": []}));
        let metadata = send_to(&discovery, "GET", METADATA[0], &[]);
        let algorithms = &body(&metadata)["id_token_signing_alg_values_supported"];
        assert_eq!(*algorithms, serde_json::json!([algorithm]));
    }
    let file = KeySettings::File {
        path: "store.json".into(),
        algorithm: Algorithm::HS256,
        key_use: KeyUse::Verify,
    };
    assert_eq!(file.hmac(), Some(Algorithm::HS256));
}

#[test]
fn an_issuer_that_is_not_a_url_has_keys_but_no_metadata() {
    for issuer in [
        "auth",
        "api.example.com",
        "/auth",
        "urn:auth",
        "ftp://api.example.com",
        "https://",
        "https://api.example.com?tenant=1",
        "https://api.example.com/#a",
    ] {
        let variables = [SECRET, ("JWT_ISSUER", issuer)];
        let discovery = with(&variables, PublishedKeys::default(), Clock::system());
        for path in METADATA {
            let response = send_to(&discovery, "GET", path, &[]);
            assert_eq!(response.status(), 404, "{issuer}");
        }
        assert_eq!(send_to(&discovery, "GET", JWKS, &[]).status(), 200);
    }
}

#[test]
fn the_keys_are_below_the_issuer() {
    for (issuer, jwks_uri) in [
        (
            "http://127.0.0.1:9000",
            "http://127.0.0.1:9000/.well-known/jwks.json",
        ),
        (
            "https://a.example/",
            "https://a.example/.well-known/jwks.json",
        ),
        (
            "https://a.example/v1",
            "https://a.example/v1/.well-known/jwks.json",
        ),
        (
            "https://a.example/v1/",
            "https://a.example/v1/.well-known/jwks.json",
        ),
    ] {
        let variables = [SECRET, ("JWT_ISSUER", issuer)];
        let discovery = with(&variables, PublishedKeys::default(), Clock::system());
        let metadata = body(&send_to(&discovery, "GET", METADATA[0], &[]));
        assert_eq!(metadata["issuer"], issuer);
        assert_eq!(metadata["jwks_uri"], jwks_uri);
    }
}

/// The last set may have been read before a key ended.
#[test]
fn a_retired_key_disappears_when_its_time_ends_without_another_read() {
    let world = World::new(Algorithm::ES256);
    world.publish();
    let first = world.kids();
    world.rotate();
    assert_eq!(world.kids().len(), 3);
    // JWT_EXPIRATION and 25 hours.
    world.pass(26 * 3600 - 1);
    assert!(world.kids().contains(&first[0]));
    world.pass(1);
    assert_eq!(world.kids().len(), 2);
    assert!(!world.kids().contains(&first[0]));
}

#[test]
fn a_new_set_has_a_new_tag() {
    let world = World::new(Algorithm::EdDSA);
    world.publish();
    for path in [JWKS, METADATA[0]] {
        let response = world.get(path);
        let known = header(&response, "etag").unwrap();
        let again = send_to(&world.discovery, "GET", path, &[("if-none-match", known)]);
        assert_eq!(again.status(), 304);
        assert!(again.body().is_empty());
        for name in ["etag", "cache-control"] {
            assert_eq!(header(&again, name), header(&response, name));
        }
    }
    let old = world.get(JWKS);
    world.rotate();
    let known = [("if-none-match", header(&old, "etag").unwrap())];
    let new = send_to(&world.discovery, "GET", JWKS, &known);
    assert_eq!(new.status(), 200);
    assert_ne!(header(&new, "etag"), header(&old, "etag"));
}

#[test]
fn without_keys_the_function_is_unavailable_except_for_its_files() {
    let world = World::new(Algorithm::RS256);
    for path in METADATA.into_iter().chain([JWKS]) {
        let response = world.get(path);
        assert_eq!(response.status(), 503, "{path}");
        assert_eq!(header(&response, "retry-after"), Some("1"));
        assert_eq!(header(&response, "cache-control"), Some("no-store"));
    }
    assert_eq!(world.get("/openapi.json").status(), 200);
}

#[test]
fn settings_that_name_no_published_keys_are_rejected() {
    let jwks = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    for (variables, problem) in [
        (
            &[("JWT_JWKS", jwks)][..],
            "JWT_JWKS: these keys are published elsewhere: set JWT_KEYS_TABLE instead",
        ),
        (
            &[("JWT_KEYS_SECRET_ID", "keys")],
            "JWT_KEYS_SECRET_ID: only functions that sign may read private keys: set \
             JWT_KEYS_TABLE instead",
        ),
    ] {
        let error = settings(variables).unwrap_err();
        assert_eq!(error.problems(), [problem]);
    }
}
