//! Addresses that an email can be sent to.

use std::fmt;

/// The maximum length of the part before the `@` in bytes (RFC 5321 section 4.5.3.1.1).
const MAX_LOCAL_BYTES: usize = 64;

/// The maximum length of a domain in bytes, and of one of its labels (RFC 1035 section 2.3.4).
const MAX_DOMAIN_BYTES: usize = 253;
const MAX_LABEL_BYTES: usize = 63;

/// An address `local-part@domain` in ASCII, without quotes, comments and address literals (RFC 5322 section 3.4.1:
/// `dot-atom` on both sides). It cannot contain a second address or a line break, so it can be put into a header. The
/// domain has a dot and a letter in its last label, so it is neither a bare host name nor a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailAddress(String);

/// The text is not an address that an email can be sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an email address")]
pub struct InvalidAddress;

impl MailAddress {
    /// Parses an address.
    ///
    /// # Errors
    ///
    /// [`InvalidAddress`] for any other text, including an address that is not in ASCII: SES sends emails only to ASCII
    /// addresses, and every domain has an ASCII form (RFC 3492).
    pub fn parse(text: &str) -> Result<Self, InvalidAddress> {
        let (local, domain) = text.split_once('@').ok_or(InvalidAddress)?;
        let is_local = local.len() <= MAX_LOCAL_BYTES
            && local
                .split('.')
                .all(|atom| !atom.is_empty() && atom.bytes().all(is_atom_byte));
        let is_domain = domain.len() <= MAX_DOMAIN_BYTES && domain.split('.').all(is_label);
        let is_public = domain
            .rsplit_once('.')
            .is_some_and(|(_, last)| last.bytes().any(|byte| byte.is_ascii_alphabetic()));
        (is_local && is_domain && is_public)
            .then(|| Self(text.to_owned()))
            .ok_or(InvalidAddress)
    }

    /// Parses an address that an account is to have. Unlike the address of an existing account, it must not contain
    /// `/`: email programs would turn `www.example.com/page@example.org` into a link, and our own notices show the
    /// address.
    ///
    /// # Errors
    ///
    /// [`InvalidAddress`] for any other text.
    pub fn parse_new(text: &str) -> Result<Self, InvalidAddress> {
        let address = Self::parse(text)?;
        (!text.contains('/'))
            .then_some(address)
            .ok_or(InvalidAddress)
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns whether a byte is `atext` (RFC 5322 section 3.2.3).
fn is_atom_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

/// Returns whether a text is a label of a host name (RFC 1123 section 2.1).
fn is_label(label: &str) -> bool {
    (1..=MAX_LABEL_BYTES).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_addresses_are_accepted() {
        let long = format!("{}@{}.example", "a".repeat(64), "b".repeat(63));
        for text in [
            "jane@example.com",
            "Jane.Doe+orders@mail.example.co.uk",
            "o'brien@example.com",
            "a@b.c",
            "user@xn--bcher-kva.example",
            "user@example.xn--p1ai",
            &long,
        ] {
            assert_eq!(MailAddress::parse(text).unwrap().as_str(), text);
            assert_eq!(MailAddress::parse_new(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn an_address_that_mail_programs_show_as_a_link_is_not_accepted_for_an_account() {
        for text in [
            "www.example.com/page?x=@example.org",
            "a/b@example.org",
            "/@b.c",
        ] {
            assert_eq!(MailAddress::parse_new(text), Err(InvalidAddress), "{text}");
            assert!(MailAddress::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn a_domain_has_a_dot_and_its_last_label_a_letter() {
        for text in [
            "a@b",
            "root@localhost",
            "a@1.2.3.4",
            "a@b.12",
            "a@1.2",
            "a@b.",
            "a@.b",
        ] {
            assert_eq!(MailAddress::parse(text), Err(InvalidAddress), "{text}");
        }
        assert!(MailAddress::parse("a@1.2.c3").is_ok());
    }

    #[test]
    fn anything_that_could_be_more_than_one_address_or_no_address_is_rejected() {
        let long = format!("{}@example.com", "a".repeat(65));
        for text in [
            "",
            "jane",
            "@example.com",
            "jane@",
            "jane@example.com@example.org",
            "jane@example.com,joe@example.com",
            "jane@example.com\r\nBcc: joe@example.com",
            "jane@example.com\n",
            "jane @example.com",
            "<jane@example.com>",
            "\"jane doe\"@example.com",
            ".jane@example.com",
            "jane..doe@example.com",
            "jane@example..com",
            "jane@-example.com",
            "jane@[203.0.113.7]",
            "jané@example.com",
            "jane@exämple.com",
            &long,
        ] {
            assert_eq!(MailAddress::parse(text), Err(InvalidAddress), "{text:?}");
        }
    }
}
