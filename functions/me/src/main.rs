//! `me` on AWS Lambda.

use std::process::ExitCode;

use auth_core::{Clock, InMemoryUserRepository, Settings, Store, UserRepository};
use me::Me;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    auth_lambda::init_logs("me");
    let settings = match me::read_settings(auth_lambda::environment()) {
        Ok(settings) => settings,
        Err(error) => return auth_lambda::refuse(&error),
    };
    match settings.store {
        Store::Memory => serve(settings, InMemoryUserRepository::with_tutorial_user()).await,
    }
}

async fn serve(settings: Settings, users: impl UserRepository) -> ExitCode {
    let me = Me::new(settings, users, Clock::system());
    auth_lambda::run(|request| me.handle(request)).await
}
