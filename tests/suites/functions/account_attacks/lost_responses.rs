//! The response to each write of each flow is lost, between the function and `DynamoDB` or between the client and the
//! function. The same request again succeeds, and the change is made once.

use auth_core::{Action, Email};
use bundle_tests::{
    client::ADDRESS,
    events,
    fault_proxy::{Fault, FaultProxy},
    links,
    process::Process,
    store::tutorial_user,
};
use serde_json::{Value, json};

use super::{OLD, PASSWORD, Stack, link_body, log_in, send};

/// How often the SDK sends a request.
const SDK_ATTEMPTS: usize = 3;

/// A flow that changes something.
#[derive(Debug, Clone, Copy)]
enum Flow {
    SignUp,
    Reset,
    Password,
    Email,
    UndoBefore,
    UndoAfter,
    Delete,
    EndOthers,
}

/// A user for one request, and what the request changes.
struct Case<'a> {
    world: &'a World,
    flow: Flow,
    address: String,
    new: String,
    /// The version before the request. A sign-up has none.
    version: Option<u64>,
    /// An access token of another session.
    other: Option<String>,
}

/// The functions on a table: `account` behind a proxy, `login` not.
struct World {
    stack: Stack,
    proxy: FaultProxy,
    account: Process,
    login: Process,
}

impl World {
    async fn start() -> Self {
        let (stack, proxy) = Stack::behind_proxy().await;
        Self {
            account: stack.start_behind("account", &proxy).await,
            login: stack.start("login").await,
            stack,
            proxy,
        }
    }

    async fn sign_in(&self, address: &str) -> String {
        let body = json!({"email": address, "password": OLD});
        let reply = send(&self.login, &events::post("login", &body, ADDRESS)).await;
        reply.tokens().expect("tokens").access
    }

    async fn version(&self, address: &str) -> Option<u64> {
        let user = self.stack.find(address).await;
        user.map(|user| user.version)
    }

    /// Sends a request while `count` responses to writes are lost, after `before` that are not, and sends it again.
    /// Returns whether a response was lost, and the status of the first request.
    async fn lose(&self, case: &Case<'_>, event: &str, before: usize, count: usize) -> (bool, u16) {
        self.proxy.set(Fault::CutResponses { before, count });
        let first = self.account.send(event).await.status();
        let left = self.proxy.fault();
        self.proxy.set(Fault::None);
        let is_lost = !matches!(left, Fault::CutResponses { count: left, .. } if left == count);
        // If none was lost, the client has lost the response of the function.
        let again = send(&self.account, event).await;
        let what = format!("{:?}, {count} responses after {before}", case.flow);
        assert_eq!(again.status(), 204, "{what}: {again:?}, first {first}");
        (is_lost, first)
    }
}

impl<'a> Case<'a> {
    /// Adds a user, unless the flow does, and returns the request.
    async fn prepare(world: &'a World, flow: Flow, number: usize) -> (Self, String) {
        let (address, new) = (
            format!("user{number}@example.com"),
            format!("new{number}@example.com"),
        );
        if !matches!(flow, Flow::SignUp) {
            let mut user = tutorial_user().await;
            (user.user.id, user.user.email) = (format!("user-{number}"), address.clone());
            world.stack.add(&user).await;
        }
        let mut case = Self {
            world,
            flow,
            version: world.version(&address).await,
            other: None,
            address,
            new,
        };
        if matches!(flow, Flow::EndOthers) {
            case.other = Some(world.sign_in(&case.address).await);
        }
        let event = case.event().await;
        (case, event)
    }

    async fn event(&self) -> String {
        let call = async |method: &str, path: &str, body: Value| {
            let token = self.world.sign_in(&self.address).await;
            events::as_caller(method, &format!("/api/v1/{path}"), &token, &body)
        };
        match self.flow {
            Flow::SignUp => {
                let email = Email::parse(&self.address).unwrap();
                self.link("sign-up/confirm", Action::SignUp { email }).await
            }
            Flow::Reset => {
                let user = self.world.stack.find(&self.address).await.unwrap();
                self.link("password/reset", links::reset(&user)).await
            }
            Flow::Password => {
                let body = json!({"current_password": OLD, "new_password": PASSWORD});
                call("POST", "password", body).await
            }
            Flow::Email => self.change_link("email/confirm", Action::Email).await,
            Flow::UndoBefore => self.change_link("email/undo", Action::Undo).await,
            Flow::UndoAfter => {
                let undo = self.change_link("email/undo", Action::Undo).await;
                let confirm = self.change_link("email/confirm", Action::Email).await;
                assert_eq!(send(&self.world.account, &confirm).await.status(), 204);
                undo
            }
            Flow::Delete => call("DELETE", "account", json!({ "password": OLD })).await,
            Flow::EndOthers => call("DELETE", "sessions", Value::Null).await,
        }
    }

    async fn link(&self, path: &str, action: Action) -> String {
        let token = Stack::links().token(action).await;
        events::post(path, &link_body(&token, PASSWORD), ADDRESS)
    }

    async fn change_link(
        &self,
        path: &str,
        action: fn(auth_core::EmailChange) -> Action,
    ) -> String {
        let user = self.world.stack.find(&self.address).await.unwrap();
        let change = links::change(&user, &Email::parse(&self.new).unwrap());
        self.link(path, action(change)).await
    }

    /// Checks that the change was made once.
    async fn check(&self, event: &str) {
        let (world, next) = (self.world, self.version.map(|version| version + 1));
        let [old, new] = [&self.address, &self.new].map(|address| world.version(address));
        let (old, new, flow) = (old.await, new.await, self.flow);
        match flow {
            Flow::SignUp => assert!(old.is_some()),
            Flow::Reset | Flow::Password | Flow::UndoBefore => assert_eq!(old, next, "{flow:?}"),
            Flow::Email => assert_eq!((old, new), (None, next), "{flow:?}"),
            Flow::UndoAfter => assert_eq!((old, new), (next.map(|one| one + 1), None)),
            Flow::Delete => assert_eq!(old, None),
            Flow::EndOthers => self.check_sessions(event).await,
        }
        if matches!(flow, Flow::SignUp | Flow::Reset | Flow::Password) {
            assert_eq!(log_in(&world.login, &self.address, PASSWORD).await, 200);
        }
    }

    /// Checks that the session of the request goes on, and that the other one has ended.
    async fn check_sessions(&self, event: &str) {
        let request: Value = serde_json::from_str(event).unwrap();
        let own = request["headers"]["authorization"].as_str().unwrap();
        let own = own.strip_prefix("Bearer ").unwrap();
        for (token, status) in [(own, 200), (self.other.as_deref().unwrap(), 401)] {
            let event = events::as_caller("GET", "/api/v1/sessions", token, &Value::Null);
            assert_eq!(send(&self.world.account, &event).await.status(), status);
        }
    }
}

/// Loses the response to each write of a flow: once, so that the SDK repeats the write, and until the SDK gives up, so
/// that the client repeats the request.
async fn check(flow: Flow) {
    let world = World::start().await;
    let mut number = 0;
    for count in [1, SDK_ATTEMPTS] {
        for before in 0.. {
            number += 1;
            let (case, event) = Case::prepare(&world, flow, number).await;
            let (is_lost, first) = world.lose(&case, &event, before, count).await;
            // A slow store is one more lost response.
            assert!([204, 503].contains(&first), "{flow:?}: {first}");
            case.check(&event).await;
            println!("{flow:?}: {count} responses after {before}: lost {is_lost}, first {first}");
            if !is_lost {
                assert!(before > 0, "{flow:?} writes nothing");
                break;
            }
        }
    }
}

#[tokio::test]
async fn no_lost_response_costs_a_sign_up() {
    check(Flow::SignUp).await;
}

#[tokio::test]
async fn no_lost_response_costs_a_reset() {
    check(Flow::Reset).await;
}

#[tokio::test]
async fn no_lost_response_costs_a_change_of_the_password() {
    check(Flow::Password).await;
}

#[tokio::test]
async fn no_lost_response_costs_a_change_of_the_address() {
    check(Flow::Email).await;
}

#[tokio::test]
async fn no_lost_response_costs_an_undo_before_the_confirmation() {
    check(Flow::UndoBefore).await;
}

#[tokio::test]
async fn no_lost_response_costs_an_undo_after_the_confirmation() {
    check(Flow::UndoAfter).await;
}

#[tokio::test]
async fn no_lost_response_costs_a_deletion() {
    check(Flow::Delete).await;
}

#[tokio::test]
async fn no_lost_response_costs_the_end_of_other_sessions() {
    check(Flow::EndOthers).await;
}
