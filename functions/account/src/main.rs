//! `account` on AWS Lambda.

use account::{Account, AccountKeys, AccountSettings, AccountStore};
use auth_aws::Aws;
use auth_core::{Clock, FileStore, InMemoryStore, Store};
use auth_lambda::StartError;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    auth_lambda::init_logs("account");
    let settings = AccountSettings::read(auth_lambda::environment())?;
    let aws = Aws::for_function();
    // All keys are read concurrently.
    let (access_tokens, counters, actions) = tokio::try_join!(
        aws.key_source(&settings.common.keys, Clock::system()),
        aws.key_source(&settings.attempts.keys, Clock::system()),
        aws.key_source(&settings.actions, Clock::system())
    )?;
    let keys = AccountKeys {
        access_tokens,
        counters,
        actions,
    };
    keys.check_distinct().await?;
    match settings.common.store.clone() {
        Store::DynamoDb { table } => serve(settings, keys, aws.store(table).await).await,
        Store::File { path } => serve(settings, keys, FileStore::open(path)?).await,
        Store::Memory => serve(settings, keys, InMemoryStore::with_tutorial_user()).await,
    }
}

async fn serve(
    settings: AccountSettings,
    keys: AccountKeys,
    store: impl AccountStore,
) -> Result<(), StartError> {
    let account = Account::new(settings, keys, store, Clock::system());
    auth_lambda::run_handler(|request| account.handle(request)).await
}
