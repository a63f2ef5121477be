//! Only the guards can create a user: its members are private.

use auth_core::{LiveUser, LoggedUser, Session, SessionId, User};
use auth_http::Guarded;

fn logged_user(session_id: SessionId) -> LoggedUser {
    LoggedUser {
        id: "1".into(),
        email: "jane@example.com".into(),
        roles: vec!["Admin".into()],
        permissions: vec!["delete".into()],
        session_id,
    }
}

fn live_user(user: User, session: Session) -> LiveUser {
    LiveUser { user, session }
}

fn guarded_user(user: LoggedUser) -> Guarded<LoggedUser> {
    Guarded {
        user,
        realm: "api".into(),
    }
}

fn main() {}
