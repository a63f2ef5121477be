//! What the tests share: one client for functions in process and as processes, sample events with their
//! responses, stores, and servers to test against.

pub mod accounts;
pub mod app;
pub mod authctl;
pub mod authorizer;
pub mod callback_server;
pub mod cases;
pub mod client;
pub mod dynamodb;
pub mod events;
pub mod fault_proxy;
pub mod flaky;
pub mod functions;
pub mod key_stack;
pub mod linked;
pub mod links;
pub mod log_filter;
pub mod mails;
pub mod moved_clock;
pub mod openapi;
pub mod policy;
pub mod process;
pub mod project;
pub mod queue;
pub mod refusals;
pub mod runtime_api;
pub mod secrets;
mod server;
pub mod signing_stack;
pub mod stack;
pub mod store;
pub mod template;
pub mod terminal;
pub mod versioned_secrets;
pub mod write_gate;

/// The examples of the documentation, compiled.
#[cfg(doctest)]
mod examples {
    #[doc = include_str!("../../README.md")]
    mod readme {}
    #[doc = include_str!("../../docs/guarding.md")]
    mod guarding {}
}
