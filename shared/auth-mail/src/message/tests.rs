//! Each email as a mail program sees it.

use std::collections::BTreeSet;

use auth_core::{Email, LetterContent};
use mail_parser::MessageParser;

use super::*;
use crate::{KINDS, samples};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

fn composer() -> Composer {
    Composer::new(MailSettings {
        from: MailAddress::parse("no-reply@example.com").unwrap(),
        app_name: "Ängström & <Co>".into(),
        page: "https://app.example.com/account?lang=en&dark=1".into(),
    })
}

fn email(address: &str) -> Email {
    Email::parse(address).unwrap()
}

/// One content of each kind.
async fn contents() -> [LetterContent; 13] {
    let (email, new) = (email("jane@example.com"), email("jane@example.org"));
    samples(&email, &new, NOW).await.unwrap()
}

fn url(content: &LetterContent) -> Option<String> {
    let link = content.link()?;
    let page = "https://app.example.com/account?lang=en&dark=1";
    let (kind, token) = (link.kind.name(), link.token.expose());
    Some(format!("{page}#kind={kind}&token={token}"))
}

fn compose(to: &str, content: LetterContent) -> Result<Message, InvalidAddress> {
    let letter = Letter {
        to: to.into(),
        content,
    };
    composer().compose(&letter, NOW)
}

#[tokio::test]
async fn every_email_has_the_same_contents_as_text_and_as_html() {
    for content in contents().await {
        let message = compose("Jane@Example.com", content.clone()).unwrap();
        let mail = MessageParser::default().parse(&message.bytes).unwrap();
        let text = mail.body_text(0).unwrap().replace("\r\n", "\n");
        let html = mail.body_html(0).unwrap();
        let name = message.name;
        let title = mail.subject().unwrap();
        assert!(title.contains("Ängström & <Co>"), "{title}");
        assert!(text.starts_with(&format!("{title}\n\n")), "{text}");
        let escape = |text: &str| {
            text.replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;")
        };
        assert!(html.contains(&format!(">{}</h1>", escape(title))), "{html}");
        assert!(!html.contains("<Co>"), "{html}");
        match url(&content) {
            Some(url) => {
                assert!(text.lines().any(|line| line == url), "{name}: {text}");
                let url = escape(&url);
                assert_eq!(
                    html.matches(&format!("href=\"{url}\"")).count(),
                    2,
                    "{html}"
                );
                assert!(html.contains(&format!(">{url}</a>")), "{name}");
                assert!(text.contains("This link works once and expires "), "{text}");
            }
            None => assert!(!text.contains("http") && !html.contains("href"), "{name}"),
        }
        for resource in ["<img", "<link", "<script", "src=", "url("] {
            assert!(!html.contains(resource), "{name}: {resource}");
        }
        if let LetterContent::EmailRequested(new, _) | LetterContent::EmailChanged(new, _) = content
        {
            assert!(text.contains(new.as_str()) && html.contains(new.as_str()));
        }
    }
}

#[test]
fn an_email_about_a_change_that_cannot_be_undone_has_no_button() {
    let new = Email::parse("jane@example.org").unwrap();
    let message = compose("jane@example.com", LetterContent::EmailChanged(new, None)).unwrap();
    let message = MessageParser::default().parse(&message.bytes).unwrap();
    let text = message.body_text(0).unwrap();
    assert!(text.contains("contact the people who run"), "{text}");
    let html = message.body_html(0).unwrap();
    for body in [text, html] {
        assert!(!body.contains("undo") && !body.contains("http"), "{body}");
    }
}

#[tokio::test]
async fn every_kind_has_its_name_and_title() {
    let contents = contents().await;
    assert_eq!(contents.each_ref().map(LetterContent::name), KINDS);
    let all = contents
        .each_ref()
        .map(|content| wording(content, "Orders"));
    let titles: BTreeSet<&str> = all.iter().map(|wording| &*wording.title).collect();
    // A change of the address is reported to both addresses in the same words.
    assert_eq!(titles.len(), 12);
}

/// RFC 5322 section 2.1.1, and no character that a relay could change.
#[tokio::test]
async fn every_email_is_in_ascii_with_short_lines() {
    for content in contents().await {
        let message = compose("jane@example.com", content).unwrap();
        let text = std::str::from_utf8(&message.bytes).unwrap();
        assert!(text.is_ascii());
        assert!(
            text.split("\r\n")
                .all(|line| line.len() <= 78 && !line.contains('\n'))
        );
    }
}

#[test]
fn the_headers_name_sender_and_recipient_and_ask_for_no_reply() {
    let message = compose("jane@example.com", LetterContent::PasswordChanged).unwrap();
    let mail = MessageParser::default().parse(&message.bytes).unwrap();
    let from = mail.from().unwrap().first().unwrap();
    assert_eq!(from.address(), Some("no-reply@example.com"));
    assert_eq!(from.name(), Some("Ängström & <Co>"));
    let to = mail.to().unwrap();
    assert_eq!(
        to.iter()
            .map(|to| to.address().unwrap())
            .collect::<Vec<_>>(),
        ["jane@example.com"]
    );
    assert_eq!(mail.date().unwrap().to_rfc3339(), "2027-01-15T08:00:00Z");
    assert_eq!(
        mail.header_raw("Auto-Submitted").unwrap().trim(),
        "auto-generated"
    );
    assert_eq!(format!("{message:?}"), "Message(password-changed)");
}

#[test]
fn no_email_is_written_to_more_than_one_address() {
    for to in ["a@b.c, d@e.f", "a@b.c\r\nBcc: d@e.f", "jane"] {
        let composed = compose(to, LetterContent::PasswordChanged);
        assert_eq!(composed, Err(InvalidAddress), "{to}");
    }
}
