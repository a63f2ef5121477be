//! `me` on AWS Lambda.

use std::{process::ExitCode, sync::Arc};

use auth_aws::Aws;
use auth_core::{Clock, InMemoryUserRepository, KeySource, Settings, Store, UserRepository};
use me::Me;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    auth_lambda::init_logs("me");
    let settings = match me::read_settings(auth_lambda::environment()) {
        Ok(settings) => settings,
        Err(error) => return auth_lambda::refuse(&error),
    };
    let aws = Aws::for_function();
    let keys = settings.keys.clone();
    let keys = match aws.key_source(keys, Clock::system()).await {
        Ok(keys) => keys,
        Err(error) => return auth_lambda::refuse(&error),
    };
    match settings.store.clone() {
        Store::Memory => {
            let users = InMemoryUserRepository::with_tutorial_user();
            serve(settings, keys, users).await
        }
        Store::DynamoDb { table } => serve(settings, keys, aws.users(table).await).await,
    }
}

async fn serve(
    settings: Settings,
    keys: Arc<dyn KeySource>,
    users: impl UserRepository,
) -> ExitCode {
    let me = Me::new(settings, keys, users, Clock::system());
    auth_lambda::run(|request| me.handle(request)).await
}
