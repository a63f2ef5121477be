//! What the suites share: sample events with their answers, forged tokens, and the real binaries
//! run as processes.

pub mod app;
pub mod authctl;
pub mod binaries;
pub mod cases;
pub mod dynamodb;
pub mod events;
pub mod fault_proxy;
pub mod flaky;
pub mod forge;
pub mod functions;
pub mod hostile;
pub mod openapi;
pub mod outage_suite;
pub mod project;
pub mod repository_suite;
pub mod runtime_api;
pub mod secrets;
mod server;
pub mod session_suite;
pub mod stores;
pub mod template;

/// The examples of the documentation, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}
