//! The examples as processes, called with tokens of the real `login` on the same table.

use auth_core::Algorithm;
use bundle_tests::{
    client::{Client, Reply},
    events,
    process::{self, Process, now},
    signing_stack::SigningStack,
};
use forge::Signer;
use serde_json::{Value, json};

const INVALID_TOKEN: &str = r#"Bearer realm="api", error="invalid_token""#;

/// The real `login` and the example with axum, on one table.
struct Stack {
    login: Process,
    orders: Process,
    key: Signer,
    _keys: SigningStack,
}

impl Stack {
    async fn start() -> Self {
        let stack = SigningStack::new().await;
        let ring = stack.create_keys(Algorithm::RS256).await;
        let ring: Value = serde_json::from_str(&ring.expose()).unwrap();
        let login = stack.start_login().await;
        let mut variables = stack.guard();
        variables.retain(|(name, _)| name.starts_with("AWS_") || name.starts_with("JWT_"));
        // Variables of the team's own, which are no concern of the guard.
        variables.extend([("AUTH_DOMAIN", "example.eu.auth0.com"), ("JWT_SECRET", "x")]);
        let example = process::axum_example();
        let orders = Process::start_binary(&example, "axum-example", &variables, &[]).await;
        Self {
            login,
            orders,
            key: Signer::new(&ring["keys"][0]),
            _keys: stack,
        }
    }

    async fn call(&self, method: &str, path: &str, token: &str) -> Reply {
        let authorization = [format!("Bearer {token}")];
        let [event, rest] = events::FORMS
            .map(|form| events::request(form, method, path, &authorization).to_string());
        let reply = self.orders.send(&event).await;
        let rest = self.orders.send(&rest).await;
        assert_eq!(
            (rest.status(), rest.bytes()),
            (reply.status(), reply.bytes())
        );
        reply
    }
}

#[tokio::test]
async fn the_example_with_axum_serves_its_routes_to_a_user_of_login() {
    let stack = Stack::start().await;
    let token = stack.login.sign_in().await.access;
    let orders = stack.call("GET", "/orders", &token).await;
    assert_eq!(orders.status(), 200);
    assert_eq!(orders.json(), json!(["order 1 of user 1"]));
    assert_eq!(orders.header("content-type"), Some("application/json"));
    let cancelled = stack.call("DELETE", "/orders/1", &token).await;
    assert_eq!((cancelled.status(), cancelled.body()), (204, ""));
    let unknown = stack.call("DELETE", "/orders/2", &token).await;
    assert_eq!(unknown.refusal(), (404, "Order not found".into(), None));
    let other = stack.call("GET", "/other", &token).await;
    assert_eq!(other.refusal(), (404, "Not Found".into(), None));
    let method = stack.call("PUT", "/orders", &token).await;
    assert_eq!(method.refusal(), (405, "Method Not Allowed".into(), None));
    assert_eq!(method.header("allow"), Some("GET,HEAD"));
}

#[tokio::test]
async fn the_example_with_axum_rejects_expired_and_forged_tokens_and_missing_permissions() {
    let stack = Stack::start().await;
    let past = json!({"iat": now() - 7200, "nbf": now() - 7200, "exp": now() - 3600});
    let expired = stack.key.token(now(), &json!({}), &past);
    let forged = stack.login.sign_in().await.access.replacen(".ey", ".ez", 1);
    let writer = stack
        .key
        .token(now(), &json!({}), &json!({"scope": "write"}));
    for (token, detail, challenge) in [
        ("", "Not authenticated", r#"Bearer realm="api""#),
        (&forged, "Invalid token", INVALID_TOKEN),
        (&expired, "Token has expired", INVALID_TOKEN),
    ] {
        let expected = (401, detail.into(), Some(challenge));
        for (method, path) in [("GET", "/orders"), ("DELETE", "/orders/1")] {
            let reply = stack.call(method, path, token).await;
            assert_eq!(reply.refusal(), expected, "{method} {path}");
        }
    }
    let missing = r#"Bearer realm="api", error="insufficient_scope", scope="read""#;
    let reply = stack.call("GET", "/orders", &writer).await;
    let expected = (403, "Not enough permissions".into(), Some(missing));
    assert_eq!(reply.refusal(), expected);
    let logs = stack.orders.logs();
    assert!(!logs.contains(&forged) && !logs.contains(&writer), "{logs}");
    // Two routes and two kinds of events for each token, and one more route.
    assert_eq!(logs.matches("\"refused\"").count(), 3 * 4 + 2, "{logs}");
}

#[tokio::test]
async fn after_a_logout_the_live_route_rejects_the_token_and_the_other_does_not() {
    let stack = Stack::start().await;
    let tokens = stack.login.sign_in().await;
    let cancelled = stack.call("DELETE", "/orders/1", &tokens.access).await;
    assert_eq!(cancelled.status(), 204);
    stack.login.log_out(&tokens.refresh, false).await;
    let rejected = stack.call("DELETE", "/orders/1", &tokens.access).await;
    let expected = (401, "User not found".into(), Some(INVALID_TOKEN));
    assert_eq!(rejected.refusal(), expected);
    assert_eq!(
        stack.call("GET", "/orders", &tokens.access).await.status(),
        200
    );
}
