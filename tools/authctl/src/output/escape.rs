//! Escapes what could break a line or deceive a reader, because others choose the stored names.

use std::{borrow::Cow, fmt::Write};

use serde_json::Value;

/// Escapes backslashes, control characters, line separators and characters that change the text direction, as Rust
/// does: `\\`, `\t`, `\n`, `\r`, `\u{1b}`.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(is_escaped) {
        return text.into();
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\\' | '\t' | '\n' | '\r' => escaped.extend(c.escape_default()),
            c if is_escaped(c) => escaped.extend(c.escape_unicode()),
            c => escaped.push(c),
        }
    }
    escaped.into()
}

/// Returns a value as JSON in one line. Characters that [`escape`] escapes are escaped as JSON does, `\u001b`, because
/// serde only escapes those below U+0020.
pub(crate) fn json_line(value: &Value) -> String {
    let mut line = String::new();
    for c in value.to_string().chars() {
        if c != '\\' && is_escaped(c) {
            // All of them have four digits.
            let _ = write!(line, "\\u{:04x}", u32::from(c));
        } else {
            line.push(c);
        }
    }
    line
}

fn is_escaped(c: char) -> bool {
    let changes_direction = matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    c == '\\' || c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') || changes_direction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_stays_as_it_is() {
        for text in [
            "",
            "jane@example.com",
            "Key Account",
            "gr\u{fc}n",
            "\u{645}\u{631}",
        ] {
            assert_eq!(escape(text), text);
        }
    }

    #[test]
    fn no_text_breaks_a_line_or_controls_a_terminal() {
        for (text, escaped) in [
            ("a\tb", r"a\tb"),
            ("a\r\nb", r"a\r\nb"),
            ("a\0b", r"a\u{0}b"),
            ("a\u{1b}[2Jb", r"a\u{1b}[2Jb"),
            ("a\u{85}b\u{2028}c", r"a\u{85}b\u{2028}c"),
            ("a\u{202e}b", r"a\u{202e}b"),
            (r"a\tb", r"a\\tb"),
        ] {
            assert_eq!(escape(text), escaped);
        }
    }

    #[test]
    fn no_json_breaks_a_line_or_controls_a_terminal_and_its_value_stays() {
        let value = Value::from("\\ \n \u{1b} \u{7f} \u{85} \u{9b} \u{2028} \u{202e}");
        let line = json_line(&value);
        assert_eq!(line, r#""\\ \n \u001b \u007f \u0085 \u009b \u2028 \u202e""#);
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), value);
    }
}
