//! `me` on AWS Lambda.

use std::sync::Arc;

use auth_aws::Aws;
use auth_core::{Clock, FileStore, InMemoryStore, KeySource, LiveRepository, Settings, Store};
use auth_lambda::StartError;
use me::Me;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    auth_lambda::init_logs("me");
    let settings = me::read_settings(auth_lambda::environment())?;
    let aws = Aws::for_function();
    let keys = aws.key_source(&settings.keys, Clock::system()).await?;
    match settings.store.clone() {
        Store::DynamoDb { table } => serve(settings, keys, aws.store(table).await).await,
        Store::File { path } => serve(settings, keys, FileStore::open(path)?).await,
        Store::Memory => serve(settings, keys, InMemoryStore::with_tutorial_user()).await,
    }
}

async fn serve(
    settings: Settings,
    keys: Arc<dyn KeySource>,
    store: impl LiveRepository,
) -> Result<(), StartError> {
    let me = Me::new(settings, keys, store, Clock::system());
    auth_lambda::run_handler(|request| me.handle(request)).await
}
