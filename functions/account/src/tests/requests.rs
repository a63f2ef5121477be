//! Requests that are rejected before they reach a flow.

use super::*;

#[tokio::test]
async fn a_malformed_body_is_a_422_that_names_the_members() {
    let world = World::new();
    for (path, body, members) in [
        ("sign-up", json!({}), vec!["email"]),
        ("password/forgot", json!({"email": 1}), vec!["email"]),
        ("sign-up/confirm", json!({}), vec!["token", "password"]),
        ("password/reset", json!({"token": "a"}), vec!["password"]),
        ("email/confirm", json!({"token": null}), vec!["token"]),
        ("email/undo", json!({}), vec!["token"]),
    ] {
        let response = world.post(&format!("/api/v1/{path}"), body).await;
        let (status, detail) = parts(&response);
        assert_eq!(status, 422, "{path}");
        let errors = detail.as_array().unwrap().iter();
        let named: Vec<_> = errors
            .map(|error| error["loc"][1].as_str().unwrap())
            .collect();
        assert_eq!(named, members, "{path}");
    }
    let long = "p".repeat(1_025);
    let body = json!({"token": "a", "password": long});
    let response = world.post("/api/v1/password/reset", body).await;
    assert_eq!(parts(&response).1[0]["type"], "string_too_long");
}

#[tokio::test]
async fn an_address_that_no_email_can_be_sent_to_is_a_422() {
    let world = World::new();
    for path in ["/api/v1/sign-up", "/api/v1/password/forgot"] {
        for email in [
            "jane",
            "jane@localhost",
            "a@b.c, c@d.e",
            "a@b.c\r\nBcc: c@d.e",
            "",
        ] {
            let response = world.post(path, json!({"email": email})).await;
            let (status, detail) = parts(&response);
            assert_eq!(status, 422, "{email:?}");
            assert_eq!(detail[0]["type"], "value_error", "{email:?}");
        }
    }
}

/// Our own emails would show it as a link. The user of an existing address may still reset the password.
#[tokio::test]
async fn an_address_with_a_slash_is_a_422_unless_it_exists() {
    let world = World::new();
    let address = "www.example.com/page?x=@example.org";
    let email = json!({ "email": address });
    let response = world.post("/api/v1/sign-up", email.clone()).await;
    let (status, detail) = parts(&response);
    assert_eq!(
        (status, &detail[0]["loc"]),
        (422, &json!(["body", "email"]))
    );
    let response = world.post("/api/v1/password/forgot", email).await;
    assert_eq!(response.status(), 202);
    let (_, token) = world.begin_session(JOHN).await;
    let body = json!({"new_email": address, "password": PASSWORD});
    let path = "/api/v1/email";
    let response = world.send(Method::POST, path, Some(&token), &body).await;
    let (status, detail) = parts(&response);
    assert_eq!(
        (status, &detail[0]["loc"]),
        (422, &json!(["body", "new_email"]))
    );
    assert_eq!(world.account.hashes_computed(), 0);
}

/// Forged, truncated, expired, malformed, of other kinds and of other users. The test of the binaries counts the
/// requests to the store.
#[tokio::test]
async fn hostile_links_cost_no_hash() {
    let world = World::new();
    let mut sent = 0;
    for (path, kinds) in [
        ("sign-up/confirm", &["sign-up", "invite"][..]),
        ("sign-up/confirm", &["invite", "sign-up"]),
        ("password/reset", &["reset"]),
        ("email/confirm", &["email"]),
        ("email/undo", &["undo"]),
    ] {
        for link in forge::links::hostile(&secret(64), kinds, NOW) {
            let body = json!({"token": link.token, "password": NEW_PASSWORD});
            let response = world.post(&format!("/api/v1/{path}"), body).await;
            assert_eq!(parts(&response), invalid_link(), "{path}: {}", link.name);
            sent += 1;
        }
    }
    assert!(sent >= 300, "{sent}");
    assert_eq!(world.account.hashes_computed(), 0);
}

/// A token with a valid MAC that names another user of the address, as after a deletion and another sign-up.
#[tokio::test]
async fn a_link_of_another_user_of_the_address_costs_no_hash() {
    let world = World::new();
    let contents = json!({"reset": {"email": JOHN, "user_id": "2", "version": 0}});
    let claims = forge::links::claims(&contents, NOW).to_string();
    let token = forge::links::token(&secret(64), "reset", claims);
    let body = json!({"token": token, "password": NEW_PASSWORD});
    let response = world.post("/api/v1/password/reset", body).await;
    assert_eq!(parts(&response), invalid_link());
    assert_eq!(world.account.hashes_computed(), 0);
}

#[tokio::test]
async fn guarded_routes_need_an_access_token() {
    let world = World::new();
    for (method, path) in [
        (Method::POST, "/api/v1/password"),
        (Method::POST, "/api/v1/email"),
        (Method::GET, "/api/v1/sessions"),
        (Method::DELETE, "/api/v1/sessions"),
        (Method::DELETE, "/api/v1/sessions/AAAAAAAAAAAAAAAAAAAAAA"),
        (Method::DELETE, "/api/v1/account"),
    ] {
        let response = world.send(method, path, None, &json!({})).await;
        assert_eq!(
            parts(&response),
            (401, json!("Not authenticated")),
            "{path}"
        );
    }
}

#[tokio::test]
async fn another_method_or_path_is_refused() {
    let world = World::new();
    let response = world
        .send(Method::GET, "/api/v1/account", None, &json!({}))
        .await;
    assert_eq!(parts(&response), (405, json!("Method Not Allowed")));
    assert_eq!(response.headers()["allow"], "DELETE");
    let response = world.post("/api/v1/sign-up/other", json!({})).await;
    assert_eq!(parts(&response), (404, json!("Not Found")));
}
