//! The commands that show emails and send them again.

use std::io::{self, Write};

use auth_aws::Aws;
use auth_core::{Clock, Email, Letter, MailDirectory, SettingsReader};
use auth_mail::{Composer, MailSettings, read_app_name, samples};
use serde_json::json;

use crate::{
    cli::Address,
    error::CommandError,
    output::{Output, Record},
    store::{Lookup, StoreLocation},
};

/// The new address in emails about a change.
const NEW_ADDRESS: &str = "new.address@example.com";

/// Prints a sample email of a kind.
pub(crate) async fn preview(
    lookup: Lookup<'_>,
    kind: &str,
    to: &Address,
) -> Result<(), CommandError> {
    let mut reader = SettingsReader::new([], lookup);
    let name = read_app_name(&mut reader);
    let settings = MailSettings::read(&mut reader, name.as_deref(), None);
    let composer = Composer::new(reader.finish(settings)?);
    let now = Clock::system().now();
    let new = Email::parse(NEW_ADDRESS).map_err(|_| CommandError::NoMail)?;
    let contents = samples(&to.key, &new, now)
        .await
        .map_err(|_| CommandError::NoRandomness)?;
    let letter = Letter {
        to: to.typed.clone(),
        content: contents
            .into_iter()
            .find(|content| content.name() == kind)
            .ok_or(CommandError::NoMail)?,
    };
    let message = composer
        .compose(&letter, now)
        .map_err(|_| CommandError::NoMail)?;
    io::stdout()
        .write_all(&message.bytes)
        .map_err(CommandError::io("standard output"))
}

/// Puts all unsent emails of a stack into its queue.
pub(crate) async fn retry(
    location: &StoreLocation,
    aws: &Aws,
    output: &Output,
) -> Result<(), CommandError> {
    let StoreLocation::Stack(name) = location else {
        return Err(CommandError::NoMailQueue);
    };
    let stack = aws.stack(name).await?;
    let queue = aws.ask_queue(stack.ask_queue()?).await;
    let asks = aws.store(stack.table()?).await.list_asks().await?;
    for ask in &asks {
        queue.send(ask).await?;
    }
    let count = asks.len();
    let sentence = match count {
        1 => "queued 1 email; it is sent within minutes".to_owned(),
        _ => format!("queued {count} emails; they are sent within minutes"),
    };
    let record = Record::new([count.to_string()], json!({ "retried": count }));
    output.result(&sentence, &record)
}
