//! Sessions compared with a model: random sequences of what clients, thieves and operators do, with stores
//! that fail and a clock that moves.
//!
//! The model records what was presented and returned, and keeps its own account of each session. After every
//! step, the result and the stored session must match the model: no token gets two new tokens, no ended
//! session continues, and none is revoked without a reuse or a logout.

mod account;
mod steps;
mod user;

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
use user::ModelUser;

/// Returns the number of sequences for each store. `MODEL_SEQUENCES` changes it.
pub(crate) fn sequences() -> u32 {
    let number = std::env::var("MODEL_SEQUENCES").ok();
    number.map_or(1_000, |number| number.parse().expect("a number"))
}

const EMAIL: &str = "jane@example.com";

async fn run(store: &impl TestStore, email: &str, steps: &[Step]) {
    let mut user = ModelUser::new(store.clone(), email).await;
    for step in steps {
        user.run(step).await;
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
fn sessions_in_memory_match_the_model() {
    run_all(|steps| run(&InMemoryStore::default(), EMAIL, steps).now_or_never());
}

/// Each sequence has its own file.
#[test]
fn sessions_in_files_match_the_model() {
    run_all(|steps| run(&*TemporaryFileStore::new(), EMAIL, steps).now_or_never());
}

/// All sequences share a table, each with its own user.
#[tokio::test]
async fn sessions_in_dynamodb_match_the_model() {
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
                let email = format!("model{i}@example.com");
                let run = AssertUnwindSafe(run(store, &email, &steps));
                assert!(run.catch_unwind().await.is_ok(), "{steps:#?}");
            }
        })
        .await;
}
