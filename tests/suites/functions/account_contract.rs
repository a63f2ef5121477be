//! `openapi.yaml` describes every response of `account`, even to a fault, and no other.

use std::{collections::BTreeSet, fs};

use auth_core::{Action, UserRepository};
use bundle_tests::{
    client::{ADDRESS, Client, Reply},
    events,
    functions::{self, Route},
    links::{self, Links},
    mails::Mails,
    moved_clock::MovedClock,
    openapi::OpenApi,
    process::{Process, Processes, now},
    runtime_api::Outcome,
    store::{TemporaryFileStore, email, john},
};
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse battery staple";
const NEW: &str = "john@example.com";

/// More often than a request reads the clock.
const FAILURES: usize = 12;

/// How often wrong passwords are checked for one link.
const MAX_REPETITIONS: usize = 20;

/// `account` with its store, and the responses that were checked.
struct Contract {
    account: Process,
    store: TemporaryFileStore,
    openapi: OpenApi,
    mails: Mails,
}

impl Contract {
    async fn start(extra: &[(&str, &str)]) -> Self {
        let (store, mails) = (TemporaryFileStore::new(), Mails::default());
        let own = [("SIGN_UP", "open"), ("MAIL_DIR", mails.path())];
        let variables = [&store.environment()[..], &own, extra].concat();
        Self {
            account: Process::start("account", &variables).await,
            store,
            openapi: OpenApi::read(),
            mails,
        }
    }

    /// Sends an event, checks the response to it, and returns the status.
    async fn check(&mut self, operation: &str, event: &str) -> u16 {
        let reply = self.account.send(event).await;
        self.openapi.check(operation, &reply);
        reply.status()
    }

    /// Returns a token of a link that works.
    async fn link(&self, operation: &str) -> String {
        let user = self.store.find_by_email(&john()).await.unwrap().unwrap();
        let change = links::change(&user, &email(NEW));
        let action = match operation {
            "confirmSignUp" => Action::SignUp {
                email: email("jane@example.com"),
            },
            "resetPassword" => links::reset(&user),
            "confirmEmail" => Action::Email(change),
            "undoEmail" => Action::Undo(change),
            other => panic!("{other} needs no link"),
        };
        Links::new(forge::ACTION_SECRET.as_bytes())
            .token(action)
            .await
    }

    /// Returns an event to which the function responds with a success.
    async fn success(&self, route: &Route, password: &str) -> String {
        let operation = &*route.operation;
        let body = match operation {
            "signUp" | "forgotPassword" => json!({"email": "jane@example.com"}),
            "confirmSignUp" | "resetPassword" | "confirmEmail" | "undoEmail" => {
                json!({"token": self.link(operation).await, "password": PASSWORD})
            }
            "changePassword" => json!({"current_password": password, "new_password": PASSWORD}),
            "changeEmail" => json!({"new_email": NEW, "password": password}),
            "deleteAccount" => json!({ "password": password }),
            _ => Value::Null,
        };
        request(route, &route.method, &body)
    }
}

/// Returns an event for a route as the tutorial's user.
fn request(route: &Route, method: &str, body: &Value) -> String {
    // The session of forged tokens.
    let token = events::fill("{{token:good}}", now());
    let path = route.path.replace("{id}", &session());
    let path = path.replace("{file}", "account.js");
    events::as_caller(method, &path, &token, body)
}

/// Returns the id of the session of forged tokens.
fn session() -> String {
    let claims = forge::claims(now());
    claims["sid"].as_str().expect("an id").to_owned()
}

fn routes() -> &'static [Route] {
    let mut all = functions::all().iter();
    let account = all.find(|function| function.name == "account");
    &account.expect("a function").routes
}

/// Returns whether a route serves a part of the page, which needs no store.
fn is_of_page(route: &Route) -> bool {
    ["accountPage", "accountFile"].contains(&&*route.operation)
}

/// Returns the event without a header, or with another value.
fn with_header(event: &str, name: &str, value: Option<&str>) -> String {
    let mut event: Value = serde_json::from_str(event).unwrap();
    let headers = event["headers"].as_object_mut().unwrap();
    headers.remove(name);
    if let Some(value) = value {
        headers.insert(name.to_owned(), value.into());
    }
    event.to_string()
}

async fn check_refusals(contract: &mut Contract) {
    let long = json!({"token": "a".repeat(8_200), "email": "a".repeat(8_200)});
    for route in routes() {
        let operation = &*route.operation;
        let event = request(route, "PUT", &Value::Null);
        assert_eq!(contract.check(operation, &event).await, 405, "{operation}");
        if route.method == "POST" || operation == "deleteAccount" {
            for (body, status) in [(&long, 413), (&json!({}), 422)] {
                let event = request(route, &route.method, body);
                assert_eq!(
                    contract.check(operation, &event).await,
                    status,
                    "{operation}"
                );
            }
        }
        if route.permissions.is_some() {
            let event = request(route, &route.method, &json!({}));
            for (header, status) in [(None, 401), (Some("Bearer a, Bearer b"), 400)] {
                let event = with_header(&event, "authorization", header);
                assert_eq!(
                    contract.check(operation, &event).await,
                    status,
                    "{operation}"
                );
            }
        } else if [
            "confirmSignUp",
            "resetPassword",
            "confirmEmail",
            "undoEmail",
        ]
        .contains(&operation)
        {
            let body = json!({"token": "forged", "password": PASSWORD});
            let event = request(route, "POST", &body);
            assert_eq!(contract.check(operation, &event).await, 400, "{operation}");
        }
    }
    let unknown = request(&routes()[0], "GET", &Value::Null);
    let unknown = unknown.replace(&routes()[0].path, "/api/v1/other");
    contract.check(&routes()[0].operation, &unknown).await;
}

/// Checks each success on its own store, because most of them end the session.
async fn check_successes(openapi: OpenApi) -> OpenApi {
    let mut openapi = openapi;
    for route in routes() {
        let mut contract = Contract::start(&[]).await;
        contract.openapi = openapi;
        let event = contract.success(route, "changeme").await;
        let status = contract.check(&route.operation, &event).await;
        assert!((200..300).contains(&status), "{} {status}", route.operation);
        openapi = contract.openapi;
    }
    openapi
}

/// A user whose address was changed a moment ago logs in, and may neither change it again nor leave.
async fn check_conflicts(contract: &mut Contract) {
    let find = |operation: &str| routes().iter().find(|route| route.operation == operation);
    let confirm = contract.success(find("confirmEmail").unwrap(), "").await;
    assert_eq!(contract.check("confirmEmail", &confirm).await, 204);
    let processes = Processes::start_with(&contract.store.environment()).await;
    let body = json!({"email": NEW, "password": "changeme"});
    let reply: Reply = processes.post("login", &body, ADDRESS).await;
    let token = format!("Bearer {}", reply.tokens().unwrap().access);
    for operation in ["changeEmail", "deleteAccount"] {
        let event = contract.success(find(operation).unwrap(), "changeme").await;
        let event = with_header(&event, "authorization", Some(&token));
        assert_eq!(contract.check(operation, &event).await, 409, "{operation}");
    }
}

/// Full counters: of a network, of a session, and of a link.
async fn check_limits(contract: &mut Contract) {
    for route in routes() {
        let operation = &*route.operation;
        let (event, tries) = match operation {
            "signUp" | "forgotPassword" => (contract.success(route, "").await, 51),
            "changePassword" | "changeEmail" | "deleteAccount" => {
                (contract.success(route, "wrong").await, 6)
            }
            _ => continue,
        };
        for attempt in 0..tries {
            let event = event.replace("jane@", &format!("jane{attempt}@"));
            contract.check(operation, &event).await;
        }
    }
    for operation in ["confirmSignUp", "resetPassword"] {
        let route = routes().iter().find(|route| route.operation == operation);
        let event = contract.success(route.unwrap(), "").await;
        assert_eq!(contract.check(operation, &event).await, 204);
        let wrong = event.replace(PASSWORD, "another good passphrase");
        for _ in 0..=MAX_REPETITIONS {
            contract.check(operation, &wrong).await;
        }
    }
}

/// An outage is never a 401 or a 400, which would sign the user out or waste a link.
async fn check_outage(openapi: OpenApi) -> OpenApi {
    let mut contract = Contract::start(&[]).await;
    contract.openapi = openapi;
    let mut events = Vec::new();
    for route in routes().iter().filter(|route| !is_of_page(route)) {
        events.push((&route.operation, contract.success(route, "changeme").await));
    }
    fs::remove_file(contract.store.path()).unwrap();
    for (operation, event) in events {
        assert_eq!(contract.check(operation, &event).await, 503, "{operation}");
    }
    contract.openapi
}

/// A browser that has the page asks whether it has changed.
async fn check_page(contract: &mut Contract) {
    for route in routes().iter().filter(|route| is_of_page(route)) {
        let event = request(route, "GET", &Value::Null);
        let reply = contract.account.send(&event).await;
        let event = with_header(&event, "if-none-match", reply.header("etag"));
        let status = contract.check(&route.operation, &event).await;
        assert_eq!(status, 304, "{}", route.operation);
    }
}

/// Reading a clock that fails panics. Each route has its own store, because some requests move or delete the user.
async fn check_panics(openapi: OpenApi, clock: &MovedClock) -> OpenApi {
    let mut openapi = openapi;
    for route in routes().iter().filter(|route| !is_of_page(route)) {
        let mut contract = Contract::start(&clock.variables()).await;
        contract.openapi = openapi;
        let event = contract.success(route, "wrong").await;
        let mut panics = 0;
        for reads in 0..FAILURES {
            clock.fail_after(reads);
            let outcome = contract.account.outcome(&event).await;
            let _ = clock.has_failed();
            if let Outcome::Response(response) = outcome {
                let reply = Reply::from(&response);
                if reply.status() == 500 {
                    contract.openapi.check(&route.operation, &reply);
                    panics += 1;
                }
            }
        }
        assert!(panics > 0, "{}", route.operation);
        openapi = contract.openapi;
    }
    openapi
}

#[tokio::test]
async fn openapi_describes_every_response_of_account_and_no_other() {
    let Some(clock) = MovedClock::build() else {
        return;
    };
    let mut contract = Contract::start(&[]).await;
    check_refusals(&mut contract).await;
    check_page(&mut contract).await;
    let openapi = check_successes(contract.openapi).await;
    contract = Contract::start(&[]).await;
    contract.openapi = openapi;
    check_conflicts(&mut contract).await;
    let openapi = contract.openapi;
    contract = Contract::start(&[]).await;
    contract.openapi = openapi;
    check_limits(&mut contract).await;
    let openapi = check_outage(contract.openapi).await;
    let openapi = check_panics(openapi, &clock).await;
    assert!(!contract.mails.take().is_empty(), "emails were sent");
    let own: BTreeSet<&str> = routes().iter().map(|route| &*route.operation).collect();
    let mut unseen = openapi.unseen();
    unseen.retain(|(operation, _)| own.contains(&**operation));
    assert_eq!(unseen, BTreeSet::new(), "no test causes them");
}
