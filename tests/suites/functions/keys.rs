//! The function `keys` in process, on a Secrets Manager with versions and a table in memory. The last tests start it as
//! a process, because they read its log or send it anything.
//!
//! The modules break it, on both stores as in a deployed stack: `interrupted` kills it, `at_once` runs two, `outages` and
//! `nonsense` make a store or its contents unusable.

mod at_once;
mod interrupted;
mod nonsense;
mod outages;

use std::time::Duration;

use auth_aws::{Aws, Callback, SecretRing};
use auth_core::{
    Algorithm, Clock, InMemoryStore, KeeperSettings, KeyKeeper, KeyRing, KeyRules,
    PrivateKeyRepository, PublishedKeyRepository, PublishedKeys, RotateWhen, STANDBY_AGE,
};
use auth_lambda::EventError;
use bundle_tests::{
    app::{NOW, TestClock},
    callback_server::CallbackServer,
    dynamodb,
    key_stack::{KeyStack, STEPS},
    process::Process,
    runtime_api::Outcome,
    store,
    template::Template,
    versioned_secrets::VersionedSecrets,
};
use keys::Keys;
use serde_json::{Value, json};

const SECRET: &str = "arn:aws:secretsmanager:eu-central-1:1:secret:JwtKeys";
const RULES: KeyRules = KeyRules {
    algorithm: Algorithm::ES256,
    expiration: Duration::from_hours(1),
};

/// The function with its stores and a clock that tests move.
struct KeysApp {
    keys: Keys<InMemoryStore>,
    secrets: VersionedSecrets,
    ring: SecretRing,
    published: InMemoryStore,
    callbacks: CallbackServer,
    clock: TestClock,
}

impl KeysApp {
    async fn new() -> Self {
        let secrets = VersionedSecrets::serve().await;
        let aws = Aws::for_operator_with(dynamodb::config(secrets.url()));
        let ring = aws.key_ring(SECRET).await;
        let (published, clock) = (store::memory(), TestClock::default());
        let settings = KeeperSettings {
            table: "users".into(),
            secret_id: SECRET.into(),
            rules: RULES,
        };
        let keys = Keys::new(
            settings,
            ring.clone(),
            published.clone(),
            Callback::from_env(),
            clock.clock(),
        );
        Self {
            keys,
            secrets,
            ring,
            published,
            callbacks: CallbackServer::serve().await,
            clock,
        }
    }

    /// Returns the function with its first keys, whose standby may be used.
    async fn with_keys() -> Self {
        let app = Self::new().await;
        app.command(json!({"action": "repair"})).await;
        app.pass(STANDBY_AGE);
        app
    }

    fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }

    /// Returns another run, such as an operator's, at the same time.
    fn other(&self) -> KeyKeeper<SecretRing, InMemoryStore> {
        let (ring, published) = (self.ring.clone(), self.published.clone());
        KeyKeeper::new(ring, published, RULES, self.clock.clock())
    }

    async fn command(&self, command: Value) -> Value {
        self.keys.handle(command).await.unwrap()
    }

    async fn step(&self, step: &str, token: &str) -> Result<Value, EventError> {
        let event = json!({"Step": step, "SecretId": SECRET, "ClientRequestToken": token});
        self.keys.handle(event).await
    }

    /// Sends a request of `CloudFormation`. Returns the result that it received.
    async fn provide(&self, request_type: &str, id: Option<&str>) -> Value {
        let handled = self.keys.handle(self.request(request_type, id)).await;
        handled.unwrap();
        let mut results = self.callbacks.take();
        assert_eq!(results.len(), 1);
        results.remove(0)
    }

    fn request(&self, request_type: &str, id: Option<&str>) -> Value {
        let mut request = json!({
            "RequestType": request_type,
            "ResponseURL": self.callbacks.url(),
            "StackId": "arn:aws:cloudformation:eu-central-1:1:stack/signin/1",
            "RequestId": "request-1",
            "LogicalResourceId": "AccessTokenKeys",
            "ResourceType": "Custom::AccessTokenKeys",
            "ResourceProperties": {"ServiceToken": "arn"},
        });
        if let Some(id) = id {
            request["PhysicalResourceId"] = id.into();
        }
        request
    }

    async fn current(&self) -> KeyRing {
        self.ring.load_ring().await.unwrap().contents.unwrap()
    }

    async fn public(&self) -> PublishedKeys {
        let published = self.published.load_published().await.unwrap();
        published.contents.unwrap_or_default()
    }

    async fn assert_consistent(&self) {
        let ring = self.current().await;
        let probed = self.public().await.verify_probes(&ring, self.clock.now());
        probed.unwrap();
        assert_eq!(ring.keys().count(), 2);
    }
}

fn kind(result: Result<Value, EventError>) -> &'static str {
    result.unwrap_err().kind
}

#[tokio::test]
async fn a_deploy_creates_the_keys_once() {
    let app = KeysApp::new().await;
    let created = app.provide("Create", None).await;
    let expected = json!({
        "Status": "SUCCESS",
        "PhysicalResourceId": "access-token-keys",
        "StackId": "arn:aws:cloudformation:eu-central-1:1:stack/signin/1",
        "RequestId": "request-1",
        "LogicalResourceId": "AccessTokenKeys",
    });
    assert_eq!(created, expected);
    app.assert_consistent().await;
    let (ring, versions) = (app.current().await, app.secrets.count());
    app.pass(Duration::from_hours(100));
    for request_type in ["Create", "Update", "Update"] {
        let id = (request_type == "Update").then_some("access-token-keys");
        assert_eq!(app.provide(request_type, id).await, created);
        assert_eq!(app.current().await, ring);
    }
    assert_eq!(app.secrets.count(), versions);
}

#[tokio::test]
async fn a_deploy_publishes_the_keys_of_a_table_restored_to_before_a_rotation() {
    let app = KeysApp::with_keys().await;
    let backup = app.public().await;
    app.command(json!({"action": "rotate"})).await;
    let version = app.published.load_published().await.unwrap().version;
    let replaced = app.published.replace_published(version.as_deref(), &backup);
    assert!(replaced.await.unwrap());
    let standby = app.current().await.standby().unwrap().kid().to_owned();
    assert!(app.public().await.find(&standby).is_none());
    app.provide("Update", Some("access-token-keys")).await;
    app.assert_consistent().await;
}

#[tokio::test]
async fn the_id_of_a_resource_never_changes() {
    let app = KeysApp::new().await;
    let updated = app.provide("Update", Some("earlier-id")).await;
    assert_eq!(updated["PhysicalResourceId"], "earlier-id");
}

#[tokio::test]
async fn a_delete_succeeds_whatever_the_secret_contains_and_changes_nothing() {
    let app = KeysApp::new().await;
    app.secrets.put("nonsense");
    let calls = app.secrets.calls();
    let deleted = app.provide("Delete", Some("access-token-keys")).await;
    assert_eq!(deleted["Status"], "SUCCESS");
    assert_eq!(app.secrets.calls(), calls);
}

#[tokio::test]
async fn a_failure_is_reported_at_once_with_its_reason_and_without_the_secret() {
    let app = KeysApp::new().await;
    app.secrets.put("hunter2");
    let failed = app.provide("Create", None).await;
    assert_eq!(failed["Status"], "FAILED");
    assert_eq!(failed["PhysicalResourceId"], "access-token-keys");
    let reason = failed["Reason"].as_str().unwrap();
    let expected = "the private keys cannot be read or replaced: the secret: ";
    assert!(reason.starts_with(expected), "{reason}");
    assert!(!reason.contains("hunter2"), "{reason}");
}

#[tokio::test]
async fn a_result_is_sent_again_until_it_arrives() {
    let app = KeysApp::new().await;
    app.callbacks.fail(2);
    app.provide("Create", None).await;
    app.callbacks.fail(3);
    let request = app.request("Create", None);
    let error = app.keys.handle(request).await.unwrap_err();
    assert_eq!(error.kind, "CallbackFailed");
    let reason = "CloudFormation did not receive the result: the status is 503";
    assert_eq!(error.reason, reason, "without the signed URL");
}

#[tokio::test]
async fn a_rotation_in_four_steps_may_repeat_each() {
    let app = KeysApp::with_keys().await;
    for token in ["rotation-1", "rotation-2"] {
        let before = app.current().await;
        for step in STEPS {
            for _ in 0..2 {
                app.step(step, token).await.unwrap();
                app.assert_consistent().await;
            }
        }
        assert_eq!(app.secrets.version("AWSPENDING"), None);
        let after = app.current().await;
        assert_eq!(after.active().kid(), before.standby().unwrap().kid());
        let retired = app.public().await;
        let retired = retired.find(before.active().kid()).unwrap().until();
        assert_eq!(retired, Some(app.clock.now() + RULES.retention()));
        // A step that comes again late changes nothing.
        for step in STEPS {
            app.step(step, token).await.unwrap();
            assert_eq!(app.current().await, after, "{step}");
        }
        app.pass(STANDBY_AGE);
    }
}

#[tokio::test]
async fn a_rotation_may_be_tried_again_after_each_lost_response() {
    for step in STEPS {
        for operation in ["PutSecretValue", "UpdateSecretVersionStage"] {
            let app = KeysApp::with_keys().await;
            let before = app.current().await;
            for each in STEPS {
                if each == step {
                    app.secrets.lose(operation);
                }
                app.step(each, "rotation-1").await.unwrap();
                app.assert_consistent().await;
            }
            let after = app.current().await;
            let standby = before.standby().unwrap().kid();
            assert_eq!(after.active().kid(), standby, "{step} {operation}");
        }
    }
}

#[tokio::test]
async fn the_test_may_come_without_a_pending_version() {
    let app = KeysApp::new().await;
    assert_eq!(kind(app.step("testSecret", "test").await), "NoKeys");
    let app = KeysApp::with_keys().await;
    let (ring, versions) = (app.current().await, app.secrets.count());
    app.step("testSecret", "test").await.unwrap();
    assert_eq!((app.current().await, app.secrets.count()), (ring, versions));
}

#[tokio::test]
async fn the_test_fails_if_a_pending_key_is_not_published() {
    let app = KeysApp::with_keys().await;
    app.step("createSecret", "rotation-1").await.unwrap();
    assert_eq!(
        kind(app.step("testSecret", "rotation-1").await),
        "ProbeFailed"
    );
    app.step("setSecret", "rotation-1").await.unwrap();
    app.step("testSecret", "rotation-1").await.unwrap();
}

#[tokio::test]
async fn steps_without_a_pending_version_fail() {
    let app = KeysApp::with_keys().await;
    for step in ["setSecret", "finishSecret"] {
        assert_eq!(kind(app.step(step, "unknown").await), "NoPending", "{step}");
    }
}

#[tokio::test]
async fn a_rotation_of_another_secret_fails() {
    let app = KeysApp::with_keys().await;
    let event = json!({"Step": "createSecret", "SecretId": "other", "ClientRequestToken": "1"});
    assert_eq!(kind(app.keys.handle(event).await), "OtherSecret");
}

/// A key that was revoked after createSecret is in the pending version. It must never be published or sign again, and
/// the label must not prevent later rotations.
#[tokio::test]
async fn a_rotation_that_a_revocation_overtakes_is_dropped() {
    for step in ["setSecret", "finishSecret"] {
        let app = KeysApp::with_keys().await;
        let standby = app.current().await.standby().unwrap().kid().to_owned();
        app.step("createSecret", "rotation-1").await.unwrap();
        if step == "finishSecret" {
            app.step("setSecret", "rotation-1").await.unwrap();
        }
        app.other().revoke(&standby).await.unwrap();
        assert_eq!(app.secrets.version("AWSPENDING"), None);
        let kind = kind(app.step(step, "rotation-1").await);
        assert_eq!(kind, "NoPending", "{step}");
        assert!(!app.current().await.contains(&standby), "{step}");
        assert!(app.public().await.find(&standby).is_none(), "{step}");
        app.pass(STANDBY_AGE);
        for step in STEPS {
            app.step(step, "rotation-2").await.unwrap();
        }
        app.assert_consistent().await;
    }
}

#[tokio::test]
async fn a_rotation_soon_after_another_fails_at_its_first_step() {
    let app = KeysApp::with_keys().await;
    app.other().rotate(RotateWhen::Ready).await.unwrap();
    let failed = app.step("createSecret", "rotation-1").await;
    assert_eq!(kind(failed), "StandbyTooNew");
}

#[tokio::test]
async fn an_operator_lists_keys_without_their_secrets() {
    let app = KeysApp::with_keys().await;
    let first = app.current().await;
    app.command(json!({"action": "rotate"})).await;
    let listed = app.command(json!({"action": "list"})).await;
    let ring = app.current().await;
    let (active, standby) = (ring.active().kid(), ring.standby().unwrap().kid());
    let rotated = NOW + STANDBY_AGE.as_secs();
    let key = |kid: &str, state: &str, since: Option<u64>, public: u64, until: Option<u64>| {
        json!({"kid": kid, "algorithm": "ES256", "state": state, "signs_since": since, "public_since": public,
            "until": until})
    };
    let end = rotated + RULES.retention().as_secs();
    let expected = json!({"keys": [
        key(active, "signs", Some(rotated), NOW, None),
        key(standby, "next", None, rotated, None),
        key(first.active().kid(), "verifies", None, NOW, Some(end)),
    ]});
    assert_eq!(listed, expected);
    app.pass(RULES.retention());
    let listed = app.command(json!({"action": "list"})).await;
    assert_eq!(listed["keys"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_command_that_is_refused_says_why_and_changes_nothing() {
    let app = KeysApp::new().await;
    for command in [
        json!({"action": "rotate"}),
        json!({"action": "check", "rotation_days": 30}),
    ] {
        let refused = app.command(command).await;
        assert_eq!(refused["error"], "NoKeys");
        assert_eq!(refused["message"], "there are no keys yet");
    }
    app.command(json!({"action": "repair"})).await;
    let ring = app.current().await;
    let refused = app.command(json!({"action": "rotate"})).await;
    assert_eq!(refused["error"], "StandbyTooNew");
    assert_eq!(refused["ready_at"], NOW + STANDBY_AGE.as_secs());
    let refused = app
        .command(json!({"action": "revoke", "kid": "none"}))
        .await;
    assert_eq!(
        refused,
        json!({"error": "UnknownKey", "message": "there is no key none"})
    );
    assert_eq!(app.current().await, ring);
}

#[tokio::test]
async fn an_operator_may_rotate_at_once_and_revoke() {
    let app = KeysApp::new().await;
    app.command(json!({"action": "repair"})).await;
    let first = app.current().await;
    let rotated = app.command(json!({"action": "rotate", "now": true})).await;
    let active = first.standby().unwrap().kid();
    assert_eq!(rotated["keys"][0]["kid"], active);
    let revoked = app
        .command(json!({"action": "revoke", "kid": active}))
        .await;
    let last = &revoked["keys"].as_array().unwrap().last();
    assert_eq!(last.unwrap()["kid"], active);
    assert_eq!(last.unwrap()["state"], "revoked");
    assert!(app.public().await.find(active).is_none());
    app.assert_consistent().await;
}

#[tokio::test]
async fn a_store_that_fails_is_an_error_of_the_function() {
    let app = KeysApp::new().await;
    app.secrets.put("nonsense");
    for action in ["list", "rotate", "repair"] {
        let failed = app.keys.handle(json!({"action": action})).await;
        assert_eq!(kind(failed), "PrivateKeysUnavailable", "{action}");
    }
}

#[tokio::test]
async fn other_events_fail_without_being_repeated() {
    let app = KeysApp::new().await;
    for event in [
        json!(null),
        json!([]),
        json!("text"),
        json!({}),
        json!({"action": "destroy"}),
        json!({"action": "revoke"}),
        json!({"action": "list", "more": 1}),
        json!({"action": "check", "rotation_days": -1}),
        json!({"Step": "otherSecret", "SecretId": SECRET, "ClientRequestToken": "1"}),
        json!({"Step": "setSecret"}),
        json!({"RequestType": "Create", "ResponseURL": "https://example.com/?hunter2"}),
    ] {
        let error = app.keys.handle(event.clone()).await.unwrap_err();
        assert_eq!(error.kind, "UnknownEvent", "{event}");
        assert!(!error.reason.contains("hunter2"), "{}", error.reason);
    }
    assert_eq!(app.secrets.calls(), [""; 0]);
}

#[tokio::test]
async fn an_unparsable_event_is_reported_and_the_process_lives_on() {
    let stack = KeyStack::new().await;
    let keys = start(&stack).await;
    for event in ["", "{}", "[]", "null", "not json", r#"{"action":1}"#] {
        let outcome = keys.outcome(event).await;
        assert!(matches!(outcome, Outcome::Error(_)), "{event}: {outcome:?}");
    }
    let outcome = keys.outcome(r#"{"action":"list"}"#).await;
    assert!(matches!(outcome, Outcome::Response(_)), "{outcome:?}");
}

/// Starts the function as a process that logs warnings.
async fn start(stack: &KeyStack) -> Process {
    let mut variables = stack.table.environment();
    variables.extend([
        ("JWT_KEYS_SECRET_ID", "JwtKeys"),
        ("JWT_ALGORITHM", "ES256"),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", stack.secrets.url()),
        ("AWS_LAMBDA_LOG_LEVEL", "WARN"),
        // Otherwise the log is for people.
        ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
    ]);
    Process::start("keys", &variables).await
}

#[tokio::test]
async fn the_alarm_counts_the_daily_checks_that_find_an_old_key() {
    let stack = KeyStack::new().await;
    let earlier = Clock::from_fn(|| Clock::system().now() - Duration::from_hours(24 * 46));
    let created = stack.keeper(earlier).await.repair().await.unwrap();
    let keys = start(&stack).await;
    for days in [30, 31] {
        let event = json!({"action": "check", "rotation_days": days});
        let outcome = keys.outcome(&event.to_string()).await;
        assert!(matches!(outcome, Outcome::Response(_)), "{outcome:?}");
    }
    let filter = Template::read().log_filter("OverdueKeysMetric");
    let logs = keys.logs();
    let counted = filter.counted(&logs);
    assert_eq!(counted.len(), 1, "{logs}");
    assert_eq!(counted[0]["kid"], created.ring.unwrap().active().kid());
    assert_eq!(counted[0]["rotation_days"], 30);
}
