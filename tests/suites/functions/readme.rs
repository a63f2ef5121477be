//! Builds and calls the axum example from README.md the way a reader would: in a separate workspace outside the
//! project. The build uses no network, and the tokens come from the real `login`.

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use auth_core::Algorithm;
use axum::{Router, routing::get};
use bundle_tests::{
    client::{Client, Reply},
    events,
    process::{Process, now},
    project,
    signing_stack::SigningStack,
};
use forge::Signer;
use serde_json::{Value, json};
use tempfile::TempDir;

/// What the page calls the folder of the bundle.
const BUNDLE: &str = "../sign-in";

/// The heading above the example.
const HEADING: &str = "## Guard your own function";

/// The address that the example serves.
const ADDRESS_OF_PAGE: &str = "127.0.0.1:3000";

/// What a guard must not link: password hashing, the AWS SDK, Lambda's runtime.
const BANNED: [&str; 6] = [
    "argon2",
    "aws-config",
    "aws-s",
    "aws-types",
    "bcrypt",
    "lambda_",
];

/// Returns the first code block of a language below a heading of README.md.
fn code(heading: &str, language: &str) -> String {
    let page = project::read("README.md");
    let (_, section) = page.split_once(heading).expect("the heading");
    let (_, block) = section
        .split_once(&format!("```{language}\n"))
        .expect("a block");
    let (code, _) = block.split_once("```").expect("its end");
    code.to_owned()
}

/// The reader's project, which serves a free port instead of the one of the page.
struct Orders {
    folder: TempDir,
    address: SocketAddr,
}

impl Orders {
    fn from_readme() -> Self {
        let root = project::root().canonicalize().unwrap();
        let dependencies = code(HEADING, "toml").replace(BUNDLE, root.to_str().unwrap());
        let manifest = format!(
            "[package]\nname = \"readme-example\"\nedition = \"2024\"\n\n{dependencies}\n\
             # As in the bundle, so that crates that are built need not be built again.\n\
             [profile.dev]\ndebug = \"line-tables-only\"\n[profile.dev.package.\"*\"]\ndebug = false\n"
        );
        let address = free_address();
        let main = code(HEADING, "rust,no_run");
        assert!(main.contains(ADDRESS_OF_PAGE));
        let folder = TempDir::new().unwrap();
        fs::create_dir(folder.path().join("src")).unwrap();
        for (path, text) in [
            ("Cargo.toml", manifest),
            ("Cargo.lock", project::read("Cargo.lock")),
            (
                "src/main.rs",
                main.replace(ADDRESS_OF_PAGE, &address.to_string()),
            ),
        ] {
            fs::write(folder.path().join(path), text).unwrap();
        }
        Self { folder, address }
    }

    /// Runs Cargo in the project without a network, checks that it succeeds, and returns its output.
    fn cargo(&self, arguments: &[&str]) -> String {
        let output = Command::new(env!("CARGO"))
            .args(arguments)
            .arg("--offline")
            .env(
                "CARGO_TARGET_DIR",
                project::target().canonicalize().unwrap(),
            )
            .current_dir(self.folder.path())
            .stderr(Stdio::inherit())
            .output()
            .expect("cargo runs");
        assert!(output.status.success(), "cargo {arguments:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Starts the program with the keys at a URL. Returns when it accepts connections.
    fn serve(&self, keys: &str) -> Server {
        let child = Command::new(project::target().join("debug/readme-example"))
            .env_clear()
            .env("JWT_JWKS_URL", keys)
            .spawn()
            .expect("the program starts");
        let server = Server {
            child,
            url: format!("http://{}/orders", self.address),
        };
        let deadline = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(self.address).is_err() {
            assert!(Instant::now() < deadline, "the program does not listen");
            thread::sleep(Duration::from_millis(20));
        }
        server
    }
}

/// Returns an address that no one listens on.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

/// The program, killed when it is dropped.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn get(&self, token: Option<&str>) -> Reply {
        let config = ureq::Agent::config_builder().http_status_as_error(false);
        let agent: ureq::Agent = config.build().into();
        let mut request = agent.get(&self.url);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let (parts, mut body) = request.call().expect("a response").into_parts();
        http::Response::from_parts(parts, body.read_to_vec().unwrap()).into()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves the keys of a stack as its API does, and returns their URL.
async fn serve_keys(stack: &SigningStack) -> String {
    let discovery = Process::start("discovery", &stack.guard()).await;
    let served = discovery.send(&events::success("discovery_jwks")).await;
    let keys = served.body().to_owned();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let path = "/.well-known/jwks.json";
    let router = Router::new().route(path, get(move || async move { keys.clone() }));
    tokio::spawn(async { axum::serve(listener, router).await });
    format!("http://{address}{path}")
}

// The keys are served while the test waits for the program.
#[tokio::test(flavor = "multi_thread")]
async fn the_axum_example_guards_a_route_in_another_workspace() {
    let stack = SigningStack::new().await;
    let ring = stack.create_keys(Algorithm::RS256).await;
    let ring: Value = serde_json::from_str(&ring.expose()).unwrap();
    let key = Signer::new(&ring["keys"][0]);
    let reader = stack.start_login().await.sign_in().await.access;
    let clerk = key.token(now(), &json!({}), &json!({"scope": "create"}));
    let past = json!({"iat": now() - 7200, "nbf": now() - 7200, "exp": now() - 3600});
    let expired = key.token(now(), &json!({}), &past);

    let orders = Orders::from_readme();
    orders.cargo(&["build"]);
    let server = orders.serve(&serve_keys(&stack).await);
    let reply = server.get(Some(&reader));
    assert_eq!(
        (reply.status(), reply.json()),
        (200, json!(["order 1 of user 1"]))
    );
    let invalid = r#"Bearer realm="api", error="invalid_token""#;
    let scope = r#"Bearer realm="api", error="insufficient_scope", scope="read""#;
    for (token, status, detail, challenge) in [
        (None, 401, "Not authenticated", r#"Bearer realm="api""#),
        (Some("a.b.c"), 401, "Invalid token", invalid),
        (Some(&*expired), 401, "Token has expired", invalid),
        (Some(&*clerk), 403, "Not enough permissions", scope),
    ] {
        let reply = server.get(token);
        assert_eq!(reply.refusal(), (status, detail.into(), Some(challenge)));
        assert_eq!(reply.header("retry-after"), None);
        assert_eq!(reply.header("content-type"), Some("application/json"));
        assert_eq!(reply.header("cache-control"), Some("no-store"));
    }

    drop(server);
    let server = orders.serve(&format!("http://{}/", free_address()));
    let reply = server.get(Some(&reader));
    let unavailable = "Service temporarily unavailable".into();
    assert_eq!(reply.refusal(), (503, unavailable, None));
    assert_eq!(reply.header("retry-after"), Some("1"));
}

#[test]
fn the_axum_example_links_nothing_that_a_guard_does_not_need() {
    let tree = Orders::from_readme().cargo(&["tree", "-e", "normal", "--prefix", "none"]);
    assert!(tree.contains("\nauth-core v"), "{tree}");
    let banned = |line: &&str| BANNED.iter().any(|name| line.starts_with(name));
    let found: Vec<&str> = tree.lines().filter(banned).collect();
    assert!(found.is_empty(), "{found:?}");
}

/// A library that enabled such a feature would decide it for the whole program of its user.
#[test]
fn the_axum_example_keeps_its_log_levels() {
    let tree = Orders::from_readme().cargo(&["tree", "-e", "features", "--prefix", "none"]);
    assert!(tree.contains("tracing feature"), "{tree}");
    assert!(!tree.contains("max_level"), "{tree}");
}

#[test]
fn the_axum_example_is_at_most_15_lines() {
    let code = code(HEADING, "rust,no_run");
    let lines = code.lines().filter(|line| !line.is_empty()).count();
    assert!(lines <= 15, "{lines} lines");
}
