//! The question before a revocation, which says what breaks, where and for how long.

use auth_aws::rfc3339;
use auth_core::{Clock, KeyChangeError, KeyState, Refusal, STANDBY_AGE, UnixTime};

use super::Target;
use crate::{confirm, error::CommandError, output::warn};

/// Asks whether to revoke a key of the sets. An unknown key is not asked about.
pub(super) async fn confirm(
    state: &KeyState,
    kid: &str,
    target: &Target,
) -> Result<(), CommandError> {
    for line in consequences(state, kid, Clock::system().now())? {
        warn(&line);
    }
    let target = target.describe().await;
    confirm::ask(&format!("Revoke {kid} in {target}?"))
}

/// Returns what a revocation breaks, in lines of one or two sentences.
fn consequences(state: &KeyState, kid: &str, now: UnixTime) -> Result<Vec<String>, CommandError> {
    let refused = |refusal| CommandError::KeyChange(KeyChangeError::Refused(refusal));
    let ring = state.ring.as_ref().ok_or(refused(Refusal::NoKeys))?;
    if ring.revoked().contains(kid) {
        return Ok(vec!["The key is revoked already.".into()]);
    }
    if ring.standby().is_some_and(|key| key.kid() == kid) {
        return Ok(vec![
            "The key has never signed, so no token breaks. A new key becomes the next one.".into(),
        ]);
    }
    let mut lines = vec![
        "The functions refuse the key's tokens after 15 minutes at the latest, or after 24 hours if they cannot read \
         the table. Sessions remain: clients get a 401 and refresh."
            .to_owned(),
        "Verifiers outside the bundle accept them until they read the keys again: API Gateway's authorizers for up to \
         two hours and 20 minutes."
            .into(),
    ];
    if ring.active().kid() == kid {
        lines.push(
            "The key signs now. Until login reads the private keys again, for up to 15 minutes, or for 24 hours if \
             it cannot, its new tokens are refused too."
                .into(),
        );
        lines.extend(next_is_new(state, now));
        return Ok(lines);
    }
    let key = state.published.find(kid);
    let key = key.ok_or_else(|| refused(Refusal::UnknownKey(kid.to_owned())))?;
    if let Some(until) = key.until() {
        lines.push(format!(
            "The key no longer signs. Otherwise its tokens would be accepted until they expire, and it would be \
             public until {}.",
            rfc3339(until)
        ));
    }
    Ok(lines)
}

/// Returns what the next key breaks if verifiers may not know it yet.
fn next_is_new(state: &KeyState, now: UnixTime) -> Option<String> {
    let standby = state.ring.as_ref()?.standby();
    let since = standby.and_then(|key| state.published.public_since(key.kid(), now));
    let public_for = since.map(|since| now.since(since)).unwrap_or_default();
    (public_for < STANDBY_AGE).then(|| {
        let minutes = public_for.as_secs() / 60;
        format!(
            "The next key has been public for only {minutes} minutes: verifiers outside the bundle that have cached \
             the keys may refuse its tokens for up to two hours."
        )
    })
}
