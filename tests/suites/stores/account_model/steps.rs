//! The steps of users, thieves, operators and clocks.

use bundle_tests::flaky::Failure;
use proptest::{collection::vec, option, prelude::*, sample::Index};

/// The number of addresses.
pub(crate) const ADDRESSES: usize = 3;

/// The number of passwords.
pub(crate) const PASSWORD_COUNT: usize = 3;

/// A call that fails, counted from 0, and how.
pub(crate) type Fault = Option<(usize, Failure)>;

/// What an operator does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Operation {
    Disable,
    Enable,
    RemoveRoles,
    EndSessions,
    Delete,
}

/// Addresses and passwords are numbers.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// A link that confirms a sign-up is sent.
    SignUp(usize),
    /// An invitation is sent.
    Invite(usize),
    /// A link that sets a new password is sent.
    Forget(usize),
    /// The links of a change of the address are sent.
    ChangeEmail(usize, usize),
    /// The notice of a confirmed change is sent to the old address.
    Report(Index),
    /// Any link that was ever sent is used, with a password. The request is repeated once.
    Use(Index, usize, Fault),
    Login(usize),
    ChangePassword(Index, usize, Fault),
    EndOthers(Index, Fault),
    Delete(Index, Fault),
    Operate(usize, Operation),
    /// Two acts at once. Each turn is that of the first or of the second one, until both make the calls that are left.
    Race([(Act, Fault); 2], Vec<bool>),
    /// Seconds pass.
    Pass(u64),
}

/// An act that can happen while another one is under way.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// Any link that was ever sent is used, with a password.
    Use(Index, usize),
    ChangePassword(Index, usize),
    /// A session ends any other one, perhaps one of another user.
    EndSession(Index, Index),
    EndOthers(Index),
    Delete(Index),
    Login(usize),
    Refresh(Index),
    Operate(usize, Operation),
}

impl Step {
    /// Returns whether the step only sends emails, for which nothing is written.
    pub(crate) fn only_sends(&self) -> bool {
        matches!(
            self,
            Self::SignUp(_)
                | Self::Invite(_)
                | Self::Forget(_)
                | Self::ChangeEmail(..)
                | Self::Report(_)
        )
    }
}

fn act() -> impl Strategy<Value = Act> {
    let (address, password, any) = (|| 0..ADDRESSES, || 0..PASSWORD_COUNT, any::<Index>);
    prop_oneof![
        6 => (any(), password()).prop_map(|(link, new)| Act::Use(link, new)),
        1 => (any(), password()).prop_map(|(session, new)| Act::ChangePassword(session, new)),
        1 => (any(), any()).prop_map(|(session, ended)| Act::EndSession(session, ended)),
        1 => any().prop_map(Act::EndOthers),
        1 => any().prop_map(Act::Delete),
        2 => address().prop_map(Act::Login),
        2 => any().prop_map(Act::Refresh),
        2 => (address(), operation()).prop_map(|(address, what)| Act::Operate(address, what)),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        Just(Operation::Disable),
        Just(Operation::Enable),
        Just(Operation::RemoveRoles),
        Just(Operation::EndSessions),
        Just(Operation::Delete),
    ]
}

fn race() -> impl Strategy<Value = Step> {
    let one = || (act(), fault());
    let turns = vec(any::<bool>(), 0..12);
    (one(), one(), turns).prop_map(|(one, other, turns)| Step::Race([one, other], turns))
}

fn fault() -> impl Strategy<Value = Fault> {
    let failure = prop_oneof![Just(Failure::Before), Just(Failure::Lost)];
    option::weighted(0.3, (0..5_usize, failure))
}

fn step() -> impl Strategy<Value = Step> {
    let address = || 0..ADDRESSES;
    let (password, any) = (|| 0..PASSWORD_COUNT, any::<Index>);
    let seconds = prop_oneof![
        4 => Just(1_u64),
        2 => Just(60),
        1 => Just(1_800),
        1 => Just(3_600),
        1 => Just(24 * 3_600),
        2 => Just(72 * 3_600),
    ];
    prop_oneof![
        2 => address().prop_map(Step::SignUp),
        1 => address().prop_map(Step::Invite),
        2 => address().prop_map(Step::Forget),
        3 => (address(), address()).prop_map(|(from, to)| Step::ChangeEmail(from, to)),
        1 => any().prop_map(Step::Report),
        9 => (any(), password(), fault()).prop_map(|(link, new, fault)| Step::Use(link, new, fault)),
        3 => address().prop_map(Step::Login),
        1 => (any(), password(), fault())
            .prop_map(|(session, new, fault)| Step::ChangePassword(session, new, fault)),
        1 => (any(), fault()).prop_map(|(session, fault)| Step::EndOthers(session, fault)),
        2 => (any(), fault()).prop_map(|(session, fault)| Step::Delete(session, fault)),
        2 => (address(), operation()).prop_map(|(address, what)| Step::Operate(address, what)),
        8 => race(),
        3 => seconds.prop_map(Step::Pass),
    ]
}

pub(crate) fn sequence() -> impl Strategy<Value = Vec<Step>> {
    vec(step(), 1..24)
}
