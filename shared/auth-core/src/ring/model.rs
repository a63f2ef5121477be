//! The keys compared with what must always be true, under random changes: interrupted before and after each write,
//! two at once, on a restored table, with wrong clocks, and with a pending rotation that is finished much later.
//!
//! `connection` has the stores, `world` the signers and their tokens; `interrupted` kills each step of each change in
//! turn.

mod connection;
mod interrupted;
mod world;

use proptest::prelude::*;

use super::RotateWhen;
use connection::Kill;
use world::{Run, World};

/// What happens next.
#[derive(Debug, Clone)]
enum Step {
    /// One run, which may be killed.
    One {
        run: Run,
        kill: Option<Kill>,
        /// By how many minutes its clock is wrong.
        clock_error: i64,
    },
    /// Two runs at once.
    Two {
        one: Run,
        two: Run,
        /// Whether the second run makes the next call.
        order: Vec<bool>,
        /// By how many minutes the clock of the first is ahead, and the other one's behind.
        clock_error: i64,
    },
    /// Time passes, in minutes.
    Wait(u64),
    /// One of three processes signs a token.
    Sign(usize),
    /// Processes that sign can no longer read the ring, or can again.
    Outage(bool),
    /// The table is restored to an earlier state.
    Restore(usize),
}

fn runs() -> impl Strategy<Value = Run> {
    prop_oneof![
        3 => Just(Run::Repair),
        4 => Just(Run::Rotate(RotateWhen::Ready)),
        2 => Just(Run::Rotate(RotateWhen::Now)),
        3 => (0..6_usize).prop_map(Run::Revoke),
        1 => Just(Run::Import),
        2 => Just(Run::Stage),
        3 => Just(Run::Finish),
    ]
}

fn kills() -> impl Strategy<Value = Option<Kill>> {
    let kill = (0..4_usize, any::<bool>());
    proptest::option::of(kill.prop_map(|(write, is_done)| Kill { write, is_done }))
}

fn steps() -> impl Strategy<Value = Step> {
    let order = proptest::collection::vec(any::<bool>(), 16);
    prop_oneof![
        6 => (runs(), kills(), -30..=30_i64)
            .prop_map(|(run, kill, clock_error)| Step::One { run, kill, clock_error }),
        3 => (runs(), runs(), order, -30..=30_i64)
            .prop_map(|(one, two, order, clock_error)| Step::Two { one, two, order, clock_error }),
        4 => prop_oneof![1..30_u64, 60..400_u64, 1_400..3_000_u64].prop_map(Step::Wait),
        8 => (0..3_usize).prop_map(Step::Sign),
        1 => any::<bool>().prop_map(Step::Outage),
        1 => (0..8_usize).prop_map(Step::Restore),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_tokens_are_accepted_and_revoked_keys_stay_away(
        steps in proptest::collection::vec(steps(), 1..40)
    ) {
        let mut world = World::new();
        for step in steps {
            match step {
                Step::One { run, kill, clock_error } => {
                    world.run(&run, kill, clock_error);
                }
                Step::Two { one, two, order, clock_error } => {
                    world.run_two(&one, &two, &order, clock_error);
                }
                Step::Wait(minutes) => world.wait(minutes),
                Step::Sign(signer) => world.sign(signer),
                Step::Outage(begins) => world.outage(begins),
                Step::Restore(back) => world.restore(back),
            }
            world.check();
        }
    }
}
