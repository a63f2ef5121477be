//! Keys of a secret that changes, fails and recovers, while the clock advances.

use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::FutureExt;

use super::*;
use crate::{
    AccessToken, Algorithm, KeyRing, KeyUse, PublishedKeys, PublishedSource, SessionId,
    TokenIssuer, TokenSettings, User, verify_compact,
};

const SECOND: Duration = Duration::from_secs(1);

const OLD: &str = r#"{"kty":"oct","kid":"old","k":"a3EzbVo4dlQxd1l4UDVuQjdjUjJkRjZnSDlqTDRzQTA"}"#;
const BOTH: &str = r#"{"keys":[
    {"kty":"oct","kid":"new","k":"cVhLM25WOHRSMXdZeFA1bUI3Y1oyZEY2Z0g5akw0c0E"},
    {"kty":"oct","kid":"old","k":"a3EzbVo4dlQxd1l4UDVuQjdjUjJkRjZnSDlqTDRzQTA"}]}"#;

/// The current value of the secret, and how often it was read.
#[derive(Debug, Default)]
struct Script {
    value: Mutex<Option<&'static str>>,
    reads: AtomicU64,
    now: AtomicU64,
}

impl KeyDocument for Arc<Script> {
    type Keys = KeySet;

    async fn read(&self) -> Result<KeySet, ReadError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        // Another task may run during the read.
        tokio::task::yield_now().await;
        let value = *self.value.lock().unwrap();
        let text = value.ok_or_else(|| ReadError::Unreadable("refused".into()))?;
        KeySet::parse_deployed(text, Algorithm::HS256, KeyUse::Sign).map_err(ReadError::Rejected)
    }
}

impl Script {
    fn set(&self, value: Option<&'static str>) {
        *self.value.lock().unwrap() = value;
    }

    fn advance(&self, duration: Duration) {
        self.now.fetch_add(duration.as_secs(), Ordering::Relaxed);
    }

    /// Advances to a second before `duration` from now.
    fn advance_almost(&self, duration: Duration) {
        self.now
            .fetch_add(duration.as_secs() - 1, Ordering::Relaxed);
    }

    fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }
}

/// Returns a script and its clock.
fn script() -> (Arc<Script>, Clock) {
    let script = Arc::new(Script::default());
    script.advance(Duration::from_secs(1_000_000));
    let time = Arc::clone(&script);
    let clock = Clock::from_fn(move || UnixTime::from_secs(time.now.load(Ordering::Relaxed)));
    (script, clock)
}

fn keys(value: Option<&'static str>) -> (Arc<Script>, CachedKeys<Arc<Script>>) {
    let (script, clock) = script();
    script.set(value);
    let keys = CachedKeys::new(Arc::clone(&script), clock);
    (script, keys)
}

fn kid(keys: &Result<Arc<KeySet>, KeysUnavailable>) -> Result<&str, KeysUnavailable> {
    let keys = keys.as_ref().map_err(|error| *error)?;
    Ok(keys.signing_key().unwrap().kid())
}

#[test]
fn the_times_are_the_documented_ones() {
    let (minute, hour) = (60 * SECOND, 3_600 * SECOND);
    assert_eq!((REFRESH_AGE, RETRY_INTERVAL), (15 * minute, minute));
    assert_eq!(MAX_AGE, 24 * hour);
}

#[tokio::test]
async fn keys_are_read_once_and_again_after_fifteen_minutes() {
    let (script, keys) = keys(Some(OLD));
    keys.read_at_start().await.unwrap();
    script.set(Some(BOTH));
    script.advance_almost(REFRESH_AGE);
    assert_eq!(kid(&keys.keys().await), Ok("old"));
    assert_eq!(script.reads(), 1);
    script.advance(SECOND);
    assert_eq!(kid(&keys.keys().await), Ok("new"));
    assert_eq!(kid(&keys.keys().await), Ok("new"));
    assert_eq!(script.reads(), 2);
}

#[tokio::test]
async fn an_unknown_kid_causes_at_most_one_read_a_minute() {
    let (script, keys) = keys(Some(OLD));
    keys.read_at_start().await.unwrap();
    script.set(Some(BOTH));
    script.advance_almost(RETRY_INTERVAL);
    assert_eq!(kid(&keys.keys_for_unknown_kid().await), Ok("old"));
    assert_eq!(script.reads(), 1);
    script.advance(SECOND);
    for _ in 0..5 {
        assert_eq!(kid(&keys.keys_for_unknown_kid().await), Ok("new"));
    }
    assert_eq!(script.reads(), 2);
}

#[tokio::test]
async fn simultaneous_requests_share_one_read() {
    let (script, keys) = keys(Some(OLD));
    let (one, two, three) = tokio::join!(keys.keys(), keys.keys(), keys.keys_for_unknown_kid());
    for found in [one, two, three] {
        assert_eq!(kid(&found), Ok("old"));
    }
    assert_eq!(script.reads(), 1);
}

#[tokio::test]
async fn simultaneous_requests_share_a_failure() {
    let (script, keys) = keys(None);
    let (one, two, three) = tokio::join!(keys.keys(), keys.keys(), keys.keys());
    for found in [one, two, three] {
        assert_eq!(kid(&found), Err(KeysUnavailable));
    }
    assert_eq!(script.reads(), 1, "no request waits for a second failure");
}

#[tokio::test]
async fn only_a_request_that_cannot_use_the_previous_keys_waits_for_the_read_of_another_one() {
    let (script, keys) = keys(Some(OLD));
    keys.read_at_start().await.unwrap();
    script.set(Some(BOTH));
    script.advance(REFRESH_AGE);
    let mut reader = keys.keys();
    assert!(
        (&mut reader).now_or_never().is_none(),
        "the read is in progress"
    );
    let other = keys.keys().now_or_never();
    assert_eq!(kid(&other.expect("it does not wait")), Ok("old"));
    let mut unknown = keys.keys_for_unknown_kid();
    assert!((&mut unknown).now_or_never().is_none(), "it waits");
    assert_eq!(kid(&reader.await), Ok("new"));
    assert_eq!(kid(&unknown.await), Ok("new"));
    assert_eq!(script.reads(), 2);
}

/// Otherwise, clients that disconnect at the right time could keep a revoked key in use.
#[cfg(feature = "tokio")]
#[tokio::test]
async fn a_detached_read_goes_on_without_the_request_that_began_it() {
    let (script, keys) = keys(Some(OLD));
    keys.read_at_start().await.unwrap();
    let keys = crate::DetachedKeys::new(Arc::new(keys));
    script.set(Some(BOTH));
    script.advance(REFRESH_AGE);
    let cancelled = keys.keys().now_or_never();
    assert!(cancelled.is_none(), "the request ended before the read");
    while script.reads() < 2 {
        tokio::task::yield_now().await;
    }
    tokio::task::yield_now().await;
    let found = keys.keys().now_or_never();
    assert_eq!(kid(&found.expect("they are current")), Ok("new"));
}

#[cfg(feature = "tokio")]
#[tokio::test]
async fn keys_are_current_until_they_should_be_read_again() {
    let (script, keys) = keys(Some(OLD));
    assert!(keys.current().is_none());
    keys.read_at_start().await.unwrap();
    script.advance_almost(REFRESH_AGE);
    assert_eq!(keys.current().unwrap().signing_key().unwrap().kid(), "old");
    script.advance(SECOND);
    assert!(keys.current().is_none());
}

/// A document that is not read too often, even if it never had keys.
#[derive(Debug)]
struct Patient(Arc<Script>);

impl KeyDocument for Patient {
    type Keys = KeySet;

    const PAUSE_WITHOUT_KEYS: Duration = Duration::from_secs(5);

    async fn read(&self) -> Result<KeySet, ReadError> {
        self.0.read().await
    }
}

#[tokio::test]
async fn a_document_without_keys_is_read_as_often_as_it_allows() {
    let (script, clock) = script();
    let keys = CachedKeys::new(Patient(Arc::clone(&script)), clock);
    for _ in 0..3 {
        assert_eq!(kid(&keys.keys().await), Err(KeysUnavailable));
        assert_eq!(
            kid(&keys.keys_for_unknown_kid().await),
            Err(KeysUnavailable)
        );
    }
    assert_eq!(script.reads(), 1);
    script.set(Some(OLD));
    script.advance_almost(Patient::PAUSE_WITHOUT_KEYS);
    assert_eq!(kid(&keys.keys().await), Err(KeysUnavailable));
    script.advance(SECOND);
    assert_eq!(kid(&keys.keys().await), Ok("old"));
    assert_eq!(script.reads(), 2);
}

#[tokio::test]
async fn the_previous_keys_survive_an_outage_of_a_day() {
    let (script, keys) = keys(Some(OLD));
    keys.read_at_start().await.unwrap();
    for broken in [None, Some("{}"), Some(r#"{"keys":[]}"#)] {
        script.set(broken);
        script.advance(REFRESH_AGE);
        assert_eq!(kid(&keys.keys().await), Ok("old"));
        // The token may name a new key or an invented one: there is no way to find out now.
        assert_eq!(
            kid(&keys.keys_for_unknown_kid().await),
            Err(KeysUnavailable)
        );
    }
    assert_eq!(script.reads(), 4, "one attempt a minute, not one a request");
    script.advance(MAX_AGE.saturating_sub(3 * REFRESH_AGE));
    assert_eq!(kid(&keys.keys().await), Err(KeysUnavailable));
    script.set(Some(BOTH));
    assert_eq!(kid(&keys.keys().await), Ok("new"), "back at once");
}

#[tokio::test]
async fn the_first_request_after_an_outage_at_start_has_keys() {
    let (script, keys) = keys(None);
    assert!(keys.read_at_start().await.is_ok());
    assert_eq!(kid(&keys.keys().await), Err(KeysUnavailable));
    script.set(Some(OLD));
    assert_eq!(kid(&keys.keys().await), Ok("old"));
}

#[tokio::test]
async fn a_start_with_a_secret_without_usable_keys_fails() {
    let verifying =
        r#"{"kty":"oct","key_ops":["verify"],"k":"a3EzbVo4dlQxd1l4UDVuQjdjUjJkRjZnSDlqTDRzQTA"}"#;
    let published =
        r#"{"kty":"oct","k":"dGVzdC1ub3QtZm9yLWRlcGxveW1lbnQtcHFONHdZYzdKazJ2WHo5bUI1dFI4cw"}"#;
    let zeros = r#"{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#;
    for (text, problem) in [
        ("hunter2", "not a JWK or JWK set"),
        (published, "is a published secret"),
        (zeros, "is a placeholder"),
        (
            r#"{"kty":"oct","k":"aHVudGVyMg"}"#,
            "must be at least 32 bytes",
        ),
        (verifying, "the first key cannot sign"),
    ] {
        let (_, keys) = keys(Some(text));
        let error = keys.read_at_start().await.unwrap_err();
        let message = error.to_string();
        assert!(message.contains(problem), "{message}");
        assert!(!message.contains("hunter2"), "{message}");
    }
}

/// Published keys.
#[derive(Debug)]
struct Published(PublishedKeys);

impl KeyDocument for Published {
    type Keys = KeySet;

    async fn read(&self) -> Result<KeySet, ReadError> {
        self.0.key_set().map_err(ReadError::Rejected)
    }
}

/// Returns a token that this ring signs.
async fn issue(ring: &KeyRing, clock: Clock) -> AccessToken {
    let user = User {
        id: "1".into(),
        email: "jane@example.com".into(),
        disabled: false,
        version: 0,
        roles: vec![],
    };
    let end = clock.now() + 3_600 * SECOND;
    let issuer = TokenIssuer::new(ring.key_set().unwrap(), TokenSettings::default(), clock);
    let session = SessionId::random().unwrap();
    issuer.issue(&user, &session, end).await.unwrap()
}

/// The keys are not read again for a quarter of an hour, so their end must be applied to what is cached.
#[tokio::test]
async fn a_key_ends_in_time_although_it_is_cached() {
    let (script, clock) = script();
    let create = || KeyRing::create(Algorithm::EdDSA, clock.now()).unwrap();
    let (old, new) = (create(), create());
    let rings: [&KeyRing; 2] = [&old, &new];
    let tokens = [
        issue(&old, clock.clone()).await,
        issue(&new, clock.clone()).await,
    ];
    let both = PublishedKeys::default().covering(&rings, clock.now(), SECOND);
    let published = both.covering(&[&new], clock.now(), 300 * SECOND);

    let keys = CachedKeys::new(Published(published), clock);
    keys.read_at_start().await.unwrap();
    script.advance_almost(300 * SECOND);
    for expected in [[true, true], [false, true]] {
        for found in [keys.keys().await, keys.keys_for_unknown_kid().await] {
            let found = found.unwrap();
            let is_valid =
                |token: &AccessToken| verify_compact(token.expose().as_bytes(), &found).is_ok();
            assert_eq!(tokens.each_ref().map(is_valid), expected);
        }
        script.advance(SECOND);
    }
}

/// Published keys that can be read while `Some`.
#[derive(Debug, Clone, Default)]
struct Outage(Arc<Mutex<Option<PublishedKeys>>>);

impl KeyDocument for Outage {
    type Keys = PublishedKeys;

    async fn read(&self) -> Result<PublishedKeys, ReadError> {
        let keys = self.0.lock().unwrap().clone();
        keys.ok_or_else(|| ReadError::Unreadable("an outage".into()))
    }
}

#[tokio::test]
async fn the_last_published_keys_are_served_during_an_outage_for_a_day() {
    let (script, clock) = script();
    let (now, outage) = (clock.now(), Outage::default());
    let keys = CachedKeys::new(outage.clone(), clock);
    keys.read_at_start().await.unwrap();
    assert!(keys.published().await.is_err(), "there never were keys");

    let ring = KeyRing::create(Algorithm::EdDSA, now).unwrap();
    let published = PublishedKeys::default().covering(&[&ring], now, SECOND);
    *outage.0.lock().unwrap() = Some(published.clone());
    script.advance(RETRY_INTERVAL);
    assert_eq!(*keys.published().await.unwrap(), published);
    *outage.0.lock().unwrap() = None;
    script.advance_almost(MAX_AGE);
    assert_eq!(*keys.published().await.unwrap(), published);
    script.advance(SECOND);
    assert!(keys.published().await.is_err());
}
