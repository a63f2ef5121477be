//! Links that are forged, truncated, expired, or of another kind or user cost the store nothing. An in-process test of
//! `account` checks that they cost no hash either.

use bundle_tests::{
    client::{ADDRESS, Reply},
    events,
    process::{self, Process},
};
use forge::links::{hostile, valid};

use super::{JOHN, PASSWORD, Stack, link_body, secret, send};

/// The routes that accept links, with the kinds that they accept.
const ROUTES: [(&str, &[&str]); 5] = [
    ("sign-up/confirm", &["sign-up", "invite"]),
    ("sign-up/confirm", &["invite", "sign-up"]),
    ("password/reset", &["reset"]),
    ("email/confirm", &["email"]),
    ("email/undo", &["undo"]),
];

async fn use_link(account: &Process, path: &str, token: &str) -> Reply {
    send(
        account,
        &events::post(path, &link_body(token, PASSWORD), ADDRESS),
    )
    .await
}

fn parts(reply: &Reply) -> (u16, Vec<(String, String)>, &[u8]) {
    (reply.status(), reply.headers(), reply.bytes())
}

#[tokio::test]
async fn hostile_links_get_one_response_and_never_reach_the_store() {
    let (stack, proxy) = Stack::behind_proxy().await;
    let account = stack.start_behind("account", &proxy).await;
    let mut expected: Option<Reply> = None;
    let mut sent = 0;
    for (path, kinds) in ROUTES {
        for link in hostile(secret(), kinds, process::now()) {
            let reply = use_link(&account, path, &link.token).await;
            assert_eq!(reply.status(), 400, "{path}: {}", link.name);
            assert_eq!(reply.detail(), "Invalid or expired link");
            let expected = expected.get_or_insert_with(|| reply.clone());
            assert_eq!(parts(&reply), parts(expected), "{path}: {}", link.name);
            sent += 1;
        }
    }
    assert!(sent >= 300, "{sent}");
    assert_eq!(proxy.requests(), [], "no request to the store");
    println!("hostile links refused by the real account: {sent}");
}

/// Otherwise, the links above might be refused for a reason other than the intended one.
#[tokio::test]
async fn the_link_that_hostile_links_are_made_from_is_accepted() {
    let (stack, proxy) = Stack::behind_proxy().await;
    let account = stack.start_behind("account", &proxy).await;
    for (path, kind, address) in [
        ("sign-up/confirm", "sign-up", "jane@example.com"),
        ("sign-up/confirm", "invite", "joe@example.com"),
        ("password/reset", "reset", JOHN),
    ] {
        let token = valid(secret(), kind, address, process::now());
        let reply = use_link(&account, path, &token).await;
        assert_eq!(reply.status(), 204, "{kind}: {reply:?}");
    }
    assert!(!proxy.requests().is_empty());
    // The reset has raised the version, so neither of these is valid any more: the store is asked.
    for (path, kind) in [("email/confirm", "email"), ("email/undo", "undo")] {
        let before = proxy.requests().len();
        let token = valid(secret(), kind, JOHN, process::now());
        let reply = use_link(&account, path, &token).await;
        assert_eq!(reply.status(), 400, "{kind}: {reply:?}");
        assert!(proxy.requests().len() > before, "{kind}");
    }
}
