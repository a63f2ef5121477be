//! `login` on AWS Lambda.

use std::process::ExitCode;

use auth_core::{Clock, InMemoryUserRepository, Store, UserRepository};
use login::{Login, LoginSettings};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    auth_lambda::init_logs("login");
    let settings = match LoginSettings::read(auth_lambda::environment()) {
        Ok(settings) => settings,
        Err(error) => return auth_lambda::refuse(&error),
    };
    match settings.common.store {
        Store::Memory => serve(settings, InMemoryUserRepository::with_tutorial_user()).await,
    }
}

async fn serve(settings: LoginSettings, users: impl UserRepository) -> ExitCode {
    let login = Login::new(settings, users, Clock::system());
    auth_lambda::run(|request| login.handle(request)).await
}
