//! Spelling: parts, base64url, JSON and signatures that are almost right.

use serde_json::json;

use super::Table;
use crate::forge::{self, SECRET, b64};

pub(super) fn add(table: &mut Table) {
    parts(table);
    base64(table);
    json_texts(table);
    signatures(table);
}

fn parts(table: &mut Table) {
    let good = table.good();
    let (message, signature) = good.rsplit_once('.').expect("three parts");
    let (header, claims) = message.split_once('.').expect("two parts");
    for (name, token) in [
        ("one part", header.to_owned()),
        ("dots alone", "..".to_owned()),
        ("one dot", ".".to_owned()),
        ("no header", format!(".{claims}.{signature}")),
        ("no claims", format!("{header}..{signature}")),
        ("no signature", format!("{message}.")),
        ("four parts", format!("{good}.{signature}")),
        (
            "five parts, as of a JWE",
            format!("{good}.{signature}.{signature}"),
        ),
        ("a trailing dot", format!("{good}.")),
        ("a leading dot", format!(".{good}")),
        ("a doubled dot", good.replacen('.', "..", 1)),
        (
            "parts in another order",
            format!("{claims}.{header}.{signature}"),
        ),
        ("another separator", good.replace('.', ":")),
        ("8,192 dots", ".".repeat(8192)),
        ("a prefix", format!("x{good}")),
        ("a suffix", format!("{good}x")),
        ("quotes", format!("\"{good}\"")),
        ("a second scheme", format!("Bearer {good}")),
        ("two tokens", format!("{good} {good}")),
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
        forge::token(table.now, &json!({}), &padding),
    );
}

fn base64(table: &mut Table) {
    let good = table.good();
    let parts: Vec<&str> = good.split('.').collect();
    for (index, name) in ["header", "claims", "signature"].into_iter().enumerate() {
        let mut with = |what: &str, part: String| {
            let mut parts: Vec<String> = parts.iter().map(ToString::to_string).collect();
            parts[index] = part;
            // Signed anew, so that only the spelling is wrong.
            let token = if index == 2 {
                parts.join(".")
            } else {
                let message = parts[..2].join(".");
                let tag = forge::hmac_sha256(SECRET.as_bytes(), message.as_bytes());
                format!("{message}.{}", b64(tag))
            };
            table.add(format!("{name} with {what}"), token);
        };
        let part = parts[index];
        with("padding", format!("{part}="));
        with("double padding", format!("{part}=="));
        if index < 2 {
            // Behind the signature it is white space around a header, which is no part of it.
            with("a space", format!("{part} "));
        }
        with("a space inside", format!("{} {}", &part[..4], &part[4..]));
        with("a percent escape", part.replacen(&part[..1], "%65", 1));
        with(
            "a character of no alphabet",
            format!("{}~{}", &part[..4], &part[5..]),
        );
        with("a plus sign", format!("+{}", &part[1..]));
        with("a slash", format!("/{}", &part[1..]));
        with("one character more", format!("{part}B"));
    }
    let (message, _) = good.rsplit_once('.').expect("a token");
    let tag = forge::hmac_sha256(SECRET.as_bytes(), message.as_bytes());
    // 32 bytes leave two unused bits in the last character: set them.
    let spelled = b64(&tag);
    let (head, last) = spelled.split_at(42);
    let last = last.as_bytes()[0];
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let value = alphabet
        .iter()
        .position(|letter| *letter == last)
        .expect("base64url");
    for bits in 1..4 {
        let twin = char::from(alphabet[value + bits]);
        table.add(
            format!("signature with unused bits {bits}"),
            format!("{message}.{head}{twin}"),
        );
    }
}

fn json_texts(table: &mut Table) {
    let (header, claims) = (
        forge::header().to_string(),
        forge::claims(table.now).to_string(),
    );
    let not_objects = [
        "",
        "null",
        "[]",
        "1",
        "\"text\"",
        "{",
        "{}{}",
        "{} ,",
        "\u{feff}{}",
        "{'a':1}",
        "{\"a\":1,}",
        "\0",
    ];
    for text in not_objects {
        table.add(format!("header {text:?}"), forge::signed(text, &claims));
        table.add(format!("claims {text:?}"), forge::signed(&header, text));
    }
    let nested =
        json!({"alg": "HS256", "typ": "at+jwt", "kid": forge::kid_of(SECRET), "cty": "JWT"});
    table.add(
        "a token in a token",
        forge::signed(nested.to_string(), table.good()),
    );
    table.add(
        "an encrypted token's header",
        forge::signed(header.replace("HS256", "PBES2-HS256+A128KW"), &claims),
    );
    table.add(
        "header in UTF-16",
        forge::signed(
            header
                .encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect::<Vec<u8>>(),
            &claims,
        ),
    );
    table.add(
        "header that is not UTF-8",
        forge::signed([header.as_bytes(), &[0xff]].concat(), &claims),
    );
    table.add(
        "a header nested 1,000 deep",
        forge::signed(
            header.replacen(
                '{',
                &format!("{{\"x\":{}1{},", "[".repeat(1000), "]".repeat(1000)),
                1,
            ),
            &claims,
        ),
    );
    table.add("an empty header object", forge::signed("{}", &claims));
    table.add("empty claims", forge::signed(&header, "{}"));
    table.add(
        "claims in an array",
        forge::signed(&header, format!("[{claims}]")),
    );
    table.add(
        "claims and something after",
        forge::signed(&header, format!("{claims} x")),
    );
    table.add(
        "claims after a byte order mark",
        forge::signed(&header, format!("\u{feff}{claims}")),
    );
    table.add(
        "claims that are not UTF-8",
        forge::signed(
            &header,
            claims
                .replace("Admin", "AdmiX")
                .into_bytes()
                .iter()
                .map(|byte| if *byte == b'X' { 0xff } else { *byte })
                .collect::<Vec<u8>>(),
        ),
    );
    table.add(
        "claims nested 2,000 deep",
        forge::signed(
            &header,
            format!(
                "{}\"x\":{}1{}}}",
                &claims.replace('}', ","),
                "[".repeat(2000),
                "]".repeat(2000)
            ),
        ),
    );
    table.add(
        "claims with a comment",
        forge::signed(&header, claims.replacen('{', "{/**/", 1)),
    );
    table.add(
        "a lone surrogate in a claim",
        forge::signed(&header, claims.replace("Admin", "\\ud800")),
    );
}

fn signatures(table: &mut Table) {
    let good = table.good();
    let (message, signature) = good.rsplit_once('.').expect("a token");
    let tag = forge::hmac_sha256(SECRET.as_bytes(), message.as_bytes());
    let mut with = |name: &str, tag: &[u8]| table.add(name, format!("{message}.{}", b64(tag)));
    with("signature a byte short", &tag[..31]);
    with("signature of one byte", &tag[..1]);
    with("signature half", &tag[..16]);
    with("signature twice", &[&tag[..], &tag].concat());
    with("signature and a zero byte", &[&tag[..], &[0]].concat());
    with("signature of zeros", &[0; 32]);
    with(
        "signature reversed",
        &tag.iter().rev().copied().collect::<Vec<_>>(),
    );
    for index in [0, 15, 31] {
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
        "signature of the claims alone",
        &forge::hmac_sha256(
            SECRET.as_bytes(),
            message.split('.').nth(1).expect("claims").as_bytes(),
        ),
    );
    let other = forge::token(table.now, &json!({}), &json!({"sub": "2"}));
    let (other, _) = other.rsplit_once('.').expect("a token");
    table.add("signature of another token", format!("{other}.{signature}"));
}
