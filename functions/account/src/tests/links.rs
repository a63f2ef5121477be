//! Asking for emails, and their links.

use super::*;

#[tokio::test]
async fn a_forgotten_password_is_reset_with_the_link_in_an_email() {
    let world = World::new();
    let (session, access_token) = world.begin_session(JOHN).await;
    let response = world
        .post(
            "/api/v1/password/forgot",
            json!({"email": "John.Doe@Leapify.tech"}),
        )
        .await;
    assert_eq!(
        (response.status().as_u16(), &response.body()[..]),
        (202, &b""[..])
    );

    let mail = world.take_mail();
    assert_eq!(mail.to, JOHN);
    assert_eq!(mail.subject, "Set a new password for Leapify <Orders>");
    let link = format!(
        "http://127.0.0.1:9000/account#kind=reset&token={}",
        mail.token()
    );
    assert!(mail.text.lines().any(|line| line == link), "{}", mail.text);
    assert!(
        mail.text.contains("expires 30 minutes after"),
        "{}",
        mail.text
    );
    let escaped = link.replace('&', "&amp;");
    assert!(
        mail.html.contains(&format!("href=\"{escaped}\"")),
        "{}",
        mail.html
    );
    assert!(
        mail.html.contains("Leapify &lt;Orders&gt;"),
        "{}",
        mail.html
    );

    let body = json!({"token": mail.token(), "password": NEW_PASSWORD});
    // The second request is a retry after a lost response.
    for _ in 0..2 {
        let response = world.post("/api/v1/password/reset", body.clone()).await;
        assert_eq!(response.status(), 204, "{response:?}");
    }
    let notice = world.take_mail();
    assert_eq!(
        notice.subject,
        "Your password for Leapify <Orders> was changed"
    );
    let sessions = world
        .send(
            Method::GET,
            "/api/v1/sessions",
            Some(&access_token),
            &Value::Null,
        )
        .await;
    assert_eq!(
        parts(&sessions),
        (401, json!("User not found")),
        "{session:?}"
    );

    let other = json!({"token": mail.token(), "password": "another good passphrase"});
    let response = world.post("/api/v1/password/reset", other).await;
    assert_eq!(parts(&response), invalid_link());
    assert!(world.take_mails().is_empty());
}

#[tokio::test]
async fn a_link_expires_and_works_only_for_its_kind() {
    let world = World::new();
    world
        .post("/api/v1/password/forgot", json!({"email": JOHN}))
        .await;
    let token = world.take_mail().token();
    let body = json!({"token": token, "password": NEW_PASSWORD});
    for path in [
        "/api/v1/sign-up/confirm",
        "/api/v1/email/confirm",
        "/api/v1/email/undo",
    ] {
        let response = world.post(path, body.clone()).await;
        assert_eq!(parts(&response), invalid_link(), "{path}");
    }
    world.pass(Duration::from_mins(30));
    let response = world.post("/api/v1/password/reset", body).await;
    assert_eq!(parts(&response), invalid_link());
    assert_eq!(world.account.hashes_computed(), 0);
}

#[tokio::test]
async fn the_policy_refuses_a_password_and_the_link_stays_valid() {
    let world = World::new();
    world
        .post("/api/v1/password/forgot", json!({"email": JOHN}))
        .await;
    let token = world.take_mail().token();
    for (password, kind) in [
        ("tiny", "string_too_short"),
        ("leapify-john-1", "password_context"),
        ("iloveyou", "password_common"),
    ] {
        let body = json!({"token": token, "password": password});
        let response = world.post("/api/v1/password/reset", body).await;
        let (status, detail) = parts(&response);
        assert_eq!(status, 422);
        assert_eq!(detail[0]["type"], kind);
        assert_eq!(detail[0]["loc"], json!(["body", "password"]));
        assert!(!detail.to_string().contains(password), "{detail}");
    }
    assert_eq!(world.account.hashes_computed(), 0);
    let body = json!({"token": token, "password": NEW_PASSWORD});
    let response = world.post("/api/v1/password/reset", body).await;
    assert_eq!(response.status(), 204);
}

#[tokio::test]
async fn a_user_signs_up_with_the_link_in_an_email() {
    let world = World::with(&[("SIGN_UP_ROLES", "Reader=read;Editor=read,write")]);
    let response = world
        .post("/api/v1/sign-up", json!({"email": "Jane@Example.com"}))
        .await;
    assert_eq!(response.status(), 202);
    let email = Email::parse("jane@example.com").unwrap();
    assert_eq!(world.store.find_by_email(&email).await.unwrap(), None);

    let mail = world.take_mail();
    assert_eq!(mail.to, "jane@example.com");
    let body = json!({"token": mail.token(), "password": NEW_PASSWORD});
    let response = world.post("/api/v1/sign-up/confirm", body).await;
    assert_eq!(response.status(), 204, "{response:?}");
    let user = world.store.find_by_email(&email).await.unwrap().unwrap();
    let roles = user
        .roles
        .iter()
        .map(|role| (&*role.name, role.permissions.join(" ")));
    let expected = [
        ("Reader", "read".to_owned()),
        ("Editor", "read write".to_owned()),
    ];
    assert_eq!(roles.collect::<Vec<_>>(), expected);

    world.pass(Duration::from_mins(1));
    world
        .post("/api/v1/sign-up", json!({"email": "jane@example.com"}))
        .await;
    let again = world.take_mail();
    assert_eq!(
        again.subject,
        "You already have an account at Leapify <Orders>"
    );
    assert!(!again.text.contains("token="), "{}", again.text);
}

#[tokio::test]
async fn sign_up_is_closed_by_default() {
    let world = World::with(&[("SIGN_UP", "closed")]);
    let response = world
        .post("/api/v1/sign-up", json!({"email": "jane@example.com"}))
        .await;
    assert_eq!(parts(&response), (404, json!("Not Found")));
    let body = json!({"token": "forged", "password": NEW_PASSWORD});
    let response = world.post("/api/v1/sign-up/confirm", body).await;
    assert_eq!(parts(&response), invalid_link());
}

/// A response that differed would reveal who has an account.
#[tokio::test]
async fn the_response_does_not_depend_on_the_user_or_on_earlier_asks() {
    let world = World::new();
    for path in ["/api/v1/password/forgot", "/api/v1/sign-up"] {
        let mut responses = Vec::new();
        for email in [JOHN, "nobody@example.com", JOHN, "nobody@example.com"] {
            let response = world.post(path, json!({"email": email})).await;
            let headers = format!("{:?}", response.headers());
            responses.push((response.status(), headers, response.into_body()));
        }
        assert!(
            responses.iter().all(|response| *response == responses[0]),
            "{responses:?}"
        );
    }
}

/// A store may refuse a throttled ask faster than it writes a new one.
#[tokio::test]
async fn an_ask_takes_at_least_50_ms_whether_or_not_it_is_throttled() {
    let world = World::new();
    for path in ["/api/v1/sign-up", "/api/v1/password/forgot"] {
        for _ in 0..2 {
            let begin = Instant::now();
            let response = world.post(path, json!({"email": JOHN})).await;
            assert_eq!(response.status(), 202);
            assert!(begin.elapsed() >= Duration::from_millis(50), "{path}");
        }
    }
}

#[tokio::test]
async fn a_network_may_ask_for_fifty_emails_an_hour() {
    let world = World::new();
    for i in 0..50 {
        let body = json!({"email": format!("user{i}@example.com")});
        assert_eq!(
            world.post("/api/v1/password/forgot", body).await.status(),
            202
        );
    }
    let body = json!({"email": JOHN});
    let response = world.post("/api/v1/password/forgot", body.clone()).await;
    assert_eq!(parts(&response), (429, json!("Too many attempts")));
    let seconds: u64 = response.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=3_600).contains(&seconds), "{seconds}");
    world.pass(Duration::from_secs(seconds));
    assert_eq!(
        world.post("/api/v1/password/forgot", body).await.status(),
        202
    );
    assert_eq!(world.take_mail().to, JOHN);
}
