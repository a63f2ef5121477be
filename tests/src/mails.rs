//! The emails that `account` writes to a folder.

use std::fs;

use mail_parser::MessageParser;
use tempfile::TempDir;

/// An email as its recipient sees it.
#[derive(Debug, Clone)]
pub struct Mail {
    /// The address.
    pub to: String,
    /// The plain text.
    pub text: String,
}

impl Mail {
    /// Returns the token of the link in the email.
    #[must_use]
    pub fn token(&self) -> &str {
        let (_, rest) = self.text.split_once("&token=").expect("a link");
        rest.lines().next().expect("a token")
    }
}

/// A folder of emails, for `MAIL_DIR`.
#[derive(Debug)]
pub struct Mails(TempDir);

impl Default for Mails {
    fn default() -> Self {
        Self(TempDir::new().expect("a temporary folder"))
    }
}

impl Mails {
    /// Returns the path of the folder.
    #[must_use]
    pub fn path(&self) -> &str {
        self.0.path().to_str().expect("UTF-8")
    }

    /// Removes all emails, and returns them in no particular order.
    #[must_use]
    pub fn take(&self) -> Vec<Mail> {
        let files = fs::read_dir(self.0.path()).expect("the folder");
        let mails = files.map(|file| {
            let path = file.expect("a file").path();
            let bytes = fs::read(&path).expect("an email");
            fs::remove_file(&path).expect("removed");
            let mail = MessageParser::default().parse(&bytes).expect("an email");
            let to = mail.to().and_then(|to| to.first()?.address());
            Mail {
                to: to.expect("an address").to_owned(),
                text: mail.body_text(0).expect("a text").into_owned(),
            }
        });
        mails.collect()
    }

    /// Removes all emails, and returns the one to an address.
    #[must_use]
    pub fn take_to(&self, address: &str) -> Mail {
        let mails = self.take();
        let found = mails.iter().find(|mail| mail.to == address);
        found.unwrap_or_else(|| panic!("{mails:?}")).clone()
    }
}
