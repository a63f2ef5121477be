//! Responses that are too large, lead elsewhere, or are not keys.

use auth_core::{BearerError, KeyError, KeysUnavailable};
use auth_http::GuardError;

use crate::{
    Issuer, MINUTE, QUARTER, Time, guard,
    server::{Behaviour, Server, ok, with_status},
    started,
};

const UNAVAILABLE: BearerError = BearerError::KeysUnavailable(KeysUnavailable);
const MEBIBYTE: usize = 1024 * 1024;

/// Returns keys with spaces up to a length, which are still valid JSON.
fn padded(jwks: &str, length: usize) -> String {
    format!("{jwks}{}", " ".repeat(length - jwks.len()))
}

/// Returns a response without a length, which ends with the connection.
fn until_close(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{body}").into_bytes()
}

/// Returns a response in one chunk.
fn chunked(body: &str) -> Vec<u8> {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    format!("{head}{:x}\r\n{body}\r\n0\r\n\r\n", body.len()).into_bytes()
}

#[tokio::test]
async fn a_body_of_one_mebibyte_is_read_and_a_larger_one_is_not() {
    let time = Time::start();
    let issuer = Issuer::new(&time);
    let token = issuer.token().await;
    for respond in [|body: &str| ok(body), until_close, chunked] {
        for (length, is_read) in [
            (MEBIBYTE, true),
            (MEBIBYTE + 1, false),
            (10 * MEBIBYTE, false),
        ] {
            let body = padded(&issuer.jwks(), length);
            let server = Server::start(Behaviour::Respond(respond(&body)));
            let bearer = guard(&server.url(), &time).await.unwrap();
            assert_eq!(bearer.verify(&token).await.is_ok(), is_read, "{length}");
        }
    }
}

#[tokio::test]
async fn no_redirect_is_followed() {
    let time = Time::start();
    let issuer = Issuer::new(&time);
    let elsewhere = Server::with_keys(&issuer.jwks());
    let location = format!("http://localhost:{}/jwks.json", elsewhere.port());
    for status in ["301", "302", "303", "307", "308"] {
        for location in [location.as_str(), "/.well-known/other.json"] {
            let head = format!("HTTP/1.1 {status} Moved\r\nLocation: {location}\r\n");
            let body = issuer.jwks();
            let response = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
            let server = Server::start(Behaviour::Respond(response.into_bytes()));
            let bearer = guard(&server.url(), &time).await.unwrap();
            let result = bearer.verify(&issuer.token().await).await;
            assert_eq!(result, Err(UNAVAILABLE), "{status} {location}");
            assert_eq!(server.requests(), 1, "{status} {location}");
        }
    }
    assert_eq!(elsewhere.requests(), 0);
}

/// Returns what is not a set of public keys, with the reason.
fn not_keys() -> Vec<(Vec<u8>, KeyError)> {
    let malformed = KeyError::Malformed("not a JSON object, or a member is repeated");
    let secret = r#"{"keys":[{"kty":"oct","k":"a3EzbVo4dlQxd1l4UDVuQjdjUjJkRjZnSDlqTDRzQTA"}]}"#;
    let members = KeyError::Malformed("keys is not an array of objects");
    let utf_8 = KeyError::Malformed("not UTF-8");
    vec![
        (
            b"<!doctype html><title>Down</title>".to_vec(),
            malformed.clone(),
        ),
        (b"".to_vec(), malformed),
        (br#"{"keys":"none"}"#.to_vec(), members),
        (b"{\"keys\":\"\xff\"}".to_vec(), utf_8),
        (secret.into(), KeyError::NotPublic),
    ]
}

/// Returns sets without a key that the guard could use, with the reason.
fn no_keys() -> Vec<(Vec<u8>, KeyError)> {
    let p521 = r#"{"keys":[{"kty":"EC","crv":"P-521","x":"AA","y":"AA"}]}"#;
    let unsupported = KeyError::Unsupported("kty and crv do not name a supported key type");
    vec![
        (br#"{"keys":[]}"#.to_vec(), KeyError::EmptySet),
        (p521.into(), unsupported),
    ]
}

#[tokio::test]
async fn a_guard_does_not_start_with_something_that_is_not_public_keys() {
    let time = Time::start();
    for (body, expected) in not_keys().into_iter().chain(no_keys()) {
        let server = Server::start(Behaviour::Respond(ok(body)));
        let error = guard(&server.url(), &time).await.unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("JWT_JWKS_URL: the keys are rejected: "),
            "{text}"
        );
        assert!(
            matches!(error, GuardError::Keys(error) if error == expected),
            "{text}"
        );
    }
}

#[tokio::test]
async fn the_last_keys_stay_in_use_if_something_else_takes_their_place() {
    let time = Time::start();
    let (issuer, server, bearer) = started(&time).await;
    for (body, reason) in not_keys() {
        server.behave(Behaviour::Respond(ok(body)));
        time.advance(QUARTER);
        let result = bearer.verify(&issuer.token().await).await;
        assert!(result.is_ok(), "{reason}: {result:?}");
    }
}

#[tokio::test]
async fn a_set_without_a_usable_key_withdraws_the_last_keys() {
    for (body, reason) in no_keys() {
        let time = Time::start();
        let (issuer, server, bearer) = started(&time).await;
        server.behave(Behaviour::Respond(ok(body)));
        time.advance(QUARTER);
        let token = issuer.token().await;
        assert_eq!(bearer.verify(&token).await, Err(UNAVAILABLE), "{reason}");
        server.serve_keys(&issuer.jwks());
        time.advance(MINUTE);
        assert!(bearer.verify(&token).await.is_ok(), "{reason}");
    }
}

#[tokio::test]
async fn keys_that_the_guard_cannot_use_do_not_invalidate_the_others() {
    let time = Time::start();
    let issuer = Issuer::new(&time);
    for other in [
        r#"{"kty":"EC","crv":"P-521","x":"AA","y":"AA"}"#,
        r#"{"kty":"OKP","crv":"Ed25519","alg":"ES512","x":"AA"}"#,
        r#"{"kty":"OKP","crv":"Ed25519","use":"enc","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
    ] {
        let jwks = issuer.jwks();
        let jwks = jwks.replace(r#""keys":["#, &format!(r#""keys":[{other},"#));
        assert!(jwks.contains(other), "{jwks}");
        let bearer = guard(&Server::with_keys(&jwks).url(), &time).await;
        let user = bearer.unwrap().verify(&issuer.token().await).await;
        assert!(user.is_ok(), "{other}");
    }
}

#[tokio::test]
async fn the_media_type_is_not_checked() {
    let time = Time::start();
    let issuer = Issuer::new(&time);
    let response = String::from_utf8(with_status("200 OK", issuer.jwks())).unwrap();
    let response = response.replace("application/json", "application/octet-stream");
    let server = Server::start(Behaviour::Respond(response.into_bytes()));
    let bearer = guard(&server.url(), &time).await.unwrap();
    assert!(bearer.verify(&issuer.token().await).await.is_ok());
}
