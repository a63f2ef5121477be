//! Counts the capacity units of requests.

use hyper::body::Bytes;
use serde_json::Value;

/// The capacity units of some requests, as `DynamoDB` charges them.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Units {
    /// For reads.
    pub read: f64,
    /// For writes, including those to the index.
    pub written: f64,
    /// The number of requests.
    pub requests: usize,
}

impl Units {
    /// Adds the units of a response, or those of a transaction.
    pub(super) fn add(&mut self, is_read: bool, transaction: Option<f64>, response: &Bytes) {
        let response: Value = serde_json::from_slice(response).unwrap_or_default();
        let consumed = &response["ConsumedCapacity"];
        let units = |one: &Value| one["CapacityUnits"].as_f64();
        let batch_units = || Some(consumed.as_array()?.iter().filter_map(units).sum());
        let consumed = transaction.or_else(|| units(consumed).or_else(batch_units));
        // A write whose condition fails and the read of an item that does not exist are charged like others, but the
        // response does not say so. Items are small.
        let consumed = consumed.filter(|units| *units > 0.0).unwrap_or(1.0);
        self.requests += 1;
        if is_read {
            self.read += consumed;
        } else {
            self.written += consumed;
        }
    }
}

/// Makes a request ask for the capacity units that it consumes.
pub(super) fn with_units(body: &Bytes) -> Bytes {
    let Ok(mut request) = serde_json::from_slice::<Value>(body) else {
        return body.clone();
    };
    request["ReturnConsumedCapacity"] = "TOTAL".into();
    request.to_string().into()
}

/// Returns the units of a transaction on small items: two for each (`DynamoDB` Developer Guide, "Capacity management
/// for transactions"), even if a condition fails. `DynamoDB` Local reports two for all of them, or none.
pub(super) fn transaction_units(request: &Bytes) -> Option<f64> {
    let request: Value = serde_json::from_slice(request).unwrap_or_default();
    let items = request["TransactItems"].as_array()?;
    Some(items.iter().map(|_| 2.0).sum())
}
