//! The emails of self-service: what they say (`wording`), their form (`message`, `html`), and how they are delivered.
//!
//! Start at [`Delivery::deliver`], which turns an ask into an email and sends it with a [`Transport`]: SES in a stack,
//! or a [`MailFolder`] on a laptop. [`auth_core::Mailer`] decides what an ask becomes. Nothing here logs an address or
//! a link.

mod address;
mod delivery;
mod folder;
mod html;
mod message;
mod sample;
mod settings;
mod wording;

pub use address::{InvalidAddress, MailAddress};
pub use delivery::{
    AskQueue, Delivered, Delivery, DeliveryError, MailStore, Transport, TransportError,
    TransportFailure,
};
pub use folder::MailFolder;
pub use html::escape_html;
pub use message::{Composer, Message};
pub use sample::{KINDS, samples};
pub use settings::{MailSettings, read_app_name, read_folder};
