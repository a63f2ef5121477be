//! Keys of a secret that changes, fails and recovers, while the clock advances.

use std::sync::Mutex;

use super::*;

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
    async fn read(&self) -> Result<String, String> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        // Another task may run during the read.
        tokio::task::yield_now().await;
        let value = *self.value.lock().unwrap();
        value.map(str::to_owned).ok_or("refused".into())
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

fn keys(value: Option<&'static str>) -> (Arc<Script>, SecretKeys<Arc<Script>>) {
    let script = Arc::new(Script::default());
    script.set(value);
    script.advance(Duration::from_secs(1_000_000));
    let time = Arc::clone(&script);
    let clock = Clock::from_fn(move || UnixTime::from_secs(time.now.load(Ordering::Relaxed)));
    let keys = SecretKeys::new(Arc::clone(&script), Algorithm::HS256, KeyUse::Sign, clock);
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
        let message = keys.read_at_start().await.unwrap_err().to_string();
        assert!(
            message.contains("JWT_KEYS_SECRET_ID: the secret") && message.contains(problem),
            "{message}"
        );
        assert!(!message.contains("hunter2"), "{message}");
    }
}
