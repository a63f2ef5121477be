//! `GuardLayer` around axum and around a service without a framework.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    task::{Context, Poll},
};

use auth_http::{Guard, GuardLayer, LiveUser, LoggedUser};
use axum::{Extension, Router, body::Body, routing::get as get_with};
use http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use crate::{
    Got, INVALID_TOKEN, authorization, bearer, bearer_without_keys, get, live_bearer, logged, ok,
    refusal, session, unavailable,
};

async fn id(Extension(user): Extension<LoggedUser>) -> String {
    user.id().to_owned()
}

async fn address(Extension(live): Extension<LiveUser>) -> String {
    live.user().email.clone()
}

fn router<G: Guard>(layer: GuardLayer<G>) -> Router {
    Router::new()
        .route("/id", get_with(id))
        .route("/address", get_with(address))
        .layer(layer)
}

async fn call<G: Guard>(layer: GuardLayer<G>, path: &str, authorization: Option<&str>) -> Got {
    get::<_, Body, _>(router(layer), path, authorization).await
}

#[tokio::test]
async fn the_user_of_the_token_is_in_the_extensions() {
    let authorization = authorization(&session()).await;
    let layer = GuardLayer::new(bearer());
    assert_eq!(call(layer, "/id", Some(&authorization)).await, ok("7"));
}

#[tokio::test]
async fn the_live_user_is_in_the_extensions() {
    let session = session();
    let authorization = authorization(&session).await;
    let layer = GuardLayer::new(live_bearer(Some(session)));
    let got = call(layer, "/address", Some(&authorization)).await;
    assert_eq!(got, ok("jane@example.com"));
}

#[tokio::test]
async fn the_layer_responds_itself_to_a_request_without_a_valid_token() {
    let layer = GuardLayer::new(bearer());
    let got = call(layer.clone(), "/id", None).await;
    assert_eq!(got, refusal(401, "Not authenticated", ""));
    let got = call(layer, "/id", Some("Bearer a.b.c")).await;
    assert_eq!(got, refusal(401, "Invalid token", INVALID_TOKEN));
}

#[tokio::test]
async fn the_layer_requires_each_permission_and_role() {
    let authorization = authorization(&session()).await;
    let layer = GuardLayer::new(bearer())
        .require_permission("read")
        .require_role("Reader");
    let got = call(layer.clone(), "/id", Some(&authorization)).await;
    assert_eq!(got, ok("7"));
    let stricter = layer.clone().require_permission("delete");
    let got = call(stricter, "/id", Some(&authorization)).await;
    let rest = ", error=\"insufficient_scope\", scope=\"delete\"";
    assert_eq!(got, refusal(403, "Not enough permissions", rest));
    let stricter = layer.require_role("Admin");
    let got = call(stricter, "/id", Some(&authorization)).await;
    let rest = ", error=\"insufficient_scope\"";
    assert_eq!(got, refusal(403, "Not enough permissions", rest));
}

#[tokio::test]
async fn an_outage_is_a_503() {
    let authorization = authorization(&session()).await;
    let layer = GuardLayer::new(bearer_without_keys());
    let got = call(layer, "/id", Some(&authorization)).await;
    assert_eq!(got, unavailable());
    let layer = GuardLayer::new(live_bearer(None));
    let got = call(layer, "/address", Some(&authorization)).await;
    assert_eq!(got, unavailable());
}

#[tokio::test]
async fn each_refusal_is_logged_once() {
    let authorization = authorization(&session()).await;
    let requests = async {
        let layer = GuardLayer::new(bearer()).require_permission("delete");
        call(layer.clone(), "/id", None).await;
        call(layer, "/id", Some(&authorization)).await;
    };
    let (lines, _) = logged(requests).await;
    let expected = [
        r#""INFO" 401 "refused" null"#,
        r#""INFO" 403 "refused" null"#,
    ];
    assert_eq!(lines, expected);
}

/// A service without a framework. Like a rate limit, a clone is not ready before it is polled, and it must not be
/// called before.
#[derive(Default)]
struct Unready {
    is_ready: bool,
}

impl Clone for Unready {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Service<Request<()>> for Unready {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.is_ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        assert!(self.is_ready, "called before it was ready");
        assert!(request.extensions().get::<LoggedUser>().is_some());
        ready(Ok(Response::new(Body::from("reached"))))
    }
}

#[tokio::test]
async fn a_service_without_a_framework_is_called_when_it_is_ready() {
    let authorization = authorization(&session()).await;
    let service = GuardLayer::new(bearer()).layer(Unready::default());
    let got = get(service.clone(), "/", Some(&authorization)).await;
    assert_eq!(got, ok("reached"));
    let got = get(service, "/", None).await;
    assert_eq!(got, refusal(401, "Not authenticated", ""));
}
