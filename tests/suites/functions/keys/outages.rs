//! Rotations while Secrets Manager or the table fails: an error that says which, and nothing is lost. After the outage,
//! the same event succeeds.

use auth_aws::DynamoDbStore;
use auth_core::KeyRing;
use bundle_tests::{
    fault_proxy::{Fault, FaultProxy},
    key_stack::{KeyStack, check, check_completed, steps},
};
use futures_util::future::join_all;
use keys::Keys;
use serde_json::{Value, json};

const FAULTS: [Fault; 4] = [
    Fault::Cut,
    Fault::InternalError,
    Fault::DenyAll,
    Fault::FailWrites,
];

/// The store that fails, the name of the error and how its text begins.
const STORES: [(Store, &str, &str); 2] = [
    (
        Store::Secret,
        "PrivateKeysUnavailable",
        "the private keys cannot be read or replaced: ",
    ),
    (
        Store::Table,
        "PublishedKeysUnavailable",
        "the published keys cannot be read or replaced: ",
    ),
];

#[derive(Debug, Clone, Copy, PartialEq)]
enum Store {
    Secret,
    Table,
}

/// A function whose stores can fail.
struct App {
    stack: KeyStack,
    secrets: FaultProxy,
    table: FaultProxy,
    keys: Keys<DynamoDbStore>,
}

impl App {
    async fn new() -> Self {
        let stack = KeyStack::with_keys().await;
        let secrets = FaultProxy::start(stack.secrets.url()).await;
        let table = FaultProxy::start(stack.table.url()).await;
        let keys = stack.function(secrets.url(), table.url()).await;
        Self {
            stack,
            secrets,
            table,
            keys,
        }
    }

    fn set(&self, store: Store, fault: Fault) {
        match store {
            Store::Secret => self.secrets.set(fault),
            Store::Table => self.table.set(fault),
        }
    }

    /// Sends an event during an outage, then again. Returns the name and the text of the error; `None` if the event
    /// does not need what failed.
    async fn send(&self, event: &Value, store: Store, fault: Fault) -> Option<(&str, String)> {
        let before = self.stack.state().await;
        self.set(store, fault);
        let failed = self.keys.handle(event.clone()).await.err();
        self.set(store, Fault::None);
        let after = self.stack.state().await;
        check(&before, &after);
        if failed.is_some() {
            let repeated = self.keys.handle(event.clone()).await;
            repeated.unwrap();
        }
        failed.map(|error| (error.kind, error.reason))
    }
}

#[tokio::test]
async fn every_step_of_a_rotation_survives_an_outage() {
    for (store, kind, reason) in STORES {
        let faults = FAULTS.map(|fault| async move {
            let app = App::new().await;
            let before = app.stack.state().await;
            let mut failures = 0;
            for event in steps("rotation-1") {
                if let Some((failed, text)) = app.send(&event, store, fault).await {
                    assert_eq!(failed, kind, "{event} {fault:?}: {text}");
                    let pending = "the pending version cannot be read or stored: ";
                    let is_clear = text.starts_with(reason) || text.starts_with(pending);
                    assert!(is_clear, "{event}: {text}");
                    failures += 1;
                }
            }
            let after = app.stack.state().await;
            check_completed(&before, &after);
            let standby = before.ring.as_ref().unwrap().standby();
            assert_eq!(after.ring.as_ref().map(KeyRing::active), standby);
            // If only writes fail: the secret is written by the first and the last step, the table by the second and the last.
            let expected = if fault == Fault::FailWrites { 2 } else { 4 };
            assert_eq!(failures, expected, "{store:?} {fault:?}");
        });
        join_all(faults).await;
    }
}

#[tokio::test]
async fn an_operators_changes_survive_an_outage() {
    for (store, kind, reason) in STORES {
        let faults = FAULTS.map(|fault| async move {
            let app = App::new().await;
            let before = app.stack.state().await;
            let active = before.ring.as_ref().unwrap().active().kid();
            for event in [
                json!({"action": "rotate"}),
                json!({"action": "revoke", "kid": active}),
            ] {
                let (failed, text) = app.send(&event, store, fault).await.unwrap();
                // A revocation replaces the ring first.
                let is_incomplete = event["action"] == "revoke"
                    && (store, fault) == (Store::Table, Fault::FailWrites);
                if is_incomplete {
                    assert_eq!(failed, "Incomplete", "{event}: {text}");
                } else {
                    assert_eq!(failed, kind, "{event} {fault:?}: {text}");
                    assert!(text.starts_with(reason), "{event}: {text}");
                }
                check_completed(&before, &app.stack.state().await);
            }
        });
        join_all(faults).await;
    }
}

/// The last write of a rotation marks the key that no longer signs.
#[tokio::test]
async fn a_rotation_that_is_only_not_published_completely_says_so() {
    let app = App::new().await;
    let before = app.stack.state().await;
    app.table.set(Fault::FailWritesWith("until"));
    let failed = app.keys.handle(json!({"action": "rotate"})).await;
    app.table.set(Fault::None);
    let error = failed.unwrap_err();
    assert_eq!(error.kind, "Incomplete");
    let reason = "the private keys were changed, but the published keys were not completed: ";
    assert!(error.reason.starts_with(reason), "{}", error.reason);
    check(&before, &app.stack.state().await);
    app.keys.handle(json!({"action": "repair"})).await.unwrap();
    check_completed(&before, &app.stack.state().await);
}
