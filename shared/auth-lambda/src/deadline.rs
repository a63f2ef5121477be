//! The time that Lambda gives a request.

use std::{
    future::Future,
    time::{Duration, SystemTime},
};

use auth_http::{Response, deadline_exceeded};
use lambda_http::{Request, RequestExt};

/// Kept back to send the answer. Past its deadline Lambda ends the process, and the client gets a
/// gateway's error.
const RESERVE: Duration = Duration::from_millis(300);

/// A deadline this far back is none.
const LONG_AGO: Duration = Duration::from_hours(24);

/// How long a handler may take. `None` without a deadline: `cargo lambda watch` sends one of 1970.
pub(crate) fn time_left(request: &Request) -> Option<Duration> {
    let deadline = request.lambda_context_ref()?.deadline();
    match deadline.duration_since(SystemTime::now()) {
        Ok(left) => Some(left.saturating_sub(RESERVE)),
        Err(past) if past.duration() < LONG_AGO => Some(Duration::ZERO),
        Err(_long_past) => None,
    }
}

/// The handler's answer, or a 503 where it takes longer than is left.
pub(crate) async fn within(
    left: Option<Duration>,
    response: impl Future<Output = Response>,
) -> Response {
    let Some(left) = left else {
        return response.await;
    };
    let answer = tokio::time::timeout(left, response).await;
    answer.unwrap_or_else(|_elapsed| deadline_exceeded())
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
    fn what_is_left_ends_before_the_deadline_and_one_of_1970_is_none() {
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
