//! `login` on AWS Lambda.

use std::process::ExitCode;

use auth_aws::{Aws, KeysRefused};
use auth_core::{
    AttemptRepository, Clock, CredentialRepository, InMemoryAttemptRepository,
    InMemorySessionRepository, InMemoryUserRepository, KeySettings, SessionRepository, Store,
    UserRepository,
};
use login::{Login, LoginKeys, LoginSettings, Stores};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    auth_lambda::init_logs("login");
    let settings = match LoginSettings::read(auth_lambda::environment()) {
        Ok(settings) => settings,
        Err(error) => return auth_lambda::refuse(&error),
    };
    let aws = Aws::for_function();
    let keys = match keys(&aws, &settings).await {
        Ok(keys) => keys,
        Err(error) => return auth_lambda::refuse(&error),
    };
    match settings.common.store.clone() {
        Store::Memory => {
            let stores = Stores {
                users: InMemoryUserRepository::with_tutorial_user(),
                sessions: InMemorySessionRepository::default(),
                attempts: InMemoryAttemptRepository::default(),
            };
            serve(settings, keys, stores).await
        }
        Store::DynamoDb { table } => {
            let stores = Stores {
                users: aws.users(&table).await,
                sessions: aws.sessions(&table).await,
                attempts: aws.attempts(&table).await,
            };
            serve(settings, keys, stores).await
        }
    }
}

/// Both secrets are read at once.
async fn keys(aws: &Aws, settings: &LoginSettings) -> Result<LoginKeys, KeysRefused> {
    let source = |keys: &KeySettings| aws.key_source(keys.clone(), Clock::system());
    let (access_tokens, refresh_tokens) = tokio::try_join!(
        source(&settings.common.keys),
        source(&settings.sessions.keys)
    )?;
    Ok(LoginKeys {
        access_tokens,
        refresh_tokens,
    })
}

async fn serve<U, S, A>(
    settings: LoginSettings,
    keys: LoginKeys,
    stores: Stores<U, S, A>,
) -> ExitCode
where
    U: CredentialRepository + UserRepository,
    S: SessionRepository,
    A: AttemptRepository,
{
    let login = Login::new(settings, keys, stores, Clock::system());
    auth_lambda::run(|request| login.handle(request)).await
}
