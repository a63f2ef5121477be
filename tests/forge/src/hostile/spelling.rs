//! Spelling: parts, base64url, JSON and MACs that are almost right.

use serde_json::json;

use super::Table;
use crate::{self as forge, SECRET, b64};

pub(super) fn add(table: &mut Table) {
    parts(table);
    base64(table);
    json_texts(table);
    signatures(table);
}

fn parts(table: &mut Table) {
    let valid = table.valid();
    let (message, signature) = valid.rsplit_once('.').expect("three parts");
    let (header, claims) = message.split_once('.').expect("two parts");
    for (name, token) in [
        ("one part", header.to_owned()),
        ("only two dots", "..".to_owned()),
        ("only one dot", ".".to_owned()),
        ("no header", format!(".{claims}.{signature}")),
        ("no claims", format!("{header}..{signature}")),
        ("no signature", format!("{message}.")),
        ("four parts", format!("{valid}.{signature}")),
        (
            "five parts, like a JWE",
            format!("{valid}.{signature}.{signature}"),
        ),
        ("a trailing dot", format!("{valid}.")),
        ("a leading dot", format!(".{valid}")),
        ("a double dot", valid.replacen('.', "..", 1)),
        (
            "parts in another order",
            format!("{claims}.{header}.{signature}"),
        ),
        ("another separator", valid.replace('.', ":")),
        ("8,192 dots", ".".repeat(8192)),
        ("a prefix", format!("x{valid}")),
        ("a suffix", format!("{valid}x")),
        ("quotes", format!("\"{valid}\"")),
        ("a second scheme", format!("Bearer {valid}")),
        ("two tokens", format!("{valid} {valid}")),
        (
            "JSON serialization",
            json!({"payload": claims, "protected": header, "signature": signature})
                .to_string()
                .replace(',', ""),
        ),
    ] {
        table.add(name, token);
    }
    let padding = json!({"padding": "x".repeat(8192)});
    table.add(
        "longer than 8 KiB",
        table.signer.token(table.now, &json!({}), &padding),
    );
}

fn base64(table: &mut Table) {
    let signer = table.signer;
    let valid = table.valid();
    let parts: Vec<&str> = valid.split('.').collect();
    for (index, name) in ["header", "claims", "signature"].into_iter().enumerate() {
        let mut with = |what: &str, part: String| {
            let mut parts: Vec<String> = parts.iter().map(ToString::to_string).collect();
            parts[index] = part;
            // Sign the new text, so that only the spelling is wrong.
            let token = if index == 2 {
                parts.join(".")
            } else {
                let message = parts[..2].join(".");
                format!("{message}.{}", b64(signer.sign(message.as_bytes())))
            };
            table.add(format!("{name} with {what}"), token);
        };
        let part = parts[index];
        with("padding", format!("{part}="));
        with("double padding", format!("{part}=="));
        if index < 2 {
            // After the signature, the space would be whitespace around the header value, which is not part
            // of it.
            with("a space", format!("{part} "));
        }
        with("a space inside", format!("{} {}", &part[..4], &part[4..]));
        with("a percent escape", part.replacen(&part[..1], "%65", 1));
        with(
            "a character that no base64 alphabet has",
            format!("{}~{}", &part[..4], &part[5..]),
        );
        with("a plus sign", format!("+{}", &part[1..]));
        with("a slash", format!("/{}", &part[1..]));
        with("an extra character", format!("{part}B"));
    }
    unused_bits(table, &valid);
}

/// Adds a signature whose last character has bits that are not part of it: 32 bytes leave two of them, 64 and 256 leave
/// four.
fn unused_bits(table: &mut Table, valid: &str) {
    let (message, canonical) = valid.rsplit_once('.').expect("a token");
    let (head, last) = canonical.split_at(canonical.len() - 1);
    let last = last.as_bytes()[0];
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let value = alphabet
        .iter()
        .position(|letter| *letter == last)
        .expect("base64url");
    let spellings = if canonical.len() % 4 == 3 { 4 } else { 16 };
    for bits in 1..spellings {
        let other = char::from(alphabet[value + bits]);
        table.add(
            format!("signature with its unused bits set to {bits}"),
            format!("{message}.{head}{other}"),
        );
    }
}

fn json_texts(table: &mut Table) {
    let signer = table.signer;
    let header = signer.header().to_string();
    let claims = forge::claims(table.now).to_string();
    for text in [
        "",
        "null",
        "[]",
        "1",
        "\"text\"",
        "{",
        "{}",
        "{}{}",
        "{} ,",
        "\u{feff}{}",
        "{'a':1}",
        "{\"a\":1,}",
        "\0",
    ] {
        table.add(format!("header {text:?}"), signer.signed(text, &claims));
        table.add(format!("claims {text:?}"), signer.signed(&header, text));
    }
    odd_headers(table, &header, &claims);
    odd_claims(table, &header, &claims);
}

/// Adds valid headers in forms that another parser might accept.
fn odd_headers(table: &mut Table, header: &str, claims: &str) {
    let utf16: Vec<u8> = header.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let deep = format!("{{\"x\":{}1{},", "[".repeat(1000), "]".repeat(1000));
    for (name, header) in [
        ("in UTF-16", utf16),
        ("that is not UTF-8", [header.as_bytes(), &[0xff]].concat()),
        (
            "nested 1,000 levels deep",
            header.replacen('{', &deep, 1).into_bytes(),
        ),
        (
            "with the algorithm of an encrypted token",
            header
                .replace(table.signer.algorithm(), "PBES2-HS256+A128KW")
                .into_bytes(),
        ),
    ] {
        let token = table.signer.signed(header, claims);
        table.add(format!("header {name}"), token);
    }
    let nested = forge::with(table.signer.header(), &json!({"cty": "JWT"}));
    table.add(
        "a token in a token",
        table.signer.signed(nested.to_string(), table.valid()),
    );
}

/// Adds valid claims in forms that another parser might accept.
fn odd_claims(table: &mut Table, header: &str, claims: &str) {
    let deep = format!("{{\"x\":{}1{},", "[".repeat(2000), "]".repeat(2000));
    let (before, after) = claims.split_once("Admin").expect("the role");
    for (name, claims) in [
        ("in an array", format!("[{claims}]").into_bytes()),
        (
            "with something after them",
            format!("{claims} x").into_bytes(),
        ),
        (
            "after a byte order mark",
            format!("\u{feff}{claims}").into_bytes(),
        ),
        (
            "that are not UTF-8",
            [before.as_bytes(), &[0xff], after.as_bytes()].concat(),
        ),
        (
            "nested 2,000 levels deep",
            claims.replacen('{', &deep, 1).into_bytes(),
        ),
        (
            "with a comment",
            claims.replacen('{', "{/**/", 1).into_bytes(),
        ),
        (
            "with an unpaired surrogate",
            claims.replace("Admin", "\\ud800").into_bytes(),
        ),
    ] {
        let token = table.signer.signed(header, claims);
        table.add(format!("claims {name}"), token);
    }
}

fn signatures(table: &mut Table) {
    let valid = table.valid();
    let (message, signature) = valid.rsplit_once('.').expect("a token");
    let signer = table.signer;
    let tag = forge::decoded(signature);
    let length = tag.len();
    let mut with = |name: &str, tag: &[u8]| table.add(name, format!("{message}.{}", b64(tag)));
    with("signature without its last byte", &tag[..length - 1]);
    with("signature of one byte", &tag[..1]);
    with("first half of the signature", &tag[..length / 2]);
    with("signature doubled", &[&tag[..], &tag].concat());
    with(
        "signature with a trailing zero byte",
        &[&tag[..], &[0]].concat(),
    );
    with("signature of zeros", &vec![0; length]);
    with(
        "signature reversed",
        &tag.iter().rev().copied().collect::<Vec<_>>(),
    );
    for index in [0, length / 2 - 1, length - 1] {
        let mut flipped = tag.clone();
        flipped[index] ^= 1;
        with(
            &format!("signature with a flipped bit in byte {index}"),
            &flipped,
        );
    }
    for secret in [
        "",
        "changeme",
        "secret",
        &SECRET[1..],
        &SECRET.to_lowercase(),
        &format!("{SECRET}\n"),
    ] {
        let tag = forge::hmac_sha256(secret.as_bytes(), message.as_bytes());
        with(&format!("signed with the secret {secret:?}"), &tag);
    }
    with(
        "signed with the secret in base64",
        &forge::hmac_sha256(b64(SECRET).as_bytes(), message.as_bytes()),
    );
    with(
        "signature of only the claims",
        &signer.sign(message.split('.').nth(1).expect("claims").as_bytes()),
    );
    let other = signer.token(table.now, &json!({}), &json!({"sub": "2"}));
    let (other, _) = other.rsplit_once('.').expect("a token");
    table.add("signature of another token", format!("{other}.{signature}"));
}
