//! Batches of both kinds, with a transport and a queue that fail when a test says so.

mod outside;

use std::time::Duration;

use auth_core::{
    ActionTokens, Algorithm, Ask, AskContent, AskId, AskLimits, AskRepository, Asked, Clock, Email,
    InMemoryStore, Key, KeySet, UnixTime,
};
use auth_mail::{Composer, Delivery, MailAddress, MailSettings};
use outside::{Outside, Unmarked};
use serde_json::{Value, json};

use crate::Mailer;

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const JOHN: &str = "john.doe@leapify.tech";

/// Returns a delivery at this time.
fn delivery(outside: &Outside, now: UnixTime) -> Delivery<Outside> {
    let secret: Vec<u8> = (0..32).collect();
    let key = Key::from_secret(&secret, Algorithm::HS256).unwrap();
    let settings = MailSettings {
        from: MailAddress::parse("no-reply@example.com").unwrap(),
        app_name: "Orders".into(),
        page: "https://example.com/account".into(),
    };
    Delivery::new(
        auth_core::Mailer::new(ActionTokens::new(KeySet::from(key))),
        Composer::new(settings),
        outside.clone(),
        Clock::from_fn(move || now),
    )
}

struct World {
    mailer: Mailer<InMemoryStore, Outside, Outside>,
    store: InMemoryStore,
    outside: Outside,
}

impl World {
    fn new() -> Self {
        let (store, outside) = (InMemoryStore::with_tutorial_user(), Outside::default());
        let delivery = delivery(&outside, NOW);
        Self {
            mailer: Mailer::new(delivery, store.clone(), outside.clone()),
            store,
            outside,
        }
    }

    /// Puts an ask with this id.
    async fn ask(&self, id: &str, address: &str, content: AskContent) {
        let email = Email::parse(address).unwrap();
        let ask = Ask::new(AskId::from_text(id), email, content, NOW);
        let limits = AskLimits {
            addresses: vec![],
            network: None,
        };
        let asked = self.store.put_asks(&[ask], &limits, NOW).await.unwrap();
        assert_eq!(asked, Asked::Put);
    }

    /// Handles a batch, and returns the items that failed.
    async fn handle(&self, event: Value) -> Vec<String> {
        let response = self.mailer.handle(event).await.unwrap();
        let failures = response["batchItemFailures"].as_array().unwrap().iter();
        let items = failures.map(|failure| failure["itemIdentifier"].as_str().unwrap());
        items.map(str::to_owned).collect()
    }
}

/// Returns a batch of the stream. Its sequence numbers are `s` and the id.
fn stream(ids: &[&str]) -> Value {
    let records = ids.iter().map(|id| {
        json!({
            "eventID": "1",
            "eventName": "INSERT",
            "eventSource": "aws:dynamodb",
            "awsRegion": "eu-central-1",
            "dynamodb": {
                "ApproximateCreationDateTime": 1_800_000_000,
                "Keys": {"pk": {"S": format!("ask#{id}")}},
                "SequenceNumber": format!("s{id}"),
                "SizeBytes": 30,
                "StreamViewType": "KEYS_ONLY",
            },
        })
    });
    json!({"Records": records.collect::<Vec<_>>()})
}

/// Returns a batch of the queue. Its message ids are `m` and the id.
fn queue(ids: &[&str]) -> Value {
    let records = ids.iter().map(|id| {
        json!({
            "messageId": format!("m{id}"),
            "receiptHandle": "handle",
            "body": id,
            "attributes": {"ApproximateReceiveCount": "1"},
            "eventSource": "aws:sqs",
        })
    });
    json!({"Records": records.collect::<Vec<_>>()})
}

#[tokio::test]
async fn each_ask_is_sent_once_and_nothing_is_sent_to_strangers() {
    let world = World::new();
    world.ask("a", JOHN, AskContent::Reset).await;
    world
        .ask("b", "nobody@example.com", AskContent::Reset)
        .await;
    world.ask("c", "jane@example.com", AskContent::SignUp).await;
    let batch = stream(&["a", "b", "c", "gone"]);
    assert!(world.handle(batch.clone()).await.is_empty());
    let expected = [
        (JOHN.to_owned(), "reset"),
        ("jane@example.com".to_owned(), "sign-up"),
    ];
    assert_eq!(world.outside.sent(), expected);
    assert!(world.handle(batch).await.is_empty());
    assert_eq!(world.outside.sent(), []);
    assert!(world.outside.queued().is_empty());
}

#[tokio::test]
async fn an_ask_that_cannot_be_sent_goes_to_the_queue_and_holds_up_nothing() {
    let world = World::new();
    world.ask("a", "jane@example.com", AskContent::SignUp).await;
    world.ask("b", JOHN, AskContent::Reset).await;
    world.outside.break_for("jane@example.com");
    assert!(world.handle(stream(&["a", "b"])).await.is_empty());
    assert_eq!(world.outside.sent(), [(JOHN.to_owned(), "reset")]);
    assert_eq!(world.outside.queued(), ["a"]);

    // The queue starts the function again, and keeps what fails again.
    assert_eq!(world.handle(queue(&["a"])).await, ["ma"]);
    assert!(world.outside.queued().is_empty());
    world.outside.broken.lock().unwrap().clear();
    assert!(world.handle(queue(&["a"])).await.is_empty());
    assert_eq!(
        world.outside.sent(),
        [("jane@example.com".to_owned(), "sign-up")]
    );
}

#[tokio::test]
async fn lambda_sends_a_record_again_if_the_queue_fails_too() {
    let world = World::new();
    world.ask("a", JOHN, AskContent::Reset).await;
    world.ask("b", "jane@example.com", AskContent::SignUp).await;
    world.outside.break_for(JOHN);
    *world.outside.is_queue_broken.lock().unwrap() = true;
    assert_eq!(world.handle(stream(&["a", "b"])).await, ["sa"]);
    assert_eq!(
        world.outside.sent(),
        [("jane@example.com".to_owned(), "sign-up")]
    );
}

#[tokio::test]
async fn an_address_that_no_email_can_be_sent_to_is_given_up() {
    let world = World::new();
    let address = "a@b.c\r\nBcc: joe@example.com";
    world.ask("a", address, AskContent::SignUp).await;
    assert!(world.handle(stream(&["a"])).await.is_empty());
    assert!(world.outside.sent().is_empty());
    assert!(world.outside.queued().is_empty());
}

/// Otherwise strangers could fill the queue, and ring its alarms, with addresses that SES refuses.
#[tokio::test]
async fn an_email_that_will_never_be_sent_is_given_up_at_once() {
    let world = World::new();
    let address = "jane@example.com";
    world.ask("a", address, AskContent::SignUp).await;
    world.ask("b", JOHN, AskContent::Reset).await;
    let refused = &world.outside.refused;
    refused.lock().unwrap().insert(address.to_owned());
    assert!(world.handle(stream(&["a", "b"])).await.is_empty());
    assert!(world.outside.queued().is_empty());
    assert_eq!(world.outside.sent(), [(JOHN.to_owned(), "reset")]);
    refused.lock().unwrap().clear();
    assert!(world.handle(stream(&["a"])).await.is_empty());
    assert!(world.outside.sent().is_empty(), "it is completed");
}

#[tokio::test]
async fn a_record_that_is_not_an_ask_is_skipped() {
    let world = World::new();
    world.ask("a", JOHN, AskContent::PasswordChanged).await;
    let mut batch = stream(&["x", "a"]);
    batch["Records"][0]["dynamodb"]["Keys"] = json!({"pk": {"S": "user#jane@example.com"}});
    assert!(world.handle(batch).await.is_empty());
    assert_eq!(
        world.outside.sent(),
        [(JOHN.to_owned(), "password-changed")]
    );
}

#[tokio::test]
async fn any_other_event_is_an_error() {
    let world = World::new();
    let mut mixed = stream(&["a"]);
    let other = queue(&["b"])["Records"][0].clone();
    mixed["Records"].as_array_mut().unwrap().push(other);
    for event in [
        json!({}),
        json!(null),
        json!({"Records": "a"}),
        json!({"Records": [{"eventSource": "aws:s3"}]}),
        mixed,
    ] {
        let error = world.mailer.handle(event.clone()).await.unwrap_err();
        assert_eq!(error.kind, "Event", "{event}");
    }
}

/// Each wait for a service that does not respond takes ten seconds.
#[tokio::test]
async fn a_batch_waits_only_once_for_a_service_that_does_not_respond() {
    let world = World::new();
    for id in ["a", "b", "c"] {
        world.ask(id, JOHN, AskContent::PasswordChanged).await;
    }
    *world.outside.timeouts.lock().unwrap() = Some(0);
    assert!(world.handle(stream(&["a", "b", "c"])).await.is_empty());
    assert_eq!(world.outside.queued(), ["a", "b", "c"]);
    assert_eq!(
        world.handle(queue(&["a", "b", "c"])).await,
        ["ma", "mb", "mc"]
    );
    let timeouts = world.outside.timeouts.lock().unwrap().take();
    assert_eq!(timeouts, Some(2));
    assert!(world.handle(queue(&["a", "b", "c"])).await.is_empty());
    assert_eq!(world.outside.sent().len(), 3);
}

/// As after an operator redrives a queue. The record is kept for the operator instead of being lost.
#[tokio::test]
async fn a_record_that_lambda_gave_up_is_not_an_ask() {
    let world = World::new();
    let record = json!({"requestContext": {"condition": "RetryAttemptsExhausted"}}).to_string();
    assert_eq!(world.handle(queue(&[&record])).await.len(), 1);
}

/// Otherwise, the queue would send the email again and again.
#[tokio::test]
async fn an_email_that_was_sent_but_not_marked_is_not_queued() {
    let world = World::new();
    world.ask("a", JOHN, AskContent::PasswordChanged).await;
    world.ask("b", "jane@example.com", AskContent::Reset).await;
    let outside = world.outside.clone();
    let mailer = Mailer::new(
        delivery(&outside, NOW),
        Unmarked(world.store),
        outside.clone(),
    );
    let response = mailer.handle(stream(&["a", "b"])).await.unwrap();
    assert_eq!(response, json!({"batchItemFailures": []}));
    assert_eq!(outside.sent(), [(JOHN.to_owned(), "password-changed")]);
    // Nothing was sent to Jane, who has no account, so trying again does no harm.
    assert_eq!(outside.queued(), ["b"]);
}

#[tokio::test]
async fn an_ask_that_has_expired_is_given_up() {
    let world = World::new();
    world.ask("a", JOHN, AskContent::PasswordChanged).await;
    let (outside, week) = (world.outside.clone(), Duration::from_hours(7 * 24));
    let mailer = Mailer::new(delivery(&outside, NOW + week), world.store, outside.clone());
    let response = mailer.handle(queue(&["a"])).await.unwrap();
    assert_eq!(response, json!({"batchItemFailures": []}));
    assert!(outside.sent().is_empty());
}
