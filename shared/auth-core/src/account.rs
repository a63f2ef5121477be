//! Self-service: users sign up, reset and change their password and email, end their sessions, and leave.
//!
//! A link in an email carries a token, which is stored nowhere ([`ActionTokens`]). A request for an email only puts an
//! [`Ask`], so the response cannot depend on whether a user exists; `Mailer` decides later what to send. A link works
//! once, because its write is conditional on the state that its token is bound to. The write also records the token
//! ([`ActionMark`]), so a repeated request finds its own mark and succeeds again.
//!
//! The feature `sign-in` contains the data and the traits, because every function shares the stores. The feature
//! `self-service` adds the rules of the flows: start at `SelfService` and `Mailer`.

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
