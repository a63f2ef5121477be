//! The claims of an access token (RFC 9068 section 2.2), checked.

use serde_json::{Map, Value};

use super::{TokenError, TokenSettings};
use crate::{id::SessionId, time::UnixTime, user::LoggedUser};

/// The last second of the year 9999: later times are not dates.
const MAX_NUMERIC_DATE: f64 = 253_402_300_799.0;

/// Checks the claims of a token with a valid signature. Expiry comes last, so that
/// [`TokenError::Expired`] means that nothing else is wrong.
pub(crate) fn check(
    claims: &Map<String, Value>,
    rules: &TokenSettings,
    now: UnixTime,
) -> Result<LoggedUser, TokenError> {
    if text(claims, "iss")? != rules.issuer {
        return Err(TokenError::WrongIssuer);
    }
    check_audience(claims.get("aud"), &rules.audience)?;
    text(claims, "client_id")?;
    text(claims, "jti")?;
    let user = LoggedUser {
        id: text(claims, "sub")?.to_owned(),
        email: text(claims, "email")?.to_owned(),
        roles: texts(claims.get("roles")).ok_or(TokenError::MalformedClaim("roles"))?,
        permissions: permissions(claims)?,
        session_id: SessionId::try_from(text(claims, "sid")?.to_owned())
            .map_err(|_| TokenError::MalformedClaim("sid"))?,
    };
    check_times(claims, rules, now)?;
    Ok(user)
}

fn check_audience(claim: Option<&Value>, audience: &str) -> Result<(), TokenError> {
    let named = match claim {
        Some(Value::String(one)) => one == audience,
        other => texts(other)
            .ok_or(TokenError::MalformedClaim("aud"))?
            .iter()
            .any(|one| one == audience),
    };
    named.then_some(()).ok_or(TokenError::WrongAudience)
}

#[expect(clippy::cast_precision_loss, reason = "the time stays far below 2^53")]
fn check_times(
    claims: &Map<String, Value>,
    rules: &TokenSettings,
    now: UnixTime,
) -> Result<(), TokenError> {
    let (iat, nbf) = (date(claims, "iat")?, date(claims, "nbf")?);
    let exp = date(claims, "exp")?;
    let (now, leeway) = (now.as_secs() as f64, rules.leeway.as_secs_f64());
    if iat > now + leeway || nbf > now + leeway {
        return Err(TokenError::NotYetValid);
    }
    if exp <= iat || exp - iat > rules.expiration.as_secs_f64() {
        return Err(TokenError::InvalidLifetime);
    }
    if now >= exp + leeway {
        return Err(TokenError::Expired);
    }
    Ok(())
}

/// Returns a claim that is a non-empty string.
fn text<'a>(claims: &'a Map<String, Value>, name: &'static str) -> Result<&'a str, TokenError> {
    match claims.get(name) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        _ => Err(TokenError::MalformedClaim(name)),
    }
}

/// Returns a `NumericDate` (RFC 7519 section 2), which may have a fraction.
fn date(claims: &Map<String, Value>, name: &'static str) -> Result<f64, TokenError> {
    claims
        .get(name)
        .and_then(Value::as_f64)
        .filter(|date| (0.0..=MAX_NUMERIC_DATE).contains(date))
        .ok_or(TokenError::MalformedClaim(name))
}

/// Returns the permissions in `scope` (RFC 8693 section 4.2); empty if the user's roles allow nothing.
fn permissions(claims: &Map<String, Value>) -> Result<Vec<String>, TokenError> {
    let scope = claims.get("scope").and_then(Value::as_str);
    let scope = scope.ok_or(TokenError::MalformedClaim("scope"))?;
    Ok(scope.split_ascii_whitespace().map(str::to_owned).collect())
}

fn texts(claim: Option<&Value>) -> Option<Vec<String>> {
    claim?
        .as_array()?
        .iter()
        .map(|item| item.as_str().map(str::to_owned))
        .collect()
}
