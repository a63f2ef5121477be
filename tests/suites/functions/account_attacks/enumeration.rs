//! Sign-up and forgot do not reveal who has an account: responses and calls to the store are the same
//! for every address.

use auth_core::{Action, Email, UserChange, UserDirectory};
use bundle_tests::{
    events, fault_proxy::FaultProxy, links, process::Process, store::tutorial_user,
};
use serde_json::{Map, Value, json};

use super::{JOHN, PASSWORD, Stack, link_body, send};

/// The number of asks that a network may make in an hour.
const MAX_PER_NETWORK: usize = 50;

/// A response with everything that a caller sees of it, and the calls to the store.
type Seen = (u16, Vec<(String, String)>, Vec<u8>, Vec<Value>);

/// Asks for an email from a network. If the store was too slow, asks again.
async fn ask(account: &Process, proxy: &FaultProxy, path: &str, address: &str, from: &str) -> Seen {
    let event = events::post(path, &json!({ "email": address }), from);
    let (before, reply) = loop {
        let (before, reply) = (proxy.requests().len(), account.send(&event).await);
        if reply.status() != 503 {
            break (before, reply);
        }
    };
    let mut calls = proxy.requests().split_off(before);
    // The SDK repeats a request, with the same token, if the response is late.
    calls.dedup();
    let calls = calls.into_iter().map(|(target, body)| {
        let body: Value = serde_json::from_slice(&body).unwrap();
        json!({ "target": target, "body": shape(&body) })
    });
    let (headers, body, calls) = (reply.headers(), reply.bytes().to_vec(), calls.collect());
    (reply.status(), headers, body, calls)
}

/// Replaces what depends on the address or the time: each text except names and expressions becomes its kind (the part
/// before the first `#`) and the length of the rest.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| {
                let is_fixed = name.ends_with("Expression") || name == "TableName";
                let value = if is_fixed {
                    value.clone()
                } else {
                    shape(value)
                };
                (name.clone(), value)
            });
            members.collect::<Map<_, _>>().into()
        }
        Value::Array(values) => values.iter().map(shape).collect(),
        Value::String(text) => match text.split_once('#') {
            Some((kind, rest)) => format!("{kind}#, {} bytes", rest.len()).into(),
            None => "a text".into(),
        },
        other => other.clone(),
    }
}

/// Adds a user who is disabled and one who has moved. Returns an address of each kind: that of a user, of no user and
/// of a disabled user, one held after a change, and one that is new after a change.
async fn addresses(stack: &Stack, account: &Process) -> [(&'static str, &'static str); 5] {
    let (disabled, moved, new) = (
        "disabled@example.com",
        "moved@example.com",
        "new@example.com",
    );
    let mut user = tutorial_user().await;
    for (id, address) in [("2", disabled), ("3", moved)] {
        (user.user.id, user.user.email) = (id.into(), address.into());
        stack.add(&user).await;
    }
    let email = |address: &str| Email::parse(address).unwrap();
    let change = UserChange::Disabled(true);
    let store = stack.table().store().await;
    store.change_user(&email(disabled), change).await.unwrap();
    let user = stack.find(moved).await.unwrap();
    let confirm = Action::Email(links::change(&user, &email(new)));
    let token = Stack::links().token(confirm).await;
    let body = link_body(&token, PASSWORD);
    let reply = send(
        account,
        &events::post("email/confirm", &body, "198.51.100.1"),
    )
    .await;
    assert_eq!(reply.status(), 204, "{reply:?}");
    [
        ("a user", JOHN),
        ("no user", "nobody@example.com"),
        ("a disabled user", disabled),
        ("a held address", moved),
        ("a new address", new),
    ]
}

#[tokio::test]
async fn sign_up_and_forgot_respond_alike_and_make_the_same_calls_whoever_has_the_address() {
    let (stack, proxy) = Stack::behind_proxy().await;
    let account = stack.start_behind("account", &proxy).await;
    let addresses = addresses(&stack, &account).await;
    for path in ["sign-up", "password/forgot"] {
        let first = ask(&account, &proxy, path, "first@example.com", "203.0.113.1").await;
        assert_eq!(
            (first.0, &*first.2, first.3.len()),
            (202, &b""[..], 1),
            "{first:?}"
        );
        // The second ask in a minute is throttled.
        for round in ["once", "throttled"] {
            for (who, address) in addresses {
                let seen = ask(&account, &proxy, path, address, "203.0.113.1").await;
                assert_eq!(seen, first, "{path}, {who}, {round}");
            }
        }
        // In capital letters it is the same address.
        let seen = ask(&account, &proxy, path, &JOHN.to_uppercase(), "203.0.113.1").await;
        assert_eq!(seen, first, "{path}, in capital letters");
    }
}

/// The limit of a network depends only on how often it has asked.
#[tokio::test]
async fn a_network_that_asks_too_often_gets_one_response_whoever_has_the_address() {
    let (stack, proxy) = Stack::behind_proxy().await;
    let account = stack.start_behind("account", &proxy).await;
    let addresses = addresses(&stack, &account).await;
    for i in 0..MAX_PER_NETWORK {
        let address = format!("user{i:02}@example.com");
        let seen = ask(&account, &proxy, "password/forgot", &address, "203.0.113.2").await;
        assert_eq!(seen.0, 202, "{i}");
    }
    for path in ["sign-up", "password/forgot"] {
        let mut all = Vec::new();
        for (_, address) in addresses {
            let (status, mut headers, body, calls) =
                ask(&account, &proxy, path, address, "203.0.113.2").await;
            // The seconds until the hour ends.
            headers.retain(|(name, _)| name != "retry-after");
            all.push((status, headers, body, calls));
        }
        assert_eq!(all[0].0, 429);
        assert!(all.iter().all(|one| *one == all[0]), "{path}: {all:?}");
    }
}
