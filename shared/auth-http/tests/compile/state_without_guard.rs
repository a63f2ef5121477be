//! A state without a guard cannot provide a user. A state with only a `JwtBearer` cannot provide a live one.

use auth_core::JwtBearer;
use auth_http::{LiveUser, LoggedUser};
use axum::extract::FromRequestParts;

struct State;

fn extract<S, U: FromRequestParts<S>>() {}

fn main() {
    extract::<JwtBearer, LoggedUser>();
    extract::<State, LoggedUser>();
    extract::<JwtBearer, LiveUser>();
}
