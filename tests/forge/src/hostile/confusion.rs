//! Public keys: used with another algorithm or another `kid`, or carried by the token itself.

use auth_core::{
    Algorithm, Clock, KeySet, PrivateJwk, SessionId, TokenIssuer, TokenSettings, UnixTime, User,
};
use futures_util::FutureExt;
use serde_json::{Value, json};

use super::{
    Published, Table,
    secrets::{ed25519_forms, key_set_as_secret, public_forms, public_key_as_secret},
};
use crate::{self as forge, Signer};

/// Adds attacks on the keys in the folder.
pub(super) fn add(table: &mut Table) {
    let [rsa, p256] = ["rsa", "p256"].map(|kid| Signer::new(&forge::private_jwk(kid)));
    for signer in [&rsa, &p256] {
        let forms = public_forms(signer, &super::public_keys());
        public_key_as_secret(table, signer.kid(), &forms);
    }
    key_set_as_secret(table, rsa.kid(), &super::public_keys());
    public_key_as_secret(table, "ed25519", &ed25519_forms());
    other_algorithm_of_the_key(table);
    signed_headers(table, &p256);
    embedded_key(table, &p256);
    for (kid, alg) in [
        ("rsa", "RS256"),
        ("p256", "ES256"),
        ("p384", "ES384"),
        ("ed25519", "EdDSA"),
    ] {
        let valid = valid(table.now, kid);
        let kids = ["rsa", "p256", "p384", "ed25519", "none"];
        for other in kids.into_iter().filter(|other| *other != kid) {
            let message = forge::message(header(alg, other), forge::claims(table.now).to_string());
            let signature = valid.rsplit_once('.').expect("a token").1;
            table.add_public(
                format!("{alg} by the key {kid}, with the kid {other}"),
                format!("{message}.{signature}"),
            );
        }
        table.add_public(
            format!("{alg} with other claims"),
            valid.replacen('.', ".e", 1),
        );
    }
}

/// Adds attacks on published keys by someone who can read them, and who has keys.
pub(super) fn add_for(table: &mut Table, keys: &Published) {
    let Published {
        active,
        standby,
        jwks,
    } = keys;
    for signer in [active, standby] {
        let forms = public_forms(signer, jwks);
        public_key_as_secret(table, signer.kid(), &forms);
    }
    key_set_as_secret(table, active.kid(), jwks);
    embedded_key(table, active);
    for (signer, kid) in [(active, standby.kid()), (standby, active.kid())] {
        let token = signer.token(table.now, &json!({ "kid": kid }), &json!({}));
        table.add_public(format!("by another published key than {kid}"), token);
    }
    for attacker in ["rsa", "p256"].map(|kid| Signer::new(&forge::private_jwk(kid))) {
        let alg = attacker.algorithm();
        for kid in [active.kid(), standby.kid(), attacker.kid()] {
            let token = attacker.token(table.now, &json!({ "kid": kid }), &json!({}));
            table.add_public(format!("{alg} by an unpublished key as {kid}"), token);
        }
    }
    let secret = Signer::secret();
    for kid in [active.kid(), secret.kid()] {
        let token = secret.token(table.now, &json!({ "kid": kid }), &json!({}));
        table.add_public(format!("HS256 by the secret of local work as {kid}"), token);
    }
}

pub(super) fn header(alg: &str, kid: &str) -> String {
    json!({"alg": alg, "typ": "at+jwt", "kid": kid}).to_string()
}

/// Returns a valid token signed with a [`private_jwk`](forge::private_jwk).
pub(super) fn valid(now: u64, kid: &str) -> String {
    issued(now, &forge::private_jwk(kid))
}

/// Issues a valid token for the tutorial's user with the bundle's own issuer and a private JWK.
#[must_use]
pub fn issued(now: u64, jwk: &Value) -> String {
    let keys = KeySet::parse(&jwk.to_string(), Algorithm::HS256).expect("a key");
    let issuer = TokenIssuer::new(
        keys,
        TokenSettings::default(),
        Clock::from_fn(move || UnixTime::from_secs(now)),
    );
    let user = User {
        id: "1".into(),
        email: "john.doe@leapify.tech".into(),
        disabled: false,
        version: 0,
        roles: Vec::new(),
    };
    let session = SessionId::random().expect("randomness");
    let end = UnixTime::from_secs(now + 3600);
    let token = issuer.issue(&user, &session, end).now_or_never();
    let token = token.expect("fixed keys are ready at once");
    token.expect("a token").expose().to_owned()
}

/// Adds headers that are never accepted, with a valid signature.
fn signed_headers(table: &mut Table, signer: &Signer) {
    let claims = forge::claims(table.now).to_string();
    for change in [
        json!({"crit": ["exp"]}),
        json!({"b64": false}),
        json!({"zip": "DEF"}),
        json!({"jwk": signer.verifying_jwk()}),
        json!({"jku": "https://attacker.example/jwks.json"}),
        json!({"x5u": "https://attacker.example/cert"}),
        json!({"x5c": ["MIIB"]}),
        json!({"kid": null}),
        json!({"typ": "JWT"}),
        json!({"typ": null}),
        json!({"alg": "EdDSA"}),
    ] {
        let header = forge::with(signer.header(), &change).to_string();
        table.add_public(
            format!("ES256 with a valid signature and {change}"),
            signer.signed(header, &claims),
        );
    }
    let header = signer.header().to_string();
    let duplicate = header.replacen('{', r#"{"alg":"none","#, 1);
    table.add_public(
        "ES256 with a valid signature and alg twice",
        signer.signed(duplicate, &claims),
    );
}

/// Adds tokens that carry the key of an attacker (CVE-2018-0114).
fn embedded_key(table: &mut Table, signer: &Signer) {
    let attacker = PrivateJwk::generate(Algorithm::ES256).expect("a key");
    let attacker = Signer::new(&Value::Object(attacker.expose().clone()));
    for kid in [signer.kid(), attacker.kid(), "attacker"] {
        let changes = json!({"kid": kid, "jwk": attacker.verifying_jwk()});
        let token = attacker.token(table.now, &changes, &json!({}));
        table.add_public(
            format!("ES256 by an embedded key with the kid {kid}"),
            token,
        );
    }
}

/// Adds valid signatures by the right RSA key, with an algorithm that the key is not for.
fn other_algorithm_of_the_key(table: &mut Table) {
    for alg in ["RS384", "RS512", "PS256", "PS384", "PS512"] {
        let jwk = forge::with(forge::private_jwk("rsa"), &json!({ "alg": alg }));
        table.add_public(
            format!("{alg} by the key of RS256"),
            issued(table.now, &jwk),
        );
    }
    let message = forge::message(header("none", "rsa"), forge::claims(table.now).to_string());
    table.add_public("none with the kid rsa", format!("{message}."));
}
