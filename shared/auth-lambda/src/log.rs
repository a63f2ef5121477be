//! Logs: one JSON object per line on standard output, which Lambda collects.
//!
//! A line contains the innermost span. The runtime opens one with Lambda's request id around each event, and
//! [`request_span`] one with API Gateway's id as well around each request. Passwords, tokens, hashes and keys are
//! never fields. A panic is logged only with its location, because its text may repeat the input.

use std::{io, panic};

use lambda_http::{Request, RequestExt};
use tracing::{Span, Subscriber, info_span, level_filters::LevelFilter};
use tracing_subscriber::{
    filter::filter_fn,
    fmt::{self, MakeWriter},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::event::api_request_id;

/// The variable with which Lambda sets the log level of a function.
const LEVEL_VARIABLE: &str = "AWS_LAMBDA_LOG_LEVEL";

/// Starts the logs of the crate `function` at the level that Lambda sets, by default `INFO`. Call it once,
/// first in `main`.
///
/// Other crates never log below `INFO`: at `TRACE`, the runtime would print whole events with passwords and
/// tokens.
pub fn init(function: &'static str) {
    let level = std::env::var(LEVEL_VARIABLE).map_or(LevelFilter::INFO, |name| parse_level(&name));
    // If the logs were started before, as in tests, the first start wins.
    let _ = subscriber(function, level, io::stdout).try_init();
    panic::set_hook(Box::new(|info| {
        let location = info.location().map(ToString::to_string);
        tracing::error!(location, "panic");
    }));
}

/// Returns the span of a request. It repeats the fields of the runtime's span, because a line contains only one.
pub(crate) fn request_span(request: &Request) -> Span {
    let context = request.lambda_context_ref();
    info_span!(
        "request",
        requestId = context.map(|context| context.request_id.as_str()),
        xrayTraceId = context.and_then(|context| context.xray_trace_id.as_deref()),
        apiRequestId = api_request_id(request),
    )
}

fn subscriber<W>(
    function: &'static str,
    level: LevelFilter,
    writer: W,
) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let own = ["auth_core", "auth_http", "auth_lambda", function];
    let filter = filter_fn(move |metadata| {
        let name = metadata.target().split("::").next().unwrap_or_default();
        let limit = if own.contains(&name) {
            level
        } else {
            level.min(LevelFilter::INFO)
        };
        // The spans with the ids of the request have the level INFO; lines of a higher level need them too.
        let is_request = metadata.is_span() && *metadata.level() <= LevelFilter::INFO;
        is_request || *metadata.level() <= limit
    });
    // Lines below that level are not even created.
    let filter = filter.with_max_level_hint(level.max(LevelFilter::INFO));
    let lines = fmt::layer()
        .json()
        .flatten_event(true)
        .with_span_list(false)
        .with_writer(writer);
    tracing_subscriber::registry().with(lines).with(filter)
}

/// Parses Lambda's names of levels, which are those of tracing and `FATAL`.
fn parse_level(name: &str) -> LevelFilter {
    if name.eq_ignore_ascii_case("fatal") {
        return LevelFilter::ERROR;
    }
    name.parse().unwrap_or(LevelFilter::INFO)
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Read};

    use super::*;

    /// A release does not contain lines below INFO; under `cargo lambda watch`, only the filter keeps the
    /// bodies of requests out of the logs.
    #[test]
    fn other_crates_never_log_below_info() {
        let path = std::env::temp_dir().join(format!("auth-lambda-log-{}", std::process::id()));
        let file = fs::File::create(&path).unwrap();
        let logs = subscriber("me", LevelFilter::TRACE, file);
        tracing::subscriber::with_default(logs, || {
            tracing::trace!(target: "lambda_runtime", "other crate");
            tracing::debug!(target: "hyper::client", "other crate");
            tracing::info!(target: "lambda_runtime", "other crate, at INFO");
            tracing::trace!(target: "me::handler", "own crate");
        });
        let mut text = String::new();
        fs::File::open(&path)
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        fs::remove_file(path).unwrap();
        let messages: Vec<&str> = text
            .lines()
            .map(|line| {
                line.split("\"message\":\"")
                    .nth(1)
                    .unwrap()
                    .split('"')
                    .next()
                    .unwrap()
            })
            .collect();
        assert_eq!(messages, ["other crate, at INFO", "own crate"]);
    }

    #[test]
    fn levels_have_lambdas_names() {
        for (name, level) in [
            ("TRACE", LevelFilter::TRACE),
            ("DEBUG", LevelFilter::DEBUG),
            ("WARN", LevelFilter::WARN),
            ("FATAL", LevelFilter::ERROR),
            ("nonsense", LevelFilter::INFO),
        ] {
            assert_eq!(parse_level(name), level);
        }
    }
}
