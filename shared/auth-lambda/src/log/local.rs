//! The lines of local work, for people: one for each request, and one for each log event.

use std::{
    env,
    fmt::{Debug, Write as _},
    io::Write as _,
    time::Instant,
};

use lambda_http::{
    Request,
    http::{Method, StatusCode},
};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    info,
};
use tracing_subscriber::{Layer, fmt::MakeWriter, layer::Context};

/// Writes a line for each event: the level unless it is ordinary, the message, and the fields.
pub(super) struct LocalLines<W>(W);

impl<W> LocalLines<W> {
    pub(super) fn new(writer: W) -> Self {
        Self(writer)
    }
}

impl<S, W> Layer<S> for LocalLines<W>
where
    S: Subscriber,
    W: for<'w> MakeWriter<'w> + 'static,
{
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if is_noise(event.metadata()) {
            return;
        }
        let mut line = Line::default();
        event.record(&mut line);
        let level = match *event.metadata().level() {
            Level::ERROR => "ERROR ",
            Level::WARN => "WARN ",
            _ => "",
        };
        // If no one reads standard output, there is no other place to report that.
        let _ = writeln!(
            self.0.make_writer(),
            "{level}{}{}",
            line.message,
            line.fields
        );
    }
}

/// The runtime warns at each start about a variable that `cargo lambda watch` always sets.
fn is_noise(metadata: &Metadata<'_>) -> bool {
    metadata.target().starts_with("lambda_runtime") && *metadata.level() != Level::ERROR
}

#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // Writing to a string does not fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

/// Logs that the function waits for requests, which shows that a rebuild is complete.
pub(crate) fn started() {
    info!(
        "{} started",
        env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_default()
    );
}

/// The line of a request, which is logged with its response. In Lambda, API Gateway logs the requests.
pub(crate) struct RequestLine {
    method: Method,
    path: String,
    begin: Instant,
}

impl RequestLine {
    /// Notes the request and the time.
    pub(crate) fn begin(request: &Request) -> Self {
        Self {
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            begin: Instant::now(),
        }
    }

    /// Logs the line. The query is not part of it.
    pub(crate) fn end(self, status: StatusCode) {
        let Self {
            method,
            path,
            begin,
        } = self;
        let millis = begin.elapsed().as_millis();
        info!("{method} {path} {} {millis} ms", status.as_u16());
    }
}
