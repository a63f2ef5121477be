//! The steps of clients, thieves, operators and clocks.

use bundle_tests::flaky::Failure;
use proptest::{collection::vec, option, prelude::*, sample::Index};

/// A call that fails, counted from 0, and how.
pub(crate) type Fault = Option<(usize, Failure)>;

#[derive(Debug, Clone)]
pub(crate) enum Step {
    Login(Fault),
    /// The newest token that a client has.
    Refresh(Index, Fault),
    /// Any token that was ever issued.
    Replay(Index, Fault),
    Logout(Index, Fault),
    LogoutEverywhere(Index, Fault),
    Disable,
    Enable,
    NewPassword,
    /// Seconds pass.
    Pass(u64),
    /// Another machine's clock is behind by seconds.
    SetBack(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let fault = || {
        let failure = prop_oneof![Just(Failure::Before), Just(Failure::Lost)];
        option::weighted(0.2, (0..3_usize, failure))
    };
    let any = any::<Index>;
    prop_oneof![
        2 => fault().prop_map(Step::Login),
        6 => (any(), fault()).prop_map(|(token, fault)| Step::Refresh(token, fault)),
        3 => (any(), fault()).prop_map(|(token, fault)| Step::Replay(token, fault)),
        1 => (any(), fault()).prop_map(|(token, fault)| Step::Logout(token, fault)),
        1 => (any(), fault()).prop_map(|(token, fault)| Step::LogoutEverywhere(token, fault)),
        1 => prop_oneof![Just(Step::Disable), Just(Step::Enable), Just(Step::NewPassword)],
        1 => prop_oneof![Just(1), Just(5), Just(20)].prop_map(Step::SetBack),
        4 => prop_oneof![Just(1), Just(9), Just(10), Just(11), Just(21), Just(60), Just(99), Just(100)]
            .prop_map(Step::Pass),
    ]
}

pub(crate) fn sequence() -> impl Strategy<Value = Vec<Step>> {
    vec(step(), 1..16)
}
