//! Self-service through the real functions: emails, their links, and logins with what they set.

use bundle_tests::{
    client::{ADDRESS, Client, Reply},
    events,
    mails::Mails,
    process::Processes,
    store::TemporaryFileStore,
};
use serde_json::{Value, json};

const JOHN: &str = "john.doe@leapify.tech";
const NEW: &str = "john@example.com";
const PASSWORD: &str = "correct horse battery staple";

/// The functions on a file store, with a folder of emails.
struct World {
    functions: Processes,
    mails: Mails,
    _store: TemporaryFileStore,
}

impl World {
    async fn start() -> Self {
        let (store, mails) = (TemporaryFileStore::new(), Mails::default());
        let own = [("SIGN_UP", "open"), ("MAIL_DIR", mails.path())];
        let variables = [&store.environment()[..], &own].concat();
        Self {
            functions: Processes::start_with(&variables).await,
            mails,
            _store: store,
        }
    }

    async fn post(&self, endpoint: &str, body: Value) -> u16 {
        self.functions.post(endpoint, &body, ADDRESS).await.status()
    }

    /// Returns the access token of a login, or its status.
    async fn log_in(&self, email: &str, password: &str) -> Result<String, u16> {
        let body = json!({"email": email, "password": password});
        let reply = self.functions.post("login", &body, ADDRESS).await;
        let tokens = reply.tokens().map_err(|(status, _)| status);
        tokens.map(|tokens| tokens.access)
    }

    /// Sends a request of a signed-in user.
    async fn call(&self, method: &str, path: &str, token: &str, body: Value) -> Reply {
        let event = events::as_caller(method, path, token, &body);
        self.functions.invoke("account", &event).await
    }
}

#[tokio::test]
async fn a_user_with_a_new_password_logs_in_with_it_and_not_with_the_old_one() {
    let world = World::start().await;
    let token = world.log_in(JOHN, "changeme").await.unwrap();
    let forgotten = json!({ "email": JOHN });
    assert_eq!(world.post("password/forgot", forgotten).await, 202);
    let mail = world.mails.take_to(JOHN);
    let body = json!({"token": mail.token(), "password": PASSWORD});
    assert_eq!(world.post("password/reset", body).await, 204);
    assert_eq!(world.functions.me(&token).await, 401);
    assert_eq!(world.log_in(JOHN, "changeme").await, Err(401));
    assert!(world.log_in(JOHN, PASSWORD).await.is_ok());
    let notice = world.mails.take_to(JOHN);
    assert!(notice.text.contains("was changed"), "{}", notice.text);
}

#[tokio::test]
async fn a_user_who_signs_up_logs_in() {
    let world = World::start().await;
    let email = "jane@example.com";
    assert_eq!(world.post("sign-up", json!({ "email": email })).await, 202);
    assert_eq!(world.log_in(email, PASSWORD).await, Err(401));
    let mail = world.mails.take_to(email);
    let body = json!({"token": mail.token(), "password": PASSWORD});
    assert_eq!(world.post("sign-up/confirm", body).await, 204);
    let token = world.log_in(email, PASSWORD).await.unwrap();
    assert_eq!(world.functions.me(&token).await, 200);
}

#[tokio::test]
async fn a_user_with_a_new_address_logs_in_with_it_until_the_change_is_undone() {
    let world = World::start().await;
    let token = world.log_in(JOHN, "changeme").await.unwrap();
    let body = json!({"new_email": NEW, "password": "changeme"});
    let reply = world.call("POST", "/api/v1/email", &token, body).await;
    assert_eq!(reply.status(), 202);
    let mails = world.mails.take();
    let find = |to: &str| mails.iter().find(|mail| mail.to == to).unwrap().token();
    let (confirm, undo) = (json!({"token": find(NEW)}), json!({"token": find(JOHN)}));
    assert_eq!(world.post("email/confirm", confirm).await, 204);
    assert_eq!(world.log_in(JOHN, "changeme").await, Err(401));
    assert!(world.log_in(NEW, "changeme").await.is_ok());
    drop(world.mails.take());

    assert_eq!(world.post("email/undo", undo).await, 204);
    for email in [NEW, JOHN] {
        assert_eq!(world.log_in(email, "changeme").await, Err(401), "{email}");
    }
    let mail = world.mails.take_to(JOHN);
    let body = json!({"token": mail.token(), "password": PASSWORD});
    assert_eq!(world.post("password/reset", body).await, 204);
    assert!(world.log_in(JOHN, PASSWORD).await.is_ok());
}

#[tokio::test]
async fn a_session_that_its_user_ends_is_refused_by_me() {
    let world = World::start().await;
    let first = world.log_in(JOHN, "changeme").await.unwrap();
    let second = world.log_in(JOHN, "changeme").await.unwrap();
    let path = "/api/v1/sessions";
    let list = world.call("GET", path, &second, Value::Null).await.json();
    let id = list[0]["id"].as_str().unwrap();
    let path = format!("{path}/{id}");
    let reply = world.call("DELETE", &path, &first, Value::Null).await;
    assert_eq!(reply.status(), 204);
    assert_eq!(world.functions.me(&first).await, 200);
    assert_eq!(world.functions.me(&second).await, 401);
}

#[tokio::test]
async fn a_deleted_user_is_gone() {
    let world = World::start().await;
    let token = world.log_in(JOHN, "changeme").await.unwrap();
    let body = json!({"password": "changeme"});
    let reply = world.call("DELETE", "/api/v1/account", &token, body).await;
    assert_eq!(reply.status(), 204);
    assert_eq!(world.functions.me(&token).await, 401);
    assert_eq!(world.log_in(JOHN, "changeme").await, Err(401));
    assert!(world.mails.take_to(JOHN).text.contains("was deleted"));
}

/// Not even the log of a failed request contains the secret of a link, a password or an address.
#[tokio::test]
async fn the_log_contains_no_address_no_password_and_no_link() {
    let world = World::start().await;
    let token = world.log_in(JOHN, "changeme").await.unwrap();
    assert_eq!(
        world
            .post("password/forgot", json!({ "email": JOHN }))
            .await,
        202
    );
    let link = world.mails.take_to(JOHN).token().to_owned();
    let body = json!({"new_email": NEW, "password": "wrong-guess"});
    assert_eq!(
        world
            .call("POST", "/api/v1/email", &token, body)
            .await
            .status(),
        401
    );
    for password in ["iloveyou", PASSWORD] {
        let body = json!({"token": link, "password": password});
        world.post("password/reset", body).await;
    }
    let logs = world.functions.get("account").logs();
    for flow in ["password/forgot", "email", "password/reset"] {
        assert!(logs.contains(&format!(r#""flow":"{flow}""#)), "{logs}");
    }
    for secret in [
        &*link,
        JOHN,
        NEW,
        "wrong-guess",
        "iloveyou",
        PASSWORD,
        &token,
    ] {
        assert!(!logs.contains(secret), "{secret}: {logs}");
    }
}
