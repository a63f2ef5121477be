//! `LoggedUser` and `LiveUser` as extractors of axum, and `ApiError` as a response.

use auth_core::JwtBearer;
use auth_http::{ApiError, LiveBearer, LiveUser, LoggedUser};
use axum::{
    Router,
    body::Body,
    extract::FromRef,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get as get_with,
};

use crate::{
    Got, INVALID_TOKEN, authorization, bearer, bearer_without_keys, get, live_bearer, logged, ok,
    refusal, session, unavailable,
};

async fn list(user: LoggedUser) -> Result<String, ApiError> {
    user.require_permission("read")?;
    Ok(user.id().to_owned())
}

async fn delete(user: LoggedUser) -> Result<(), ApiError> {
    user.require_permission("delete")
}

async fn administer(user: LoggedUser) -> Result<(), ApiError> {
    user.require_role("Admin")
}

async fn sold(_: LoggedUser) -> ApiError {
    ApiError::new(StatusCode::CONFLICT, "Already sold")
}

async fn closed(_: LoggedUser) -> ApiError {
    ApiError::new(StatusCode::BAD_GATEWAY, "The warehouse is closed")
}

async fn fail(_: LoggedUser) -> ApiError {
    ApiError::Failed("the printer is on fire".into())
}

fn router<S>(state: S) -> Router
where
    S: Clone + Send + Sync + 'static,
    JwtBearer: FromRef<S>,
{
    Router::new()
        .route("/list", get_with(list))
        .route("/delete", get_with(delete))
        .route("/administer", get_with(administer))
        .route("/sold", get_with(sold))
        .route("/closed", get_with(closed))
        .route("/fail", get_with(fail))
        .route("/own", get_with(own))
        .with_state(state)
}

async fn call(router: Router, path: &str, authorization: Option<&str>) -> Got {
    get::<_, Body, _>(router, path, authorization).await
}

#[tokio::test]
async fn a_handler_gets_the_user_of_the_token() {
    let authorization = authorization(&session()).await;
    let got = call(router(bearer()), "/list", Some(&authorization)).await;
    assert_eq!(got, ok("7"));
}

#[tokio::test]
async fn a_request_without_a_valid_token_never_reaches_the_handler() {
    let router = router(bearer());
    let got = call(router.clone(), "/list", None).await;
    assert_eq!(got, refusal(401, "Not authenticated", ""));
    let got = call(router.clone(), "/list", Some("Bearer a.b.c")).await;
    assert_eq!(got, refusal(401, "Invalid token", INVALID_TOKEN));
    let got = call(router, "/list", Some("Bearer a, Bearer b")).await;
    let rest = ", error=\"invalid_request\"";
    assert_eq!(got, refusal(400, "Invalid request", rest));
}

#[tokio::test]
async fn a_missing_permission_or_role_is_a_403_in_the_realm_of_the_guard() {
    let (router, authorization) = (router(bearer()), authorization(&session()).await);
    let got = call(router.clone(), "/delete", Some(&authorization)).await;
    let rest = ", error=\"insufficient_scope\", scope=\"delete\"";
    assert_eq!(got, refusal(403, "Not enough permissions", rest));
    let got = call(router, "/administer", Some(&authorization)).await;
    let rest = ", error=\"insufficient_scope\"";
    assert_eq!(got, refusal(403, "Not enough permissions", rest));
}

#[tokio::test]
async fn unavailable_keys_are_a_503() {
    let authorization = authorization(&session()).await;
    let got = call(router(bearer_without_keys()), "/list", Some(&authorization)).await;
    assert_eq!(got, unavailable());
}

#[tokio::test]
async fn an_own_error_of_the_handler_is_its_response() {
    let authorization = authorization(&session()).await;
    let got = call(router(bearer()), "/sold", Some(&authorization)).await;
    assert_eq!(
        (got.status, &*got.body),
        (409, r#"{"detail":"Already sold"}"#)
    );
    assert_eq!((got.challenge, got.retry_after), (None, None));
}

/// A caller's own error type, next to ours.
enum OrderError {
    Guard(ApiError),
    Sold,
}

impl From<ApiError> for OrderError {
    fn from(error: ApiError) -> Self {
        Self::Guard(error)
    }
}

impl IntoResponse for OrderError {
    fn into_response(self) -> Response {
        match self {
            Self::Guard(error) => error.into_response(),
            Self::Sold => StatusCode::GONE.into_response(),
        }
    }
}

async fn own(user: LoggedUser) -> Result<(), OrderError> {
    user.require_permission("read")?;
    if user.require_permission("delete").is_err() {
        return Err(OrderError::Sold);
    }
    Ok(user.require_role("Admin")?)
}

#[tokio::test]
async fn an_error_type_of_the_caller_can_contain_ours() {
    let (router, authorization) = (router(bearer()), authorization(&session()).await);
    let got = call(router.clone(), "/own", Some(&authorization)).await;
    assert_eq!(got.status, 410);
    let got = call(router, "/own", None).await;
    assert_eq!(got, refusal(401, "Not authenticated", ""));
}

/// A state with more than the guard.
#[derive(Clone)]
struct Shop {
    guard: LiveBearer,
}

impl FromRef<Shop> for LiveBearer {
    fn from_ref(shop: &Shop) -> Self {
        shop.guard.clone()
    }
}

async fn profile(live: LiveUser) -> Result<String, ApiError> {
    live.require_permission("read")?;
    live.require_role("Reader")?;
    Ok(live.user().email.clone())
}

fn live_router(guard: LiveBearer) -> Router {
    let router = Router::new().route("/profile", get_with(profile));
    router.with_state(Shop { guard })
}

#[tokio::test]
async fn a_live_user_is_the_user_as_stored() {
    let session = session();
    let authorization = authorization(&session).await;
    let router = live_router(live_bearer(Some(session)));
    let got = call(router, "/profile", Some(&authorization)).await;
    assert_eq!(got, ok("jane@example.com"));
}

#[tokio::test]
async fn a_session_that_has_ended_is_a_401_at_the_live_level_only() {
    let mut session = session();
    let authorization = authorization(&session).await;
    session.revoked = true;
    let guard = live_bearer(Some(session));
    let got = call(live_router(guard.clone()), "/profile", Some(&authorization)).await;
    assert_eq!(got, refusal(401, "User not found", INVALID_TOKEN));
    let got = call(router(guard), "/list", Some(&authorization)).await;
    assert_eq!(got, ok("7"));
}

#[tokio::test]
async fn an_unavailable_store_is_a_503() {
    let authorization = authorization(&session()).await;
    let router = live_router(live_bearer(None));
    let got = call(router.clone(), "/profile", Some(&authorization)).await;
    assert_eq!(got, unavailable());
    let got = call(router, "/profile", Some("Bearer a.b.c")).await;
    assert_eq!(got, refusal(401, "Invalid token", INVALID_TOKEN));
}

#[tokio::test]
async fn each_refusal_is_logged_once_without_the_token() {
    let authorization = authorization(&session()).await;
    let requests = async {
        for (path, authorization) in [
            ("/list", Some(&*authorization)),
            ("/list", None),
            ("/list", Some("Bearer to.ke.n")),
            ("/delete", Some(&*authorization)),
            ("/sold", Some(&*authorization)),
            ("/closed", Some(&*authorization)),
            ("/fail", Some(&*authorization)),
        ] {
            call(router(bearer()), path, authorization).await;
        }
        call(router(bearer_without_keys()), "/list", Some(&authorization)).await;
    };
    let (lines, logs) = logged(requests).await;
    let expected = [
        r#""INFO" 401 "refused" null"#,
        r#""INFO" 401 "refused" null"#,
        r#""INFO" 403 "refused" null"#,
        r#""INFO" 409 "refused" null"#,
        r#""ERROR" 502 "failed" null"#,
        r#""ERROR" 500 "failed" "the printer is on fire""#,
        r#""ERROR" 503 "unavailable" null"#,
    ];
    assert_eq!(lines, expected);
    for secret in [
        "to.ke.n",
        &authorization["Bearer ".len()..],
        "Already sold",
        "warehouse",
    ] {
        assert!(!logs.contains(secret), "{logs}");
    }
}
