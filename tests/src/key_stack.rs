//! The stores of the keys as in a deployed stack, a secret and a table, and the function `keys` on them. Start at
//! [`KeyStack`].

use std::time::Duration;

use auth_aws::{Aws, Callback, DynamoDbStore, SecretRing};
use auth_core::{
    Algorithm, Clock, KeeperSettings, KeyKeeper, KeyRules, KeyState, PrivateJwk, RotateWhen,
    STANDBY_AGE,
};
use keys::Keys;
use serde_json::{Value, json};

use crate::{
    dynamodb::{self, Table},
    process::Process,
    versioned_secrets::VersionedSecrets,
};

/// The steps of a rotation by Secrets Manager.
pub const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];

const SECRET: &str = "JwtKeys";
const RULES: KeyRules = KeyRules {
    algorithm: Algorithm::ES256,
    expiration: Duration::from_hours(1),
};

/// The stores for one test.
pub struct KeyStack {
    /// Secrets Manager.
    pub secrets: VersionedSecrets,
    /// The table.
    pub table: Table,
}

impl KeyStack {
    /// Creates stores without keys.
    pub async fn new() -> Self {
        Self {
            secrets: VersionedSecrets::serve().await,
            table: Table::new().await,
        }
    }

    /// Creates stores with keys, whose standby may sign.
    pub async fn with_keys() -> Self {
        let stack = Self::new().await;
        let earlier = Clock::from_fn(|| Clock::system().now() - STANDBY_AGE);
        let created = stack.keeper(earlier).await.repair().await;
        created.expect("created");
        stack
    }

    /// Creates stores with keys, one of which no longer signs.
    pub async fn with_retired_key() -> Self {
        let stack = Self::with_keys().await;
        let keeper = stack.keeper(Clock::system()).await;
        keeper.rotate(RotateWhen::Ready).await.expect("rotated");
        stack
    }

    /// Returns a run that bypasses the function.
    pub async fn keeper(&self, clock: Clock) -> KeyKeeper<SecretRing, DynamoDbStore> {
        let ring = ring(self.secrets.url()).await;
        KeyKeeper::new(ring, self.table.store().await, RULES, clock)
    }

    /// Reads both sets.
    pub async fn state(&self) -> KeyState {
        let keeper = self.keeper(Clock::system()).await;
        keeper.load().await.expect("the keys are readable")
    }

    /// Returns the function in process, with its stores at these URLs.
    pub async fn function(&self, secrets: &str, table: &str) -> Keys<DynamoDbStore> {
        self.function_at(secrets, table, Clock::system()).await
    }

    /// Returns that function with another clock.
    pub async fn function_at(
        &self,
        secrets: &str,
        table: &str,
        clock: Clock,
    ) -> Keys<DynamoDbStore> {
        let settings = KeeperSettings {
            table: self.table.name().to_owned(),
            secret_id: SECRET.to_owned(),
            rules: RULES,
        };
        let published = self.table.behind(table).function_store().await;
        let (ring, callback) = (ring(secrets).await, Callback::from_env());
        Keys::new(settings, ring, published, callback, clock)
    }

    /// Starts the function as a process, with its stores at these URLs.
    pub async fn start(&self, secrets: &str, table: &str) -> Process {
        let table = self.table.behind(table);
        let mut variables = table.environment();
        variables.push(("AWS_ENDPOINT_URL_SECRETS_MANAGER", secrets));
        variables.push(("JWT_KEYS_SECRET_ID", SECRET));
        variables.push(("JWT_ALGORITHM", RULES.algorithm.name()));
        Process::start("keys", &variables).await
    }
}

async fn ring(url: &str) -> SecretRing {
    let aws = Aws::for_function_with(dynamodb::config(url));
    aws.key_ring(SECRET).await
}

/// Returns the event of a step.
#[must_use]
pub fn step(step: &str, token: &str) -> Value {
    json!({"Step": step, "SecretId": SECRET, "ClientRequestToken": token})
}

/// Returns the events of a rotation.
#[must_use]
pub fn steps(token: &str) -> Vec<Value> {
    STEPS.iter().map(|name| step(name, token)).collect()
}

/// Returns the event of the custom resource at its creation.
#[must_use]
pub fn creation(response_url: &str) -> Value {
    json!({
        "RequestType": "Create",
        "ResponseURL": response_url,
        "StackId": "arn:aws:cloudformation:eu-central-1:1:stack/signin/1",
        "RequestId": "request-1",
        "LogicalResourceId": "AccessTokenKeys",
        "ResourceType": "Custom::AccessTokenKeys",
        "ResourceProperties": {"ServiceToken": "arn"},
    })
}

/// Checks what must be true at every moment: the key that signs is public, as is the one that signed before, unless it
/// was revoked; there is at most one standby, and revoked keys are not in the ring.
///
/// # Panics
///
/// Panics if it is not true.
pub fn check(before: &KeyState, state: &KeyState) {
    let now = Clock::system().now();
    let Some(ring) = &state.ring else {
        assert_eq!(before.ring, None, "the ring is lost");
        return;
    };
    assert!(ring.keys().count() <= 2);
    assert!(ring.revoked().iter().all(|kid| !ring.contains(kid)));
    let signers = before.ring.iter().chain([ring]);
    let signers = signers.map(|ring| ring.active().kid());
    for kid in signers.filter(|kid| !ring.revoked().contains(*kid)) {
        let key = state.published.find(kid);
        assert!(key.is_some_and(|key| key.is_usable(now)), "{kid}");
    }
}

/// Checks what [`check`] does, and what must be true after a run that was not interrupted: nothing is left to do, tokens
/// of both private keys are accepted, no other key is public without an end, and no revoked key is public.
///
/// # Panics
///
/// Panics if it is not true.
pub fn check_completed(before: &KeyState, state: &KeyState) {
    check(before, state);
    let (ring, now) = (state.ring.as_ref().expect("a ring"), Clock::system().now());
    let complete = state.published.covering(&[ring], now, RULES.retention());
    assert_eq!(complete, state.published);
    state.published.verify_probes(ring, now).expect("accepted");
    let endless = state.published.iter().filter(|key| key.until().is_none());
    let endless: Vec<&str> = endless.map(|key| key.jwk().kid()).collect();
    let private: Vec<&str> = ring.keys().map(PrivateJwk::kid).collect();
    assert_eq!(endless, private);
    assert_eq!(private.len(), 2);
    let is_public = |kid: &String| state.published.find(kid).is_some();
    assert!(!ring.revoked().iter().any(is_public));
}
