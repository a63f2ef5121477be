//! Sessions compared with a model: random sequences of what clients, thieves and operators do, with stores
//! that fail and a clock that moves.
//!
//! The model records what was presented and returned, and keeps its own account of each session. After every
//! step, the result and the stored session must match the model: no token gets two new tokens, no ended
//! session continues, and none is revoked without a reuse or a logout.

mod account;
mod steps;
mod user;

use bundle_tests::store::TestStore;
use proptest::strategy::Strategy;
use steps::{Step, sequence};
use user::ModelUser;

use crate::sequences::{Modelled, run_in_dynamodb, run_in_files, run_in_memory};

struct SessionModel;

impl Modelled for SessionModel {
    type Step = Step;

    fn sequences() -> impl Strategy<Value = Vec<Step>> {
        sequence()
    }

    async fn run(store: &impl TestStore, name: &str, steps: &[Step]) {
        let email = format!("{name}@example.com");
        let mut user = ModelUser::new(store.clone(), &email).await;
        for step in steps {
            user.run(step).await;
        }
    }
}

#[test]
fn sessions_in_memory_match_the_model() {
    run_in_memory::<SessionModel>();
}

#[test]
fn sessions_in_files_match_the_model() {
    run_in_files::<SessionModel>();
}

#[tokio::test]
async fn sessions_in_dynamodb_match_the_model() {
    run_in_dynamodb::<SessionModel>().await;
}
