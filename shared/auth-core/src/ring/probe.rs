//! Checks that tokens of a ring would be accepted, by signing and verifying.

use serde_json::json;

use super::{KeyRing, PublishedKeys};
use crate::{
    key::KeyError,
    time::UnixTime,
    token::{TokenError, verify_compact},
};

/// The type of a probe (RFC 7515 section 4.1.9), which no guard accepts as an access token.
const PROBE_TYPE: &str = "probe";

/// A token of a ring would be rejected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProbeError {
    /// No key is published that may be used now.
    #[error("no key is published")]
    Nothing(#[source] KeyError),
    /// The key does not sign.
    #[error("the key {0} does not sign")]
    NotSigned(String),
    /// The published keys do not verify the signature.
    #[error("the published keys reject a signature of the key {kid}: {reason}")]
    Rejected {
        /// The key.
        kid: String,
        /// Why.
        reason: TokenError,
    },
}

impl PublishedKeys {
    /// Signs a probe with each key of `ring` and verifies it with what is published.
    ///
    /// # Errors
    ///
    /// [`ProbeError`] for the first key that fails.
    pub fn verify_probes(&self, ring: &KeyRing, now: UnixTime) -> Result<(), ProbeError> {
        let all = self.key_set().map_err(ProbeError::Nothing)?;
        let usable = all.usable_at(now).map_err(ProbeError::Nothing)?;
        let usable = usable.unwrap_or(all);
        for jwk in ring.keys() {
            let kid = || jwk.kid().to_owned();
            let probe = jwk.key().sign_claims(PROBE_TYPE, &json!({}));
            let probe = probe.ok_or_else(|| ProbeError::NotSigned(kid()))?;
            verify_compact(probe.as_bytes(), &usable)
                .map_err(|reason| ProbeError::Rejected { kid: kid(), reason })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::key::Algorithm;

    const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
    const RETENTION: Duration = Duration::from_hours(26);

    fn ring() -> KeyRing {
        KeyRing::create(Algorithm::ES256, NOW).unwrap()
    }

    #[test]
    fn published_keys_accept_the_probes_of_their_ring() {
        let ring = ring();
        let published = PublishedKeys::default().covering(&[&ring], NOW, RETENTION);
        assert_eq!(published.verify_probes(&ring, NOW), Ok(()));
    }

    #[test]
    fn probes_of_keys_that_are_not_published_or_no_longer_are_rejected() {
        let (ring, other) = (ring(), ring());
        let nothing = PublishedKeys::default().verify_probes(&ring, NOW);
        assert!(
            matches!(nothing, Err(ProbeError::Nothing(_))),
            "{nothing:?}"
        );
        let published = PublishedKeys::default().covering(&[&ring], NOW, RETENTION);
        let retired = published.covering(&[&other], NOW, RETENTION);
        assert_eq!(retired.verify_probes(&ring, NOW), Ok(()));
        let rejected = |published: &PublishedKeys, ring: &KeyRing, now| {
            let kid = ring.active().kid().to_owned();
            let reason = TokenError::UnknownKid;
            let expected = Err(ProbeError::Rejected { kid, reason });
            assert_eq!(published.verify_probes(ring, now), expected);
        };
        rejected(&published, &other, NOW);
        rejected(&retired, &ring, NOW + RETENTION);
    }
}
