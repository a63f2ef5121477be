//! Logs: one JSON object a line on standard output, where Lambda collects them.
//!
//! The runtime opens a span with the request's id around each event, so every line carries it.
//! No password, token, hash or key is ever a field; a panic is logged by its place alone, because
//! its text may repeat the input.

use std::{io, panic};

use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    filter::filter_fn,
    fmt::{self, MakeWriter},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// The variable in which Lambda tells the level of a function's logs.
const LEVEL_VARIABLE: &str = "AWS_LAMBDA_LOG_LEVEL";

/// Starts the logs of the crate `function` at the level that Lambda sets, `INFO` where it sets
/// none. To be called once, first thing in `main`.
///
/// Crates from outside never log below `INFO`: at `TRACE` the runtime would print whole events,
/// passwords and tokens with them.
pub fn init(function: &'static str) {
    let level = std::env::var(LEVEL_VARIABLE).map_or(LevelFilter::INFO, |name| parse_level(&name));
    // A second start, as in tests, keeps the first.
    let _ = subscriber(function, level, io::stdout).try_init();
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string);
        tracing::error!(place, "panic");
    }));
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
        // The runtime's span, which carries the request's id, is of level INFO: lines of a higher
        // level need it too.
        let is_request = metadata.is_span() && *metadata.level() <= LevelFilter::INFO;
        is_request || *metadata.level() <= limit
    });
    // What is below is not even asked for.
    let filter = filter.with_max_level_hint(level.max(LevelFilter::INFO));
    let lines = fmt::layer()
        .json()
        .flatten_event(true)
        .with_span_list(false)
        .with_writer(writer);
    tracing_subscriber::registry().with(lines).with(filter)
}

/// Lambda's names of levels, which are tracing's and `FATAL`.
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

    /// In a release the lines below INFO are not compiled; under `cargo lambda watch` the filter alone
    /// stands between a request's body and the logs.
    #[test]
    fn crates_from_outside_never_log_below_info() {
        let path = std::env::temp_dir().join(format!("auth-lambda-log-{}", std::process::id()));
        let file = fs::File::create(&path).unwrap();
        let logs = subscriber("me", LevelFilter::TRACE, file);
        tracing::subscriber::with_default(logs, || {
            tracing::trace!(target: "lambda_runtime", "of another");
            tracing::debug!(target: "hyper::client", "of another");
            tracing::info!(target: "lambda_runtime", "of another, at INFO");
            tracing::trace!(target: "me::handler", "of its own");
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
        assert_eq!(messages, ["of another, at INFO", "of its own"]);
    }

    #[test]
    fn levels_are_lambda_s() {
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
