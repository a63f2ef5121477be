//! `login` on AWS Lambda.

use std::{process::ExitCode, sync::Arc};

use auth_aws::Aws;
use auth_core::{Clock, CredentialRepository, InMemoryUserRepository, KeySource, Store};
use login::{Login, LoginSettings};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    auth_lambda::init_logs("login");
    let settings = match LoginSettings::read(auth_lambda::environment()) {
        Ok(settings) => settings,
        Err(error) => return auth_lambda::refuse(&error),
    };
    let aws = Aws::for_function();
    let keys = settings.common.keys.clone();
    let keys = match aws.key_source(keys, Clock::system()).await {
        Ok(keys) => keys,
        Err(error) => return auth_lambda::refuse(&error),
    };
    match settings.common.store.clone() {
        Store::Memory => {
            let users = InMemoryUserRepository::with_tutorial_user();
            serve(settings, keys, users).await
        }
        Store::DynamoDb { table } => serve(settings, keys, aws.users(table).await).await,
    }
}

async fn serve(
    settings: LoginSettings,
    keys: Arc<dyn KeySource>,
    users: impl CredentialRepository,
) -> ExitCode {
    let login = Login::new(settings, keys, users, Clock::system());
    auth_lambda::run(|request| login.handle(request)).await
}
