//! Logs: one JSON object a line on standard output, where Lambda collects them.
//!
//! The runtime opens a span with the request's id around each event, so every line carries it.
//! No password, token, hash or key is ever a field; a panic is logged by its place alone, because
//! its text may repeat the input.

use std::panic;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// The variable in which Lambda tells the level of a function's logs.
const LEVEL_VARIABLE: &str = "AWS_LAMBDA_LOG_LEVEL";

/// Starts the logs of the crate `function` at the level that Lambda sets, `INFO` where it sets
/// none. To be called once, first thing in `main`.
///
/// Crates from outside never log below `INFO`: at `TRACE` the runtime would print whole events,
/// passwords and tokens with them.
pub fn init(function: &str) {
    let level = std::env::var(LEVEL_VARIABLE)
        .ok()
        .and_then(|level| level.parse().ok())
        .unwrap_or(LevelFilter::INFO);
    let own = ["auth_core", "auth_http", "auth_lambda", function];
    let targets = Targets::new()
        .with_default(level.min(LevelFilter::INFO))
        .with_targets(own.map(|name| (name, level)));
    let lines = fmt::layer()
        .json()
        .flatten_event(true)
        .with_span_list(false);
    // A second start, as in tests, keeps the first.
    let _ = tracing_subscriber::registry()
        .with(lines)
        .with(targets)
        .try_init();
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string);
        tracing::error!(place, "panic");
    }));
}
