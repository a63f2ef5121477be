//! A handler takes a `LoggedUser`, but the state has no guard.

use auth_http::LoggedUser;
use axum::{Router, routing::get};

async fn orders(user: LoggedUser) -> String {
    user.id().to_owned()
}

fn main() {
    let _: Router = Router::new().route("/orders", get(orders)).with_state(());
}
