//! Email addresses as arguments.

use auth_core::Email;

/// An address as it was typed, and the key that finds its user.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    pub(crate) typed: String,
    pub(crate) key: Email,
}

/// Parses what looks like an address: something on both sides of an `@`, and no white space.
pub(crate) fn parse_email(text: &str) -> Result<Address, String> {
    let is_odd = |c: char| c.is_whitespace() || c.is_control();
    let (local, domain) = text.rsplit_once('@').unwrap_or_default();
    if local.is_empty() || domain.is_empty() || text.contains(is_odd) {
        return Err("is not an email address".into());
    }
    Ok(Address {
        typed: text.to_owned(),
        key: Email::parse(text).map_err(|error| error.to_string())?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_its_case_and_its_key_is_in_lower_case() {
        let address = parse_email("Jane@Example.com").unwrap();
        assert_eq!(address.typed, "Jane@Example.com");
        assert_eq!(address.key.as_str(), "jane@example.com");
        for text in [
            "",
            "jane",
            "@example.com",
            "jane@",
            "ja ne@example.com",
            "jane@exam\nple",
        ] {
            assert!(parse_email(text).is_err(), "{text}");
        }
    }
}
