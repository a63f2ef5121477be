//! Responses to requests in process. The page itself is tested in a browser: `make test-browser`.

use std::io::Read;

use flate2::read::GzDecoder;
use futures_util::FutureExt;
use serde_json::Value;

use super::*;

mod well_known;

/// The function of local work with an HMAC.
fn local() -> Discovery {
    with(&[SECRET], PublishedKeys::default(), Clock::system())
}

const SECRET: (&str, &str) = ("JWT_SECRET_KEY", "p5vt9cy3h7ejn2ua8f2kq0zw6d1mxr4b");

/// The function with these variables, on these keys.
fn with(
    variables: &[(&str, &str)],
    keys: impl Into<Arc<dyn PublishedSource>>,
    clock: Clock,
) -> Discovery {
    Discovery::new(settings(variables).unwrap(), keys.into(), clock)
}

fn settings(variables: &[(&str, &str)]) -> Result<DiscoverySettings, SettingsError> {
    let store = [("AUTH_STORE", "memory")];
    let variables: Vec<_> = store.iter().chain(variables).copied().collect();
    let lookup = |name: &str| {
        let variable = variables.iter().find(|(known, _)| *known == name);
        let value = variable.ok_or(std::env::VarError::NotPresent)?.1;
        Ok(value.to_owned())
    };
    let names = variables.iter().map(|(name, _)| (*name).to_owned());
    read_settings(SettingsReader::new(names, &lookup))
}

/// Sends a GET request with these headers.
fn get(path: &str, headers: &[(&str, &str)]) -> Response {
    send("GET", path, headers)
}

fn send(method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
    send_to(&local(), method, path, headers)
}

fn send_to(discovery: &Discovery, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = discovery.handle(request.body(()).unwrap()).now_or_never();
    response.expect("the function waits for nothing")
}

fn header<'r>(response: &'r Response, name: &str) -> Option<&'r str> {
    Some(response.headers().get(name)?.to_str().unwrap())
}

fn text(response: &Response) -> &str {
    std::str::from_utf8(response.body()).unwrap()
}

/// The paths of all files.
fn paths() -> impl Iterator<Item = String> {
    let files = FILES.iter().map(|file| format!("/docs/{}", file.name));
    ["/docs", "/openapi.json"]
        .map(str::to_owned)
        .into_iter()
        .chain(files)
}

#[test]
fn the_root_redirects_to_the_page_also_behind_a_prefix() {
    for (path, location) in [("/", "docs"), ("/prod/", "docs"), ("/docs/", "../docs")] {
        let response = get(path, &[]);
        assert_eq!(response.status(), 302);
        assert_eq!(header(&response, "location"), Some(location));
        assert_eq!(header(&response, "cache-control"), Some("no-store"));
        assert!(response.body().is_empty());
    }
}

#[test]
fn each_file_has_its_type_and_lifetime() {
    for (path, content_type, cache_control) in [
        ("/docs", "text/html; charset=utf-8", "no-cache"),
        ("/prod/docs", "text/html; charset=utf-8", "no-cache"),
        ("/openapi.json", "application/json", "no-cache"),
        (
            "/docs/docs.js",
            "text/javascript; charset=utf-8",
            "no-cache",
        ),
        (
            "/docs/index.css",
            "text/css; charset=utf-8",
            "public, max-age=3600",
        ),
        (
            "/docs/swagger-ui.css",
            "text/css; charset=utf-8",
            "public, max-age=3600",
        ),
        (
            "/docs/swagger-ui-bundle.js",
            "text/javascript; charset=utf-8",
            "public, max-age=3600",
        ),
        (
            "/prod/docs/docs.js",
            "text/javascript; charset=utf-8",
            "no-cache",
        ),
    ] {
        let response = get(path, &[]);
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(
            header(&response, "content-type"),
            Some(content_type),
            "{path}"
        );
        assert_eq!(
            header(&response, "cache-control"),
            Some(cache_control),
            "{path}"
        );
        assert!(!response.body().is_empty(), "{path}");
    }
}

#[test]
fn every_file_has_the_headers_that_confine_the_page() {
    for path in paths() {
        let response = get(&path, &[]);
        assert_eq!(header(&response, "x-content-type-options"), Some("nosniff"));
        assert_eq!(header(&response, "referrer-policy"), Some("no-referrer"));
        let policy = header(&response, "content-security-policy").unwrap();
        let directives: Vec<&str> = policy.split("; ").collect();
        let expected = [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            "connect-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'none'",
        ];
        assert_eq!(directives, expected, "{path}");
    }
}

/// A script or a style in the page would be blocked by its own policy, and an absolute address would leave the prefix
/// of a stage.
#[test]
fn the_page_has_only_files_of_the_function() {
    let page = get("/docs", &[]);
    let page = text(&page);
    assert!(!page.contains("<style") && !page.contains(" style="));
    assert_eq!(
        page.matches("<script").count(),
        page.matches("<script src=").count()
    );
    let mut addresses = page.split([' ', '>']).filter_map(|attribute| {
        let address = attribute
            .strip_prefix("src=")
            .or(attribute.strip_prefix("href="));
        address.map(|address| address.trim_matches('"'))
    });
    assert_eq!(addresses.next(), Some("data:,"));
    let mut files: Vec<String> = addresses.map(|address| format!("/{address}")).collect();
    files.sort();
    let mut expected: Vec<String> = paths().filter(|path| path != "/docs").collect();
    expected.sort();
    assert_eq!(files, expected);
}

#[test]
fn a_client_that_accepts_gzip_gets_the_same_file_compressed() {
    for path in paths() {
        let plain = get(&path, &[]);
        let response = get(&path, &[("accept-encoding", "gzip, deflate, br, zstd")]);
        assert_eq!(header(&response, "content-encoding"), Some("gzip"));
        assert_eq!(header(&response, "vary"), Some("accept-encoding"));
        assert_ne!(header(&response, "etag"), header(&plain, "etag"));
        let mut bytes = Vec::new();
        let mut decoder = GzDecoder::new(response.body().as_slice());
        decoder.read_to_end(&mut bytes).unwrap();
        assert!(bytes == *plain.body(), "{path}");
    }
}

#[test]
fn a_client_that_has_a_file_gets_a_304_without_it() {
    for encoding in ["identity", "gzip"] {
        for path in paths() {
            let encoding = ("accept-encoding", encoding);
            let first = get(&path, &[encoding]);
            let etag = header(&first, "etag").unwrap();
            for known in [
                etag,
                "*",
                &format!("W/{etag}"),
                &format!("\"other\", {etag}"),
            ] {
                let response = get(&path, &[encoding, ("if-none-match", known)]);
                assert_eq!(response.status(), 304, "{path} {known}");
                assert!(response.body().is_empty());
                for name in ["etag", "cache-control", "vary"] {
                    assert_eq!(header(&response, name), header(&first, name));
                }
                for name in ["content-type", "content-encoding"] {
                    assert_eq!(header(&response, name), None);
                }
            }
        }
    }
}

/// The tags of different files differ, or a browser could be told to keep the wrong one.
#[test]
fn no_two_files_share_a_tag() {
    let mut tags: Vec<String> = paths()
        .map(|path| header(&get(&path, &[]), "etag").unwrap().to_owned())
        .collect();
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), paths().count());
}

/// Lambda sends at most 6 MB, and base64 makes a compressed file a third larger.
#[test]
fn every_response_fits_into_lambdas_limit() {
    for path in paths() {
        let (plain, gzip) = (get(&path, &[]), get(&path, &[("accept-encoding", "gzip")]));
        let as_json = serde_json::to_string(text(&plain)).unwrap();
        assert!(as_json.len() < 6_000_000, "{path}: {}", as_json.len());
        assert!(gzip.body().len() < 4_500_000, "{path}");
    }
}

#[test]
fn the_contract_points_to_its_own_origin_and_has_a_scheme_for_tokens() {
    let response = get("/openapi.json", &[]);
    let contract: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(contract["servers"].as_array().map(Vec::len), Some(1));
    assert_eq!(contract["servers"][0]["url"], ".");
    let scheme = &contract["components"]["securitySchemes"]["bearer"];
    assert_eq!(scheme["type"], "http");
    assert_eq!(scheme["scheme"], "bearer");
    let me = &contract["paths"]["/api/v1/me"]["get"];
    assert_eq!(me["security"][0]["bearer"], Value::Array(vec![]));
}

#[test]
fn the_contract_keeps_the_order_of_its_source() {
    let response = get("/openapi.json", &[]);
    let at = |text_of: &str| text(&response).find(text_of).expect(text_of);
    assert!(at("\"/api/v1/login\"") < at("\"/api/v1/logout\""));
    assert!(at("\"/api/v1/refresh\"") < at("\"/api/v1/logout\""));
}

#[test]
fn other_paths_are_not_found() {
    for path in [
        "/docs/docs.html",
        "/docs/openapi.json",
        "/docs/x",
        "/docs/docs.js/x",
        "/x",
        "/openapi.yaml",
        "/a/b/docs",
        "/malformed",
    ] {
        let response = get(path, &[]);
        assert_eq!(response.status(), 404, "{path}");
        assert_eq!(text(&response), r#"{"detail":"Not Found"}"#);
        assert_eq!(header(&response, "cache-control"), Some("no-store"));
    }
}

#[test]
fn other_methods_are_not_allowed() {
    for path in paths().chain(["/".to_owned()]) {
        for method in ["HEAD", "POST", "PUT", "DELETE", "OPTIONS"] {
            let response = send(method, &path, &[]);
            assert_eq!(response.status(), 405, "{method} {path}");
            assert_eq!(header(&response, "allow"), Some("GET"));
        }
    }
}
