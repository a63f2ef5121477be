//! A request of each flow, and what it changes.

use auth_core::{Action, Email};
use bundle_tests::{client::ADDRESS, events, links, store::tutorial_user};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{
    super::{OLD, PASSWORD, Stack, link_body, log_in, send},
    World,
};

/// A flow that changes something.
#[derive(Debug, Clone, Copy)]
pub(super) enum Flow {
    SignUp,
    Reset,
    Password,
    Email,
    UndoBefore,
    UndoAfter,
    Delete,
    EndOthers,
    EndSession,
    AskSignUp,
    AskReset,
    AskEmail,
}

impl Flow {
    fn is_ask(self) -> bool {
        matches!(self, Self::AskSignUp | Self::AskReset | Self::AskEmail)
    }

    /// Returns the status of a success.
    pub(super) fn status(self) -> u16 {
        if self.is_ask() { 202 } else { 204 }
    }
}

/// A user for one request, and what the request changes.
pub(super) struct Case<'a> {
    world: &'a World,
    pub(super) flow: Flow,
    address: String,
    new: String,
    /// The version before the request. A sign-up has none.
    version: Option<u64>,
    /// An access token of another session.
    other: Option<String>,
}

impl<'a> Case<'a> {
    /// Adds a user, unless the flow does, and returns the request.
    pub(super) async fn prepare(world: &'a World, flow: Flow, number: usize) -> (Self, String) {
        let (address, new) = (
            format!("user{number}@example.com"),
            format!("new{number}@example.com"),
        );
        if !matches!(flow, Flow::SignUp | Flow::AskSignUp) {
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
        if matches!(flow, Flow::EndOthers | Flow::EndSession) {
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
            Flow::EndSession => {
                let id = self.other_session().await;
                call("DELETE", &format!("sessions/{id}"), Value::Null).await
            }
            Flow::AskSignUp => self.ask("sign-up"),
            Flow::AskReset => self.ask("password/forgot"),
            Flow::AskEmail => {
                let body = json!({"new_email": self.new, "password": OLD});
                call("POST", "email", body).await
            }
        }
    }

    fn ask(&self, path: &str) -> String {
        events::post(path, &json!({ "email": self.address }), ADDRESS)
    }

    /// Returns the id of the other session.
    async fn other_session(&self) -> String {
        let event = list_sessions(self.other.as_deref().unwrap());
        let listed = send(&self.world.account, &event).await.json();
        listed[0]["id"].as_str().unwrap().to_owned()
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
    pub(super) async fn check(&self, event: &str) {
        let (world, next) = (self.world, self.version.map(|version| version + 1));
        let [old, new] = [&self.address, &self.new].map(|address| world.version(address));
        let (old, new, flow) = (old.await, new.await, self.flow);
        match flow {
            Flow::SignUp => assert!(old.is_some()),
            Flow::Reset | Flow::Password | Flow::UndoBefore => assert_eq!(old, next, "{flow:?}"),
            Flow::Email => assert_eq!((old, new), (None, next), "{flow:?}"),
            Flow::UndoAfter => assert_eq!((old, new), (next.map(|one| one + 1), None)),
            Flow::Delete => assert_eq!(old, None),
            Flow::EndOthers | Flow::EndSession => self.check_sessions(event).await,
            Flow::AskSignUp | Flow::AskReset => {
                assert_eq!(world.count_asks(&self.address).await, 1);
            }
            Flow::AskEmail => {
                let asks = [&self.address, &self.new].map(|address| world.count_asks(address));
                assert_eq!(join_all(asks).await, [1, 1]);
            }
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
            let event = list_sessions(token);
            assert_eq!(send(&self.world.account, &event).await.status(), status);
        }
    }
}

fn list_sessions(token: &str) -> String {
    events::as_caller("GET", "/api/v1/sessions", token, &Value::Null)
}
