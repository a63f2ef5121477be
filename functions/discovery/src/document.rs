//! Documents as responses that clients cache: tags, 304s and compressed representations (RFC 9110 and RFC 9111).

use std::hash::{DefaultHasher, Hash, Hasher};

use auth_http::Response;
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{
        ACCEPT_ENCODING, AsHeaderName, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY,
        CONTENT_TYPE, ETAG, HeaderName, IF_NONE_MATCH, REFERRER_POLICY, VARY,
        X_CONTENT_TYPE_OPTIONS,
    },
};

/// The page loads and calls only its own origin, runs no inline script, and cannot be framed. Swagger UI's stylesheet
/// has its icons in `data:` URLs.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// The headers of every document.
const HEADERS: [(HeaderName, &str); 4] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (REFERRER_POLICY, "no-referrer"),
    (VARY, "accept-encoding"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

/// A document with its representations.
pub(crate) struct Document<'a> {
    pub(crate) content_type: &'static str,
    pub(crate) cache_control: &'static str,
    pub(crate) bytes: &'a [u8],
    /// Its compressed form, if it has one.
    pub(crate) gzip: Option<&'a [u8]>,
    /// Changes with the bytes.
    pub(crate) hash: &'a str,
}

impl Document<'_> {
    /// Returns the representation that the client accepts, or a 304 if the client has it already.
    pub(crate) fn response(&self, request: &HeaderMap) -> Response {
        let gzip = self.gzip.filter(|_| accepts_gzip(request));
        let etag = self.etag(gzip.is_some());
        let is_cached = is_cached(request, &etag);
        let mut response = Response::default();
        let headers = response.headers_mut();
        headers.extend(HEADERS.map(|(name, value)| (name, HeaderValue::from_static(value))));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(self.cache_control));
        headers.extend(HeaderValue::try_from(etag).map(|etag| (ETAG, etag)));
        if is_cached {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        if gzip.is_some() {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        *response.body_mut() = gzip.unwrap_or(self.bytes).to_vec();
        response
    }

    /// Returns the tag of a representation. Two representations of a document must not share a strong tag.
    fn etag(&self, is_gzip: bool) -> String {
        let hash = self.hash;
        if is_gzip {
            format!("\"{hash}-gzip\"")
        } else {
            format!("\"{hash}\"")
        }
    }
}

/// Returns the hash of a document that is not known when the function is built. All processes of a version return
/// the same.
pub(crate) fn hash(bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// Returns whether a client lists gzip without refusing it. A client that lists only `*` does not get gzip.
fn accepts_gzip(request: &HeaderMap) -> bool {
    list(request, ACCEPT_ENCODING).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let is_gzip = parts
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        is_gzip && !parts.any(is_zero_weight)
    })
}

/// Checks for a weight of `0`, `0.0`, `0.00` or `0.000`.
fn is_zero_weight(parameter: &str) -> bool {
    let weight = parameter
        .strip_prefix("q=")
        .or(parameter.strip_prefix("Q="));
    weight.is_some_and(|weight| weight.trim_end_matches(['0', '.']).is_empty())
}

/// Returns whether a client has the representation with this tag. Proxies that compress may have made the tag weak.
fn is_cached(request: &HeaderMap, etag: &str) -> bool {
    list(request, IF_NONE_MATCH)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == etag)
}

/// Returns the members of a list that may be spread over several headers.
fn list(headers: &HeaderMap, name: impl AsHeaderName) -> impl Iterator<Item = &str> {
    let values = headers.get_all(name).into_iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(',').map(str::trim))
}
