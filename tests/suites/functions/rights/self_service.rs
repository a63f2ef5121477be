//! Everything that `account` and `mailer` do to their stores, and what they must not be able to do.

use auth_core::{
    Action, Ask, AskContent, AskId, AskLimits, AskRepository, Clock, Email, EmailChange, User,
    UserRepository,
};
use bundle_tests::{
    client::{ADDRESS, Client, Reply},
    events,
    links::{self, Links},
    policy::Call,
    process::Process,
    runtime_api::Outcome,
    signing_stack::SigningStack,
    store::john,
};
use serde_json::{Value, json};

use super::{
    PUBLISHED, SESSION, USER,
    calls::{delete, key, put, put_attribute, read, read_attributes, update},
    forbidden::Forbidden,
};

const JOHN: &str = "john.doe@leapify.tech";
const NEW: &str = "john@example.com";
const PASSWORD: &str = "correct horse battery staple";

/// The account under test with the rest of its stack.
struct World<'a> {
    account: &'a Process,
    login: Process,
    stack: &'a SigningStack,
}

/// Makes `account` do everything that it can do.
pub(super) async fn use_account(account: &Process, stack: &SigningStack) {
    let world = World {
        account,
        login: stack.start_login().await,
        stack,
    };
    world.sign_up().await;
    world.guess_the_password().await;
    world.change_and_restore_the_address().await;
    world.reset_the_password().await;
    world.end_sessions_and_leave().await;
}

impl World<'_> {
    async fn sign_in(&self, password: &str) -> String {
        let body = json!({"email": JOHN, "password": password});
        let reply = self.login.post("login", &body, ADDRESS).await;
        reply.tokens().expect("tokens").access
    }

    /// Sends a request of a signed-in user.
    async fn call(&self, method: &str, path: &str, token: &str, body: Value) -> Reply {
        let event = events::as_caller(method, &format!("/api/v1/{path}"), token, &body);
        self.account.send(&event).await
    }

    /// Uses a link, with a new password if its kind needs one.
    async fn use_link(&self, path: &str, action: Action) {
        // The key that the fake Secrets Manager returns.
        let secret = forge::hmac_sha256(forge::ACTION_SECRET.as_bytes(), b"unpublished");
        let token = Links::new(&secret).token(action).await;
        let body = json!({"token": token, "password": PASSWORD});
        let reply = self.account.post(path, &body, ADDRESS).await;
        assert_eq!(reply.status(), 204, "{path}: {reply:?}");
    }

    async fn sign_up(&self) {
        let body = json!({"email": "jane@example.com"});
        let reply = self.account.post("sign-up", &body, ADDRESS).await;
        assert_eq!(reply.status(), 202, "{reply:?}");
        let email = Email::parse("jane@example.com").unwrap();
        self.use_link("sign-up/confirm", Action::SignUp { email })
            .await;
    }

    /// The last guess is refused by a counter that the process remembers to be full.
    async fn guess_the_password(&self) {
        let token = self.sign_in("changeme").await;
        let body = json!({"password": "wrong"});
        for expected in [401, 401, 401, 401, 401, 429, 429] {
            let reply = self.call("DELETE", "account", &token, body.clone()).await;
            assert_eq!(reply.status(), expected, "{reply:?}");
        }
    }

    async fn change_and_restore_the_address(&self) {
        let change = self.request_the_change().await;
        self.use_link("email/undo", Action::Undo(change)).await;
        let change = self.request_the_change().await;
        self.use_link("email/confirm", Action::Email(change.clone()))
            .await;
        self.use_link("email/undo", Action::Undo(change)).await;
    }

    /// Returns the change. Its emails were asked for, unless the limit of an address was reached.
    async fn request_the_change(&self) -> EmailChange {
        let token = self.sign_in("changeme").await;
        let body = json!({"new_email": NEW, "password": "changeme"});
        let reply = self.call("POST", "email", &token, body).await;
        assert_eq!(reply.status(), 202, "{reply:?}");
        links::change(&self.john().await, &Email::parse(NEW).unwrap())
    }

    async fn john(&self) -> User {
        let store = self.stack.table.store().await;
        store.find_by_email(&john()).await.unwrap().unwrap()
    }

    async fn reset_the_password(&self) {
        let action = links::reset(&self.john().await);
        self.use_link("password/reset", action).await;
    }

    async fn end_sessions_and_leave(&self) {
        let (other, token) = (self.sign_in(PASSWORD).await, self.sign_in(PASSWORD).await);
        let reply = self.call("GET", "sessions", &other, Value::Null).await;
        let id = reply.json()[0]["id"].as_str().unwrap().to_owned();
        let paths = [format!("sessions/{id}"), "sessions".to_owned()];
        for path in paths {
            let reply = self.call("DELETE", &path, &token, Value::Null).await;
            assert_eq!(reply.status(), 204, "{path}: {reply:?}");
        }
        let body = json!({ "password": PASSWORD });
        let reply = self.call("DELETE", "account", &token, body).await;
        assert_eq!(reply.status(), 204, "{reply:?}");
    }
}

/// Makes `mailer` read everything that it can read, and complete an ask. Its emails go to the queue, because SES does
/// not respond.
pub(super) async fn use_mailer(mailer: &Process, stack: &SigningStack) {
    let now = Clock::system().now();
    let ask = |id: &str, content| {
        let (id, email) = (AskId::from_text(id), Email::parse("a@b.c").unwrap());
        Ask::new(id, email, content, now)
    };
    // No email is sent to a stranger who has forgotten a password. The other one cannot be sent.
    let asks = [ask("1", AskContent::Reset), ask("2", AskContent::SignUp)];
    let limits = AskLimits {
        addresses: vec![],
        network: None,
    };
    let store = stack.table.store().await;
    store.put_asks(&asks, &limits, now).await.unwrap();
    let records = ["1", "2"].map(|id| {
        json!({
            "eventSource": "aws:dynamodb",
            "dynamodb": {"Keys": {"pk": {"S": format!("ask#{id}")}}, "SequenceNumber": id},
        })
    });
    let batch = json!({ "Records": records }).to_string();
    match mailer.outcome(&batch).await {
        Outcome::Response(response) => {
            let expected = json!({"batchItemFailures": [{"itemIdentifier": "2"}]});
            assert_eq!(response, expected);
        }
        Outcome::Error(error) => panic!("{error}"),
    }
}

/// Returns a call that checks an attribute of an item.
fn check(pk: &str, attribute: &str) -> Call {
    let condition = format!("{attribute} = :value");
    let body = json!({"Key": key(pk), "ConditionExpression": condition});
    Call::to_table("ConditionCheckItem", &body)
}

pub(super) fn forbidden_for_account() -> Vec<Forbidden> {
    vec![
        ("read an ask", read("ask#1")),
        ("read a session without its user", read(SESSION)),
        ("read the whole item of the keys", read(PUBLISHED)),
        (
            "read another attribute of the keys",
            read_attributes(PUBLISHED, "key_set, version"),
        ),
        ("begin a session", put(SESSION)),
        ("publish keys", put(PUBLISHED)),
        ("replace a counter", put("attempts#1#2")),
        ("invite someone with roles", put_attribute("ask#1", "roles")),
        ("let a user expire", put_attribute(USER, "expires_at")),
        (
            "hold an address with roles",
            put_attribute("held#1", "roles"),
        ),
        (
            "change the id of a user",
            update(USER, "SET email = :value"),
        ),
        (
            "change the version of another item",
            update(PUBLISHED, "SET version = :value"),
        ),
        (
            "revoke another item",
            update("held#1", "SET revoked = :value"),
        ),
        (
            "rotate a session",
            update(SESSION, "SET generation = :value"),
        ),
        ("delete a session", delete(SESSION)),
        ("delete an ask", delete("ask#1")),
        ("check a user", check(USER, "user_id")),
        ("check who moved where", check("held#1", "current")),
        ("read the keys of tokens", Call::get_secret("JwtKeys.Id")),
        (
            "read the keys of refresh tokens",
            Call::get_secret("SessionKeys.Id"),
        ),
    ]
}

pub(super) fn forbidden_for_mailer() -> Vec<Forbidden> {
    vec![
        ("read a whole user", read(USER)),
        (
            "read a password hash",
            read_attributes(USER, "id, password_hash"),
        ),
        ("read a session", read_attributes(SESSION, "id")),
        ("put an ask", put("ask#1")),
        (
            "change what an email says",
            update("ask#1", "SET kind = :value"),
        ),
        ("raise a version", update(USER, "SET version = :value")),
        ("delete an ask", delete("ask#1")),
        ("read the keys of tokens", Call::get_secret("JwtKeys.Id")),
        (
            "read the keys of refresh tokens",
            Call::get_secret("SessionKeys.Id"),
        ),
        (
            "read the keys of counters",
            Call::get_secret("CounterKeys.Id"),
        ),
    ]
}
