//! Applies key changes in the order that the rules require. Start at [`KeyKeeper`].

use super::{
    KeyChange, KeyRing, KeyRules, KeyState, PrivateKeyRepository, PublishedKeyRepository,
    PublishedKeys, Refusal, RotateWhen,
};
use crate::{key::PrivateJwk, repository::RepositoryError, time::Clock};

/// The maximum number of attempts while other runs change the keys.
const MAX_ATTEMPTS: u32 = 5;

/// A change of the keys failed.
#[derive(Debug, thiserror::Error)]
pub enum KeyChangeError {
    /// The rules do not allow it. The keys are the same as before.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Another run changed the keys at the same time. This change was not made.
    #[error("another run changed the keys at the same time; this change was not made")]
    Conflict,
    /// The private set cannot be read or replaced. Unchanged, unless it was replaced and only the response was lost.
    #[error("the private keys cannot be read or replaced: {}", .0.cause())]
    Private(#[source] RepositoryError),
    /// The public set cannot be read or replaced. The private set is the same as before.
    #[error("the published keys cannot be read or replaced: {}", .0.cause())]
    Published(#[source] RepositoryError),
    /// The private set was replaced, but the public set does not show it yet. The next run completes it.
    #[error("the private keys were changed, but the published keys were not completed: {0}")]
    Incomplete(#[source] Box<Self>),
}

/// Changes the keys in two repositories. Each run is safe to repeat, and to run at the same time as others.
#[derive(Debug, Clone)]
pub struct KeyKeeper<R, P> {
    private: R,
    published: P,
    rules: KeyRules,
    clock: Clock,
}

/// Both sets with the versions on which replacing them depends.
struct Loaded {
    state: KeyState,
    ring_version: Option<String>,
    published_version: Option<String>,
}

impl<R: PrivateKeyRepository, P: PublishedKeyRepository> KeyKeeper<R, P> {
    /// Returns a keeper of the keys in these repositories.
    pub fn new(private: R, published: P, rules: KeyRules, clock: Clock) -> Self {
        Self {
            private,
            published,
            rules,
            clock,
        }
    }

    /// Reads both sets.
    ///
    /// # Errors
    ///
    /// [`KeyChangeError::Private`] and [`KeyChangeError::Published`].
    pub async fn load(&self) -> Result<KeyState, KeyChangeError> {
        Ok(self.load_both().await?.state)
    }

    /// Creates the keys that are missing, and publishes what the private set needs, whatever is published now: the
    /// first keys, a run that was interrupted, a table that was restored to before a rotation or a revocation.
    ///
    /// # Errors
    ///
    /// [`KeyChangeError`].
    pub async fn repair(&self) -> Result<KeyState, KeyChangeError> {
        for _ in 0..MAX_ATTEMPTS {
            let loaded = self.load_both().await?;
            let Some(change) = self.rules.complete(&loaded.state, self.clock.now())? else {
                return self.publish(None).await;
            };
            match self.apply(loaded, change).await {
                Err(KeyChangeError::Conflict) => {}
                applied => return applied,
            }
        }
        Err(KeyChangeError::Conflict)
    }

    /// Makes the standby the active key, and a new key the standby.
    ///
    /// # Errors
    ///
    /// [`KeyChangeError`]; [`Refusal::StandbyTooNew`] unless `when` is [`RotateWhen::Now`].
    pub async fn rotate(&self, when: RotateWhen) -> Result<KeyState, KeyChangeError> {
        let (loaded, change) = self.plan_rotation(when).await?;
        self.apply(loaded, change).await
    }

    /// Plans a rotation in steps: returns its ring, to be stored as a pending version. It may become the current one
    /// only while [`KeyRing::derived_from`] is, and after [`KeyKeeper::publish`] has published it.
    ///
    /// # Errors
    ///
    /// As [`KeyKeeper::rotate`].
    pub async fn prepare(&self, when: RotateWhen) -> Result<KeyRing, KeyChangeError> {
        let (loaded, change) = self.plan_rotation(when).await?;
        Ok(change.ring.with_parent(loaded.ring_version))
    }

    /// Makes a key that was created elsewhere the standby.
    ///
    /// # Errors
    ///
    /// [`KeyChangeError`].
    pub async fn import(&self, key: &PrivateJwk) -> Result<KeyState, KeyChangeError> {
        let loaded = self.publish_covering(None).await?;
        let change = self.rules.import(&loaded.state, key, self.clock.now())?;
        self.apply(loaded, change).await
    }

    /// Revokes a key: no reader accepts its tokens from its next read of the published keys on. If the key is still
    /// active, functions that have cached it go on signing with it until they read the private set again, and those
    /// tokens are refused. Revoking it again completes a run that was interrupted.
    ///
    /// # Errors
    ///
    /// [`KeyChangeError`]; after [`KeyChangeError::Incomplete`] the key is still published.
    pub async fn revoke(&self, kid: &str) -> Result<KeyState, KeyChangeError> {
        let loaded = self.publish_covering(None).await?;
        match self.rules.revoke(&loaded.state, kid, self.clock.now())? {
            Some(change) => self.apply(loaded, change).await,
            None => Ok(loaded.state),
        }
    }

    /// Publishes the keys of the ring and those of a pending one, if any, as a set that covers both. A pending ring
    /// that is current by now adds nothing. Returns both sets as they are now.
    ///
    /// # Errors
    ///
    /// [`KeyChangeError`]; [`KeyChangeError::Conflict`] if the pending ring is stale: another ring than its parent is
    /// current, which may have revoked one of its keys.
    pub async fn publish(&self, pending: Option<&KeyRing>) -> Result<KeyState, KeyChangeError> {
        Ok(self.publish_covering(pending).await?.state)
    }

    /// Reads both sets. The published one is read first: if another run replaces the ring afterwards, what this run
    /// publishes for the old ring either comes before what the other one publishes, or is refused.
    async fn load_both(&self) -> Result<Loaded, KeyChangeError> {
        let published = self.published.load_published().await;
        let published = published.map_err(KeyChangeError::Published)?;
        let ring = self.private.load_ring().await;
        let ring = ring.map_err(KeyChangeError::Private)?;
        Ok(Loaded {
            state: KeyState {
                ring: ring.contents,
                published: published.contents.unwrap_or_default(),
            },
            ring_version: ring.version,
            published_version: published.version,
        })
    }

    async fn plan_rotation(&self, when: RotateWhen) -> Result<(Loaded, KeyChange), KeyChangeError> {
        let loaded = self.publish_covering(None).await?;
        let change = self.rules.rotate(&loaded.state, when, self.clock.now())?;
        Ok((loaded, change))
    }

    /// Reads both sets, and publishes what the ring and a pending one need. Each change begins with this, which
    /// completes a run that was interrupted.
    async fn publish_covering(&self, pending: Option<&KeyRing>) -> Result<Loaded, KeyChangeError> {
        for _ in 0..MAX_ATTEMPTS {
            let loaded = self.load_both().await?;
            let now = self.clock.now();
            let current = loaded.state.ring.as_ref();
            let pending = pending.filter(|pending| Some(*pending) != current);
            if pending.is_some_and(|ring| ring.derived_from() != loaded.ring_version.as_deref()) {
                return Err(KeyChangeError::Conflict);
            }
            let rings = current.into_iter().chain(pending).collect::<Vec<_>>();
            let keys = match &rings[..] {
                [] => loaded.state.published.clone(),
                rings => self.rules.covering(&loaded.state, rings, now),
            };
            if keys == loaded.state.published {
                return Ok(loaded);
            }
            // Replaced or not: the next pass reads both sets again.
            self.replace_published(loaded.published_version.as_deref(), &keys)
                .await?;
        }
        Err(KeyChangeError::Conflict)
    }

    async fn apply(&self, loaded: Loaded, change: KeyChange) -> Result<KeyState, KeyChangeError> {
        if change.before != loaded.state.published {
            let version = loaded.published_version.as_deref();
            if !self.replace_published(version, &change.before).await? {
                return Err(KeyChangeError::Conflict);
            }
        }
        let ring = change.ring.with_parent(loaded.ring_version.clone());
        let version = loaded.ring_version.as_deref();
        let replaced = self.private.replace_ring(version, &ring).await;
        if !replaced.map_err(KeyChangeError::Private)? {
            return Err(KeyChangeError::Conflict);
        }
        let incomplete = |error| KeyChangeError::Incomplete(Box::new(error));
        let state = self.publish(None).await.map_err(incomplete)?;
        // Secrets Manager does not promise that a read shows the last write.
        if state.ring == loaded.state.ring {
            return Err(incomplete(KeyChangeError::Conflict));
        }
        Ok(state)
    }

    async fn replace_published(
        &self,
        version: Option<&str>,
        keys: &PublishedKeys,
    ) -> Result<bool, KeyChangeError> {
        let replaced = self.published.replace_published(version, keys).await;
        replaced.map_err(KeyChangeError::Published)
    }
}
