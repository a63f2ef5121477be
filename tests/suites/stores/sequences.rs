//! Runs random sequences of steps against a model, on each store.

use std::{fmt::Debug, panic::AssertUnwindSafe};

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

/// What happens to a store, and a model that knows what must come of it.
pub(crate) trait Modelled {
    type Step: Debug;

    fn sequences() -> impl Strategy<Value = Vec<Self::Step>>;

    /// Runs steps on users whose addresses contain `name`. Panics if the store and the model differ.
    async fn run(store: &impl TestStore, name: &str, steps: &[Self::Step]);
}

pub(crate) fn run_in_memory<M: Modelled>() {
    run_all::<M>(|steps| M::run(&InMemoryStore::default(), "model", steps).now_or_never());
}

/// Each sequence has its own file.
pub(crate) fn run_in_files<M: Modelled>() {
    run_all::<M>(|steps| M::run(&*TemporaryFileStore::new(), "model", steps).now_or_never());
}

/// Runs sequences on stores that never wait.
fn run_all<M: Modelled>(run: impl Fn(&[M::Step]) -> Option<()>) {
    let config = Config {
        cases: sequence_count(),
        failure_persistence: None,
        ..Config::default()
    };
    let tested = TestRunner::new(config).run(&M::sequences(), |steps| {
        run(&steps).expect("the store does not wait");
        Ok(())
    });
    tested.unwrap();
}

/// All sequences share a table, each with its own name.
pub(crate) async fn run_in_dynamodb<M: Modelled>() {
    let store = Table::new().await.store().await;
    let mut runner = TestRunner::new(Config::default());
    let sequences = (0..sequence_count()).map(|i| {
        let steps = M::sequences().new_tree(&mut runner).unwrap().current();
        (format!("model{i}"), steps)
    });
    stream::iter(sequences)
        .for_each_concurrent(32, |(name, steps)| {
            let store = &store;
            async move {
                let run = AssertUnwindSafe(M::run(store, &name, &steps));
                assert!(run.catch_unwind().await.is_ok(), "{steps:#?}");
            }
        })
        .await;
}

/// Returns the number of sequences for each store. `MODEL_SEQUENCES` changes it.
fn sequence_count() -> u32 {
    let number = std::env::var("MODEL_SEQUENCES").ok();
    number.map_or(1_000, |number| number.parse().expect("a number"))
}
