//! Two rotations whose first writes arrive at the same time: one succeeds, the other one reports it.

use std::sync::Arc;

use auth_aws::DynamoDbStore;
use auth_core::{KeyRing, KeyState};
use auth_lambda::EventError;
use bundle_tests::{
    key_stack::{KeyStack, STEPS, check, check_completed, step, steps},
    write_gate::WriteGate,
};
use keys::Keys;
use serde_json::{Value, json};
use tokio::sync::Barrier;

/// How often each pair runs.
const ROUNDS: usize = 4;

/// A function, and what controls its writes.
struct Runner {
    keys: Keys<DynamoDbStore>,
    gate: WriteGate,
}

impl Runner {
    async fn new(stack: &KeyStack) -> Self {
        let gate = WriteGate::start(stack.secrets.url(), stack.table.url()).await;
        Self {
            keys: stack.function(gate.url(), gate.url()).await,
            gate,
        }
    }

    async fn send_all(&self, events: &[Value]) -> Result<(), EventError> {
        for event in events {
            self.keys.handle(event.clone()).await?;
        }
        Ok(())
    }
}

/// Stores with two functions on them.
struct Pair {
    stack: KeyStack,
    before: KeyState,
    one: Runner,
    two: Runner,
}

impl Pair {
    async fn new() -> Self {
        let stack = KeyStack::with_keys().await;
        Self {
            before: stack.state().await,
            one: Runner::new(&stack).await,
            two: Runner::new(&stack).await,
            stack,
        }
    }

    /// Sends an event to each function. Their first writes wait for each other.
    async fn send(&self, one: &Value, two: &Value) -> [Result<Value, EventError>; 2] {
        let barrier = Arc::new(Barrier::new(2));
        self.one.gate.meet(&barrier);
        self.two.gate.meet(&barrier);
        let sent = tokio::join!(
            Box::pin(self.one.keys.handle(one.clone())),
            Box::pin(self.two.keys.handle(two.clone()))
        );
        sent.into()
    }

    /// Checks that the keys have been rotated once.
    async fn check(&self) {
        check(&self.before, &self.stack.state().await);
        let repaired = self.one.keys.handle(json!({"action": "repair"})).await;
        repaired.unwrap();
        let state = self.stack.state().await;
        check_completed(&self.before, &state);
        let (before, after) = (self.before.ring.as_ref(), state.ring.as_ref());
        assert_eq!(after.map(KeyRing::active), before.unwrap().standby());
    }
}

fn rotate() -> Value {
    json!({"action": "rotate"})
}

/// Returns whether an operator's rotation succeeded. Checks that otherwise it says why.
fn has_rotated(result: &Result<Value, EventError>) -> bool {
    let result = result.as_ref().unwrap();
    let is_refused = result["error"] == "Conflict";
    if is_refused {
        let message = "another run changed the keys at the same time; this change was not made";
        assert_eq!(result["message"], message);
    }
    !is_refused && result["keys"].is_array()
}

#[tokio::test]
async fn of_two_operators_one_rotates() {
    for _ in 0..ROUNDS {
        let pair = Pair::new().await;
        let results = pair.send(&rotate(), &rotate()).await;
        let rotated = results.iter().filter(|result| has_rotated(result));
        assert_eq!(rotated.count(), 1, "{results:?}");
        pair.check().await;
    }
}

/// `testSecret` writes nothing.
#[tokio::test]
async fn of_secrets_manager_and_an_operator_one_rotates() {
    for step_at_once in ["createSecret", "setSecret", "finishSecret"] {
        for _ in 0..ROUNDS {
            let pair = Pair::new().await;
            let events = steps("rotation-1");
            let index = STEPS.iter().position(|name| *name == step_at_once);
            let (earlier, rest) = events.split_at(index.unwrap());
            pair.one.send_all(earlier).await.unwrap();
            let [stepped, rotated] = pair.send(&rest[0], &rotate()).await;
            let finished = match stepped {
                Ok(_) => pair.one.send_all(&rest[1..]).await,
                Err(error) => Err(error),
            };
            assert_ne!(finished.is_ok(), has_rotated(&rotated), "{step_at_once}");
            if let Err(error) = finished {
                let is_overtaken = ["Stale", "NoPending"].contains(&error.kind);
                assert!(is_overtaken, "{step_at_once}: {error:?}");
            }
            pair.check().await;
        }
    }
}

#[tokio::test]
async fn of_two_rotations_by_secrets_manager_one_is_finished() {
    for _ in 0..ROUNDS {
        let pair = Pair::new().await;
        let (one, two) = (steps("rotation-1"), steps("rotation-2"));
        let created = pair.send(&one[0], &two[0]).await;
        assert!(created.iter().all(Result::is_ok), "{created:?}");
        let finished = [
            pair.one.send_all(&one[1..]).await,
            pair.two.send_all(&two[1..]).await,
        ];
        let failed: Vec<&EventError> = finished
            .iter()
            .filter_map(|one| one.as_ref().err())
            .collect();
        assert_eq!(failed.len(), 1, "{finished:?}");
        assert_eq!(failed[0].kind, "NoPending", "another version is pending");
        pair.check().await;
        // A new rotation is refused until the standby has been public long enough.
        let next = pair
            .one
            .keys
            .handle(step("createSecret", "rotation-3"))
            .await;
        assert_eq!(next.unwrap_err().kind, "StandbyTooNew");
    }
}
