//! `keys` on AWS Lambda.

use auth_aws::{Aws, Callback};
use auth_core::{Clock, KeeperSettings};
use auth_lambda::StartError;
use keys::Keys;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    auth_lambda::init_logs("keys");
    let settings = KeeperSettings::read(auth_lambda::environment())?;
    let aws = Aws::for_function();
    let ring = aws.key_ring(&settings.secret_id).await;
    let published = aws.store(&settings.table).await;
    let keys = Keys::new(
        settings,
        ring,
        published,
        Callback::from_env(),
        Clock::system(),
    );
    auth_lambda::run_events(|event| keys.handle(event)).await
}
