//! Calls to a table, as policies see them.

use bundle_tests::policy::Call;
use serde_json::{Value, json};

pub(super) fn key(pk: &str) -> Value {
    json!({"pk": {"S": pk}})
}

pub(super) fn read(pk: &str) -> Call {
    Call::to_table("GetItem", &json!({"Key": key(pk)}))
}

pub(super) fn read_attributes(pk: &str, projection: &str) -> Call {
    let body = json!({"Key": key(pk), "ProjectionExpression": projection});
    Call::to_table("GetItem", &body)
}

pub(super) fn batch(pks: &[&str], projection: Option<&str>) -> Call {
    let keys: Vec<Value> = pks.iter().map(|pk| key(pk)).collect();
    let mut table = json!({"Keys": keys});
    if let Some(projection) = projection {
        table["ProjectionExpression"] = projection.into();
    }
    Call::to_table("BatchGetItem", &json!({"RequestItems": {"users": table}}))
}

pub(super) fn put(pk: &str) -> Call {
    Call::to_table("PutItem", &json!({"Item": key(pk)}))
}

/// Returns a call that puts an item with this attribute.
pub(super) fn put_attribute(pk: &str, attribute: &str) -> Call {
    let mut item = key(pk);
    item[attribute] = json!({"S": "value"});
    Call::to_table("PutItem", &json!({ "Item": item }))
}

pub(super) fn delete(pk: &str) -> Call {
    Call::to_table("DeleteItem", &json!({"Key": key(pk)}))
}

pub(super) fn update(pk: &str, expression: &str) -> Call {
    let body = json!({
        "Key": key(pk),
        "UpdateExpression": expression,
        "ExpressionAttributeNames": {"#roles": "roles", "#owner": "owner"},
    });
    Call::to_table("UpdateItem", &body)
}
