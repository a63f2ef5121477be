//! A function that reads one item from `AUTH_TABLE` and returns its id: the cost of the SDK with lean
//! features and otherwise default settings.

use aws_config::BehaviorVersion;
use aws_sdk_dynamodb::{Client, types::AttributeValue};
use lambda_http::{Error, Request, Response, run, service_fn};

const KEY: &str = "user#john.doe@leapify.tech";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let table = std::env::var("AUTH_TABLE")?;
    let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
    let client = Client::new(&config);
    run(service_fn(|_: Request| respond(&client, &table))).await
}

async fn respond(client: &Client, table: &str) -> Result<Response<String>, Error> {
    let get = client.get_item().table_name(table);
    let get = get
        .key("pk", AttributeValue::S(KEY.into()))
        .consistent_read(true);
    let item = get.send().await?.item.ok_or("no item")?;
    let id = item
        .get("id")
        .and_then(|id| id.as_s().ok())
        .ok_or("no id")?;
    Ok(Response::new(format!(r#"{{"id":"{id}"}}"#)))
}
