//! `login` on AWS Lambda.

use std::process::ExitCode;

use auth_core::{Clock, InMemoryUserRepository, SettingsReader, Store};
use login::{Login, LoginSettings};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    auth_lambda::init_logs("login");
    let settings = match LoginSettings::read(SettingsReader::from_env()) {
        Ok(settings) => settings,
        Err(error) => return auth_lambda::refuse(&error),
    };
    let users = match settings.common.store {
        Store::Memory => InMemoryUserRepository::with_tutorial_user(),
    };
    let login = Login::new(settings, users, Clock::system());
    auth_lambda::run(|request| login.handle(request)).await
}
