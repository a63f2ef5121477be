//! `discovery` on AWS Lambda.

use auth_aws::Aws;
use auth_core::Clock;
use auth_lambda::StartError;
use discovery::Discovery;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    auth_lambda::init_logs("discovery");
    let settings = discovery::read_settings(auth_lambda::environment())?;
    let aws = Aws::for_function();
    let keys = aws
        .published_source(&settings.keys, Clock::system())
        .await?;
    let discovery = Discovery::new(settings, keys, Clock::system());
    auth_lambda::run_handler(|request| discovery.handle(request)).await
}
