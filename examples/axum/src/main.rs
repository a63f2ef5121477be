//! The orders on AWS Lambda.

use auth_aws::Aws;
use auth_http::LiveBearer;
use auth_lambda::StartError;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    auth_lambda::init_logs("axum_example");
    let (bearer, store) = Aws::for_function().live_guard_from_env().await?;
    let guard = LiveBearer::new(bearer, store);
    auth_lambda::run(axum_example::router(guard)).await
}
