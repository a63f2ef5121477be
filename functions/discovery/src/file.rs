//! The files of the function, which `build.rs` prepares.

use auth_http::{Document, Response};
use http::HeaderMap;

use crate::POLICY;

/// Files of the bundle change with each deployment, so browsers ask whether they have.
const REVALIDATED: &str = "no-cache";

/// Swagger UI's files rarely change, and make up most of the bytes.
const KEPT_FOR_AN_HOUR: &str = "public, max-age=3600";

/// A file with its two representations.
pub(crate) struct File {
    /// The last segment of its path below `/docs`.
    pub(crate) name: &'static str,
    content_type: &'static str,
    cache_control: &'static str,
    bytes: &'static [u8],
    gzip: &'static [u8],
    hash: &'static str,
}

macro_rules! file {
    ($name:literal, $content_type:literal, $cache_control:expr) => {
        File {
            name: $name,
            content_type: $content_type,
            cache_control: $cache_control,
            bytes: include_bytes!(concat!(env!("OUT_DIR"), "/", $name)),
            gzip: include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".gz")),
            hash: include_str!(concat!(env!("OUT_DIR"), "/", $name, ".hash")),
        }
    };
}

/// The page.
pub(crate) static PAGE: File = file!("docs.html", "text/html; charset=utf-8", REVALIDATED);

/// The contract.
pub(crate) static CONTRACT: File = file!("openapi.json", "application/json", REVALIDATED);

/// What the page needs.
pub(crate) static FILES: [File; 4] = [
    file!("docs.js", "text/javascript; charset=utf-8", REVALIDATED),
    file!("index.css", "text/css; charset=utf-8", KEPT_FOR_AN_HOUR),
    file!(
        "swagger-ui.css",
        "text/css; charset=utf-8",
        KEPT_FOR_AN_HOUR
    ),
    file!(
        "swagger-ui-bundle.js",
        "text/javascript; charset=utf-8",
        KEPT_FOR_AN_HOUR
    ),
];

impl File {
    /// Returns the representation that the client accepts, or a 304 if the client has it already.
    pub(crate) fn response(&self, request: &HeaderMap) -> Response {
        let document = Document {
            content_type: self.content_type,
            cache_control: self.cache_control,
            policy: POLICY,
            bytes: self.bytes,
            gzip: Some(self.gzip),
            hash: self.hash,
        };
        document.response(request)
    }
}
