//! The form of names in variables.

/// Parses a name or ARN of `DynamoDB` (`CreateTable` in its API reference).
pub(super) fn parse_table(text: &str) -> Result<String, String> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-:/".contains(&byte);
    if (3..=1024).contains(&text.len()) && text.bytes().all(is_allowed) {
        Ok(text.to_owned())
    } else {
        Err("must be the name or ARN of a table".into())
    }
}

/// Parses a name that a quoted string of a header can contain without escapes (RFC 9110 section 5.6.4).
pub(super) fn parse_name(text: &str) -> Result<String, String> {
    let is_allowed = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b',');
    if text.len() <= 256 && text.bytes().all(is_allowed) {
        Ok(text.to_owned())
    } else {
        Err(
            "must be 1 to 256 visible ASCII characters without double quotes, backslashes and commas"
                .into(),
        )
    }
}

/// Parses an id or ARN of Secrets Manager (`CreateSecret` in its API reference).
#[cfg(feature = "sign-in")]
pub(super) fn parse_secret_id(text: &str) -> Result<String, String> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/_+=.@:!-".contains(&byte);
    if text.len() <= 2048 && text.bytes().all(is_allowed) {
        Ok(text.to_owned())
    } else {
        Err("must be the name or ARN of a secret".into())
    }
}
