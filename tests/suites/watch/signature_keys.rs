//! `make run` with keys that anyone can verify with: `JWT_ALGORITHM=RS256 make run`, while `authctl` changes them.

use std::{fs, path::PathBuf};

use auth_core::{Algorithm, KeySet, PrivateJwk, verify_compact};
use bundle_tests::client::Client;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{Watch, free_port, invoke, parse_response};

const RS256: [(&str, &str); 1] = [("JWT_ALGORITHM", "RS256")];
const ES256: [(&str, &str); 1] = [("JWT_ALGORITHM", "ES256")];

/// Starts it with keys for an algorithm in a new folder.
fn start(algorithm: &[(&str, &str)]) -> Watch {
    Watch::start_on(free_port(), TempDir::new().unwrap(), algorithm)
}

impl Watch {
    /// Returns a public document, from its path below `/.well-known`.
    fn well_known(&self, name: &str) -> Value {
        let url = format!("http://127.0.0.1:{}/.well-known/{name}", self.port);
        let text = ureq::get(url).call().unwrap().body_mut().read_to_string();
        serde_json::from_str(&text.unwrap()).unwrap()
    }

    /// Returns the `kid`s of the public keys, the one that signs first.
    fn public_kids(&self) -> Vec<String> {
        let keys = self.well_known("jwks.json")["keys"].clone();
        let kids = keys.as_array().unwrap().iter().map(|key| &key["kid"]);
        kids.map(|kid| kid.as_str().unwrap().to_owned()).collect()
    }

    /// Checks the documents, and returns whether a token can be verified with the public keys.
    fn is_verifiable(&self, token: &str, algorithm: &str) -> bool {
        let url = format!("http://127.0.0.1:{}", self.port);
        let metadata = json!({
            "issuer": url,
            "jwks_uri": format!("{url}/.well-known/jwks.json"),
            "response_types_supported": [],
            "id_token_signing_alg_values_supported": [algorithm],
        });
        for name in ["openid-configuration", "oauth-authorization-server"] {
            assert_eq!(self.well_known(name), metadata);
        }
        let keys = self.well_known("jwks.json").to_string();
        KeySet::parse_public(&keys, Algorithm::HS256).is_ok_and(|keys| {
            let claims = verify_compact(token.as_bytes(), &keys).unwrap();
            let claims: Value = serde_json::from_slice(&claims).unwrap();
            claims["iss"] == url
        })
    }

    /// Returns what each key of the file does, with its `kid`.
    fn listed(&self) -> Vec<(String, String)> {
        let keys = self.authctl().json_lines(&["keys", "list"]);
        let text = |key: &Value, member: &str| key[member].as_str().unwrap().to_owned();
        keys.iter()
            .map(|key| (text(key, "state"), text(key, "kid")))
            .collect()
    }

    /// Writes a new private key into its folder.
    fn new_private_key(&self) -> (String, PathBuf) {
        let key = PrivateJwk::generate(Algorithm::ES256).unwrap();
        let path = self.folder.path().join("own.jwk.json");
        fs::write(&path, Value::Object(key.expose().clone()).to_string()).unwrap();
        (key.kid().to_owned(), path)
    }
}

/// Returns the `kid` of a token.
fn kid(token: &str) -> String {
    let header = forge::decoded(token.split('.').next().unwrap());
    let header: Value = serde_json::from_slice(&header).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_public_keys_verify_the_tokens_and_survive_a_restart_with_the_sessions() {
    let watch = start(&RS256);
    assert!(watch.output().contains("/.well-known/jwks.json"));
    let tokens = watch.sign_in().await;
    assert_eq!(watch.me(&tokens.access).await, 200);
    assert!(watch.is_verifiable(&tokens.access, "RS256"));
    let kids = watch.public_kids();
    assert_eq!(kids.len(), 2);
    assert_eq!(kid(&tokens.access), kids[0]);

    let folder = watch.folder.path();
    let me = parse_response(&invoke("me_success", folder));
    assert_eq!(me.status(), 200);
    let refused = String::from_utf8(invoke("me_expired_token", folder).stderr).unwrap();
    let expected =
        "make invoke: the event needs a token that only the functions can sign with RS256";
    assert!(refused.starts_with(expected), "{refused}");

    let watch = watch.restart(&RS256);
    assert_eq!(watch.public_kids(), kids);
    assert_eq!(watch.me(&tokens.access).await, 200);
    let refreshed = watch.refresh(&tokens.refresh).await.unwrap();
    assert_eq!(watch.me(&refreshed.access).await, 200);
    assert_eq!(kid(&refreshed.access), kids[0]);
}

/// Each algorithm has its own keys in the file, and the sessions belong to none of them.
#[tokio::test]
async fn another_algorithm_ends_access_tokens_but_no_sessions() {
    let watch = Watch::start();
    let hmac = watch.sign_in().await;
    assert!(!watch.is_verifiable(&hmac.access, "HS256"));
    assert_eq!(watch.well_known("jwks.json"), json!({"keys": []}));

    let watch = watch.restart(&ES256);
    assert_eq!(watch.me(&hmac.access).await, 401);
    let signed = watch.refresh(&hmac.refresh).await.unwrap();
    assert_eq!(watch.me(&signed.access).await, 200);
    assert!(watch.is_verifiable(&signed.access, "ES256"));

    let watch = watch.restart(&[]);
    assert_eq!(watch.me(&signed.access).await, 401);
    assert_eq!(watch.me(&hmac.access).await, 200);
    let hmac = watch.refresh(&signed.refresh).await.unwrap();
    assert_eq!(watch.me(&hmac.access).await, 200);
    assert_eq!(watch.well_known("jwks.json"), json!({"keys": []}));
}

/// The functions have the keys in their caches; those that start later read the new ones.
#[tokio::test]
async fn authctl_changes_the_keys_while_the_functions_run() {
    let watch = start(&ES256);
    let old = watch.sign_in().await;
    let [first, second] = watch.public_kids().try_into().unwrap();
    let states = |pairs: &[(&str, &String)]| -> Vec<(String, String)> {
        let pairs = pairs.iter();
        pairs
            .map(|(state, kid)| ((*state).into(), (*kid).clone()))
            .collect()
    };
    assert_eq!(
        watch.listed(),
        states(&[("signs", &first), ("next", &second)])
    );

    let authctl = watch.authctl();
    let (code, _, error) = authctl.run(&["keys", "rotate"], "");
    assert_ne!(code, 0);
    assert!(error.contains("--now"), "{error}");
    let (own, path) = watch.new_private_key();
    authctl.succeed(&["keys", "import", path.to_str().unwrap()], "");
    let dropped = ("verifies", &second);
    let imported = states(&[("signs", &first), ("next", &own), dropped]);
    assert_eq!(watch.listed(), imported);
    authctl.succeed(&["keys", "rotate", "--now"], "");
    authctl.succeed(&["keys", "repair"], "");
    let listed = watch.listed();
    assert_eq!(listed[0], ("signs".into(), own.clone()));
    assert!(
        listed.contains(&("verifies".into(), first.clone())),
        "{listed:?}"
    );
    assert_eq!(watch.me(&old.access).await, 200);
    let cached = watch.refresh(&old.refresh).await.unwrap();
    assert_eq!(watch.me(&cached.access).await, 200);

    let watch = watch.restart(&ES256);
    let new = watch.refresh(&cached.refresh).await.unwrap();
    assert_eq!(
        (kid(&new.access), kid(&cached.access)),
        (own, first.clone())
    );
    for token in [&old.access, &cached.access, &new.access] {
        assert_eq!(watch.me(token).await, 200);
        assert!(watch.is_verifiable(token, "ES256"));
    }
    watch
        .authctl()
        .succeed(&["keys", "revoke", &first, "--yes"], "");

    let watch = watch.restart(&ES256);
    assert!(!watch.public_kids().contains(&first));
    assert_eq!(watch.me(&cached.access).await, 401);
    assert_eq!(watch.me(&new.access).await, 200);
}
