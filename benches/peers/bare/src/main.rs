//! A function that returns a constant for every request: the baseline cost of `lambda_http`.

use std::convert::Infallible;

use lambda_http::{Error, Request, Response, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(respond)).await
}

async fn respond(_: Request) -> Result<Response<String>, Infallible> {
    Ok(Response::new(r#"{"id":"1"}"#.into()))
}
