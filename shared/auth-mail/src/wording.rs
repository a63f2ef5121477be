//! Every text of the emails, in one place so that they can be translated. Each sentence also has to read well with the
//! default name of the application.

use std::{fmt, time::Duration};

use auth_core::{Email, LetterContent};

/// What an email says: a title, sentences, the text of a button, and why it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wording {
    /// The subject and the heading.
    pub(crate) title: String,
    /// What happened, and what to do.
    pub(crate) sentences: Vec<String>,
    /// The text of the button, if the email has a link.
    pub(crate) button: Option<&'static str>,
    /// Why the user receives the email.
    pub(crate) reason: String,
}

/// A link as readers see it.
pub(crate) struct Button {
    /// The text of the button.
    pub(crate) label: &'static str,
    /// The address.
    pub(crate) url: String,
    /// How long it works, as a sentence.
    pub(crate) lifetime: String,
}

/// Returns how long a link works, as a sentence. Minutes are rounded up, then hours down.
pub(crate) fn lifetime(left: Duration) -> String {
    let minutes = left.as_secs().div_ceil(60);
    let time = if minutes >= 120 {
        format!("{} hours", minutes / 60)
    } else {
        format!("{minutes} minutes")
    };
    format!("This link works once and expires {time} after this email was sent.")
}

/// Introduces the full link, for readers whose email program shows no button.
pub(crate) const PLAIN_LINK: &str = "If the button does not work, open this link:";

const NOTHING_TO_DO: &str = "If this was you, you don't need to do anything.";

const NOT_YOU: &str =
    "If this wasn't you, reset your password now: choose \"Forgot password\" on the sign-in page.";

/// Returns what an email of an application says.
pub(crate) fn wording(content: &LetterContent, app: &str) -> Wording {
    let app = App(app);
    match content {
        LetterContent::SignUp(_) => app.sign_up(),
        LetterContent::AlreadyRegistered => app.already_registered(),
        LetterContent::Invite(_) => app.invite(),
        LetterContent::Reset(_) => app.reset(),
        LetterContent::Email(current, _) => app.email(current),
        LetterContent::EmailRequested(new, _) => app.email_requested(new),
        LetterContent::EmailChanged(new, Some(_)) => app.email_changed(new),
        LetterContent::EmailChanged(new, None) => app.email_changed_long_ago(new),
        LetterContent::EmailConfirmed => app.email_confirmed(),
        LetterContent::EmailRestored(_) => app.email_restored(),
        LetterContent::EmailUndone(former) => app.email_undone(former),
        LetterContent::PasswordChanged => app.password_changed(),
        LetterContent::AccountDeleted => app.account_deleted(),
        LetterContent::SessionReused => app.session_reused(),
    }
}

/// The name of the application.
#[derive(Clone, Copy)]
struct App<'n>(&'n str);

/// Reasons.
impl App<'_> {
    fn asked(self, what: &str, otherwise: &str) -> String {
        format!(
            "You received this email because someone, probably you, {what} at {self}. If it wasn't you, ignore this \
             email: {otherwise}."
        )
    }

    fn is_address(self) -> String {
        format!("You received this email because this is the address of your {self} account.")
    }

    fn was_address(self) -> String {
        format!("You received this email because this was the address of your {self} account.")
    }
}

/// Emails that only confirm who owns an address.
impl App<'_> {
    fn sign_up(self) -> Wording {
        Wording {
            title: format!("Confirm your email address for {self}"),
            sentences: all(["Confirm this address and choose a password to create your account."]),
            button: Some("Create account"),
            reason: self.asked("used this address to sign up", "no account will be created"),
        }
    }

    fn already_registered(self) -> Wording {
        Wording {
            title: format!("You already have an account at {self}"),
            sentences: all([
                "Someone, probably you, tried to sign up with this address, but you already have an account.",
                "Sign in with your password. If you forgot it, choose \"Forgot password\" on the sign-in page.",
            ]),
            button: None,
            reason: self.is_address(),
        }
    }

    fn invite(self) -> Wording {
        Wording {
            title: format!("You are invited to {self}"),
            sentences: all(["Choose a password to accept the invitation and create your account."]),
            button: Some("Accept invitation"),
            reason: format!(
                "You received this email because an administrator of {self} invited you. If you don't want an account, \
                 ignore this email."
            ),
        }
    }
}

/// Emails about passwords and sessions.
impl App<'_> {
    fn reset(self) -> Wording {
        Wording {
            title: format!("Set a new password for {self}"),
            sentences: all(["Choose a new password. This signs you out on all devices."]),
            button: Some("Set password"),
            reason: self.asked(
                "asked to reset the password for this address",
                "your password stays the same",
            ),
        }
    }

    fn password_changed(self) -> Wording {
        Wording {
            title: format!("Your password for {self} was changed"),
            sentences: all([
                "Your password was changed, and you were signed out on all devices.",
                NOTHING_TO_DO,
                NOT_YOU,
            ]),
            button: None,
            reason: self.is_address(),
        }
    }

    fn account_deleted(self) -> Wording {
        Wording {
            title: format!("Your {self} account was deleted"),
            sentences: vec![
                "Your account was deleted by someone who entered your password.".to_owned(),
                format!("{NOTHING_TO_DO} If it wasn't you, contact the people who run {self}."),
            ],
            button: None,
            reason: self.was_address(),
        }
    }

    fn session_reused(self) -> Wording {
        Wording {
            title: format!("You were signed out of {self} on one device"),
            sentences: all([
                "Someone used old sign-in data from one of your devices. It may have been copied, so we signed that \
                 device out.",
                "Sign in again. If you see devices or changes that you don't recognize, reset your password.",
            ]),
            button: None,
            reason: self.is_address(),
        }
    }
}

/// Emails about a change of the address.
impl App<'_> {
    fn email(self, current: &Email) -> Wording {
        Wording {
            title: format!("Confirm your new email address for {self}"),
            sentences: vec![format!(
                "Confirm this address for the account that now has {current}. This signs you out on all devices. If \
                 {current} is not your address, do not confirm: the account belongs to someone else."
            )],
            button: Some("Confirm address"),
            reason: format!(
                "You received this email because someone asked to use this address for a {self} account. If you don't \
                 confirm it, nothing will change."
            ),
        }
    }

    fn email_requested(self, new: &Email) -> Wording {
        Wording {
            title: format!("Someone asked to change your email address for {self}"),
            sentences: vec![
                format!(
                    "Someone, probably you, asked to change the email address of your account to {new}."
                ),
                format!(
                    "{NOTHING_TO_DO} If it wasn't you, cancel the change and reset your password."
                ),
            ],
            button: Some("Cancel the change"),
            reason: self.is_address(),
        }
    }

    fn email_changed(self, new: &Email) -> Wording {
        Wording {
            title: format!("Your email address for {self} was changed"),
            sentences: vec![
                format!("The email address of your account is now {new}. {NOTHING_TO_DO}"),
                "If it wasn't you, undo the change. Undoing it restores your address, removes the password and signs \
                 everyone out."
                    .to_owned(),
            ],
            button: Some("Undo the change"),
            reason: self.was_address(),
        }
    }

    /// For an email that is so late that the change cannot be undone.
    fn email_changed_long_ago(self, new: &Email) -> Wording {
        Wording {
            sentences: vec![
                format!("The email address of your account was changed to {new}. {NOTHING_TO_DO}"),
                format!("If it wasn't you, contact the people who run {self}."),
            ],
            button: None,
            ..self.email_changed(new)
        }
    }

    fn email_confirmed(self) -> Wording {
        Wording {
            title: format!("Your email address for {self} was changed"),
            sentences: all([
                "Your account now has this address, and you were signed out on all devices. Sign in with this address.",
            ]),
            button: None,
            reason: self.is_address(),
        }
    }

    fn email_restored(self) -> Wording {
        Wording {
            title: format!("Your email address for {self} was restored"),
            sentences: all([
                "The change to your email address was undone, the password was removed, and everyone was signed out.",
                "Choose a new password.",
            ]),
            button: Some("Set password"),
            reason: self.is_address(),
        }
    }

    fn email_undone(self, former: &Email) -> Wording {
        Wording {
            title: format!("Your email address for {self} was changed back"),
            sentences: vec![format!(
                "Someone who can read email sent to {former} undid the change to your email address. Your account has \
                 that address again, its password was removed, and you were signed out on all devices."
            )],
            button: None,
            reason: self.was_address(),
        }
    }
}

impl fmt::Display for App<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

fn all<const N: usize>(sentences: [&str; N]) -> Vec<String> {
    sentences.map(str::to_owned).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_works_as_long_as_an_email_says() {
        for (seconds, expected) in [
            (30 * 60, "30 minutes"),
            (30 * 60 - 1, "30 minutes"),
            (3_600, "60 minutes"),
            (2 * 3_600 - 60, "119 minutes"),
            (2 * 3_600, "2 hours"),
            (72 * 3_600, "72 hours"),
            (72 * 3_600 - 1, "72 hours"),
            (72 * 3_600 - 60, "71 hours"),
        ] {
            let sentence = lifetime(Duration::from_secs(seconds));
            assert!(sentence.contains(&format!(" {expected} ")), "{seconds}");
        }
    }
}
