//! Where something is in AWS.

use std::fmt;

/// An account and a region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The region, such as `eu-central-1`.
    pub region: String,
    /// The number of the account.
    pub account: String,
}

impl Place {
    /// Returns the place that an ARN names; `None` if the text is not an ARN with an account and a region.
    #[must_use]
    pub fn from_arn(arn: &str) -> Option<Self> {
        let mut parts = arn.splitn(6, ':');
        let is_arn = parts.next() == Some("arn");
        let (region, account) = (parts.nth(2)?, parts.next()?);
        let is_complete = is_arn && !region.is_empty() && !account.is_empty();
        is_complete.then(|| Self {
            region: region.to_owned(),
            account: account.to_owned(),
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, account {}", self.region, self.account)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_names_region_and_account() {
        let place = Place::from_arn("arn:aws-cn:dynamodb:cn-north-1:123456789012:table/users");
        assert_eq!(
            place.unwrap().to_string(),
            "cn-north-1, account 123456789012"
        );
        for text in [
            "",
            "users",
            "arn:aws:s3:::bucket",
            "arn:aws:dynamodb",
            "a:b:c:d:e:f",
        ] {
            assert_eq!(Place::from_arn(text), None, "{text}");
        }
    }
}
