//! Orders, an API with axum that accepts the access tokens of the bundle.
//!
//! `list` guards at the token level, `cancel` at the live level. The orders are constants.

use auth_http::{ApiError, LiveBearer, LiveUser, LoggedUser};
use axum::{
    Json, Router,
    extract::Path,
    http::StatusCode,
    routing::{delete, get},
};

/// Returns the API. Its state must have a guard, or the handlers do not compile.
pub fn router(guard: LiveBearer) -> Router {
    Router::new()
        .route("/orders", get(list))
        .route("/orders/{id}", delete(cancel))
        .fallback(async || ApiError::NotFound)
        .method_not_allowed_fallback(async || {
            ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
        })
        .with_state(guard)
}

/// Lists the orders of the user. A token is accepted until it expires.
async fn list(user: LoggedUser) -> Result<Json<Vec<String>>, ApiError> {
    user.require_permission("read")?;
    Ok(Json(vec![format!("order 1 of user {}", user.id())]))
}

/// Cancels an order. A token is rejected as soon as its session has ended.
async fn cancel(live: LiveUser, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    live.require_permission("delete")?;
    match &*id {
        "1" => Ok(StatusCode::NO_CONTENT),
        _ => Err(ApiError::new(StatusCode::NOT_FOUND, "Order not found")),
    }
}
