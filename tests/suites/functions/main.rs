//! The real functions as processes: on sample events, with attackers, faults, several processes and files,
//! and at their start. Their responses are compared with those of FastAPI.
//!
//! Each test has its own processes, and its own table or file if it needs a store.

mod account;
mod account_attacks;
mod account_contract;
mod attacks;
mod attempts;
mod authorizer;
mod events;
mod examples;
mod fastapi;
mod faults;
mod file_store;
mod guards;
mod keys;
mod logs;
mod malformed_items;
mod published_keys;
mod readme;
mod rights;
mod secrets;
mod sessions;
mod starts;

use std::path::Path;

use bundle_tests::process::Process;

/// The functions that respond to requests and that [`start_staged`] can start. `guards.rs` tests the real binaries of all guards instead.
const STAGED: [&str; 2] = ["login", "me"];

/// Starts a function with the bundle's own handler, on a store that fails as the user or the session says.
async fn start_staged(function: &str, variables: &[(&str, &str)]) -> Process {
    let staged = Path::new(env!("CARGO_BIN_EXE_staged"));
    Process::start_binary(staged, function, variables, &[function]).await
}
