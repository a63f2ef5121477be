//! Only the guards can create a user: it has no default, and nothing can be added to it.

use auth_core::LoggedUser;
use auth_http::Guarded;

fn default_user() -> LoggedUser {
    LoggedUser::default()
}

fn promoted_user(mut user: LoggedUser) -> LoggedUser {
    user.permissions.push("delete".into());
    user
}

fn default_guarded_user() -> Guarded<LoggedUser> {
    Guarded::default()
}

fn main() {}
