//! The settings of emails.

use std::path::PathBuf;

use auth_core::{LAMBDA_MARKER, SettingsReader};
use http::Uri;

use crate::MailAddress;

/// The longest name of an application in characters.
const MAX_NAME_CHARS: usize = 64;

/// Where `cargo lambda watch` serves the page.
const LOCAL_PAGE: &str = "http://127.0.0.1:9000/account";

/// The settings of emails.
#[derive(Debug, Clone)]
pub struct MailSettings {
    /// The sender.
    pub from: MailAddress,
    /// The name of the application, also the sender's name.
    pub app_name: String,
    /// The page that links lead to, without a fragment.
    pub page: String,
}

impl MailSettings {
    /// Reads `MAIL_FROM` and `APP_URL`, for an application with this [name](read_app_name). Outside Lambda, both have
    /// defaults; that of `APP_URL` depends on the function's issuer of access tokens, if it has one. `None` after a
    /// problem, which [`SettingsReader::finish`] reports.
    pub fn read(
        reader: &mut SettingsReader,
        app_name: Option<&str>,
        issuer: Option<&str>,
    ) -> Option<Self> {
        let from = |text: &str| MailAddress::parse(text).map_err(|_| INVALID_FROM.into());
        let (from, page) = if reader.is_set(LAMBDA_MARKER) {
            let from = reader.required("MAIL_FROM", from);
            (from, reader.required("APP_URL", parse_page))
        } else {
            let no_reply = MailAddress::parse("no-reply@app.localhost").ok()?;
            let from = reader.optional("MAIL_FROM", no_reply, from);
            let page = reader.optional("APP_URL", local_page(issuer), parse_page);
            (from, page)
        };
        Some(Self {
            from: from?,
            app_name: app_name?.to_owned(),
            page: page?,
        })
    }
}

const INVALID_FROM: &str = "must be an email address in ASCII, without a name";

/// Reads the name of the application, `APP_NAME`. `None` after a problem, which [`SettingsReader::finish`] reports.
pub fn read_app_name(reader: &mut SettingsReader) -> Option<String> {
    reader.optional("APP_NAME", "Sign-in".to_owned(), |text| {
        let is_name = text.chars().count() <= MAX_NAME_CHARS
            && !text.contains(char::is_control)
            && !text.trim().is_empty();
        is_name
            .then(|| text.to_owned())
            .ok_or_else(|| format!("must be 1 to {MAX_NAME_CHARS} characters in one line"))
    })
}

/// Reads where emails are written outside Lambda, `MAIL_DIR`. `None` after a problem, which [`SettingsReader::finish`]
/// reports.
pub fn read_folder(reader: &mut SettingsReader) -> Option<PathBuf> {
    reader.optional("MAIL_DIR", ".local/mail".into(), |path| Ok(path.into()))
}

/// Returns the page of the API at this issuer, or of `cargo lambda watch`.
fn local_page(issuer: Option<&str>) -> String {
    let page = issuer.and_then(|issuer| {
        let issuer = issuer.trim_end_matches('/');
        parse_page(&format!("{issuer}/account")).ok()
    });
    page.unwrap_or_else(|| LOCAL_PAGE.to_owned())
}

/// Parses the URL of a page. A link with a token is only sent over TLS, or to the same machine.
fn parse_page(text: &str) -> Result<String, String> {
    let is_plain = text
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !b"\"'<>#\\`".contains(&byte));
    let uri: Option<Uri> = text.parse().ok();
    let is_page = uri.is_some_and(|uri| {
        let host = uri.host().unwrap_or_default();
        match uri.scheme_str() {
            Some("https") => !host.is_empty(),
            Some("http") => {
                matches!(host, "127.0.0.1" | "localhost") || host.ends_with(".localhost")
            }
            _ => false,
        }
    });
    (is_plain && is_page)
        .then(|| text.to_owned())
        .ok_or_else(|| "must be an https URL without a fragment".into())
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, env::VarError};

    use super::*;

    fn read(variables: &[(&str, &str)], issuer: Option<&str>) -> Result<MailSettings, Vec<String>> {
        let variables: BTreeMap<&str, &str> = variables.iter().copied().collect();
        let lookup = |name: &str| {
            let value = variables.get(name).ok_or(VarError::NotPresent)?;
            Ok((*value).to_owned())
        };
        let mut reader = SettingsReader::new([], &lookup);
        let name = read_app_name(&mut reader);
        let settings = MailSettings::read(&mut reader, name.as_deref(), issuer);
        let settings = reader.finish(settings);
        settings.map_err(|error| error.problems().to_vec())
    }

    #[test]
    fn everything_has_a_default_outside_lambda() {
        for (issuer, page) in [
            (None, "http://127.0.0.1:9000/account"),
            (Some("auth"), "http://127.0.0.1:9000/account"),
            (
                Some("http://127.0.0.1:9001"),
                "http://127.0.0.1:9001/account",
            ),
            (
                Some("https://api.example.com/"),
                "https://api.example.com/account",
            ),
        ] {
            let settings = read(&[], issuer).unwrap();
            assert_eq!(settings.page, page);
            assert_eq!(settings.app_name, "Sign-in");
            assert_eq!(settings.from.as_str(), "no-reply@app.localhost");
        }
    }

    #[test]
    fn sender_and_page_must_be_set_in_lambda() {
        let problems = read(
            &[(LAMBDA_MARKER, "on-demand")],
            Some("https://api.example.com"),
        );
        let expected = ["MAIL_FROM: must be set", "APP_URL: must be set"];
        assert_eq!(problems.unwrap_err(), expected);
    }

    #[test]
    fn invalid_values_are_reported_together_and_not_repeated() {
        let long = "x".repeat(65);
        for (name, values) in [
            ("APP_NAME", vec!["a\nb", " ", &long]),
            ("MAIL_FROM", vec!["Sign-in <a@example.com>", "example.com"]),
            (
                "APP_URL",
                vec![
                    "example.com/account",
                    "http://example.com/account",
                    "https://",
                    "https://example.com/#account",
                    "https://example.com/\"><b>",
                    "javascript:alert(1)",
                    "https://example.com/a b",
                ],
            ),
        ] {
            for value in values {
                let problems = read(&[(name, value)], None).unwrap_err();
                assert_eq!(problems.len(), 1, "{value}");
                assert!(problems[0].starts_with(name), "{problems:?}");
                assert!(value == " " || !problems[0].contains(value), "{problems:?}");
            }
        }
    }
}
