//! `me` on AWS Lambda.

use std::process::ExitCode;

use auth_core::{Clock, InMemoryUserRepository, SettingsReader, Store};
use me::Me;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    auth_lambda::init_logs("me");
    let settings = match me::read_settings(SettingsReader::from_env()) {
        Ok(settings) => settings,
        Err(error) => return auth_lambda::refuse(&error),
    };
    let users = match settings.store {
        Store::Memory => InMemoryUserRepository::with_tutorial_user(),
    };
    let me = Me::new(settings, users, Clock::system());
    auth_lambda::run(|request| me.handle(request)).await
}
