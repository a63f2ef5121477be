//! `authorizer` on AWS Lambda.

use std::sync::Arc;

use auth_aws::Aws;
use auth_core::{Clock, FileStore, InMemoryStore, KeySource, LiveRepository, Store};
use auth_lambda::StartError;
use authorizer::{Authorizer, AuthorizerSettings};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    auth_lambda::init_logs("authorizer");
    let settings = AuthorizerSettings::read(auth_lambda::environment())?;
    let aws = Aws::for_function();
    let keys = aws
        .key_source(&settings.common.keys, Clock::system())
        .await?;
    match settings.common.store.clone() {
        Store::DynamoDb { table } => serve(settings, keys, aws.store(table).await).await,
        Store::File { path } => serve(settings, keys, FileStore::open(path)?).await,
        Store::Memory => serve(settings, keys, InMemoryStore::with_tutorial_user()).await,
    }
}

async fn serve(
    settings: AuthorizerSettings,
    keys: Arc<dyn KeySource>,
    store: impl LiveRepository,
) -> Result<(), StartError> {
    let authorizer = Authorizer::new(settings, keys, store, Clock::system());
    auth_lambda::run_events(|event| authorizer.handle(event)).await
}
