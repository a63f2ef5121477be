//! Keys of a secret that changes, breaks and comes back, while the clock goes on.

use std::sync::Mutex;

use super::*;

const OLD: &str = r#"{"kty":"oct","kid":"old","k":"a3EzbVo4dlQxd1l4UDVuQjdjUjJkRjZnSDlqTDRzQTA"}"#;
const BOTH: &str = r#"{"keys":[
    {"kty":"oct","kid":"new","k":"cVhLM25WOHRSMXdZeFA1bUI3Y1oyZEY2Z0g5akw0c0E"},
    {"kty":"oct","kid":"old","k":"a3EzbVo4dlQxd1l4UDVuQjdjUjJkRjZnSDlqTDRzQTA"}]}"#;

/// What the secret says now, and how often it was asked.
#[derive(Debug, Default)]
struct Script {
    answer: Mutex<Option<&'static str>>,
    reads: AtomicU64,
    now: AtomicU64,
}

impl Text for Arc<Script> {
    async fn read(&self) -> Result<String, String> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        // Another task may run while the answer is on its way.
        tokio::task::yield_now().await;
        let answer = *self.answer.lock().unwrap();
        answer.map(str::to_owned).ok_or("refused".into())
    }
}

impl Script {
    fn say(&self, answer: Option<&'static str>) {
        *self.answer.lock().unwrap() = answer;
    }

    fn pass(&self, seconds: u64) {
        self.now.fetch_add(seconds, Ordering::Relaxed);
    }

    fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }
}

fn keys(answer: Option<&'static str>) -> (Arc<Script>, SecretKeys<Arc<Script>>) {
    let script = Arc::new(Script::default());
    script.say(answer);
    script.pass(1_000_000);
    let time = Arc::clone(&script);
    let clock = Clock::from_fn(move || time.now.load(Ordering::Relaxed));
    let keys = SecretKeys::new(Arc::clone(&script), Algorithm::HS256, KeyUse::Sign, clock);
    (script, keys)
}

fn kid(keys: &Result<Arc<KeySet>, KeysUnavailable>) -> Result<&str, KeysUnavailable> {
    let keys = keys.as_ref().map_err(|error| *error)?;
    Ok(keys.signing_key().unwrap().kid())
}

#[test]
fn the_times_are_the_documented_ones() {
    let (minute, hour) = (60, 3_600);
    assert_eq!((REREAD_AFTER, RETRY_AFTER), (15 * minute, minute));
    assert_eq!(KEPT_FOR, 24 * hour);
}

#[tokio::test]
async fn keys_are_read_once_and_again_after_fifteen_minutes() {
    let (script, keys) = keys(Some(OLD));
    keys.read_at_start().await.unwrap();
    script.say(Some(BOTH));
    script.pass(REREAD_AFTER - 1);
    assert_eq!(kid(&keys.keys().await), Ok("old"));
    assert_eq!(script.reads(), 1);
    script.pass(1);
    assert_eq!(kid(&keys.keys().await), Ok("new"));
    assert_eq!(kid(&keys.keys().await), Ok("new"));
    assert_eq!(script.reads(), 2);
}

#[tokio::test]
async fn an_unknown_kid_has_them_read_at_most_once_a_minute() {
    let (script, keys) = keys(Some(OLD));
    keys.read_at_start().await.unwrap();
    script.say(Some(BOTH));
    script.pass(RETRY_AFTER - 1);
    assert_eq!(kid(&keys.keys_for_unknown_kid().await), Ok("old"));
    assert_eq!(script.reads(), 1);
    script.pass(1);
    for _ in 0..5 {
        assert_eq!(kid(&keys.keys_for_unknown_kid().await), Ok("new"));
    }
    assert_eq!(script.reads(), 2);
}

#[tokio::test]
async fn requests_at_once_share_one_read() {
    let (script, keys) = keys(Some(OLD));
    let (one, two, three) = tokio::join!(keys.keys(), keys.keys(), keys.keys_for_unknown_kid());
    for found in [one, two, three] {
        assert_eq!(kid(&found), Ok("old"));
    }
    assert_eq!(script.reads(), 1);
}

#[tokio::test]
async fn requests_at_once_share_a_failure_too() {
    let (script, keys) = keys(None);
    let (one, two, three) = tokio::join!(keys.keys(), keys.keys(), keys.keys());
    for found in [one, two, three] {
        assert_eq!(kid(&found), Err(KeysUnavailable));
    }
    assert_eq!(script.reads(), 1, "nobody waits for a failure twice");
}

#[tokio::test]
async fn an_outage_leaves_the_former_keys_for_a_day() {
    let (script, keys) = keys(Some(OLD));
    keys.read_at_start().await.unwrap();
    for broken in [None, Some("{}"), Some(r#"{"keys":[]}"#)] {
        script.say(broken);
        script.pass(REREAD_AFTER);
        assert_eq!(kid(&keys.keys().await), Ok("old"));
        // Whether the token names a new key or none cannot be told now.
        assert_eq!(
            kid(&keys.keys_for_unknown_kid().await),
            Err(KeysUnavailable)
        );
    }
    assert_eq!(script.reads(), 4, "one try a minute, not one a request");
    script.pass(KEPT_FOR - 3 * REREAD_AFTER);
    assert_eq!(kid(&keys.keys().await), Err(KeysUnavailable));
    script.say(Some(BOTH));
    assert_eq!(kid(&keys.keys().await), Ok("new"), "back at once");
}

#[tokio::test]
async fn a_start_during_an_outage_has_keys_with_the_first_request_after_it() {
    let (script, keys) = keys(None);
    assert_eq!(keys.read_at_start().await, Ok(()));
    assert_eq!(kid(&keys.keys().await), Err(KeysUnavailable));
    script.say(Some(OLD));
    assert_eq!(kid(&keys.keys().await), Ok("old"));
}

#[tokio::test]
async fn a_start_with_a_secret_that_holds_no_usable_keys_is_refused() {
    let verifying =
        r#"{"kty":"oct","key_ops":["verify"],"k":"a3EzbVo4dlQxd1l4UDVuQjdjUjJkRjZnSDlqTDRzQTA"}"#;
    for (text, problem) in [
        ("hunter2", "not a JWK or JWK set"),
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
