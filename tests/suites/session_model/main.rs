//! Sessions against a model of them: random sequences of what clients, thieves and operators do, with
//! stores that fail and a clock that moves.
//!
//! The model knows what was presented and what a client was told, and keeps the book of each session by
//! itself. After every step the answer and the stored session must be what the model says: no token has
//! two successors, no session that ended is ever answered again, and none is revoked without a replay
//! or a logout.

mod book;
mod model;
mod steps;

use bundle_tests::{
    app::memory,
    dynamodb::DynamoDbLocal,
    stores::{Attempts, SessionStore, Users},
};
use futures_util::{FutureExt, StreamExt, stream};
use login::Stores;
use model::Model;
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{Config, TestRunner},
};
use steps::{Step, sequence};

/// How many sequences each store is held against.
const SEQUENCES: u32 = 10_000;

async fn run<U: Users, S: SessionStore, A: Attempts>(
    stores: Stores<U, S, A>,
    email: &str,
    steps: &[Step],
) {
    let mut model = Model::new(stores, email).await;
    for step in steps {
        model.run(step).await;
    }
}

#[test]
fn sessions_in_memory_do_what_the_model_says() {
    let config = Config {
        cases: SEQUENCES,
        failure_persistence: None,
        ..Config::default()
    };
    let tested = TestRunner::new(config).run(&sequence(), |steps| {
        let done = run(memory(), "jane@example.com", &steps).now_or_never();
        done.expect("nothing waits in memory");
        Ok(())
    });
    tested.unwrap();
    println!("sequences in memory: {SEQUENCES}");
}

#[tokio::test]
async fn sessions_in_dynamodb_do_what_the_model_says() {
    let server = DynamoDbLocal::start().await;
    let stores = server.stores().await;
    let mut runner = TestRunner::new(Config::default());
    let begin = std::time::Instant::now();
    let sequences = (0..SEQUENCES).map(|i| {
        let steps = sequence().new_tree(&mut runner).unwrap().current();
        (i, steps)
    });
    stream::iter(sequences)
        .for_each_concurrent(32, |(i, steps)| {
            let stores = stores.clone();
            async move {
                let email = format!("model{i}@example.com");
                let done = run(stores, &email, &steps);
                let done = std::panic::AssertUnwindSafe(done).catch_unwind().await;
                assert!(done.is_ok(), "{steps:#?}");
            }
        })
        .await;
    println!(
        "sequences in DynamoDB: {SEQUENCES} in {:?}",
        begin.elapsed()
    );
}
