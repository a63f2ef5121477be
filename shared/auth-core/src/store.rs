//! The stores that need no server, for local work and tests.
//!
//! Both contain a [`Snapshot`](snapshot::Snapshot): [`InMemoryStore`] in the process, [`FileStore`] in a file
//! that all functions and `authctl` share. The operations are in `snapshot`; `repositories` makes them the traits
//! that functions use.

mod account;
mod asks;
mod file;
mod items;
mod keys;
mod memory;
mod repositories;
mod snapshot;
mod versioned;

pub use file::FileStore;
pub use memory::InMemoryStore;
