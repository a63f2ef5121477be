//! Times as people read them.

use auth_core::UnixTime;
use aws_sdk_dynamodb::primitives::{DateTime, DateTimeFormat};

/// Returns a time in the format of RFC 3339, in UTC, or in seconds since 1970 if its year has more than four digits.
#[must_use]
pub fn rfc3339(time: UnixTime) -> String {
    i64::try_from(time.as_secs())
        .ok()
        .and_then(|seconds| {
            let time = DateTime::from_secs(seconds);
            time.fmt(DateTimeFormat::DateTime).ok()
        })
        .unwrap_or_else(|| time.as_secs().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_rfc_3339_cannot_express_is_in_seconds() {
        let time = |seconds| rfc3339(UnixTime::from_secs(seconds));
        assert_eq!(time(1_800_000_000), "2027-01-15T08:00:00Z");
        assert_eq!(time(253_402_300_799), "9999-12-31T23:59:59Z");
        assert_eq!(time(253_402_300_800), "253402300800");
        assert_eq!(time(u64::MAX), u64::MAX.to_string());
    }
}
