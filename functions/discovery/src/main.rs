//! `discovery` on AWS Lambda.

use auth_lambda::StartError;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    auth_lambda::init_logs("discovery");
    discovery::check_settings(auth_lambda::environment())?;
    auth_lambda::run(discovery::handle).await
}
