//! Self-service compared with a model: random sequences of sign-ups, links, changes of address, undos, deletions and
//! what operators do, with stores that fail and a clock that moves. In a race, two of them happen at once: their calls to
//! the store come in any order, and the result must be the same as if they had run one after the other.
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
mod mails;
mod race;
mod signed_in;
mod steps;
mod world;

use bundle_tests::store::TestStore;
use proptest::strategy::Strategy;
use steps::{Step, sequence};
use world::World;

use crate::sequences::{Modelled, run_in_dynamodb, run_in_files, run_in_memory};

struct AccountModel;

impl Modelled for AccountModel {
    type Step = Step;

    fn sequences() -> impl Strategy<Value = Vec<Step>> {
        sequence()
    }

    async fn run(store: &impl TestStore, name: &str, steps: &[Step]) {
        let mut world = World::new(store, name).await;
        for step in steps {
            world.run(step).await;
        }
    }
}

#[test]
fn accounts_in_memory_match_the_model() {
    run_in_memory::<AccountModel>();
}

#[test]
fn accounts_in_files_match_the_model() {
    run_in_files::<AccountModel>();
}

#[tokio::test]
async fn accounts_in_dynamodb_match_the_model() {
    run_in_dynamodb::<AccountModel>().await;
}
