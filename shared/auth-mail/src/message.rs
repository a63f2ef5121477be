//! The form of an email (RFC 5322, RFC 2046): text and HTML with the same contents.

use auth_core::{Letter, Link, UnixTime};
use mail_builder::{MessageBuilder, headers::raw::Raw};

use crate::{
    InvalidAddress, MailAddress, MailSettings, html,
    wording::{Button, Wording, lifetime, wording},
};

/// An email that can be sent as it is.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Names the kind of email, such as `reset`.
    pub name: &'static str,
    /// The sender.
    pub from: MailAddress,
    /// The recipient.
    pub to: MailAddress,
    /// The whole email with its headers. It may contain a link, which is a secret.
    pub bytes: Vec<u8>,
    /// When it was written.
    pub date: UnixTime,
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Message({})", self.name)
    }
}

/// Writes emails.
#[derive(Debug, Clone)]
pub struct Composer {
    settings: MailSettings,
}

impl Composer {
    /// Returns a composer with these settings.
    #[must_use]
    pub fn new(settings: MailSettings) -> Self {
        Self { settings }
    }

    /// Writes an email.
    ///
    /// # Errors
    ///
    /// [`InvalidAddress`] if no email can be sent to its address.
    pub fn compose(&self, letter: &Letter, now: UnixTime) -> Result<Message, InvalidAddress> {
        let MailSettings { from, app_name, .. } = &self.settings;
        let to = MailAddress::parse(&letter.to)?;
        let wording = wording(&letter.content, app_name);
        let button = wording.button.zip(letter.content.link());
        let button = button.map(|(label, link)| Button {
            label,
            url: self.url(link),
            lifetime: lifetime(link.expires_at.since(now)),
        });
        let mut bytes = Vec::new();
        MessageBuilder::new()
            .from((app_name.as_str(), from.as_str()))
            .to(to.as_str())
            .subject(wording.title.as_str())
            .date(i64::try_from(now.as_secs()).unwrap_or(i64::MAX))
            // No automatic replies, please (RFC 3834 section 5).
            .header("Auto-Submitted", Raw::new("auto-generated"))
            .text_body(text(&wording, button.as_ref()))
            .html_body(html::document(&wording, button.as_ref()))
            .serialize(&mut bytes);
        Ok(Message {
            name: letter.content.name(),
            from: from.clone(),
            to,
            bytes,
            date: now,
        })
    }

    /// Returns the address of a link. Its secret is in the fragment, which browsers never send to a server.
    fn url(&self, link: &Link) -> String {
        let (page, kind, token) = (&self.settings.page, link.kind.name(), link.token.expose());
        format!("{page}#kind={kind}&token={token}")
    }
}

/// Returns the plain text.
fn text(wording: &Wording, button: Option<&Button>) -> String {
    let mut paragraphs = vec![wording.title.clone()];
    paragraphs.extend(wording.sentences.iter().cloned());
    if let Some(button) = button {
        paragraphs.push(format!("{}:\n{}", button.label, button.url));
        paragraphs.push(button.lifetime.clone());
    }
    paragraphs.push(format!("--\u{20}\n{}\n", wording.reason));
    paragraphs.join("\n\n")
}

#[cfg(test)]
mod tests;
