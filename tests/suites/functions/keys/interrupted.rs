//! The function `keys` as a process that is killed before and after each of its writes, then started again with the
//! same event, as `CloudFormation`, Secrets Manager and operators do.

use auth_core::{Clock, KeyState, STANDBY_AGE};
use bundle_tests::{
    callback_server::CallbackServer,
    key_stack::{KeyStack, check, check_completed, creation, step, steps},
    process::Process,
    runtime_api::Outcome,
    write_gate::{Stop, WriteGate},
};
use serde_json::{Value, json};

/// Sends events to a new process until it is stopped, and kills it. Returns the events that are left, of which the
/// first is the one that was interrupted.
async fn send<'e>(stack: &KeyStack, gate: &WriteGate, events: &'e [Value]) -> &'e [Value] {
    let keys = stack.start(gate.url(), gate.url()).await;
    for (index, event) in events.iter().enumerate() {
        tokio::select! {
            () = succeed(&keys, event) => {}
            () = gate.stopped() => return &events[index..],
        }
    }
    &[]
}

async fn succeed(keys: &Process, event: &Value) {
    match keys.outcome(&event.to_string()).await {
        Outcome::Response(_) => {}
        Outcome::Error(error) => panic!("{event}: {error}"),
    }
}

/// A run that is killed at each of its writes.
struct Run<E, D> {
    /// Returns the events, for the keys as they are before.
    events: E,
    /// Checks the keys before and after.
    is_done: D,
    /// The number of writes.
    writes: usize,
}

impl<E: Fn(&KeyState) -> Vec<Value>, D: Fn(&KeyState, &KeyState) -> bool> Run<E, D> {
    /// Kills the run before and after each write, and repeats it.
    async fn kill_everywhere(self, prepare: impl AsyncFn() -> KeyStack) {
        for stop in stops(self.writes) {
            self.kill_at(stop, &prepare().await).await;
        }
        self.count_writes(&prepare().await).await;
    }

    /// Does so during a rotation by Secrets Manager, which the run overtakes. Then Secrets Manager goes on.
    async fn overtake_everywhere(self) {
        for stop in stops(self.writes) {
            let stack = with_pending_version().await;
            let before = stack.state().await;
            self.kill_at(stop, &stack).await;
            finish_overtaken(&stack, &before).await;
            rotate_again(&stack).await;
        }
        let stack = with_pending_version().await;
        self.count_writes(&stack).await;
        assert_eq!(stack.secrets.version("AWSPENDING"), None);
    }

    /// Kills the run at a write, and repeats it.
    async fn kill_at(&self, stop: Stop, stack: &KeyStack) {
        let before = stack.state().await;
        let events = (self.events)(&before);
        let gate = WriteGate::start(stack.secrets.url(), stack.table.url()).await;
        gate.stop_at(stop);
        let left = send(stack, &gate, &events).await;
        assert!(!left.is_empty(), "there is no write for {stop:?}");
        check(&before, &stack.state().await);
        gate.open();
        assert!(send(stack, &gate, left).await.is_empty());
        let after = stack.state().await;
        check_completed(&before, &after);
        assert!((self.is_done)(&before, &after), "{stop:?}: {after:?}");
    }

    /// Checks that there are no more writes.
    async fn count_writes(&self, stack: &KeyStack) {
        let events = (self.events)(&stack.state().await);
        let gate = WriteGate::start(stack.secrets.url(), stack.table.url()).await;
        gate.stop_at(Stop {
            writes_before: self.writes,
            is_executed: false,
        });
        assert!(send(stack, &gate, &events).await.is_empty());
    }
}

/// Creates stores with keys and the pending version of a rotation.
async fn with_pending_version() -> KeyStack {
    let stack = KeyStack::with_keys().await;
    let keys = stack.function(stack.secrets.url(), stack.table.url());
    let created = keys.await.handle(step("createSecret", "rotation-1")).await;
    created.unwrap();
    assert_eq!(
        stack.secrets.version("AWSPENDING").as_deref(),
        Some("rotation-1")
    );
    stack
}

/// Sends the other steps of that rotation, whose version can no longer become current.
async fn finish_overtaken(stack: &KeyStack, before: &KeyState) {
    let keys = stack.function(stack.secrets.url(), stack.table.url()).await;
    for (name, expected) in [
        ("setSecret", &["NoPending", "Stale"][..]),
        ("testSecret", &[]),
        ("finishSecret", &["NoPending"]),
    ] {
        let failed = keys.handle(step(name, "rotation-1")).await.err();
        let is_expected = failed
            .as_ref()
            .map_or(expected.is_empty(), |error| expected.contains(&error.kind));
        assert!(is_expected, "{name}: {failed:?}");
        check_completed(before, &stack.state().await);
    }
    // Secrets Manager would start no other rotation.
    assert_eq!(stack.secrets.version("AWSPENDING"), None);
}

/// Rotates in four steps once the standby may sign.
async fn rotate_again(stack: &KeyStack) {
    let later = Clock::from_fn(|| Clock::system().now() + STANDBY_AGE);
    let (secrets, table) = (stack.secrets.url(), stack.table.url());
    let keys = stack.function_at(secrets, table, later.clone()).await;
    let before = stack.state().await;
    for event in steps("rotation-2") {
        keys.handle(event).await.unwrap();
    }
    let after = stack.state().await;
    assert!(is_rotated_once(&before, &after), "{after:?}");
    let ring = after.ring.as_ref().unwrap();
    after.published.verify_probes(ring, later.now()).unwrap();
    assert_eq!(stack.secrets.version("AWSPENDING"), None);
}

fn stops(writes: usize) -> impl Iterator<Item = Stop> {
    (0..writes).flat_map(|writes_before| {
        [false, true].map(|is_executed| Stop {
            writes_before,
            is_executed,
        })
    })
}

/// Returns the kids of the active key and the standby.
fn kids(state: &KeyState) -> [&str; 2] {
    let ring = state.ring.as_ref().unwrap();
    [ring.active().kid(), ring.standby().unwrap().kid()]
}

fn is_rotated_once(before: &KeyState, after: &KeyState) -> bool {
    kids(after)[0] == kids(before)[1]
}

#[tokio::test]
async fn creating_the_keys_is_completed_by_the_next_deploy() {
    let callbacks = CallbackServer::serve().await;
    let run = Run {
        events: |_: &KeyState| vec![creation(callbacks.url())],
        is_done: |_: &KeyState, _: &KeyState| {
            let results = callbacks.take();
            results.len() == 1 && results[0]["Status"] == "SUCCESS"
        },
        writes: 2,
    };
    run.kill_everywhere(KeyStack::new).await;
}

#[tokio::test]
async fn a_rotation_is_completed_by_repeating_the_step() {
    let run = Run {
        events: |_: &KeyState| steps("rotation-1"),
        is_done: is_rotated_once,
        writes: 5,
    };
    run.kill_everywhere(KeyStack::with_keys).await;
}

/// If the run was killed after the rotation took place, it is completed and another one is refused.
#[tokio::test]
async fn an_operators_rotation_is_completed_by_repeating_it() {
    let run = Run {
        events: |_: &KeyState| vec![json!({"action": "rotate"})],
        is_done: is_rotated_once,
        writes: 4,
    };
    run.kill_everywhere(KeyStack::with_keys).await;
}

/// Returns the revocation of the active key (0) or the standby (1).
fn revocation(
    index: usize,
    writes: usize,
) -> Run<impl Fn(&KeyState) -> Vec<Value>, impl Fn(&KeyState, &KeyState) -> bool> {
    Run {
        events: move |before: &KeyState| {
            vec![json!({"action": "revoke", "kid": kids(before)[index]})]
        },
        is_done: move |before: &KeyState, after: &KeyState| {
            let ring = after.ring.as_ref().unwrap();
            ring.revoked().contains(kids(before)[index])
        },
        writes,
    }
}

#[tokio::test]
async fn a_revocation_is_completed_by_repeating_it() {
    for index in [0, 1] {
        revocation(index, 3)
            .kill_everywhere(KeyStack::with_keys)
            .await;
    }
}

/// One of the writes removes the label of the pending version.
#[tokio::test]
async fn a_rotation_that_overtakes_another_is_completed_by_repeating_it() {
    let run = Run {
        events: |_: &KeyState| vec![json!({"action": "rotate"})],
        is_done: is_rotated_once,
        writes: 5,
    };
    run.overtake_everywhere().await;
}

#[tokio::test]
async fn a_revocation_that_overtakes_a_rotation_is_completed_by_repeating_it() {
    for index in [0, 1] {
        revocation(index, 4).overtake_everywhere().await;
    }
}

#[tokio::test]
async fn the_revocation_of_a_retired_key_is_completed_by_repeating_it() {
    let retired = |state: &KeyState| {
        let mut keys = state.published.iter();
        let key = keys.find(|key| key.until().is_some());
        key.unwrap().jwk().kid().to_owned()
    };
    let run = Run {
        events: |before: &KeyState| vec![json!({"action": "revoke", "kid": retired(before)})],
        is_done: |before: &KeyState, after: &KeyState| {
            kids(after) == kids(before) && after.published.find(&retired(before)).is_none()
        },
        writes: 3,
    };
    run.kill_everywhere(KeyStack::with_retired_key).await;
}

/// The pending version has the revoked key as the one that signs.
#[tokio::test]
async fn a_pending_version_of_a_killed_rotation_never_brings_a_revoked_key_back() {
    for stop in stops(4) {
        let stack = KeyStack::with_keys().await;
        let before = stack.state().await;
        let standby = kids(&before)[1];
        let gate = WriteGate::start(stack.secrets.url(), stack.table.url()).await;
        gate.stop_at(stop);
        let events = steps("rotation-1");
        let left = send(&stack, &gate, &events).await;
        gate.open();
        let revoke = [json!({"action": "revoke", "kid": standby})];
        send(&stack, &gate, &revoke).await;
        let keys = stack.start(gate.url(), gate.url()).await;
        let rotate = json!({"action": "rotate", "now": true});
        // What Secrets Manager repeats, and what it may still send after another rotation.
        for event in left.iter().chain([&rotate]).chain(&events) {
            keys.outcome(&event.to_string()).await;
            let state = stack.state().await;
            check(&before, &state);
            assert!(state.ring.as_ref().unwrap().revoked().contains(standby));
            assert!(state.published.find(standby).is_none(), "{stop:?}: {event}");
        }
        succeed(&keys, &json!({"action": "repair"})).await;
        check_completed(&before, &stack.state().await);
    }
}
