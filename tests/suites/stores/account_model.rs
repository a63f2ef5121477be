//! Self-service compared with a model: random sequences of sign-ups, links, changes of address, undos, deletions and
//! what operators do, with stores that fail and a clock that moves. In a race, two of them happen at once: their calls to
//! the store come in any order, and together they must have done what one after the other would have done.
//!
//! After every step, the result and everything stored must match the model: no link works twice, or after the state
//! that it was bound to has changed; no deleted user and no role comes back; no session outlives what ends it; no
//! address has two users, and no user is lost.
//!
//! 10,000 sequences on each store:
//! `MODEL_SEQUENCES=10000 PROPTEST_RNG_SEED=15 cargo test -p bundle-tests --test stores account_model`.

mod changes;
mod check;
mod expected;
mod race;
mod steps;
mod world;

use std::panic::AssertUnwindSafe;

use auth_core::InMemoryStore;
use bundle_tests::{
    dynamodb::Table,
    store::{TemporaryFileStore, TestStore},
};
use futures_util::{FutureExt, StreamExt, stream};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{Config, TestRunner},
};
use steps::{Step, sequence};
use world::World;

use crate::model::sequences;

async fn run(store: &impl TestStore, name: &str, steps: &[Step]) {
    let mut world = World::new(store, name).await;
    for step in steps {
        world.run(step).await;
    }
}

/// Runs the sequences on stores that never wait.
fn run_all(run: impl Fn(&[Step]) -> Option<()>) {
    let config = Config {
        cases: sequences(),
        failure_persistence: None,
        ..Config::default()
    };
    let tested = TestRunner::new(config).run(&sequence(), |steps| {
        run(&steps).expect("the store does not wait");
        Ok(())
    });
    tested.unwrap();
}

#[test]
fn accounts_in_memory_match_the_model() {
    run_all(|steps| run(&InMemoryStore::default(), "model", steps).now_or_never());
}

/// Each sequence has its own file.
#[test]
fn accounts_in_files_match_the_model() {
    run_all(|steps| run(&*TemporaryFileStore::new(), "model", steps).now_or_never());
}

/// All sequences share a table, each with its own addresses.
#[tokio::test]
async fn accounts_in_dynamodb_match_the_model() {
    let store = Table::new().await.store().await;
    let mut runner = TestRunner::new(Config::default());
    let sequences = (0..sequences()).map(|i| {
        let steps = sequence().new_tree(&mut runner).unwrap().current();
        (i, steps)
    });
    stream::iter(sequences)
        .for_each_concurrent(32, |(i, steps)| {
            let store = &store;
            async move {
                let name = format!("model{i}");
                let run = AssertUnwindSafe(run(store, &name, &steps));
                assert!(run.catch_unwind().await.is_ok(), "{steps:#?}");
            }
        })
        .await;
}
