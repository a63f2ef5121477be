use std::{collections::BTreeSet, fs};

use auth_core::{Password, PasswordRefusal};
use http::header::IF_NONE_MATCH;
use serde_json::Value;

use super::*;

fn policy(app_name: &str, min_chars: usize) -> PasswordPolicy {
    PasswordPolicy {
        min_chars,
        app_name: app_name.to_owned(),
    }
}

fn open(app_name: &str) -> Response {
    Page::new(&policy(app_name, 15)).response(&HeaderMap::new())
}

fn get(name: &str) -> Response {
    file(&format!("/prod/account/{name}"), &HeaderMap::new()).unwrap()
}

fn header<'r>(response: &'r Response, name: &str) -> &'r str {
    response.headers()[name].to_str().unwrap()
}

fn text(response: &Response) -> &str {
    std::str::from_utf8(response.body()).unwrap()
}

/// Returns the names of the files in the folder of the page with this extension.
fn names_in_folder(extension: &str) -> BTreeSet<String> {
    let folder = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/page")).unwrap();
    let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(extension)).collect()
}

#[test]
fn the_page_and_each_file_have_the_headers_that_confine_them() {
    let files = FILES.iter().map(|file| get(file.name));
    for response in files.chain([open("Acme")]) {
        assert_eq!(response.status(), 200);
        assert_eq!(header(&response, "cache-control"), "no-cache");
        assert_eq!(header(&response, "referrer-policy"), "no-referrer");
        assert_eq!(header(&response, "x-content-type-options"), "nosniff");
        assert_eq!(
            header(&response, "cross-origin-opener-policy"),
            "same-origin"
        );
        let directives: Vec<&str> = header(&response, "content-security-policy")
            .split("; ")
            .collect();
        let expected = [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src data:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        ];
        assert_eq!(directives, expected);
    }
}

#[test]
fn each_file_has_its_type() {
    assert_eq!(
        header(&open("Acme"), "content-type"),
        "text/html; charset=utf-8"
    );
    for file in &FILES {
        let expected = match file.name.rsplit('.').next() {
            Some("css") => "text/css; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            other => panic!("{other:?}"),
        };
        assert_eq!(header(&get(file.name), "content-type"), expected);
    }
}

#[test]
fn all_scripts_and_styles_in_the_folder_are_served() {
    let mut expected = names_in_folder(".js");
    expected.extend(names_in_folder(".css"));
    let served: BTreeSet<String> = FILES.iter().map(|file| file.name.to_owned()).collect();
    assert_eq!(served, expected);
}

#[test]
fn the_markup_loads_every_file_by_a_relative_address_and_contains_no_script_or_style() {
    let response = open("Acme");
    let markup = text(&response);
    assert!(!markup.contains("<style") && !markup.contains(" style="));
    let is_handler = |word: &str| word.starts_with("on") && word.contains('=');
    assert!(!markup.split_whitespace().any(is_handler));
    let scripts = markup.matches("<script").count();
    assert_eq!(scripts, markup.matches("\"></script>").count());
    let addresses = markup.split([' ', '>']).filter_map(|attribute| {
        let address = attribute
            .strip_prefix("src=")
            .or(attribute.strip_prefix("href="))?;
        Some(address.trim_matches('"').to_owned())
    });
    let mut expected: BTreeSet<String> = FILES
        .iter()
        .map(|file| format!("account/{}", file.name))
        .collect();
    expected.insert("data:,".to_owned());
    assert_eq!(addresses.collect::<BTreeSet<_>>(), expected);
}

#[test]
fn other_names_are_not_found() {
    for path in [
        "/account/account.html",
        "/account/content-security-policy.txt",
        "/account/../account.js/x",
        "/account/ACCOUNT.JS",
        "/account/",
    ] {
        let result = file(path, &HeaderMap::new());
        assert!(matches!(result, Err(ApiError::NotFound)), "{path}");
    }
}

#[test]
fn the_markup_contains_the_settings_and_no_placeholder() {
    let response = open("Acme");
    let markup = text(&response);
    assert!(markup.contains("data-app-name=\"Acme\" data-min-chars=\"15\""));
    assert!(markup.contains("<title>Acme</title>"));
    assert!(!markup.contains("{{"));
}

#[test]
fn the_name_of_the_application_is_text_only() {
    let response = open("\"A&B\" <script>'{{min_chars}}");
    let markup = text(&response);
    let expected = "&quot;A&amp;B&quot; &lt;script&gt;&#39;{{min_chars}}";
    assert!(markup.contains(&format!("<title>{expected}</title>")));
    assert!(markup.contains(&format!("data-app-name=\"{expected}\"")));
}

#[test]
fn a_client_that_has_the_current_file_gets_a_304() {
    let page = Page::new(&policy("Acme", 15));
    let first = page.response(&HeaderMap::new());
    let known = HeaderMap::from_iter([(IF_NONE_MATCH, first.headers()["etag"].clone())]);
    assert_eq!(page.response(&known).status(), 304);
    assert!(page.response(&known).body().is_empty());
    let other = Page::new(&policy("Other", 15));
    assert_eq!(other.response(&known).status(), 200);
}

/// `policy.js` is tested with the same passwords.
#[test]
fn the_page_and_the_policy_refuse_the_same_passwords() {
    let vectors = include_str!("../../../../tests/browser/password_policy.json");
    let vectors: Vec<Value> = serde_json::from_str(vectors).unwrap();
    assert!(vectors.len() >= 20);
    for vector in vectors {
        let text = |name: &str| vector[name].as_str().unwrap();
        let min_chars = vector["min"].as_u64().unwrap().try_into().unwrap();
        let policy = policy(text("app"), min_chars);
        let password = Password::parse(text("password")).unwrap();
        let refusal = policy.check(&password, text("email"));
        let name = match refusal {
            Ok(()) | Err(PasswordRefusal::Common) => Value::Null,
            Err(PasswordRefusal::TooShort { .. }) => "length".into(),
            Err(PasswordRefusal::Context { .. }) => "context".into(),
        };
        assert_eq!(name, vector["refusal"], "{vector}");
    }
}
