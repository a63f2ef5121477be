//! Asks with their limits in a [`Snapshot`].

use serde::{Deserialize, Serialize};

use super::{repositories::SnapshotStore, snapshot::Snapshot};
use crate::{
    account::{
        Ask, AskCount, AskId, AskLimits, AskRepository, Asked, MailDirectory, MailRepository,
        NoticeRepository,
    },
    repository::RepositoryError,
    time::UnixTime,
};

/// An ask, or what is left of it after it was sent.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredAsk {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ask: Option<Ask>,
    expires_at: UnixTime,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredAskCount {
    count: AskCount,
    expires_at: UnixTime,
}

impl Snapshot {
    fn put_asks(
        &mut self,
        asks: &[Ask],
        limits: &AskLimits,
        now: UnixTime,
    ) -> Result<Asked, RepositoryError> {
        self.asks.remove_expired(now);
        self.ask_counts.remove_expired(now);
        if let Some(network) = &limits.network
            && self.ask_count(&network.id)?.asks >= network.max_failures
        {
            return Ok(Asked::NetworkFull(network.window_ends));
        }
        if asks.iter().any(|ask| self.asks.contains(ask.id.as_str())) {
            return Ok(Asked::Throttled);
        }
        let network = limits.network.iter();
        let mut counters: Vec<_> = network.map(|one| (&one.id, one.window_ends)).collect();
        for limit in &limits.addresses {
            if !self.ask_count(&limit.id)?.has_room(now) {
                return Ok(Asked::Throttled);
            }
            counters.push((&limit.id, limit.day_ends));
        }
        for (id, expires_at) in counters {
            let count = AskCount {
                asks: self.ask_count(id)?.asks + 1,
                asked_at: now,
            };
            self.ask_counts
                .put(id, &StoredAskCount { count, expires_at })?;
        }
        for ask in asks {
            self.put_ask(ask)?;
        }
        Ok(Asked::Put)
    }

    fn ask_count(&self, id: &str) -> Result<AskCount, RepositoryError> {
        let stored: Option<StoredAskCount> = self.ask_counts.get(id)?;
        Ok(stored.map(|stored| stored.count).unwrap_or_default())
    }

    pub(super) fn put_ask(&mut self, ask: &Ask) -> Result<(), RepositoryError> {
        let stored = StoredAsk {
            ask: Some(ask.clone()),
            expires_at: ask.expires_at,
        };
        self.asks.put(ask.id.as_str(), &stored)
    }

    fn find_ask(&self, id: &AskId) -> Result<Option<Ask>, RepositoryError> {
        let stored: Option<StoredAsk> = self.asks.get(id.as_str())?;
        Ok(stored.and_then(|stored| stored.ask))
    }

    fn complete_ask(&mut self, id: &AskId) -> Result<(), RepositoryError> {
        let Some(mut stored) = self.asks.get::<StoredAsk>(id.as_str())? else {
            return Ok(());
        };
        stored.ask = None;
        self.asks.put(id.as_str(), &stored)
    }

    fn list_asks(&self) -> Result<Vec<AskId>, RepositoryError> {
        let stored: Vec<StoredAsk> = self.asks.all()?;
        let unsent = stored.into_iter().filter_map(|stored| stored.ask);
        Ok(unsent.map(|ask| ask.id).collect())
    }
}

impl<S: SnapshotStore> AskRepository for S {
    async fn put_asks(
        &self,
        asks: &[Ask],
        limits: &AskLimits,
        now: UnixTime,
    ) -> Result<Asked, RepositoryError> {
        self.update(|snapshot| snapshot.put_asks(asks, limits, now))
    }
}

impl<S: SnapshotStore> NoticeRepository for S {
    async fn put_notice(&self, notice: &Ask) -> Result<(), RepositoryError> {
        self.update(|snapshot| {
            if snapshot.asks.contains(notice.id.as_str()) {
                return Ok(());
            }
            snapshot.put_ask(notice)
        })
    }
}

impl<S: SnapshotStore> MailRepository for S {
    async fn find_ask(&self, id: &AskId) -> Result<Option<Ask>, RepositoryError> {
        self.read(|snapshot| snapshot.find_ask(id))?
    }

    async fn complete_ask(&self, id: &AskId) -> Result<(), RepositoryError> {
        self.update(|snapshot| snapshot.complete_ask(id))
    }
}

impl<S: SnapshotStore> MailDirectory for S {
    async fn list_asks(&self) -> Result<Vec<AskId>, RepositoryError> {
        self.read(Snapshot::list_asks)?
    }
}
