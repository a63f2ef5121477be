//! Plans changes of the keys. Start at [`KeyRules`]; nothing here reads or writes.

use std::time::Duration;

use super::{KeyRing, PublishedKeys};
use crate::{
    key::{Algorithm, GenerationError, KeyError, PrivateJwk},
    time::UnixTime,
};

/// How long a standby must have been public before it signs. API Gateway caches keys for up to two hours.
pub const STANDBY_AGE: Duration = Duration::from_hours(3);

/// Added to the lifetime of tokens to get how long a replaced key stays published. `login` signs with cached keys for
/// up to 24 hours while it cannot read the secret; one hour is for clocks that differ and writes that take long.
const RETENTION_MARGIN: Duration = Duration::from_hours(25);

/// What the rules depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyRules {
    /// The algorithm of new keys.
    pub algorithm: Algorithm,
    /// The lifetime of access tokens.
    pub expiration: Duration,
}

/// Both sets, as they are stored at some moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyState {
    /// The private set; `None` if there is none yet.
    pub ring: Option<KeyRing>,
    /// The public set.
    pub published: PublishedKeys,
}

/// When the standby may become active.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RotateWhen {
    /// Once it has been public for [`STANDBY_AGE`].
    Ready,
    /// At once. Verifiers that cache keys may reject new tokens for some hours.
    Now,
}

/// A plan: publish `before` unless it is published already, then store `ring`, then publish what
/// [`KeyRules::covering`] returns for the sets as they are stored then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeyChange {
    /// The public set that must be published before the private set changes: it has the keys that sign before and
    /// after the change.
    pub(super) before: PublishedKeys,
    /// The next private set.
    pub(super) ring: KeyRing,
}

/// Why a change is refused. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no private set.
    #[error("there are no keys yet")]
    NoKeys,
    /// There is no standby, because someone stored the private set by hand.
    #[error("there is no standby key")]
    NoStandby,
    /// The standby has not been public long enough.
    #[error(
        "the standby key has been public for {} minutes, and verifiers may cache keys for hours: it can sign after {} \
         minutes",
        .public_for.as_secs() / 60,
        STANDBY_AGE.as_secs() / 60
    )]
    StandbyTooNew {
        /// How long it has been public.
        public_for: Duration,
        /// When it has been public long enough.
        ready_at: UnixTime,
    },
    /// The `kid` is neither in the ring nor published.
    #[error("there is no key {0}")]
    UnknownKey(String),
    /// The key to import is not usable.
    #[error("the key is rejected: {0}")]
    Imported(KeyError),
    /// The key to import is not for the algorithm of new keys.
    #[error("the key is rejected: it is not for {}", .0.name())]
    OtherAlgorithm(Algorithm),
    /// A key cannot be created.
    #[error(transparent)]
    Generation(#[from] GenerationError),
}

impl KeyRules {
    /// Returns how long a key stays published after it has been replaced.
    #[must_use]
    pub fn retention(&self) -> Duration {
        self.expiration + RETENTION_MARGIN
    }

    /// Returns what must be published while any of `rings` may be in use, such as the current ring and a pending one.
    pub(super) fn covering(
        &self,
        state: &KeyState,
        rings: &[&KeyRing],
        now: UnixTime,
    ) -> PublishedKeys {
        state.published.covering(rings, now, self.retention())
    }

    /// Plans the first keys, or a standby if there is none. `None` if both exist.
    ///
    /// # Errors
    ///
    /// [`Refusal::Generation`].
    pub(super) fn complete(
        &self,
        state: &KeyState,
        now: UnixTime,
    ) -> Result<Option<KeyChange>, Refusal> {
        let ring = match &state.ring {
            None => KeyRing::create(self.algorithm, now)?,
            Some(ring) if ring.standby().is_none() => ring.with_standby(self.algorithm, now)?,
            Some(_) => return Ok(None),
        };
        Ok(Some(self.change(state, ring, now)))
    }

    /// Plans a rotation: the standby becomes active, and a new key becomes the standby.
    ///
    /// # Errors
    ///
    /// [`Refusal::NoKeys`], [`Refusal::NoStandby`], [`Refusal::StandbyTooNew`] and [`Refusal::Generation`].
    pub(super) fn rotate(
        &self,
        state: &KeyState,
        when: RotateWhen,
        now: UnixTime,
    ) -> Result<KeyChange, Refusal> {
        let ring = state.ring.as_ref().ok_or(Refusal::NoKeys)?;
        let standby = ring.standby().ok_or(Refusal::NoStandby)?;
        let since = state
            .published
            .public_since(standby.kid(), now)
            .unwrap_or(now);
        let public_for = now.since(since);
        if when == RotateWhen::Ready && public_for < STANDBY_AGE {
            return Err(Refusal::StandbyTooNew {
                public_for,
                ready_at: since + STANDBY_AGE,
            });
        }
        Ok(self.change(state, ring.rotated(self.algorithm, now)?, now))
    }

    /// Plans the import of a key, which becomes the standby. The present standby, which has never signed, is dropped.
    ///
    /// # Errors
    ///
    /// [`Refusal::NoKeys`]; [`Refusal::OtherAlgorithm`]; [`Refusal::Imported`] if the key is in the ring or was
    /// revoked.
    pub(super) fn import(
        &self,
        state: &KeyState,
        key: &PrivateJwk,
        now: UnixTime,
    ) -> Result<KeyChange, Refusal> {
        let ring = state.ring.as_ref().ok_or(Refusal::NoKeys)?;
        if key.algorithm() != self.algorithm {
            return Err(Refusal::OtherAlgorithm(self.algorithm));
        }
        let ring = ring.with_imported(key, now).map_err(Refusal::Imported)?;
        Ok(self.change(state, ring, now))
    }

    /// Plans the revocation of a key: the active one, the standby or one that no longer signs. `None` if it was
    /// revoked before. The key stays public until the private set has changed; afterwards no reader accepts it.
    ///
    /// # Errors
    ///
    /// [`Refusal::NoKeys`], [`Refusal::UnknownKey`] and [`Refusal::Generation`].
    pub(super) fn revoke(
        &self,
        state: &KeyState,
        kid: &str,
        now: UnixTime,
    ) -> Result<Option<KeyChange>, Refusal> {
        let ring = state.ring.as_ref().ok_or(Refusal::NoKeys)?;
        if ring.revoked().contains(kid) {
            return Ok(None);
        }
        let key = ring
            .keys()
            .find(|key| key.kid() == kid)
            .map(PrivateJwk::key);
        let key = key.or_else(|| Some(state.published.find(kid)?.jwk().key()));
        let key = key.ok_or_else(|| Refusal::UnknownKey(kid.to_owned()))?;
        let next = ring.with_revoked(kid, key.thumbprint(), self.algorithm, now)?;
        let change = if ring.contains(next.active().kid()) {
            let before = self.covering(state, &[ring], now);
            KeyChange { before, ring: next }
        } else {
            self.change(state, next, now)
        };
        Ok(Some(change))
    }

    /// Returns the plan that leads to `ring`: everything that is used before and after is published first. A revoked
    /// key that is still in use is too. Without a ring, the published keys may be those of a secret that cannot be
    /// found, so none of them retires before the new ring is stored.
    fn change(&self, state: &KeyState, ring: KeyRing, now: UnixTime) -> KeyChange {
        let before = match &state.ring {
            Some(current) => self.covering(state, &[current, &ring], now),
            None => state.published.with(&ring, now),
        };
        KeyChange { before, ring }
    }
}
