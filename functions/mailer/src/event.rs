//! The two kinds of batches: records of the table's stream, and messages of the queue.

use auth_core::AskId;
use serde::Deserialize;
use serde_json::{Value, json};

/// The prefix of an ask's key; the id follows.
const KEY_PREFIX: &str = "ask#";

/// An ask of a batch.
pub(crate) struct Entry {
    /// Identifies the record or the message in the response.
    pub(crate) item: String,
    /// The ask; `None` if the record or the message does not name one.
    pub(crate) ask: Option<AskId>,
}

/// A batch. Entries are delivered in order.
pub(crate) enum Batch {
    /// New asks. One that cannot be sent goes to the queue, because a stream would hold up everything behind it.
    Stream(Vec<Entry>),
    /// Asks that could not be sent before. One that fails again stays in the queue.
    Queue(Vec<Entry>),
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "Records")]
    records: Vec<Record>,
}

#[derive(Deserialize)]
#[serde(tag = "eventSource")]
enum Record {
    #[serde(rename = "aws:dynamodb")]
    Stream { dynamodb: Change },
    #[serde(rename = "aws:sqs")]
    Queue {
        #[serde(rename = "messageId")]
        message_id: String,
        body: String,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Change {
    keys: Value,
    sequence_number: String,
}

impl Batch {
    /// Parses an event of an event source mapping. `None` for anything else.
    pub(crate) fn parse(event: Value) -> Option<Self> {
        let event: Event = serde_json::from_value(event).ok()?;
        let (mut stream, mut queue) = (Vec::new(), Vec::new());
        for record in event.records {
            match record {
                Record::Stream { dynamodb } => stream.push(dynamodb.into()),
                Record::Queue { message_id, body } => queue.push(Entry {
                    item: message_id,
                    // A record that Lambda gave up on is a JSON object.
                    ask: (!body.is_empty() && !body.starts_with('{'))
                        .then(|| AskId::from_text(body)),
                }),
            }
        }
        match (stream.is_empty(), queue.is_empty()) {
            (_, true) => Some(Self::Stream(stream)),
            (true, false) => Some(Self::Queue(queue)),
            // A mapping has one source.
            (false, false) => None,
        }
    }
}

impl From<Change> for Entry {
    fn from(change: Change) -> Self {
        let key = change.keys["pk"]["S"].as_str();
        let id = key.and_then(|key| key.strip_prefix(KEY_PREFIX));
        Self {
            item: change.sequence_number,
            ask: id.map(AskId::from_text),
        }
    }
}

/// Returns the response with the items that Lambda must send again (`ReportBatchItemFailures`).
pub(crate) fn response(failed: &[String]) -> Value {
    let failures: Vec<Value> = failed
        .iter()
        .map(|item| json!({"itemIdentifier": item}))
        .collect();
    json!({"batchItemFailures": failures})
}
