//! `login` on AWS Lambda.

use auth_aws::Aws;
use auth_core::{Clock, FileStore, InMemoryStore, Store};
use auth_lambda::StartError;
use login::{Login, LoginKeys, LoginSettings, LoginStore};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    auth_lambda::init_logs("login");
    let settings = LoginSettings::read(auth_lambda::environment())?;
    let aws = Aws::for_function();
    // All secrets are read concurrently.
    let (access_tokens, refresh_tokens, counters) = tokio::try_join!(
        aws.key_source(&settings.common.keys, Clock::system()),
        aws.key_source(&settings.sessions.keys, Clock::system()),
        aws.key_source(&settings.attempts.keys, Clock::system())
    )?;
    let keys = LoginKeys {
        access_tokens,
        refresh_tokens,
        counters,
    };
    keys.check_distinct().await?;
    match settings.common.store.clone() {
        Store::DynamoDb { table } => serve(settings, keys, aws.store(table).await).await,
        Store::File { path } => serve(settings, keys, FileStore::open(path)?).await,
        Store::Memory => serve(settings, keys, InMemoryStore::with_tutorial_user()).await,
    }
}

async fn serve(
    settings: LoginSettings,
    keys: LoginKeys,
    store: impl LoginStore,
) -> Result<(), StartError> {
    let login = Login::new(settings, keys, store, Clock::system());
    auth_lambda::run_handler(|request| login.handle(request)).await
}
