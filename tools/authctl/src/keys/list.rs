//! Prints the list of keys.

use auth_aws::rfc3339;
use auth_core::{Clock, KeyState, ListedKey, UnixTime};
use serde_json::json;

use crate::{
    error::CommandError,
    output::{Output, Record},
};

/// The headers of [`record`].
const HEADERS: &[&str] = &[
    "KID",
    "ALGORITHM",
    "STATE",
    "SIGNS SINCE",
    "PUBLIC SINCE",
    "UNTIL",
];

/// Prints the keys: those of the private set, those that only verify, and the revoked ones.
pub(super) fn print(output: &Output, state: &KeyState) -> Result<(), CommandError> {
    let mut list = output.list(HEADERS);
    for key in state.list(Clock::system().now()) {
        list.add(&record(&key))?;
    }
    list.finish("there are no keys of access tokens")
}

fn record(key: &ListedKey<'_>) -> Record {
    let time = |time: Option<UnixTime>| time.map(rfc3339).unwrap_or_default();
    let fields = [
        key.kid.to_owned(),
        key.algorithm.unwrap_or_default().to_owned(),
        key.state.name().to_owned(),
        time(key.signs_since),
        time(key.public_since),
        time(key.until),
    ];
    Record::new(fields, json!(key))
}
