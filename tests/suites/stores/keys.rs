//! Keys of access tokens: each case once for each pair of stores of the private and the public set. What only
//! Secrets Manager and `DynamoDB` can show is at the end.

use std::time::Duration;

use auth_aws::{Aws, DynamoDbStore, SecretRing};
use auth_core::{
    Algorithm, Clock, KeyChangeError, KeyKeeper, KeyRing, KeyRules, KeyState, PrivateJwk,
    PrivateKeyRepository, PublishedKeyRepository, PublishedKeys, Refusal, RepositoryError,
    RotateWhen, STANDBY_AGE, UnixTime,
};
use aws_sdk_dynamodb::types::AttributeValue::{self, N, S};
use bundle_tests::{
    dynamodb::{self, Table},
    fault_proxy::{Fault, FaultProxy},
    versioned_secrets::{UNKNOWN_SECRET, VersionedSecrets},
};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const RULES: KeyRules = KeyRules {
    algorithm: Algorithm::ES256,
    expiration: Duration::from_hours(1),
};

/// The stores of both sets.
trait KeyStores: Sync {
    type Private: PrivateKeyRepository + Clone;
    type Published: PublishedKeyRepository + Clone;

    fn private(&self) -> Self::Private;
    fn published(&self) -> Self::Published;

    /// Returns a keeper of the keys at some time after [`NOW`].
    fn keeper(&self, after: Duration) -> KeyKeeper<Self::Private, Self::Published> {
        let clock = Clock::from_fn(move || NOW + after);
        KeyKeeper::new(self.private(), self.published(), RULES, clock)
    }
}

/// One store that contains both.
struct Single<S>(S);

impl<S: PrivateKeyRepository + PublishedKeyRepository + Clone> KeyStores for Single<S> {
    type Private = S;
    type Published = S;

    fn private(&self) -> S {
        self.0.clone()
    }

    fn published(&self) -> S {
        self.0.clone()
    }
}

/// A secret and a table.
struct InAws {
    secrets: VersionedSecrets,
    ring: SecretRing,
    table: Table,
    store: DynamoDbStore,
}

impl InAws {
    async fn new() -> Self {
        let (secrets, table) = (VersionedSecrets::serve().await, Table::new().await);
        let aws = Aws::for_operator_with(dynamodb::config(secrets.url()));
        Self {
            ring: aws.key_ring("JwtKeys").await,
            store: table.store().await,
            secrets,
            table,
        }
    }
}

impl KeyStores for InAws {
    type Private = SecretRing;
    type Published = DynamoDbStore;

    fn private(&self) -> SecretRing {
        self.ring.clone()
    }

    fn published(&self) -> DynamoDbStore {
        self.store.clone()
    }
}

macro_rules! on_every_pair {
    ($($case:ident),+ $(,)?) => {
        mod in_memory {
            $(
                #[tokio::test]
                async fn $case() {
                    super::$case(&super::Single(bundle_tests::store::memory())).await;
                }
            )+
        }

        mod in_a_file {
            $(
                #[tokio::test]
                async fn $case() {
                    let store = bundle_tests::store::TemporaryFileStore::new();
                    super::$case(&super::Single((*store).clone())).await;
                }
            )+
        }

        mod in_aws {
            $(
                #[tokio::test]
                async fn $case() {
                    super::$case(&super::InAws::new().await).await;
                }
            )+
        }
    };
}

on_every_pair![
    a_ring_is_replaced_only_if_it_has_not_changed,
    published_keys_are_replaced_only_if_they_have_not_changed,
    the_keys_are_created_rotated_and_revoked,
    of_two_creations_at_once_both_use_the_same_keys,
    of_two_rotations_at_once_one_succeeds,
    of_a_rotation_and_a_revocation_at_once_the_revocation_holds,
];

fn ring() -> KeyRing {
    KeyRing::create(Algorithm::EdDSA, NOW).unwrap()
}

fn published(ring: &KeyRing) -> PublishedKeys {
    PublishedKeys::default().covering(&[ring], NOW, Duration::ZERO)
}

fn kids(state: &KeyState) -> Vec<&str> {
    let keys = state.published.iter();
    keys.map(|key| key.jwk().kid()).collect()
}

async fn a_ring_is_replaced_only_if_it_has_not_changed(stores: &impl KeyStores) {
    let store = stores.private();
    let empty = store.load_ring().await.unwrap();
    assert_eq!((empty.contents, &empty.version), (None, &None));
    let first = ring();
    assert!(store.replace_ring(None, &first).await.unwrap());
    assert!(!store.replace_ring(None, &ring()).await.unwrap());
    let found = store.load_ring().await.unwrap();
    assert_eq!(found.contents, Some(first.clone()));

    let second = ring().with_parent(found.version.clone());
    let version = found.version.as_deref();
    assert!(store.replace_ring(version, &second).await.unwrap());
    assert!(!store.replace_ring(version, &ring()).await.unwrap());
    assert!(!store.replace_ring(None, &ring()).await.unwrap());
    let found = store.load_ring().await.unwrap();
    assert_eq!(found.contents, Some(second));
    assert_ne!(found.version.as_deref(), version);
}

async fn published_keys_are_replaced_only_if_they_have_not_changed(stores: &impl KeyStores) {
    let store = stores.published();
    let empty = store.load_published().await.unwrap();
    assert_eq!((empty.contents, &empty.version), (None, &None));
    let (first, second) = (published(&ring()), published(&ring()));
    assert!(store.replace_published(None, &first).await.unwrap());
    assert!(!store.replace_published(None, &second).await.unwrap());
    let found = store.load_published().await.unwrap();
    assert_eq!(found.contents.as_ref(), Some(&first));

    let version = found.version.as_deref();
    assert!(store.replace_published(version, &second).await.unwrap());
    assert!(!store.replace_published(version, &first).await.unwrap());
    assert!(!store.replace_published(None, &first).await.unwrap());
    let found = store.load_published().await.unwrap();
    assert_eq!(found.contents, Some(second));
    assert_ne!(found.version.as_deref(), version);
}

async fn the_keys_are_created_rotated_and_revoked(stores: &impl KeyStores) {
    let created = stores.keeper(Duration::ZERO).repair().await.unwrap();
    let first = created.ring.clone().unwrap();
    let (active, standby) = (first.active().kid(), first.standby().unwrap().kid());
    assert_eq!(kids(&created), [active, standby]);

    let early = stores.keeper(Duration::from_hours(1));
    let refused = early.rotate(RotateWhen::Ready).await.unwrap_err();
    let reason = "the standby key has been public for 60 minutes";
    assert!(refused.to_string().starts_with(reason), "{refused}");

    let keeper = stores.keeper(STANDBY_AGE);
    let rotated = keeper.rotate(RotateWhen::Ready).await.unwrap();
    let second = rotated.ring.clone().unwrap();
    assert_eq!(second.active().kid(), standby);
    let next = second.standby().unwrap().kid();
    assert_eq!(kids(&rotated), [standby, next, active]);
    let end = NOW + STANDBY_AGE + Duration::from_hours(26);
    assert_eq!(rotated.published.find(active).unwrap().until(), Some(end));

    let revoked = keeper.revoke(standby).await.unwrap();
    let third = revoked.ring.clone().unwrap();
    assert_eq!(third.active().kid(), next);
    let last = third.standby().unwrap().kid();
    assert_eq!(kids(&revoked), [next, last, active]);
    assert_eq!(keeper.load().await.unwrap(), revoked);

    let later = stores.keeper(STANDBY_AGE + Duration::from_hours(26));
    assert_eq!(kids(&later.repair().await.unwrap()), [next, last]);
}

async fn of_two_creations_at_once_both_use_the_same_keys(stores: &impl KeyStores) {
    let (one, two) = (stores.keeper(Duration::ZERO), stores.keeper(Duration::ZERO));
    let (one, two) = tokio::join!(one.repair(), two.repair());
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(one.ring, two.ring);
    let repaired = stores.keeper(Duration::ZERO).repair().await.unwrap();
    let ring = repaired.ring.clone().unwrap();
    let public: Vec<&str> = ring.keys().map(PrivateJwk::kid).collect();
    assert_eq!(kids(&repaired)[..2], public);
}

async fn of_two_rotations_at_once_one_succeeds(stores: &impl KeyStores) {
    let created = stores.keeper(Duration::ZERO).repair().await.unwrap();
    let created = created.ring.unwrap();
    let keeper = stores.keeper(STANDBY_AGE);
    let (one, two) = tokio::join!(
        keeper.rotate(RotateWhen::Ready),
        keeper.rotate(RotateWhen::Ready)
    );
    let (done, refused) = match (one, two) {
        (Ok(done), Err(refused)) | (Err(refused), Ok(done)) => (done, refused),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        done.ring.as_ref().map(KeyRing::active),
        created.standby(),
        "rotated once"
    );
    assert!(
        matches!(
            &refused,
            KeyChangeError::Conflict | KeyChangeError::Refused(Refusal::StandbyTooNew { .. })
        ),
        "{refused}"
    );
    assert_eq!(keeper.load().await.unwrap().ring, done.ring);
}

async fn of_a_rotation_and_a_revocation_at_once_the_revocation_holds(stores: &impl KeyStores) {
    let created = stores.keeper(Duration::ZERO).repair().await.unwrap();
    let active = created.ring.unwrap().active().kid().to_owned();
    let keeper = stores.keeper(STANDBY_AGE);
    let (_, revoked) = tokio::join!(keeper.rotate(RotateWhen::Ready), keeper.revoke(&active));
    if revoked.is_err() {
        keeper.revoke(&active).await.unwrap();
    }
    let state = keeper.repair().await.unwrap();
    let ring = state.ring.clone().unwrap();
    assert!(ring.revoked().contains(&active) && !ring.contains(&active));
    assert!(!kids(&state).contains(&&*active));
}

/// A secret of `CloudFormation` is empty at first, and one of an earlier version contains an HMAC key.
#[tokio::test]
async fn an_empty_secret_and_one_with_an_hmac_key_get_a_ring() {
    let oct = r#"{"kty":"oct","alg":"HS256","k":"a3EzbVo4dlQxd1l4UDVuQjdjUjJkRjZnSDlqTDRzQTA"}"#;
    for value in ["", oct] {
        let aws = InAws::new().await;
        aws.secrets.put(value);
        let state = aws.keeper(Duration::ZERO).repair().await.unwrap();
        let ring = state.ring.unwrap();
        assert_eq!(aws.secrets.current(), Some(ring.expose()));
        assert_eq!(ring.derived_from(), Some("by-hand-0"));
    }
}

/// It is not one without keys: publishing new keys for a name that was misspelled would be wrong.
#[tokio::test]
async fn a_secret_that_does_not_exist_gets_no_keys() {
    let aws = InAws::new().await;
    let unknown = Aws::for_operator_with(dynamodb::config(aws.secrets.url()));
    let ring = unknown.key_ring(UNKNOWN_SECRET).await;
    let clock = Clock::from_fn(|| NOW);
    let keeper = KeyKeeper::new(ring, aws.published(), RULES, clock);
    let error = keeper.repair().await.unwrap_err();
    assert!(matches!(error, KeyChangeError::Private(_)), "{error}");
    let published = aws.store.load_published().await.unwrap();
    assert_eq!(published.contents, None);
}

#[tokio::test]
async fn nonsense_in_the_secret_is_reported_and_changes_nothing() {
    let aws = InAws::new().await;
    aws.keeper(Duration::ZERO).repair().await.unwrap();
    let before = aws.store.load_published().await.unwrap();
    aws.secrets.put("hunter2");
    let keeper = aws.keeper(STANDBY_AGE);
    for failed in [
        keeper.repair().await,
        keeper.rotate(RotateWhen::Now).await,
        keeper.revoke("a").await,
    ] {
        let error = failed.unwrap_err();
        assert!(matches!(
            &error,
            KeyChangeError::Private(RepositoryError::Malformed(_))
        ));
        let text = format!("{error} {error:?}");
        assert!(text.contains("not a JSON object"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
    assert_eq!(aws.secrets.current().as_deref(), Some("hunter2"));
    assert_eq!(aws.store.load_published().await.unwrap(), before);
}

/// The SDK repeats a request whose response was lost, and the second attempt must not look like someone else's
/// change.
#[tokio::test]
async fn a_lost_response_of_secrets_manager_is_not_a_conflict() {
    for operation in ["PutSecretValue", "UpdateSecretVersionStage"] {
        let aws = InAws::new().await;
        aws.keeper(Duration::ZERO).repair().await.unwrap();
        aws.secrets.lose(operation);
        let rotated = aws.keeper(STANDBY_AGE).rotate(RotateWhen::Ready).await;
        let ring = rotated.unwrap().ring.unwrap();
        assert_eq!(aws.secrets.current(), Some(ring.expose()), "{operation}");
        assert_eq!(aws.secrets.count(), 2, "{operation}");
        let calls = aws.secrets.calls();
        let attempts = calls.iter().filter(|call| *call == operation).count();
        let least = if operation == "PutSecretValue" { 3 } else { 2 };
        assert_eq!(attempts, least, "{operation} was repeated");
    }
}

#[tokio::test]
async fn a_lost_response_of_the_table_is_not_a_conflict() {
    let aws = InAws::new().await;
    let proxy = FaultProxy::start(aws.table.url()).await;
    let store = aws.table.behind(proxy.url()).store().await;
    let keys = published(&ring());
    proxy.set(Fault::CutNextResponse);
    assert!(store.replace_published(None, &keys).await.unwrap());
    let stored = store.load_published().await.unwrap();
    assert_eq!(stored.contents, Some(keys));
    let next = published(&ring());
    proxy.set(Fault::CutNextResponse);
    let version = stored.version.as_deref();
    assert!(store.replace_published(version, &next).await.unwrap());
}

/// Secrets Manager starts the steps of a rotation with a token, and may repeat each.
#[tokio::test]
async fn a_pending_version_becomes_current_only_while_its_parent_is() {
    let aws = InAws::new().await;
    aws.keeper(Duration::ZERO).repair().await.unwrap();
    let (keeper, token) = (aws.keeper(STANDBY_AGE), "a-token");
    assert_eq!(aws.ring.pending(token).await.unwrap(), None);
    let pending = keeper.prepare(RotateWhen::Ready).await.unwrap();
    for _ in 0..2 {
        assert!(aws.ring.put_pending(token, &pending).await.unwrap());
    }
    let other = keeper.prepare(RotateWhen::Ready).await.unwrap();
    assert!(!aws.ring.put_pending(token, &other).await.unwrap());
    assert_eq!(
        aws.ring.pending(token).await.unwrap(),
        Some(pending.clone())
    );
    keeper.publish(Some(&pending)).await.unwrap();
    for _ in 0..2 {
        let parent = pending.derived_from();
        assert!(aws.ring.promote(token, parent).await.unwrap());
    }
    let state = keeper.publish(None).await.unwrap();
    assert_eq!(state.ring, Some(pending));
}

#[tokio::test]
async fn a_pending_version_of_another_parent_is_refused_and_dropped() {
    let aws = InAws::new().await;
    let created = aws.keeper(Duration::ZERO).repair().await.unwrap();
    let (keeper, token) = (aws.keeper(STANDBY_AGE), "a-token");
    let pending = keeper.prepare(RotateWhen::Ready).await.unwrap();
    aws.ring.put_pending(token, &pending).await.unwrap();
    let standby = created.ring.unwrap().standby().unwrap().kid().to_owned();
    let revoked = keeper.revoke(&standby).await.unwrap();
    assert_eq!(pending.active().kid(), standby, "it would be active again");

    let parent = pending.derived_from();
    assert!(!aws.ring.promote(token, parent).await.unwrap());
    aws.ring.drop_pending(token).await.unwrap();
    assert_eq!(aws.ring.pending(token).await.unwrap(), None);
    assert_eq!(aws.keeper(STANDBY_AGE).load().await.unwrap(), revoked);
}

/// Returns the item of the published keys.
async fn item(table: &Table) -> std::collections::HashMap<String, AttributeValue> {
    let key = S("keys#access-tokens".into());
    let items = table.items().await.into_iter();
    let mut items = items.filter(|item| item.get("pk") == Some(&key));
    items.next().expect("keys are published")
}

#[tokio::test]
async fn the_item_has_a_version_and_only_public_keys() {
    let aws = InAws::new().await;
    let state = aws.keeper(Duration::ZERO).repair().await.unwrap();
    let item = item(&aws.table).await;
    assert_eq!(item.len(), 3, "{:?}", item.keys());
    assert_eq!(item["version"], N("1".into()));
    let text = item["key_set"].as_s().unwrap();
    assert_eq!(PublishedKeys::parse(text), Ok(state.published));
    assert!(!text.contains("\"d\""), "{text}");
}

/// A table that is restored to before a rotation lacks the standby; to before a revocation, it has the revoked key.
#[tokio::test]
async fn a_restored_table_is_mended_from_the_secret() {
    let aws = InAws::new().await;
    let created = aws.keeper(Duration::ZERO).repair().await.unwrap();
    let original = created.ring.unwrap();
    let before = item(&aws.table).await;
    let (keeper, later) = (aws.keeper(STANDBY_AGE), aws.keeper(STANDBY_AGE * 2));
    let rotated = keeper.rotate(RotateWhen::Ready).await.unwrap();
    let rotated_item = item(&aws.table).await;

    aws.table.put(before.clone()).await;
    let mended = later.repair().await.unwrap();
    assert_eq!(mended.ring, rotated.ring);
    assert_eq!(kids(&mended), kids(&rotated));
    let end = mended
        .published
        .find(original.active().kid())
        .unwrap()
        .until();
    assert_eq!(end, Some(NOW + STANDBY_AGE * 2 + Duration::from_hours(26)));

    let revoked = later.revoke(original.active().kid()).await.unwrap();
    for restored in [before, rotated_item] {
        aws.table.put(restored).await;
        let mended = later.repair().await.unwrap();
        assert_eq!(kids(&mended), kids(&revoked));
    }
}

#[tokio::test]
async fn an_item_that_is_not_a_public_set_is_reported() {
    let aws = InAws::new().await;
    let text = |value: &str| S(value.to_owned());
    let item = |key_set: &str| {
        std::collections::HashMap::from([
            ("pk".to_owned(), text("keys#access-tokens")),
            ("version".to_owned(), N("1".into())),
            ("key_set".to_owned(), text(key_set)),
        ])
    };
    let without = |name: &str| {
        let mut item = item(&published(&ring()).to_json());
        item.remove(name);
        item
    };
    for (item, problem) in [
        (item("hunter2"), "not a JSON object"),
        (item(&ring().expose()), "must contain only public keys"),
        (without("key_set"), "not a JSON object"),
        (without("version"), "has no version"),
    ] {
        aws.table.put(item).await;
        let error = aws.store.load_published().await.unwrap_err();
        assert!(matches!(error, RepositoryError::Malformed(_)));
        let text = error.to_string();
        assert!(
            text.contains("keys#access-tokens") && text.contains(problem),
            "{text}"
        );
        assert!(!text.contains("hunter2"), "{text}");
    }
}
