//! What verifiers need to check access tokens: the public keys, and metadata that lead to them.

use auth_core::{Algorithm, PublishedKeys, UnixTime};
use auth_http::{ApiError, Document, Response, hash_document};
use http::{HeaderMap, Uri};
use serde_json::json;

use crate::POLICY;

/// The path of the public keys, below the issuer.
pub(crate) const JWKS_PATH: &str = "/.well-known/jwks.json";

/// Verifiers learn of a new key long before it signs.
const FIVE_MINUTES: &str = "public, max-age=300";

/// Returns the public keys that may be used now (RFC 7517 section 5).
pub(crate) fn jwks(request: &HeaderMap, keys: &PublishedKeys, now: UnixTime) -> Response {
    respond(request, &keys.jwks(now))
}

/// Returns the metadata of the issuer, with the names of `OpenID` Connect Discovery 1.0 section 3 and RFC 8414
/// section 2. Only members that are true are in it, so it is not complete for an `OpenID` provider, which this is not.
///
/// Both require `response_types_supported`, which is empty, because there is no authorization endpoint. Both also omit
/// members without elements (sections 4.2 and 3.2), a contradiction that erratum 7793 of RFC 8414 reports; parsers
/// insist on the former. Neither has a member for the algorithms of access tokens. `OpenID` Connect requires
/// `id_token_signing_alg_values_supported`, and verifiers read it; its section 8.2 adds the name to the registry of
/// RFC 8414 section 7.1.
///
/// # Errors
///
/// [`ApiError::NotFound`] if the issuer is not a URL: then it has no metadata.
pub(crate) fn metadata(
    request: &HeaderMap,
    issuer: &str,
    algorithms: &[Algorithm],
) -> Result<Response, ApiError> {
    let base = base_url(issuer).ok_or(ApiError::NotFound)?;
    let algorithms: Vec<&str> = algorithms
        .iter()
        .map(|algorithm| algorithm.name())
        .collect();
    let metadata = json!({
        "issuer": issuer,
        "jwks_uri": format!("{base}{JWKS_PATH}"),
        "response_types_supported": [],
        "id_token_signing_alg_values_supported": algorithms,
    });
    Ok(respond(request, &metadata.to_string()))
}

/// Returns the algorithms of the usable keys, beginning with the one that signs, or `hmac` if no key is published.
pub(crate) fn algorithms(
    keys: &PublishedKeys,
    hmac: Option<Algorithm>,
    now: UnixTime,
) -> Vec<Algorithm> {
    let mut algorithms: Vec<Algorithm> = Vec::new();
    let published = keys.usable(now).map(|key| key.jwk().algorithm());
    for algorithm in published.chain(hmac) {
        if !algorithms.contains(&algorithm) {
            algorithms.push(algorithm);
        }
    }
    algorithms
}

/// Returns the URL to which the paths of the documents are added. `None` if the issuer is not a URL with a host and
/// without a query or a fragment (RFC 8414 section 2). A slash at the end is not repeated (`OpenID` Connect Discovery
/// 1.0 section 4).
fn base_url(issuer: &str) -> Option<&str> {
    let url = issuer.parse::<Uri>().ok()?;
    let is_http = matches!(url.scheme_str(), Some("https" | "http"));
    let has_host = url.host().is_some_and(|host| !host.is_empty());
    let is_issuer = is_http && has_host && url.query().is_none() && !issuer.contains('#');
    is_issuer.then(|| issuer.strip_suffix('/').unwrap_or(issuer))
}

fn respond(request: &HeaderMap, json: &str) -> Response {
    let document = Document {
        content_type: "application/json",
        cache_control: FIVE_MINUTES,
        policy: POLICY,
        bytes: json.as_bytes(),
        // A few hundred bytes.
        gzip: None,
        hash: &hash_document(json.as_bytes()),
    };
    document.response(request)
}
