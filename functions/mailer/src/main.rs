//! `mailer` on AWS Lambda.

use auth_aws::Aws;
use auth_core::{ActionTokens, Clock};
use auth_lambda::StartError;
use auth_mail::{Composer, Delivery};
use mailer::{Mailer, MailerSettings};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    auth_lambda::init_logs("mailer");
    let settings = MailerSettings::read(auth_lambda::environment())?;
    let aws = Aws::for_function();
    let keys = aws.key_source(&settings.actions, Clock::system()).await?;
    let delivery = Delivery::new(
        auth_core::Mailer::new(ActionTokens::new(keys)),
        Composer::new(settings.mail),
        aws.mail_transport(settings.configuration_set).await,
        Clock::system(),
    );
    let store = aws.store(settings.table).await;
    let mailer = Mailer::new(delivery, store, aws.ask_queue(settings.queue_url).await);
    auth_lambda::run_events(|event| mailer.handle(event)).await
}
