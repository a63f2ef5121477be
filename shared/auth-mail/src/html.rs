//! The HTML form of an email: a heading, sentences, a button, the link in full. No image and no other resource, so
//! opening it reports nothing.

use crate::wording::{Button, PLAIN_LINK, Wording};

/// Replaces the characters that have a meaning in HTML, in text and in quoted attributes.
#[must_use]
pub fn escape_html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            char => escaped.push(char),
        }
    }
    escaped
}

const BUTTON: &str = "display:inline-block;padding:12px 24px;border-radius:6px;background:#1a56db;color:#ffffff;\
                      text-decoration:none;font-weight:bold";

/// Returns the document.
pub(crate) fn document(wording: &Wording, button: Option<&Button>) -> String {
    let title = escape_html(&wording.title);
    let mut body = format!("<h1 style=\"font-size:22px\">{title}</h1>\n");
    for sentence in &wording.sentences {
        body += &paragraph(&escape_html(sentence));
    }
    if let Some(button) = button {
        let (url, label) = (escape_html(&button.url), button.label);
        body += &paragraph(&format!("<a href=\"{url}\" style=\"{BUTTON}\">{label}</a>"));
        body += &paragraph(&button.lifetime);
        let link = format!("<a href=\"{url}\" style=\"word-break:break-all\">{url}</a>");
        body += &paragraph(&format!("{PLAIN_LINK}<br>\n{link}"));
    }
    let reason = escape_html(&wording.reason);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n</head>\n\
         <body style=\"font-family:sans-serif;font-size:16px;line-height:1.5;max-width:560px;margin:24px auto;\
         padding:0 16px\">\n{body}<hr>\n<p style=\"font-size:14px\">{reason}</p>\n</body>\n</html>\n"
    )
}

fn paragraph(html: &str) -> String {
    format!("<p>{html}</p>\n")
}
