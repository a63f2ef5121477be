//! The sources of keys: their variables, the choice of one, and how keys in variables are read.

use std::net::IpAddr;

use http::Uri;

use super::reader::SettingsReader;
use crate::key::{Algorithm, Key, KeyError, KeySet};

/// The variable with the secret of HMAC keys.
pub(super) const SECRET_KEY: &str = "JWT_SECRET_KEY";

/// The variable that names the secret with the private keys, which no guard may read.
pub(super) const KEYS_SECRET_ID: &str = "JWT_KEYS_SECRET_ID";

/// The variable that names the table with the published keys.
pub(super) const KEYS_TABLE: &str = "JWT_KEYS_TABLE";

/// The variable with public keys, which do not change.
pub(super) const JWKS: &str = "JWT_JWKS";

/// The variable with the URL of public keys.
pub(super) const JWKS_URL: &str = "JWT_JWKS_URL";

/// The maximum length of a URL in bytes.
pub(super) const MAX_URL_BYTES: usize = 2048;

/// Returns the only one of these variables that is set, or `None` if there is none.
///
/// # Errors
///
/// After a problem, which [`SettingsReader::finish`] reports.
pub(super) fn only_one<'a>(
    reader: &mut SettingsReader,
    variables: &[&'a str],
) -> Result<Option<&'a str>, ()> {
    let mut set = variables.iter().filter(|name| reader.is_set(name));
    match (set.next(), set.next()) {
        (Some(one), Some(other)) => {
            let what = format_args!("set either this or {one}, not both");
            reader.problem(other, what).ok_or(())
        }
        (one, _) => Ok(one.copied()),
    }
}

/// Reads the algorithm of keys that name none.
pub(super) fn read_algorithm(reader: &mut SettingsReader) -> Option<Algorithm> {
    reader.optional("JWT_ALGORITHM", Algorithm::HS256, |name| {
        name.parse::<Algorithm>().map_err(|error| error.to_string())
    })
}

/// Reads public keys.
pub(super) fn read_jwks(reader: &mut SettingsReader, algorithm: Algorithm) -> Option<KeySet> {
    reader.required(JWKS, |text| {
        KeySet::parse_public(text, algorithm).map_err(|error| error.to_string())
    })
}

/// Reads an HMAC secret, which must not be a published one if the function is deployed.
pub(super) fn read_secret(
    reader: &mut SettingsReader,
    variable: &str,
    algorithm: Algorithm,
    is_deployed: bool,
) -> Option<KeySet> {
    // The secret is checked even if the algorithm is invalid, so that its problems are reported too.
    let algorithm = if check_hmac(reader, algorithm) {
        algorithm
    } else {
        Algorithm::HS256
    };
    reader.required(variable, |secret| {
        let key = Key::from_secret(secret.as_bytes(), algorithm);
        key.and_then(|key| {
            if is_deployed && key.is_known_secret {
                return Err(KeyError::KnownSecret);
            }
            Ok(key.into())
        })
        .map_err(|error| error.to_string())
    })
}

/// Checks that a secret can be used with `algorithm`.
fn check_hmac(reader: &mut SettingsReader, algorithm: Algorithm) -> bool {
    let is_hmac = algorithm.min_secret_bytes().is_some();
    if !is_hmac {
        let what = "must be HS256, HS384 or HS512 with a secret";
        reader.problem::<()>("JWT_ALGORITHM", what);
    }
    is_hmac
}

/// Parses an https URL, or an http URL of this machine: anyone who can change the response on its way can sign tokens.
pub(super) fn parse_url(text: &str) -> Result<Uri, String> {
    let url = text.parse::<Uri>().ok().filter(|url| {
        let authority = url.authority().map_or("", |authority| authority.as_str());
        // User and password would be sent to the server, and are not supported.
        !authority.is_empty() && !authority.contains('@') && text.len() <= MAX_URL_BYTES
    });
    url.and_then(|url| match url.scheme_str() {
        Some("https") => Some(url),
        Some("http") => with_loopback_address(url),
        _ => None,
    })
    .ok_or_else(|| "must be an https URL, or an http URL of localhost or 127.0.0.1".to_owned())
}

/// Returns the URL with an address instead of `localhost`, which a name server could resolve to another machine. `None`
/// for the URL of another machine.
fn with_loopback_address(url: Uri) -> Option<Uri> {
    let host = url.host()?;
    if host.eq_ignore_ascii_case("localhost") {
        let port = url.port_u16().unwrap_or(80);
        let url = format!("http://127.0.0.1:{port}{}", url.path_and_query()?);
        return url.parse().ok();
    }
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let is_loopback = address
        .parse::<IpAddr>()
        .is_ok_and(|address| address.is_loopback());
    is_loopback.then_some(url)
}
