//! The tokens of links, issued without an email.

use auth_core::{Action, ActionTokens, Algorithm, Clock, Email, EmailChange, Key, KeySet, User};

/// Issues the tokens of links, as `mailer` does.
#[derive(Debug, Clone)]
pub struct Links(ActionTokens);

impl Links {
    /// Returns an issuer of tokens that functions with this secret accept.
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        let key = Key::from_secret(secret, Algorithm::HS256).expect("a key");
        Self(ActionTokens::new(KeySet::from(key)))
    }

    /// Returns the token of a link that is sent now.
    pub async fn token(&self, action: Action) -> String {
        let issued = self.0.issue(action, Clock::system().now()).await;
        issued.expect("a token").token.expose().to_owned()
    }
}

/// Returns the action of a link that sets a new password of a user.
#[must_use]
pub fn reset(user: &User) -> Action {
    Action::Reset {
        email: Email::parse(&user.email).expect("an address"),
        user_id: user.id.clone(),
        version: user.version,
    }
}

/// Returns a change of a user's address.
#[must_use]
pub fn change(user: &User, to: &Email) -> EmailChange {
    EmailChange {
        user_id: user.id.clone(),
        version: user.version,
        from: Email::parse(&user.email).expect("an address"),
        to: to.clone(),
    }
}
