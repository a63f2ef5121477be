//! Logs on standard output. In Lambda, which collects them, each line is a JSON object; `local` has the lines of local
//! work.
//!
//! A JSON line contains the innermost span. The runtime opens one with Lambda's request id around each event, and
//! [`request_span`] one with API Gateway's id as well around each request. Passwords, tokens, hashes and keys are
//! never fields. A panic is logged only with its location, because its text may repeat the input.

mod local;

use std::{env, io, panic};

use auth_core::LAMBDA_MARKER;
use lambda_http::{Context, Request, RequestExt};
use tracing::{Span, Subscriber, info_span, level_filters::LevelFilter};
use tracing_subscriber::{
    Layer, Registry,
    filter::filter_fn,
    fmt::{self, MakeWriter},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::event::api_request_id;

use local::LocalLines;
pub(crate) use local::{RequestLine, started};

/// The variable with which Lambda sets the log level of a function.
const LEVEL_VARIABLE: &str = "AWS_LAMBDA_LOG_LEVEL";

/// The variable with which Lambda sets the log format of a function: `JSON` or `Text`.
const FORMAT_VARIABLE: &str = "AWS_LAMBDA_LOG_FORMAT";

/// The module of the runtime that logs the errors of handlers, which log them themselves, and the texts of panics.
const HANDLER_ERRORS: &str = "lambda_runtime::layers::panic";

/// Starts the logs of the crate `function` at the level that Lambda sets, by default `INFO`. Call it once,
/// first in `main`.
///
/// Other crates never log below `INFO`: at `TRACE`, the runtime would print whole events with passwords and
/// tokens.
pub fn init(function: &'static str) {
    let level = env::var(LEVEL_VARIABLE).map_or(LevelFilter::INFO, |name| parse_level(&name));
    // If the logs were started before, as in tests, the first start wins.
    let _ = subscriber(function, level, is_local(), io::stdout).try_init();
    panic::set_hook(Box::new(|info| {
        let location = info.location().map(ToString::to_string);
        tracing::error!(location, "panic");
    }));
}

/// Returns whether the logs are for people: outside Lambda, unless the environment asks for JSON.
pub(crate) fn is_local() -> bool {
    let is_json = env::var(FORMAT_VARIABLE).is_ok_and(|format| format == "JSON");
    env::var_os(LAMBDA_MARKER).is_none() && !is_json
}

/// Returns the span of a request. It repeats the fields of the runtime's span, because a line contains only one.
pub(crate) fn request_span(request: &Request) -> Span {
    event_span(request.lambda_context_ref(), api_request_id(request))
}

/// Returns the span of an event with Lambda's context, and API Gateway's id if it comes from there.
pub(crate) fn event_span(context: Option<&Context>, api_request_id: Option<&str>) -> Span {
    info_span!(
        "request",
        requestId = context.map(|context| context.request_id.as_str()),
        xrayTraceId = context.and_then(|context| context.xray_trace_id.as_deref()),
        apiRequestId = api_request_id,
    )
}

fn subscriber<W>(
    function: &'static str,
    level: LevelFilter,
    is_local: bool,
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
        metadata.target() != HANDLER_ERRORS && (is_request || *metadata.level() <= limit)
    });
    // Lines below that level are not even created.
    let filter = filter.with_max_level_hint(level.max(LevelFilter::INFO));
    tracing_subscriber::registry()
        .with(lines(is_local, writer))
        .with(filter)
}

/// Returns the layer that writes the lines.
fn lines<W>(is_local: bool, writer: W) -> Box<dyn Layer<Registry> + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    if is_local {
        return Box::new(LocalLines::new(writer));
    }
    let json = fmt::layer().json().flatten_event(true);
    Box::new(json.with_span_list(false).with_writer(writer))
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
    use std::fs;

    use super::*;

    /// Returns what is logged in `log` by a function of the crate `me`.
    fn logged(level: LevelFilter, is_local: bool, log: impl FnOnce()) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        let logs = subscriber("me", level, is_local, file.reopen().unwrap());
        tracing::subscriber::with_default(logs, log);
        fs::read_to_string(file.path()).unwrap()
    }

    /// A release does not contain lines below INFO; under `cargo lambda watch`, only the filter keeps the
    /// bodies of requests out of the logs.
    #[test]
    fn other_crates_never_log_below_info() {
        let log = || {
            tracing::trace!(target: "lambda_runtime", "other crate");
            tracing::debug!(target: "hyper::client", "other crate");
            tracing::info!(target: "lambda_http", "other crate, at INFO");
            tracing::trace!(target: "me::handler", "own crate");
        };
        assert_eq!(
            logged(LevelFilter::TRACE, true, log),
            "other crate, at INFO\nown crate\n"
        );
        let json = logged(LevelFilter::TRACE, false, log);
        let messages: Vec<String> = json
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .map(|line: serde_json::Value| line["message"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(messages, ["other crate, at INFO", "own crate"]);
    }

    #[test]
    fn a_local_line_has_the_message_and_its_fields_without_spans() {
        let log = || {
            let _span = info_span!("request", requestId = "JKJaXmPLvHcESHA=").entered();
            let (id, refusal) = (None::<&str>, Some("WrongPassword"));
            tracing::info!(target: "me", outcome = refusal, user_id = id, status = 401, "login");
            tracing::warn!(target: "me", session_id = %"7Q", "reused");
            tracing::error!(target: "me", reason = "invalid settings:\n  A: B", "not started");
        };
        assert_eq!(
            logged(LevelFilter::INFO, true, log),
            "login outcome=WrongPassword status=401\n\
             WARN reused session_id=7Q\n\
             ERROR not started reason=invalid settings:\n  A: B\n"
        );
    }

    #[test]
    fn a_local_line_of_the_runtime_is_an_error() {
        let log = || {
            tracing::warn!(target: "lambda_runtime::runtime", "AWS_LAMBDA_MAX_CONCURRENCY");
            tracing::error!(target: "lambda_runtime::runtime", "the runtime failed");
        };
        let local = logged(LevelFilter::INFO, true, log);
        assert_eq!(local, "ERROR the runtime failed\n");
        assert_eq!(logged(LevelFilter::INFO, false, log).lines().count(), 2);
    }

    /// Anyone can cause them by sending invalid tokens, and a handler has logged them at their level.
    #[test]
    fn errors_of_handlers_are_not_repeated() {
        let log = || tracing::error!(target: "lambda_runtime::layers::panic", "an error");
        for is_local in [true, false] {
            assert_eq!(logged(LevelFilter::TRACE, is_local, log), "");
        }
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
