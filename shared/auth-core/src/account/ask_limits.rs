//! Names asks and their counters with MACs, so that a store does not reveal who asked for what.

use std::time::Duration;

use super::{Ask, AskContent, AskId, AskLimit, AskLimits};
use crate::{
    attempt::{Attempts, NetworkCounter, short_mac},
    failure::SigningError,
    key::Key,
    network::SourceNetwork,
    time::UnixTime,
    user::Email,
};

const DAY: Duration = Duration::from_hours(24);
const HOUR: Duration = Duration::from_hours(1);
const MINUTE: Duration = Duration::from_mins(1);

impl Attempts {
    /// Returns asks for these emails at `now`, and everything that limits them. Asks of one kind for one address in one
    /// minute have the same id. An operator has no network.
    ///
    /// # Errors
    ///
    /// [`SigningError`] if no key is available.
    pub async fn prepare_asks(
        &self,
        mails: impl IntoIterator<Item = (Email, AskContent)> + Send,
        network: Option<&SourceNetwork>,
        now: UnixTime,
    ) -> Result<(Vec<Ask>, AskLimits), SigningError> {
        let mails: Vec<_> = mails.into_iter().collect();
        let keys = self.keys.keys().await?;
        let key = keys.signing_key().ok_or(SigningError::Unavailable)?;
        let limits = mails
            .iter()
            .map(|(email, content)| limit(key, email, content, now));
        let limits: Option<Vec<AskLimit>> = limits.collect();
        let limits = AskLimits {
            addresses: limits.ok_or(SigningError::Unavailable)?,
            network: match network {
                Some(network) => {
                    Some(network_counter(key, network, now).ok_or(SigningError::Unavailable)?)
                }
                None => None,
            },
        };
        let asks = mails.into_iter().map(|(email, content)| {
            let id = id(key, &email, &content, now)?;
            Some(Ask::new(id, email, content, now))
        });
        let asks: Option<Vec<Ask>> = asks.collect();
        Ok((asks.ok_or(SigningError::Unavailable)?, limits))
    }
}

fn id(key: &Key, email: &Email, content: &AskContent, now: UnixTime) -> Option<AskId> {
    let minute = (now.as_secs() / MINUTE.as_secs()).to_be_bytes();
    let label = format!("ask {}", content.name());
    short_mac(key, &label, &[&minute, email.as_str().as_bytes()]).map(AskId::from_text)
}

fn limit(key: &Key, email: &Email, content: &AskContent, now: UnixTime) -> Option<AskLimit> {
    let label = format!("asks {}", content.name());
    let mac = short_mac(key, &label, &[mailbox(email).as_bytes()])?;
    let (day, day_ends) = period(now, DAY);
    Some(AskLimit {
        id: format!("{mac}#{day}"),
        day_ends,
    })
}

/// Returns an address without what follows a `+`: many providers deliver `name+anything` to the mailbox `name`
/// (RFC 5233), so all of these addresses share one limit.
fn mailbox(email: &Email) -> String {
    let address = email.as_str();
    let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
    let mailbox = local.split_once('+').map_or(local, |(mailbox, _)| mailbox);
    format!("{mailbox}@{domain}")
}

fn network_counter(key: &Key, network: &SourceNetwork, now: UnixTime) -> Option<NetworkCounter> {
    let mac = short_mac(key, "asks of network", &[network.0.as_bytes()])?;
    let (_, window_ends) = period(now, HOUR);
    Some(NetworkCounter {
        id: format!("{mac}#{}", window_ends.as_secs()),
        max_failures: AskLimits::MAX_PER_NETWORK,
        window_ends,
    })
}

/// Returns the number of a period since 1970, and when it ends.
fn period(now: UnixTime, length: Duration) -> (u64, UnixTime) {
    let number = now.as_secs() / length.as_secs();
    (number, UnixTime::from_secs((number + 1) * length.as_secs()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::attempt::tests::attempts;

    const NOW: UnixTime = UnixTime::from_secs(1_000_000 * 60);

    async fn prepare(
        address: &str,
        content: AskContent,
        network: &str,
        now: UnixTime,
    ) -> (Ask, AskLimits) {
        let (email, network) = (
            Email::parse(address).unwrap(),
            SourceNetwork::parse(network),
        );
        let attempts = attempts();
        let prepared = attempts.prepare_asks([(email, content)], Some(&network), now);
        let (mut asks, limits) = prepared.await.unwrap();
        (asks.remove(0), limits)
    }

    #[tokio::test]
    async fn an_ask_is_named_by_kind_address_and_minute_and_reveals_none_of_them() {
        let mut ids = BTreeSet::new();
        for (address, content, now) in [
            ("a@b.c", AskContent::Reset, NOW),
            ("b@b.c", AskContent::Reset, NOW),
            ("a@b.c", AskContent::SignUp, NOW),
            ("a@b.c", AskContent::Reset, NOW + MINUTE),
        ] {
            let (ask, _) = prepare(address, content.clone(), "203.0.113.7", now).await;
            assert!(!ask.id.as_str().contains(address));
            let last = now + Duration::from_secs(59);
            let (again, _) = prepare(address, content, "198.51.100.1", last).await;
            assert_eq!(again.id, ask.id);
            ids.insert(ask.id);
        }
        assert_eq!(ids.len(), 4);
    }

    #[tokio::test]
    async fn asks_are_counted_by_address_kind_and_day_and_by_network_and_hour() {
        let limits = async |address: &str, content: AskContent, network: &str, now| {
            prepare(address, content, network, now).await.1
        };
        let first = limits("a@b.c", AskContent::Reset, "203.0.113.7", NOW).await;
        let text = format!("{first:?}");
        assert!(!text.contains("a@b.c") && !text.contains("203.0"), "{text}");
        let network = first.network.clone().unwrap();
        assert_eq!(network.max_failures, 50);
        assert_eq!(network.window_ends.as_secs() % 3_600, 0);
        assert!(network.window_ends > NOW && network.window_ends <= NOW + HOUR);

        let other_network = limits("a@b.c", AskContent::Reset, "::1", NOW).await;
        assert_eq!(first.addresses, other_network.addresses);
        assert_ne!(first.network, other_network.network);
        let other_kind = limits("a@b.c", AskContent::SignUp, "203.0.113.7", NOW).await;
        assert_ne!(first.addresses, other_kind.addresses);
        assert_eq!(first.network, other_kind.network);
        let next_day = limits("a@b.c", AskContent::Reset, "203.0.113.7", NOW + DAY).await;
        assert_ne!(first.addresses, next_day.addresses);
    }

    /// Otherwise `a+1@b.c`, `a+2@b.c` and so on would get any number of emails to one mailbox.
    #[tokio::test]
    async fn addresses_of_one_mailbox_share_a_limit_but_not_an_ask() {
        let prepare = async |address: &str| prepare(address, AskContent::SignUp, "", NOW).await;
        let (ask, limits) = prepare("a@b.c").await;
        for address in ["a+1@b.c", "A+x+y@b.c", "a+@b.c"] {
            let (other, same) = prepare(address).await;
            assert_eq!(same.addresses, limits.addresses, "{address}");
            assert_ne!(other.id, ask.id, "{address}");
        }
        for address in [
            "aa@b.c", "a@b+c.c", "b+a@b.c", "a-1@b.c", "a+@c.b", "+a@b.c",
        ] {
            let (_, other) = prepare(address).await;
            assert_ne!(other.addresses, limits.addresses, "{address}");
        }
    }

    /// The limits on asks are separate from those on logins.
    #[tokio::test]
    async fn an_ask_shares_no_counter_with_a_login() {
        let (email, network) = (Email::parse("a@b.c").unwrap(), SourceNetwork::default());
        let login = attempts().begin(&email, &network, None, NOW).await.unwrap();
        let (_, limits) = prepare("a@b.c", AskContent::Reset, "", NOW).await;
        assert_ne!(limits.addresses[0].id, login.email_counter.id);
        assert_ne!(limits.network.unwrap().id, login.network_counter.id);
    }
}
