//! Runs a tower service, such as an axum router.

use std::future::poll_fn;

use auth_http::{ApiError, Response, respond};
use http_body_util::BodyExt;
use lambda_http::{Error, Request, Service, http};

use crate::{StartError, run_handler};

/// Serves events with a tower service until Lambda ends the process. Each request gets a clone of the service, and
/// the body of its response is read to the end before it is sent. An error or a panic becomes a 500. A service that
/// has not finished shortly before Lambda would end the request is dropped, and the response is a 503.
///
/// # Errors
///
/// [`StartError`] if the Lambda runtime ends.
pub async fn run<'a, S, B>(service: S) -> Result<(), StartError>
where
    S: Service<Request, Response = http::Response<B>> + Clone + Send + 'a,
    S::Future: Send,
    S::Error: Into<Error>,
    B: BodyExt + Send,
    B::Data: Send,
    B::Error: Into<Error>,
{
    run_handler(move |request| handle(service.clone(), request)).await
}

/// Calls a service once and reads the body of its response.
async fn handle<S, B>(mut service: S, request: Request) -> Response
where
    S: Service<Request, Response = http::Response<B>>,
    S::Error: Into<Error>,
    B: BodyExt,
    B::Error: Into<Error>,
{
    // No realm: the errors that end here have no challenge.
    respond("", async {
        let ready = poll_fn(|context| service.poll_ready(context)).await;
        ready.map_err(failed)?;
        let (parts, body) = service.call(request).await.map_err(failed)?.into_parts();
        let body = body.collect().await.map_err(failed)?.to_bytes();
        Ok(Response::from_parts(parts, body.into()))
    })
    .await
}

fn failed(error: impl Into<Error>) -> ApiError {
    ApiError::Failed(error.into())
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        fs, io,
        sync::Mutex,
        task::{Context, Poll},
    };

    use axum::{Router, body::Body, routing::get};
    use futures_util::stream;
    use lambda_http::{http::Request as HttpRequest, service_fn};
    use tracing::subscriber::NoSubscriber;

    use super::*;

    /// Returns status and body of a GET.
    async fn get_from<S, B>(service: S, path: &str) -> (u16, String)
    where
        S: Service<Request, Response = http::Response<B>>,
        S::Error: Into<Error>,
        B: BodyExt,
        B::Error: Into<Error>,
    {
        let request = HttpRequest::get(path).body(lambda_http::Body::Empty);
        let response = handle(service, request.unwrap()).await;
        let body = String::from_utf8(response.body().clone()).unwrap();
        (response.status().as_u16(), body)
    }

    const INTERNAL_SERVER_ERROR: (u16, &str) = (500, r#"{"detail":"Internal Server Error"}"#);

    fn assert_internal_server_error((status, body): (u16, String)) {
        assert_eq!((status, &*body), INTERNAL_SERVER_ERROR);
    }

    #[tokio::test]
    async fn a_router_responds_with_its_routes() {
        let router = Router::new().route("/orders", get(async || "the orders"));
        let response = get_from(router.clone(), "/orders").await;
        assert_eq!(response, (200, "the orders".into()));
        assert_eq!(get_from(router, "/other").await.0, 404);
    }

    #[tokio::test]
    async fn a_panic_is_a_500() {
        async fn broken() {
            panic!("a bug");
        }
        let router: Router = Router::new().route("/", get(broken));
        assert_internal_server_error(get_from(router, "/").await);
    }

    #[tokio::test]
    async fn an_error_is_a_500_whose_cause_is_only_logged() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let logs = tracing_subscriber::fmt().with_writer(Mutex::new(file.reopen().unwrap()));
        let _logging = tracing::subscriber::set_default(logs.finish());
        // With only one subscriber, a log statement that another thread reaches first would be disabled for all.
        let _second = tracing::Dispatch::new(NoSubscriber::new());
        let service = service_fn(async |_: Request| Err::<http::Response<Body>, _>("a bug"));
        assert_internal_server_error(get_from(service, "/").await);
        let logs = fs::read_to_string(file.path()).unwrap();
        assert!(logs.contains("a bug"), "{logs}");
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_a_500() {
        let broken = async || {
            let parts = ["the or", ""].map(|part| match part {
                "" => Err(io::Error::other("cut off")),
                part => Ok(part),
            });
            Body::from_stream(stream::iter(parts))
        };
        let router = Router::new().route("/", get(broken));
        assert_internal_server_error(get_from(router, "/").await);
    }

    /// A service that is ready only when it is polled for the second time, and must not be called before.
    #[derive(Default)]
    struct Slow {
        polls: u32,
    }

    impl Service<Request> for Slow {
        type Response = http::Response<Body>;
        type Error = Infallible;
        type Future = std::future::Ready<Result<Self::Response, Infallible>>;

        fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            self.polls += 1;
            context.waker().wake_by_ref();
            if self.polls < 2 {
                return Poll::Pending;
            }
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Request) -> Self::Future {
            let body = Body::from(self.polls.to_string());
            std::future::ready(Ok(http::Response::new(body)))
        }
    }

    #[tokio::test]
    async fn a_service_is_called_when_it_is_ready() {
        assert_eq!(get_from(Slow::default(), "/").await, (200, "2".into()));
    }
}
