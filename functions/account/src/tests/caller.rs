//! What a signed-in user may do.

use super::*;

impl World {
    async fn call(&self, method: Method, path: &str, token: &str, body: Value) -> Response {
        self.send(method, path, Some(token), &body).await
    }

    /// Returns the ids of the sessions that the holder of a token sees, and which of them is the current one.
    async fn list_sessions(&self, token: &str) -> Vec<(String, bool)> {
        let response = self
            .call(Method::GET, "/api/v1/sessions", token, Value::Null)
            .await;
        assert_eq!(response.status(), 200);
        let body: Value = serde_json::from_slice(response.body()).unwrap();
        let sessions = body.as_array().unwrap().iter().map(|session| {
            assert_eq!(session["created_at"], "2027-01-15T08:00:00Z");
            assert_eq!(session["refreshed_at"], "2027-01-15T08:00:00Z");
            let id = session["id"].as_str().unwrap().to_owned();
            (id, session["current"].as_bool().unwrap())
        });
        sessions.collect()
    }
}

#[tokio::test]
async fn a_password_is_changed_with_the_current_one() {
    let world = World::new();
    let (_, token) = world.begin_session(JOHN).await;
    let path = "/api/v1/password";
    let body = json!({"current_password": "wrong", "new_password": NEW_PASSWORD});
    let response = world.call(Method::POST, path, &token, body).await;
    assert_eq!(parts(&response), (401, json!("Invalid email or password")));

    let body = json!({"current_password": PASSWORD, "new_password": "iloveyou"});
    let response = world.call(Method::POST, path, &token, body).await;
    let (status, detail) = parts(&response);
    assert_eq!(
        (status, &detail[0]["loc"]),
        (422, &json!(["body", "new_password"]))
    );

    let body = json!({"current_password": PASSWORD, "new_password": NEW_PASSWORD});
    // The second request is a retry after a lost response.
    for _ in 0..2 {
        let response = world.call(Method::POST, path, &token, body.clone()).await;
        assert_eq!(response.status(), 204, "{response:?}");
    }
    assert_eq!(world.take_mail().to, JOHN);
    for new in [json!("another good passphrase"), json!(1)] {
        let body = json!({"current_password": PASSWORD, "new_password": new});
        let response = world.call(Method::POST, path, &token, body).await;
        assert_eq!(parts(&response), (401, json!("User not found")), "{new}");
    }
    let response = world
        .call(Method::GET, "/api/v1/sessions", &token, Value::Null)
        .await;
    assert_eq!(parts(&response), (401, json!("User not found")));
}

#[tokio::test]
async fn wrong_current_passwords_are_counted() {
    let world = World::new();
    let (_, token) = world.begin_session(JOHN).await;
    let wrong = json!({"password": "wrong"});
    for _ in 0..5 {
        let response = world
            .call(Method::DELETE, "/api/v1/account", &token, wrong.clone())
            .await;
        assert_eq!(parts(&response), (401, json!("Invalid email or password")));
    }
    let right = json!({"password": PASSWORD});
    let response = world
        .call(Method::DELETE, "/api/v1/account", &token, right)
        .await;
    assert_eq!(parts(&response), (429, json!("Too many attempts")));
    assert!(response.headers().contains_key("retry-after"));
    assert_eq!(world.account.hashes_computed(), 5);
}

#[tokio::test]
async fn a_user_moves_to_another_address_and_back() {
    let world = World::new();
    let (_, token) = world.begin_session(JOHN).await;
    let body = json!({"new_email": "john@example.com", "password": PASSWORD});
    let response = world
        .call(Method::POST, "/api/v1/email", &token, body.clone())
        .await;
    assert_eq!(response.status(), 202);
    let mails = world.take_mails();
    let find = |to: &str| mails.iter().find(|mail| mail.to == to).unwrap();
    let (confirm, undo) = (find("john@example.com").token(), find(JOHN).token());
    assert!(find(JOHN).text.contains("john@example.com"));

    let response = world
        .post("/api/v1/email/confirm", json!({"token": confirm}))
        .await;
    assert_eq!(response.status(), 204);
    assert_eq!(world.take_mails().len(), 2);
    let (_, token) = world.begin_session("john@example.com").await;
    let response = world
        .call(Method::POST, "/api/v1/email", &token, body)
        .await;
    assert_eq!(parts(&response), (409, json!("Email was changed recently")));

    let response = world
        .post("/api/v1/email/undo", json!({"token": undo}))
        .await;
    assert_eq!(response.status(), 204);
    let mails = world.take_mails();
    let left = mails.iter().find(|mail| mail.to == "john@example.com");
    assert!(left.unwrap().text.contains(JOHN), "it names the address");
    let restored = mails.iter().find(|mail| mail.to == JOHN).unwrap();
    assert_eq!(mails.len(), 2);
    let body = json!({"token": restored.token(), "password": NEW_PASSWORD});
    let response = world.post("/api/v1/password/reset", body).await;
    assert_eq!(response.status(), 204);
}

/// Otherwise a user with very many sessions could make each request read them all.
#[tokio::test]
async fn a_list_has_at_most_200_sessions_including_that_of_the_request() {
    let world = World::new();
    let (first, token) = world.begin_session(JOHN).await;
    for _ in 0..210 {
        world.begin_session(JOHN).await;
    }
    let listed = world.list_sessions(&token).await;
    assert_eq!(listed.len(), 200);
    assert_eq!(listed[0], (first.id.to_string(), true));
    assert!(listed[1..].iter().all(|(_, is_current)| !is_current));
}

#[tokio::test]
async fn a_user_sees_and_ends_their_sessions() {
    let world = World::new();
    let (first, token) = world.begin_session(JOHN).await;
    let (second, _) = world.begin_session(JOHN).await;
    let (third, _) = world.begin_session(JOHN).await;
    let mut expected = vec![
        (second.id.to_string(), false),
        (third.id.to_string(), false),
    ];
    expected.sort();
    expected.insert(0, (first.id.to_string(), true));
    assert_eq!(world.list_sessions(&token).await, expected);

    let path = format!("/api/v1/sessions/{}", second.id);
    let response = world.call(Method::DELETE, &path, &token, Value::Null).await;
    assert_eq!(response.status(), 204);
    assert_eq!(world.list_sessions(&token).await.len(), 2);

    for other in ["AAAAAAAAAAAAAAAAAAAAAA", "not-an-id"] {
        let path = format!("/api/v1/sessions/{other}");
        let response = world.call(Method::DELETE, &path, &token, Value::Null).await;
        assert_eq!(parts(&response), (404, json!("Not Found")), "{other}");
    }

    let response = world
        .call(Method::DELETE, "/api/v1/sessions", &token, Value::Null)
        .await;
    assert_eq!(response.status(), 204);
    assert_eq!(
        world.list_sessions(&token).await,
        [(first.id.to_string(), true)]
    );
}

#[tokio::test]
async fn a_user_deletes_the_account() {
    let world = World::new();
    let (_, token) = world.begin_session(JOHN).await;
    let (_, other) = world.begin_session(JOHN).await;
    let body = json!({"password": PASSWORD});
    // The second request is a retry after a lost response.
    for (token, status) in [(&token, 204), (&token, 204), (&other, 401)] {
        let response = world
            .call(Method::DELETE, "/api/v1/account", token, body.clone())
            .await;
        assert_eq!(response.status(), status, "{response:?}");
    }
    let notice = world.take_mail();
    assert_eq!(notice.subject, "Your Leapify <Orders> account was deleted");
    let email = Email::parse(JOHN).unwrap();
    assert_eq!(world.store.find_by_email(&email).await.unwrap(), None);
}
