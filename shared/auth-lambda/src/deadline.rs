//! The time limit of a request.

use std::{
    future::Future,
    time::{Duration, SystemTime},
};

use auth_http::{Response, deadline_exceeded};
use lambda_http::{Request, RequestExt};

/// Reserved for sending the response. At the deadline, Lambda ends the process and the client gets the
/// gateway's error.
const RESERVE: Duration = Duration::from_millis(300);

/// A deadline this far in the past is ignored.
const LONG_AGO: Duration = Duration::from_hours(24);

/// Returns how long a handler may take. `None` if there is no deadline; `cargo lambda watch` sets one in
/// 1970.
pub(crate) fn time_left(request: &Request) -> Option<Duration> {
    let deadline = request.lambda_context_ref()?.deadline();
    match deadline.duration_since(SystemTime::now()) {
        Ok(left) => Some(left.saturating_sub(RESERVE)),
        Err(past) if past.duration() < LONG_AGO => Some(Duration::ZERO),
        Err(_long_past) => None,
    }
}

/// Returns the handler's response, or a 503 if it takes longer than `time_left`.
pub(crate) async fn respond_in(
    time_left: Option<Duration>,
    response: impl Future<Output = Response>,
) -> Response {
    let Some(time_left) = time_left else {
        return response.await;
    };
    let in_time = tokio::time::timeout(time_left, response).await;
    in_time.unwrap_or_else(|_elapsed| deadline_exceeded())
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use lambda_http::Context;

    use super::*;

    fn request(deadline: SystemTime) -> Request {
        let mut context = Context::default();
        let deadline = deadline.duration_since(UNIX_EPOCH).unwrap().as_millis();
        context.deadline = deadline.try_into().unwrap();
        Request::default().with_lambda_context(context)
    }

    #[test]
    fn the_time_left_ends_before_the_deadline_and_a_deadline_in_1970_is_ignored() {
        let (now, second) = (SystemTime::now(), Duration::from_secs(1));
        let left = time_left(&request(now + 10 * second)).unwrap();
        assert!(
            left <= Duration::from_millis(9_700) && left > 8 * second,
            "{left:?}"
        );
        let soon = request(now + Duration::from_millis(250));
        assert_eq!(time_left(&soon), Some(Duration::ZERO));
        assert_eq!(time_left(&request(now - second)), Some(Duration::ZERO));
        assert_eq!(time_left(&request(UNIX_EPOCH + 600 * second)), None);
    }
}
