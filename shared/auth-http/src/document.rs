//! Documents as responses that clients cache: tags, 304s and compressed representations (RFC 9110 and RFC 9111).

use std::hash::{DefaultHasher, Hash, Hasher};

use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{
        ACCEPT_ENCODING, AsHeaderName, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY,
        CONTENT_TYPE, ETAG, HeaderName, IF_NONE_MATCH, REFERRER_POLICY, VARY,
        X_CONTENT_TYPE_OPTIONS,
    },
};

use crate::response::Response;

/// The headers of every document.
const HEADERS: [(HeaderName, &str); 3] = [
    (REFERRER_POLICY, "no-referrer"),
    (VARY, "accept-encoding"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

/// A document with its representations.
#[derive(Debug, Clone, Copy)]
pub struct Document<'a> {
    /// Its `Content-Type`.
    pub content_type: &'static str,
    /// Its `Cache-Control`.
    pub cache_control: &'static str,
    /// Its `Content-Security-Policy`.
    pub policy: &'static str,
    /// The document.
    pub bytes: &'a [u8],
    /// Its compressed form, if it has one.
    pub gzip: Option<&'a [u8]>,
    /// Changes with the bytes.
    pub hash: &'a str,
}

impl Document<'_> {
    /// Returns the representation that the client accepts, or a 304 if the client has it already.
    #[must_use]
    pub fn response(&self, request: &HeaderMap) -> Response {
        let gzip = self.gzip.filter(|_| accepts_gzip(request));
        let etag = self.etag(gzip.is_some());
        let is_cached = is_cached(request, &etag);
        let mut response = Response::default();
        let headers = response.headers_mut();
        headers.extend(HEADERS.map(|(name, value)| (name, HeaderValue::from_static(value))));
        headers.insert(
            CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(self.policy),
        );
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
#[must_use]
pub fn hash_document(bytes: &[u8]) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: Document<'_> = Document {
        content_type: "text/plain",
        cache_control: "no-cache",
        policy: "default-src 'none'",
        bytes: b"text",
        gzip: Some(b"gzip"),
        hash: "1f",
    };

    fn get(document: Document<'_>, headers: &[(HeaderName, &'static str)]) -> Response {
        let headers = headers.iter().cloned();
        let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
        document.response(&headers.collect())
    }

    #[test]
    fn a_client_that_does_not_accept_gzip_gets_the_document_uncompressed() {
        for accepted in [
            "",
            "br",
            "*",
            "gzip;q=0",
            "GZIP ; q=0.000",
            "gzipped",
            "identity, gzip; Q=0",
        ] {
            let response = get(DOCUMENT, &[(ACCEPT_ENCODING, accepted)]);
            assert_eq!(response.body(), b"text", "{accepted}");
            assert!(!response.headers().contains_key(CONTENT_ENCODING));
            assert_eq!(response.headers()[VARY], "accept-encoding");
        }
        for accepted in [
            "gzip",
            "br, GZIP",
            "gzip;q=0.5",
            "gzip;q=1.0",
            "br;q=0, gzip",
        ] {
            let response = get(DOCUMENT, &[(ACCEPT_ENCODING, accepted)]);
            assert_eq!(response.body(), b"gzip", "{accepted}");
            assert_eq!(response.headers()[CONTENT_ENCODING], "gzip");
        }
    }

    #[test]
    fn a_document_without_a_compressed_form_is_never_compressed() {
        let document = Document {
            gzip: None,
            ..DOCUMENT
        };
        let response = get(document, &[(ACCEPT_ENCODING, "gzip")]);
        assert_eq!(response.body(), b"text");
        assert!(!response.headers().contains_key(CONTENT_ENCODING));
        assert_eq!(response.headers()[ETAG], "\"1f\"");
    }

    #[test]
    fn only_a_client_that_has_the_representation_gets_a_304() {
        for (encoding, known, status) in [
            ("identity", "\"1f\"", 304),
            ("identity", "W/\"1f\"", 304),
            ("identity", "\"other\", \"1f\"", 304),
            ("gzip", "\"1f-gzip\"", 304),
            ("gzip", "*", 304),
            ("identity", "\"other\"", 200),
            ("identity", "", 200),
            ("gzip", "\"1f\"", 200),
            ("identity", "\"1f-gzip\"", 200),
        ] {
            let response = get(
                DOCUMENT,
                &[(ACCEPT_ENCODING, encoding), (IF_NONE_MATCH, known)],
            );
            assert_eq!(response.status(), status, "{encoding} {known}");
            assert_eq!(response.body().is_empty(), status == 304);
        }
    }

    #[test]
    fn a_document_is_confined_to_its_policy() {
        let response = get(DOCUMENT, &[]);
        let headers = response.headers();
        assert_eq!(headers[CONTENT_SECURITY_POLICY], "default-src 'none'");
        assert_eq!(headers[REFERRER_POLICY], "no-referrer");
        assert_eq!(headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(headers[CACHE_CONTROL], "no-cache");
    }
}
