//! The operator's tool as a process, on tables and files, and the functions that share them.

mod choices;
mod doctor;
mod exports;
mod failures;
mod files;
mod imports;
mod keys;
mod mails;
mod prompts;
mod rights;
mod sessions;
mod users;

/// The address and the password of a user that the tests add.
const JANE: &str = "jane@example.com";
const PASSWORD: &str = "correct horse battery staple";
