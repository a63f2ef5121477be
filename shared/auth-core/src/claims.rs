//! The claims of an access token (RFC 9068 section 2.2), written and checked.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    bearer::BearerError, jws::Rejection, logged_user::LoggedUser, settings::TokenSettings,
};

/// The last second of the year 9999: later times are no dates, and none is in use.
const MAX_NUMERIC_DATE: f64 = 253_402_300_799.0;

/// What a new token says.
#[derive(Serialize)]
pub(crate) struct Claims<'a> {
    pub(crate) iss: &'a str,
    pub(crate) sub: &'a str,
    pub(crate) aud: &'a str,
    pub(crate) iat: u64,
    pub(crate) nbf: u64,
    pub(crate) exp: u64,
    pub(crate) jti: &'a str,
    pub(crate) sid: &'a str,
    pub(crate) user_version: u64,
    pub(crate) email: &'a str,
    pub(crate) roles: &'a [&'a str],
    pub(crate) scope: &'a str,
}

/// Checks the claims of a token whose signature holds. Expiry comes last, so that only a token
/// with nothing else wrong is told to be expired.
pub(crate) fn check(
    claims: &Map<String, Value>,
    rules: &TokenSettings,
    now: u64,
) -> Result<LoggedUser, BearerError> {
    if text(claims, "iss")? != rules.issuer {
        return Err(Rejection::WrongIssuer.into());
    }
    check_audience(claims.get("aud"), &rules.audience)?;
    text(claims, "jti")?;
    let user = LoggedUser {
        id: text(claims, "sub")?.to_owned(),
        email: text(claims, "email")?.to_owned(),
        roles: texts(claims.get("roles")).ok_or(Rejection::MalformedClaim("roles"))?,
        permissions: permissions(claims)?,
        session_id: optional_text(claims, "sid")?,
        user_version: user_version(claims)?,
    };
    check_times(claims, rules, now)?;
    Ok(user)
}

fn check_audience(claim: Option<&Value>, audience: &str) -> Result<(), Rejection> {
    let named = match claim {
        Some(Value::String(one)) => one == audience,
        other => texts(other)
            .ok_or(Rejection::MalformedClaim("aud"))?
            .iter()
            .any(|one| one == audience),
    };
    named.then_some(()).ok_or(Rejection::WrongAudience)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "the clock and the settings stay far below 2^53"
)]
fn check_times(
    claims: &Map<String, Value>,
    rules: &TokenSettings,
    now: u64,
) -> Result<(), BearerError> {
    let (iat, nbf) = (date(claims, "iat")?, date(claims, "nbf")?);
    let exp = date(claims, "exp")?;
    let (now, leeway) = (now as f64, rules.leeway as f64);
    if iat > now + leeway || nbf > now + leeway {
        return Err(Rejection::NotYetValid.into());
    }
    if exp <= iat || exp - iat > rules.expiration as f64 {
        return Err(Rejection::LifeOutOfBounds.into());
    }
    if now >= exp + leeway {
        return Err(BearerError::Expired);
    }
    Ok(())
}

/// A claim that is a string and not empty.
fn text<'a>(claims: &'a Map<String, Value>, name: &'static str) -> Result<&'a str, Rejection> {
    match claims.get(name) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        _ => Err(Rejection::MalformedClaim(name)),
    }
}

/// A claim that tokens of former versions lack.
fn optional_text(
    claims: &Map<String, Value>,
    name: &'static str,
) -> Result<Option<String>, Rejection> {
    match claims.get(name) {
        None => Ok(None),
        Some(_) => text(claims, name).map(|text| Some(text.to_owned())),
    }
}

/// The user's version when the token was issued. A token of a time without versions is of the first.
fn user_version(claims: &Map<String, Value>) -> Result<u64, Rejection> {
    let claim = claims.get("user_version").map(Value::as_u64);
    claim
        .unwrap_or(Some(0))
        .ok_or(Rejection::MalformedClaim("user_version"))
}

/// A `NumericDate` (RFC 7519 section 2), which may have a fraction.
fn date(claims: &Map<String, Value>, name: &'static str) -> Result<f64, Rejection> {
    claims
        .get(name)
        .and_then(Value::as_f64)
        .filter(|date| (0.0..=MAX_NUMERIC_DATE).contains(date))
        .ok_or(Rejection::MalformedClaim(name))
}

/// The permissions of `scope` (RFC 8693 section 4.2); empty for a user whose roles allow nothing.
fn permissions(claims: &Map<String, Value>) -> Result<Vec<String>, Rejection> {
    let scope = claims.get("scope").and_then(Value::as_str);
    let scope = scope.ok_or(Rejection::MalformedClaim("scope"))?;
    Ok(scope.split_ascii_whitespace().map(str::to_owned).collect())
}

fn texts(claim: Option<&Value>) -> Option<Vec<String>> {
    claim?
        .as_array()?
        .iter()
        .map(|item| item.as_str().map(str::to_owned))
        .collect()
}
