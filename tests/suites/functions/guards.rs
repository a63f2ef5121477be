//! What every guarded route has in common: its refusals, its methods, an outage and a panic. All of it is generated, and
//! sent to the real binaries; `openapi.yaml` describes every response.
//!
//! Other suites do the same for an outage of DynamoDB (`faults.rs`), refused starts (`starts.rs`) and rights
//! (`rights.rs`).

use std::{collections::BTreeSet, fs};

use auth_core::UserDirectory;
use bundle_tests::{
    cases,
    client::{Client, Reply},
    events,
    functions::{self, Function, Route},
    moved_clock::MovedClock,
    openapi::OpenApi,
    process::{Process, now},
    refusals,
    runtime_api::Outcome,
    store::TemporaryFileStore,
};

/// How often the clock fails in one request each, which is more often than a request reads it.
const FAILURES: usize = 12;

/// Returns a store with the tutorial's user and one without permissions.
async fn store_with_guest() -> TemporaryFileStore {
    let store = TemporaryFileStore::new();
    store.add_user(&refusals::guest().await).await.unwrap();
    store
}

/// Sends a guard its sample event, to which it responds with 200.
async fn send_success(guard: &Process, name: &str) {
    let reply = guard.send(&events::success(name)).await;
    cases::find(&format!("{name}_success")).check(&reply);
}

/// Every response is one that `openapi.yaml` describes for the operation, and it describes no other.
#[tokio::test]
async fn every_guarded_route_refuses_what_a_guard_must_refuse_as_openapi_describes() {
    for function in functions::guards() {
        let (store, mut openapi) = (store_with_guest().await, OpenApi::read());
        let guard = Process::start(&function.name, &store.environment()).await;
        for route in function.guarded_routes() {
            for refusal in refusals::generate(function, route, now()) {
                let reply = guard.send(&refusal.event).await;
                refusal.case.check(&reply);
                openapi.check(&route.operation, &reply);
            }
            check_permissions(&guard, &store, route, &mut openapi).await;
        }
        replay_events(&guard, function, &mut openapi).await;
        let own: BTreeSet<&str> = function.routes.iter().map(|r| &*r.operation).collect();
        let mut unseen = openapi.unseen();
        // Outages and panics have their own tests.
        unseen.retain(|(id, status)| own.contains(&**id) && *status < 500);
        assert!(unseen.is_empty(), "no test causes {unseen:?}");
    }
}

/// Checks that a route needs each permission that `openapi.yaml` names, and no others.
async fn check_permissions(
    guard: &Process,
    store: &TemporaryFileStore,
    route: &Route,
    openapi: &mut OpenApi,
) {
    let permissions = route.permissions.as_deref().unwrap_or_default();
    for missing in permissions {
        let others: Vec<String> = permissions
            .iter()
            .filter(|one| *one != missing)
            .cloned()
            .collect();
        for event in refusals::requests_of_guest(&**store, &others, route).await {
            let reply = guard.send(&event).await;
            refusals::missing_permission(missing).check(&reply);
            openapi.check(&route.operation, &reply);
        }
    }
    for event in refusals::requests_of_guest(&**store, permissions, route).await {
        let status = guard.send(&event).await.status();
        assert!(![401, 403].contains(&status), "{route:?}: {status}");
    }
}

/// Replays the sample events of a guard.
async fn replay_events(guard: &Process, function: &Function, openapi: &mut OpenApi) {
    let cases = cases::all().into_iter();
    for case in cases.filter(|case| case.function() == function.name) {
        let event = &events::all()[case.event];
        let reply = guard.replay(&function.name, event).await;
        case.check(&reply);
        openapi.check(case.operation(), &reply);
    }
}

/// An outage is never a 401, which would sign the user out. `published_keys.rs` tests one for guards at the token level.
#[tokio::test]
async fn a_live_guard_without_its_store_responds_with_503_until_it_is_back() {
    for function in functions::guards().filter(|function| function.reads_users) {
        let store = TemporaryFileStore::new();
        let guard = Process::start(&function.name, &store.environment()).await;
        let saved = fs::read(store.path()).unwrap();
        fs::remove_file(store.path()).unwrap();
        let reply = guard.send(&events::success(&function.name)).await;
        check_failure(function, &reply, 503, "Service temporarily unavailable");
        assert_eq!(reply.header("retry-after"), Some("1"));
        fs::write(store.path(), saved).unwrap();
        send_success(&guard, &function.name).await;
    }
}

/// Reading a clock that fails is a panic. Wherever a request reads it, the process lives on; within the handler, the
/// panic is a 500.
#[tokio::test]
async fn a_panic_in_a_guard_is_a_500_and_the_process_lives_on() {
    let Some(clock) = MovedClock::build() else {
        return;
    };
    for function in functions::guards() {
        let store = TemporaryFileStore::new();
        let variables = [&store.environment()[..], &clock.variables()].concat();
        let guard = Process::start(&function.name, &variables).await;
        let mut panics = 0;
        for reads in 0..FAILURES {
            clock.fail_after(reads);
            let outcome = guard.outcome(&events::success(&function.name)).await;
            let has_failed = clock.has_failed();
            // An error is one that the Lambda runtime reports: the clock failed before or after the handler.
            if let Outcome::Response(response) = outcome {
                let reply = Reply::from(&response);
                if reply.status() == 500 {
                    check_failure(function, &reply, 500, "Internal Server Error");
                    panics += 1;
                } else {
                    assert!(!has_failed, "{}: {reply:?}", function.name);
                }
            }
        }
        assert!(panics > 0, "{} never read the clock", function.name);
        assert!(guard.logs().contains(r#""message":"panic""#));
        send_success(&guard, &function.name).await;
    }
}

/// Checks a response to the sample event of a function, and that `openapi.yaml` describes it.
fn check_failure(function: &Function, reply: &Reply, status: u16, detail: &str) {
    let name = &function.name;
    assert_eq!(reply.status(), status, "{name}: {reply:?}");
    assert_eq!(reply.detail(), detail, "{name}");
    assert_eq!(reply.header("www-authenticate"), None, "{name}");
    let case = cases::find(&format!("{name}_success"));
    OpenApi::read().check(case.operation(), reply);
}
