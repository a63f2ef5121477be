//! The two sets as text, the rules that refuse a change, and runs during outages.

use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::{
    InMemoryStore, RepositoryError,
    key::{Algorithm, KeyError, KeySet, KeyUse, PrivateJwk},
    time::{Clock, UnixTime},
};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const MINUTE: Duration = Duration::from_mins(1);
const RULES: KeyRules = KeyRules {
    algorithm: Algorithm::ES256,
    expiration: Duration::from_hours(1),
};

type Keeper = KeyKeeper<InMemoryStore, InMemoryStore>;

/// Returns a keeper of the keys in a store, at some time after [`NOW`].
fn keeper(store: &InMemoryStore, after: Duration) -> Keeper {
    let clock = Clock::from_fn(move || NOW + after);
    KeyKeeper::new(store.clone(), store.clone(), RULES, clock)
}

fn ring() -> KeyRing {
    KeyRing::create(Algorithm::ES256, NOW).unwrap()
}

/// Returns the key with another `kid`.
fn named(key: &PrivateJwk, kid: &str) -> PrivateJwk {
    let mut members = key.expose().clone();
    members.insert("kid".into(), kid.into());
    PrivateJwk::from_members(&members).unwrap()
}

fn published(ring: &KeyRing) -> PublishedKeys {
    PublishedKeys::default().covering(&[ring], NOW, RULES.retention())
}

fn kids(keys: &PublishedKeys, now: UnixTime) -> Vec<&str> {
    keys.usable(now).map(|key| key.jwk().kid()).collect()
}

#[test]
fn the_text_of_a_ring_is_a_key_set_whose_first_key_signs() {
    for algorithm in [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA] {
        let ring = KeyRing::create(algorithm, NOW).unwrap();
        let set = KeySet::parse_deployed(&ring.expose(), Algorithm::HS256, KeyUse::Sign).unwrap();
        assert_eq!(set.signing_key().unwrap().kid(), ring.active().kid());
        assert_eq!(set.signing_key().unwrap().algorithm(), algorithm);
        let own = ring.key_set().unwrap();
        assert_eq!(own.signing_key().unwrap().kid(), ring.active().kid());
    }
}

#[test]
fn a_ring_is_parsed_from_its_text() {
    let ring = ring().with_parent(Some("a version".into()));
    let rules_revoke = |kid: &str| {
        let state = KeyState {
            ring: Some(ring.clone()),
            published: published(&ring),
        };
        RULES.revoke(&state, kid, NOW).unwrap().unwrap().ring
    };
    let revoked = rules_revoke(ring.active().kid());
    for ring in [ring.clone(), revoked] {
        let parsed = KeyRing::parse(&ring.expose()).unwrap();
        assert_eq!(parsed, ring);
        assert_eq!(parsed.active_since(), NOW);
        assert_eq!(parsed.derived_from(), Some("a version"));
    }
}

#[test]
fn keys_that_were_stored_by_hand_are_a_ring() {
    let key = PrivateJwk::generate(Algorithm::EdDSA).unwrap();
    let text = Value::Object(key.expose().clone()).to_string();
    for text in [text.clone(), format!(r#"{{"keys":[{text}]}}"#)] {
        let ring = KeyRing::parse_stored(&text).unwrap().unwrap();
        assert_eq!((ring.active(), ring.standby()), (&key, None));
        assert_eq!(ring.active_since(), UnixTime::default());
    }
}

#[test]
fn an_empty_secret_and_hmac_keys_are_no_ring() {
    let oct = r#"{"kty":"oct","k":"a3EzbVo4dlQxd1l4UDVuQjdjUjJkRjZnSDlqTDRzQTA"}"#;
    let three = format!(r#"{{"keys":[{oct},{oct},{oct}]}}"#);
    for text in ["", " \n", oct, &format!(r#"{{"keys":[{oct}]}}"#), &three] {
        assert_eq!(KeyRing::parse_stored(text), Ok(None));
    }
}

/// Returns the text of a ring with another member.
fn with(ring: &Value, name: &str, value: &Value) -> String {
    let mut ring = ring.clone();
    ring[name] = value.clone();
    ring.to_string()
}

#[test]
fn anything_else_is_not_a_ring() {
    let ring: Value = serde_json::from_str(&ring().expose()).unwrap();
    let third = PrivateJwk::generate(Algorithm::ES256).unwrap();
    let keys = json!([ring["keys"][0], ring["keys"][1], third.expose()]);
    for text in [
        "hunter2",
        "{}",
        &with(&ring, "keys", &json!("hunter2")),
        &with(&ring, "keys", &json!(["hunter2"])),
        &with(&ring, "keys", &keys),
        &with(&ring, "revoked", &json!("hunter2")),
        &with(&ring, "active_since", &json!("hunter2")),
        &with(&ring, "active_since", &json!(-1)),
        &with(&ring, "derived_from", &json!(1)),
    ] {
        let error = KeyRing::parse_stored(text).unwrap_err();
        assert!(matches!(error, KeyError::Malformed(_)), "{error}");
        assert!(!error.to_string().contains("hunter2"));
    }
}

#[test]
fn a_ring_without_usable_keys_is_rejected() {
    let ring: Value = serde_json::from_str(&ring().expose()).unwrap();
    let [active, standby] = [&ring["keys"][0], &ring["keys"][1]];
    let oct = json!({"kty": "oct", "k": "a3EzbVo4dlQxd1l4UDVuQjdjUjJkRjZnSDlqTDRzQTA"});
    let mut public = standby.clone();
    public.as_object_mut().unwrap().remove("d");
    for (name, value, error) in [
        ("keys", json!([]), KeyError::EmptySet),
        ("keys", json!([active, active]), KeyError::DuplicateKid),
        ("keys", json!([active, public]), KeyError::NotForSigning),
        ("keys", json!([active, oct]), KeyError::Symmetric),
        ("keys", json!([oct]), KeyError::Symmetric),
        ("revoked", json!([standby["kid"]]), KeyError::Revoked),
    ] {
        let parsed = KeyRing::parse_stored(&with(&ring, name, &value));
        assert_eq!(parsed, Err(error));
    }
    let by_hand = json!({"keys": [active, oct]}).to_string();
    assert_eq!(KeyRing::parse_stored(&by_hand), Err(KeyError::Symmetric));
}

#[test]
fn the_public_set_is_parsed_from_its_text_and_has_no_private_member() {
    let ring = ring();
    let next = KeyState {
        ring: Some(ring.clone()),
        published: published(&ring),
    };
    let next = RULES.rotate(&next, RotateWhen::Now, NOW).unwrap();
    let keys = next.before.covering(&[&next.ring], NOW, RULES.retention());
    let text = keys.to_json();
    assert_eq!(PublishedKeys::parse(&text), Ok(keys.clone()));
    assert!(!text.contains("\"d\""), "{text}");
    let ends: Vec<_> = keys.iter().map(PublishedKey::until).collect();
    assert_eq!(ends, [None, None, Some(NOW + Duration::from_hours(26))]);
    assert_eq!(keys.find(ring.active().kid()).unwrap().until(), ends[2]);
}

#[test]
fn a_private_set_is_not_a_public_one() {
    let private = PublishedKeys::parse(&ring().expose());
    assert_eq!(private, Err(KeyError::NotPublic));
    let oct = r#"{"keys":[{"kty":"oct","k":"a3EzbVo4dlQxd1l4UDVuQjdjUjJkRjZnSDlqTDRzQTA"}]}"#;
    assert_eq!(PublishedKeys::parse(oct), Err(KeyError::Symmetric));
    assert!(matches!(
        PublishedKeys::parse("hunter2"),
        Err(KeyError::Malformed(_))
    ));
}

#[test]
fn the_set_for_others_has_only_members_of_jwks_and_keys_that_may_be_used() {
    let ring = ring();
    let ended = published(&ring).covering(&[&self::ring()], NOW, RULES.retention());
    let end = NOW + RULES.retention();
    for (now, expected) in [(end - MINUTE, 4), (end, 2)] {
        let jwks: Value = serde_json::from_str(&ended.jwks(now)).unwrap();
        let keys = jwks["keys"].as_array().unwrap();
        assert_eq!((keys.len(), kids(&ended, now).len()), (expected, expected));
        for key in keys {
            let names: Vec<&String> = key.as_object().unwrap().keys().collect();
            assert_eq!(names, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
        }
        let text = ended.jwks(now);
        assert!(KeySet::parse_public(&text, Algorithm::HS256).is_ok());
    }
}

#[test]
fn a_key_set_is_without_a_key_from_its_end_on() {
    let ring = ring();
    let keys = published(&ring).covering(&[&self::ring()], NOW, RULES.retention());
    let set = keys.key_set().unwrap();
    let end = NOW + RULES.retention();
    assert!(
        set.usable_at(end - Duration::from_secs(1))
            .unwrap()
            .is_none()
    );
    let later = set.usable_at(end).unwrap().unwrap();
    assert_eq!(later.iter().count(), 2);
    assert!(later.find(Some(ring.active().kid())).is_none());
    let without = PublishedKeys::default().key_set();
    assert_eq!(without.map(|_| ()), Err(KeyError::EmptySet));
}

#[tokio::test]
async fn a_standby_signs_after_three_hours_in_public_and_not_before() {
    let store = InMemoryStore::default();
    let created = keeper(&store, Duration::ZERO).repair().await.unwrap();
    let standby = created.ring.unwrap().standby().unwrap().clone();
    let early = STANDBY_AGE.saturating_sub(MINUTE);
    let refused = keeper(&store, early).rotate(RotateWhen::Ready).await;
    let error = refused.unwrap_err();
    let KeyChangeError::Refused(Refusal::StandbyTooNew {
        public_for,
        ready_at,
    }) = &error
    else {
        panic!("{error}");
    };
    assert_eq!((*public_for, *ready_at), (early, NOW + STANDBY_AGE));
    assert!(
        error.to_string().contains("public for 179 minutes"),
        "{error}"
    );

    let rotated = keeper(&store, STANDBY_AGE)
        .rotate(RotateWhen::Ready)
        .await
        .unwrap();
    assert_eq!(rotated.ring.unwrap().active(), &standby);
    let again = keeper(&store, STANDBY_AGE).rotate(RotateWhen::Ready).await;
    assert!(matches!(
        again,
        Err(KeyChangeError::Refused(Refusal::StandbyTooNew { .. }))
    ));
    let now = keeper(&store, STANDBY_AGE).rotate(RotateWhen::Now).await;
    assert_ne!(now.unwrap().ring.unwrap().active(), &standby);
}

#[tokio::test]
async fn a_change_without_keys_and_of_an_unknown_key_is_refused() {
    let store = InMemoryStore::default();
    let keeper = keeper(&store, Duration::ZERO);
    let refused = |result: Result<KeyState, KeyChangeError>| match result.unwrap_err() {
        KeyChangeError::Refused(refusal) => refusal,
        other => panic!("{other}"),
    };
    assert_eq!(
        refused(keeper.rotate(RotateWhen::Now).await),
        Refusal::NoKeys
    );
    assert_eq!(refused(keeper.revoke("a").await), Refusal::NoKeys);
    keeper.repair().await.unwrap();
    assert_eq!(
        refused(keeper.revoke("a").await),
        Refusal::UnknownKey("a".into())
    );
}

#[tokio::test]
async fn an_imported_key_is_the_standby_unless_it_was_revoked_or_is_known() {
    let store = InMemoryStore::default();
    let keeper = keeper(&store, Duration::ZERO);
    keeper.repair().await.unwrap();
    let key = PrivateJwk::generate(Algorithm::ES256).unwrap();
    let imported = keeper.import(&key).await.unwrap();
    assert_eq!(imported.ring.unwrap().standby(), Some(&key));
    keeper.revoke(key.kid()).await.unwrap();
    for (key, error) in [
        (key, KeyError::Revoked),
        (
            keeper.load().await.unwrap().ring.unwrap().active().clone(),
            KeyError::DuplicateKid,
        ),
    ] {
        let refused = keeper.import(&key).await.unwrap_err();
        assert_eq!(refused.to_string(), format!("the key is rejected: {error}"));
    }
}

/// Otherwise a key could take the name of one that verifiers have cached, and be public under two names.
#[tokio::test]
async fn an_imported_key_is_named_by_its_thumbprint() {
    let store = InMemoryStore::default();
    let keeper = keeper(&store, Duration::ZERO);
    keeper.repair().await.unwrap();
    let key = PrivateJwk::generate(Algorithm::ES256).unwrap();
    for kid in ["main", "2026-12"] {
        let imported = keeper.import(&named(&key, kid)).await.unwrap();
        assert_eq!(imported.ring.unwrap().standby(), Some(&key));
        let mut public = kids(&imported.published, NOW);
        public.retain(|other| *other == key.kid() || *other == kid);
        assert_eq!(public, [key.kid()]);
    }
}

#[tokio::test]
async fn a_key_for_another_algorithm_is_not_imported() {
    let store = InMemoryStore::default();
    let keeper = keeper(&store, Duration::ZERO);
    let before = keeper.repair().await.unwrap();
    let key = PrivateJwk::generate(Algorithm::EdDSA).unwrap();
    let refused = keeper.import(&key).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the key is rejected: it is not for ES256"
    );
    assert_eq!(keeper.load().await.unwrap(), before);
}

#[tokio::test]
async fn a_revoked_key_does_not_return_under_another_name() {
    let store = InMemoryStore::default();
    let key = PrivateJwk::generate(Algorithm::ES256).unwrap();
    let text = Value::Object(named(&key, "main").expose().clone()).to_string();
    let ring = KeyRing::parse(&text).unwrap();
    assert!(store.replace_ring(None, &ring).await.unwrap());
    let keeper = keeper(&store, Duration::ZERO);
    keeper.revoke("main").await.unwrap();
    for key in [named(&key, "main"), named(&key, "other"), key] {
        let refused = keeper.import(&key).await.unwrap_err();
        assert_eq!(
            refused.to_string(),
            format!("the key is rejected: {}", KeyError::Revoked)
        );
    }
}

/// The table may be restored to a time before it was renamed.
#[test]
fn a_revoked_key_is_not_published_under_another_name() {
    let ring = ring();
    let state = KeyState {
        ring: Some(ring.clone()),
        published: published(&ring),
    };
    let kid = ring.active().kid();
    let revoked = RULES.revoke(&state, kid, NOW).unwrap().unwrap().ring;
    let renamed = Value::Object(named(ring.active(), "main").expose().clone()).to_string();
    let restored = published(&KeyRing::parse(&renamed).unwrap());
    let keys = restored.covering(&[&revoked], NOW, RULES.retention());
    assert!(keys.find("main").is_none());
}

/// The public set must be readable, whatever someone has stored by hand.
#[test]
fn a_key_with_two_names_is_published_once() {
    let ring = ring();
    let renamed = Value::Object(named(ring.active(), "main").expose().clone()).to_string();
    let renamed = KeyRing::parse(&renamed).unwrap();
    for rings in [vec![&renamed], vec![&ring, &renamed]] {
        let keys = published(&ring).covering(&rings, NOW, RULES.retention());
        assert_eq!(PublishedKeys::parse(&keys.to_json()), Ok(keys));
    }
}

/// The secret of another stack, or one that cannot be found, looks like one without keys.
#[test]
fn the_published_keys_do_not_retire_before_a_new_ring_is_stored() {
    let other = ring();
    let state = KeyState {
        ring: None,
        published: published(&other),
    };
    let change = RULES.complete(&state, NOW).unwrap().unwrap();
    assert_eq!(change.before.iter().count(), 4);
    assert!(change.before.iter().all(|key| key.until().is_none()));
}

/// Reads show the ring that was there first.
#[derive(Clone)]
struct StaleReads {
    store: InMemoryStore,
    first: Versioned<KeyRing>,
}

impl PrivateKeyRepository for StaleReads {
    async fn load_ring(&self) -> Result<Versioned<KeyRing>, RepositoryError> {
        Ok(self.first.clone())
    }

    async fn replace_ring(
        &self,
        version: Option<&str>,
        ring: &KeyRing,
    ) -> Result<bool, RepositoryError> {
        self.store.replace_ring(version, ring).await
    }
}

#[tokio::test]
async fn a_revocation_is_not_done_while_reads_show_the_ring_of_before() {
    let store = InMemoryStore::default();
    let created = keeper(&store, Duration::ZERO).repair().await.unwrap();
    let stale = StaleReads {
        first: store.load_ring().await.unwrap(),
        store: store.clone(),
    };
    let clock = Clock::from_fn(|| NOW);
    let stale = KeyKeeper::new(stale, store.clone(), RULES, clock);
    let kid = created.ring.unwrap().active().kid().to_owned();
    let incomplete = stale.revoke(&kid).await;
    assert!(matches!(incomplete, Err(KeyChangeError::Incomplete(_))));
    let repaired = keeper(&store, Duration::ZERO).repair().await.unwrap();
    assert!(repaired.published.find(&kid).is_none());
}

#[tokio::test]
async fn a_ring_without_a_standby_gets_one_by_a_repair() {
    let store = InMemoryStore::default();
    let key = PrivateJwk::generate(Algorithm::EdDSA).unwrap();
    let text = Value::Object(key.expose().clone()).to_string();
    let ring = KeyRing::parse(&text).unwrap();
    assert!(store.replace_ring(None, &ring).await.unwrap());
    let keeper = keeper(&store, Duration::ZERO);
    let refused = keeper.rotate(RotateWhen::Now).await;
    assert_eq!(refused.unwrap_err().to_string(), "there is no standby key");
    let repaired = keeper.repair().await.unwrap();
    let ring = repaired.ring.unwrap();
    assert_eq!(ring.active(), &key);
    let public: Vec<&str> = ring.keys().map(PrivateJwk::kid).collect();
    assert_eq!(kids(&repaired.published, NOW), public);
}

/// A key is never published again after its revocation, and its successor was public before.
#[tokio::test]
async fn a_revoked_active_key_is_replaced_by_the_standby_at_once() {
    let store = InMemoryStore::default();
    let keeper = keeper(&store, Duration::ZERO);
    let before = keeper.repair().await.unwrap().ring.unwrap();
    let after = keeper.revoke(before.active().kid()).await.unwrap();
    let ring = after.ring.unwrap();
    assert_eq!(Some(ring.active()), before.standby());
    let public: Vec<&str> = ring.keys().map(PrivateJwk::kid).collect();
    assert_eq!(kids(&after.published, NOW), public);
    assert!(after.published.find(before.active().kid()).is_none());
    let again = keeper.revoke(before.active().kid()).await.unwrap();
    assert_eq!(again.ring, Some(ring));
}

#[tokio::test]
async fn a_lost_public_set_is_rebuilt_from_the_ring() {
    let store = InMemoryStore::default();
    let ring = ring();
    assert!(store.replace_ring(None, &ring).await.unwrap());
    let repaired = keeper(&store, Duration::ZERO).repair().await.unwrap();
    assert_eq!(repaired.ring, Some(ring.clone()));
    assert_eq!(repaired.published, published(&ring));
}

/// Its time in public begins again: verifiers have not seen it since its end.
#[test]
fn a_key_that_returns_after_its_end_has_been_public_since_its_return() {
    let (ring, other) = (ring(), self::ring());
    let ended = published(&ring).covering(&[&other], NOW, RULES.retention());
    let end = NOW + RULES.retention();
    for (now, since) in [(end - MINUTE, NOW), (end, end)] {
        let returned = ended.covering(&[&ring], now, RULES.retention());
        let key = returned.find(ring.active().kid()).unwrap();
        assert_eq!((key.published_at(), key.until()), (since, None));
    }
}
