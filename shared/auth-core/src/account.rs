//! Self-service: users sign up, reset and change their password and email, end their sessions, and leave.
//!
//! A link in an email carries a token, which is stored nowhere ([`ActionTokens`]). A request for an email only puts an
//! [`Ask`], so the response cannot depend on whether a user exists; `Mailer` decides later what to send. A link works
//! once, because the write that it leads to is conditional on the state that its token is bound to, and records the
//! token ([`ActionMark`]): a repeated request finds its own mark and succeeds again.
//!
//! The data and the traits are here with the feature `sign-in`, because every function shares the stores. The rules of
//! the flows need the feature `self-service`: start at `SelfService` and `Mailer`.

mod action;
mod ask;
mod ask_limits;
mod hold;
#[cfg(feature = "self-service")]
mod mailer;
mod repository;
#[cfg(feature = "self-service")]
mod service;
mod tokens;

pub use action::{Action, ActionKind, ActionMark, EmailChange};
pub use ask::{Ask, AskContent, AskCount, AskId, AskLimit, AskLimits, Asked};
pub use hold::{HOLD, HeldAddress};
#[cfg(feature = "self-service")]
pub use mailer::{Letter, LetterContent, Mailer, MailerError};
pub use repository::{
    Account, AccountRepository, AskRepository, HeldRepository, MailDirectory, MailRepository,
    MoveKind, NewPassword, NoticeRepository, OwnSessionRepository, Relocation,
};
#[cfg(feature = "self-service")]
pub use service::{
    HashPassword, InvalidLink, OwnSession, SelfService, SelfServiceError, SelfServiceRules,
};
pub use tokens::{ActionToken, ActionTokens, InvalidAction, Link, VerifiedAction};
