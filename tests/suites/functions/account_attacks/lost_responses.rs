//! The response to each write of each flow is lost, between the function and `DynamoDB` or between the client and the
//! function. Repeating the request succeeds, and the change is made only once.

mod case;

use auth_core::{MailDirectory, MailRepository};
use bundle_tests::{
    client::ADDRESS,
    events,
    fault_proxy::{Fault, FaultProxy},
    process::Process,
};
use case::{Case, Flow};
use serde_json::json;

use super::{OLD, Stack, send};

/// How often the SDK sends a request.
const SDK_ATTEMPTS: usize = 3;

/// The functions on a table: `account` behind a proxy, `login` without one.
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

    /// Returns the number of emails that are requested for an address.
    async fn count_asks(&self, address: &str) -> usize {
        let store = self.stack.table().store().await;
        let mut count = 0;
        for id in store.list_asks().await.unwrap() {
            let ask = store.find_ask(&id).await.unwrap().unwrap();
            count += usize::from(ask.email.as_str() == address);
        }
        count
    }

    /// Sends a request while `count` responses to writes are lost, after `before` that are not, and sends it again.
    /// Returns whether a response was lost, and the status of the first request.
    async fn lose(&self, case: &Case<'_>, event: &str, before: usize, count: usize) -> (bool, u16) {
        self.proxy.set(Fault::CutResponses { before, count });
        let first = self.account.send(event).await.status();
        let left = self.proxy.fault();
        self.proxy.set(Fault::None);
        let is_lost = !matches!(left, Fault::CutResponses { count: left, .. } if left == count);
        // If none was lost, this is a client that has lost the function's response.
        let again = send(&self.account, event).await;
        let what = format!("{:?}, {count} responses after {before}", case.flow);
        assert_eq!(
            again.status(),
            case.flow.status(),
            "{what}: {again:?}, first {first}"
        );
        (is_lost, first)
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
            assert!([flow.status(), 503].contains(&first), "{flow:?}: {first}");
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

#[tokio::test]
async fn no_lost_response_costs_the_end_of_one_session() {
    check(Flow::EndSession).await;
}

#[tokio::test]
async fn no_lost_response_costs_or_doubles_an_email_for_a_sign_up() {
    check(Flow::AskSignUp).await;
}

#[tokio::test]
async fn no_lost_response_costs_or_doubles_an_email_for_a_reset() {
    check(Flow::AskReset).await;
}

#[tokio::test]
async fn no_lost_response_costs_or_doubles_the_emails_of_an_address_change() {
    check(Flow::AskEmail).await;
}
