//! The page behind the links of emails: its markup with two settings, and the files next to it.
//!
//! The function never sees the token of a link when it serves the page: the token is in the fragment, which browsers do
//! not send. `tests/browser/account_page.mjs` tests the page itself.

use auth_core::PasswordPolicy;
use auth_http::{ApiError, Document, Response, hash_document};
use auth_mail::escape_html;
use http::{HeaderMap, HeaderValue, header::HeaderName};

/// Only files and routes of the page's own origin, no inline script or style, no frames, no submitted form, and no text
/// that becomes markup (Content Security Policy Level 3, Trusted Types). The test in the browser reads it too.
const POLICY: &str = include_str!("../page/content-security-policy.txt").trim_ascii();

/// Files change with each deployment, so browsers ask whether they have.
const REVALIDATED: &str = "no-cache";

/// A page that opened the link gets no reference to this one.
const OPENER_POLICY: (HeaderName, HeaderValue) = (
    HeaderName::from_static("cross-origin-opener-policy"),
    HeaderValue::from_static("same-origin"),
);

const MARKUP: &str = include_str!("../page/account.html");

/// A file that the page loads.
struct File {
    /// The last segment of its path below `/account`.
    name: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
}

macro_rules! file {
    ($name:literal, $content_type:literal) => {
        File {
            name: $name,
            content_type: $content_type,
            bytes: include_bytes!(concat!("../page/", $name)),
        }
    };
}

static FILES: [File; 5] = [
    file!("account.css", "text/css; charset=utf-8"),
    file!("account.js", "text/javascript; charset=utf-8"),
    file!("link.js", "text/javascript; charset=utf-8"),
    file!("policy.js", "text/javascript; charset=utf-8"),
    file!("texts.js", "text/javascript; charset=utf-8"),
];

/// The page.
#[derive(Debug)]
pub(crate) struct Page {
    markup: String,
}

impl Page {
    /// Returns the page of an application with this policy, which it shows while a user types.
    pub(crate) fn new(policy: &PasswordPolicy) -> Self {
        // The name comes last: what looks like a placeholder in it stays as it is.
        let markup = MARKUP
            .replace("{{min_chars}}", &policy.min_chars.to_string())
            .replace("{{app_name}}", &escape_html(&policy.app_name));
        Self { markup }
    }

    /// Returns the markup, or a 304 if the client has it already.
    pub(crate) fn response(&self, request: &HeaderMap) -> Response {
        respond(request, "text/html; charset=utf-8", self.markup.as_bytes())
    }
}

/// Returns the file that the last segment of `path` names.
///
/// # Errors
///
/// [`ApiError::NotFound`] for any other name.
pub(crate) fn file(path: &str, request: &HeaderMap) -> Result<Response, ApiError> {
    let is_named = |name: &str| path.rsplit('/').next() == Some(name);
    let file = FILES.iter().find(|file| is_named(file.name));
    let file = file.ok_or(ApiError::NotFound)?;
    Ok(respond(request, file.content_type, file.bytes))
}

fn respond(request: &HeaderMap, content_type: &'static str, bytes: &[u8]) -> Response {
    let document = Document {
        content_type,
        cache_control: REVALIDATED,
        policy: POLICY,
        bytes,
        // All files together are only tens of kilobytes, and few users open the page twice.
        gzip: None,
        hash: &hash_document(bytes),
    };
    let mut response = document.response(request);
    response.headers_mut().extend([OPENER_POLICY]);
    response
}

#[cfg(test)]
mod tests;
