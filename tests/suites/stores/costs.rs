//! What requests cost in `DynamoDB`, in capacity units: also while many attempts are in progress, and at the end of
//! an attack, when counters are at their largest.

mod self_service;

use std::{collections::HashMap, time::Duration};

use auth_aws::DynamoDbStore;
use auth_core::{
    Algorithm, AttemptLimits, AttemptRepository, Attempts, Key, KeySet, Outcome, SourceNetwork,
    Stale, UserDirectory,
};
use aws_sdk_dynamodb::types::AttributeValue;
use bundle_tests::{
    app::App,
    client::{ADDRESS, Client, Tokens},
    dynamodb::Table,
    events,
    fault_proxy::{FaultProxy, Units},
    store::{john, tutorial_user},
};
use serde_json::json;

/// Another address of the attack.
const STRANGER: &str = "198.51.100.1";

/// The functions on a table behind a proxy that counts.
struct Metered {
    table: Table,
    proxy: FaultProxy,
    app: App<DynamoDbStore>,
}

impl Metered {
    async fn new() -> Self {
        let table = Table::with_tutorial_user().await;
        let proxy = FaultProxy::start(table.url()).await;
        let store = table.behind(proxy.url()).store().await;
        Self {
            app: App::on(store, &[]),
            table,
            proxy,
        }
    }

    /// Logs in and checks the status. Returns the tokens and what it cost.
    async fn log_in(
        &self,
        password: &str,
        address: &str,
        device: Option<&str>,
        status: u16,
    ) -> (Option<Tokens>, Units) {
        let mut body = events::credentials();
        body["password"] = password.into();
        body["device_token"] = json!(device);
        let _ = self.proxy.take_units();
        let reply = self.app.post("login", &body, address).await;
        assert_eq!(reply.status(), status, "{}", reply.body());
        (reply.tokens().ok(), self.proxy.take_units())
    }

    /// Checks the costs of a login that responds 200 and of one with a wrong password.
    async fn check_logins(&self, state: &str, device: Option<&str>) -> Tokens {
        let (tokens, right) = self.log_in("changeme", ADDRESS, device, 200).await;
        let (_, wrong) = self.log_in("wrong", ADDRESS, device, 401).await;
        println!("{state}: login {right:?}, wrong password {wrong:?}");
        assert!(right.written <= 4.0, "{right:?}");
        assert!(wrong.written <= 3.0, "{wrong:?}");
        assert!(right.read <= 2.0 && wrong.read <= 2.0);
        tokens.expect("tokens")
    }

    /// Checks the costs of a login that is refused without a hash, first and when the counter is remembered.
    async fn check_refusals(&self, state: &str) {
        let (_, first) = self.log_in("changeme", STRANGER, None, 429).await;
        let (_, remembered) = self.log_in("changeme", STRANGER, None, 429).await;
        println!("{state}: 429 {first:?}, remembered {remembered:?}");
        assert!(first.written <= 2.0, "{first:?}");
        assert!(remembered.written <= 0.0, "{remembered:?}");
    }

    /// Returns the size of the largest counter in bytes, as `DynamoDB` computes it.
    async fn largest_counter(&self) -> usize {
        let items = self.table.items().await.into_iter();
        let counters = items.filter(|item| item["pk"].as_s().unwrap().starts_with("attempts#"));
        counters.map(|item| size(&item)).max().unwrap()
    }
}

/// Returns the rules of attempts with the keys of the functions.
fn attempts() -> Attempts {
    let key = Key::from_secret(forge::COUNTER_SECRET.as_bytes(), Algorithm::HS256).unwrap();
    let limits = AttemptLimits::default();
    Attempts::new(KeySet::from(key), limits, Duration::from_hours(1))
}

/// Returns the size of an item: names in UTF-8, numbers with a byte for two digits and one more, and three bytes for
/// a set with one more for each of its members.
fn size(item: &HashMap<String, AttributeValue>) -> usize {
    let value = |value: &AttributeValue| match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(number) => number.len().div_ceil(2) + 1,
        AttributeValue::Ss(set) => 3 + set.iter().map(|text| text.len() + 1).sum::<usize>(),
        other => panic!("{other:?}"),
    };
    item.iter().map(|(name, one)| name.len() + value(one)).sum()
}

#[tokio::test]
async fn requests_cost_few_units() {
    let metered = Metered::new().await;
    let tokens = metered.check_logins("quiet", None).await;
    let device = tokens.device.expect("a device token");
    let tokens = metered
        .check_logins("quiet, known device", Some(&device))
        .await;

    let _ = metered.proxy.take_units();
    assert!(metered.app.refresh(&tokens.refresh).await.is_ok());
    let refresh = metered.proxy.take_units();
    assert_eq!(metered.app.me(&tokens.access).await, 200);
    let me = metered.proxy.take_units();
    println!("refresh {refresh:?}, me {me:?}");
    assert!(refresh.written <= 1.0 && me.written <= 0.0);
    assert_eq!(me.requests, 1);

    for _ in 0..5 {
        metered.log_in("wrong", STRANGER, None, 401).await;
    }
    metered.check_refusals("one source is full").await;
}

/// The cost reveals as little as the response. Reads are not compared: `DynamoDB` charges for an item that does not
/// exist, `DynamoDB` Local does not.
#[tokio::test]
async fn refusals_cost_the_same_for_every_email() {
    let metered = Metered::new().await;
    let mut disabled = tutorial_user().await;
    disabled.user.email = "disabled@example.com".into();
    disabled.user.disabled = true;
    let store = metered.table.store().await;
    store.add_user(&disabled).await.unwrap();
    let mut refusals = Vec::new();
    for email in [john().as_str(), &disabled.user.email, "nobody@example.com"] {
        let body = json!({"email": email, "password": "wrong"});
        let mut costs = Vec::new();
        for _ in 0..7 {
            let _ = metered.proxy.take_units();
            let reply = metered.app.post("login", &body, ADDRESS).await;
            let units = metered.proxy.take_units();
            costs.push((reply.status(), units.written, units.requests));
        }
        refusals.push(costs);
    }
    assert_eq!(refusals[0], refusals[1]);
    assert_eq!(refusals[0], refusals[2]);
    assert_eq!(
        refusals[0]
            .iter()
            .filter(|(status, ..)| *status == 429)
            .count(),
        2
    );
}

#[tokio::test]
async fn requests_cost_few_units_while_attempts_are_in_progress_and_after_an_attack() {
    let metered = Metered::new().await;
    let device = metered.app.sign_in().await.device.expect("a device token");
    for i in 0..80 {
        metered
            .log_in("wrong", &format!("10.1.{i}.1"), None, 401)
            .await;
    }
    let attempts = attempts();
    let (store, now) = (metered.table.store().await, metered.app.now());
    for i in 0..18 {
        let network = SourceNetwork::parse(&format!("10.2.{i}.1"));
        let attempt = attempts.begin(&john(), &network, None, now).await.unwrap();
        let ticket = attempt.email_counter.ticket(now).unwrap();
        store
            .reserve_attempt(&attempt.email_counter, &ticket)
            .await
            .unwrap();
    }
    metered
        .check_logins("18 in progress after 80 failures", None)
        .await;
    metered
        .check_logins("the same, known device", Some(&device))
        .await;
    println!("largest counter: {} bytes", metered.largest_counter().await);

    metered.app.pass(30);
    for i in 0..19 {
        metered
            .log_in("wrong", &format!("10.3.{i}.1"), None, 401)
            .await;
    }
    metered.check_refusals("after 100 failures").await;
    metered
        .check_logins("the same, known device", Some(&device))
        .await;
    let largest = metered.largest_counter().await;
    println!("largest counter: {largest} bytes");
    assert!(largest <= 1024, "{largest}");
}

/// The most that a counter can have: failures of 99 sources, and 20 attempts that were never settled.
#[tokio::test]
async fn a_counter_at_its_limits_has_one_write_unit() {
    let metered = Metered::new().await;
    let attempts = attempts();
    let (store, now) = (metered.table.store().await, metered.app.now());
    let counter = async |i: usize| {
        let network = SourceNetwork::parse(&format!("10.1.{i}.1"));
        let attempt = attempts.begin(&john(), &network, None, now).await.unwrap();
        attempt.email_counter
    };
    let none = Stale::default();
    for i in 0..119 {
        let counter = counter(i).await;
        let ticket = counter.ticket(now).unwrap();
        store.reserve_attempt(&counter, &ticket).await.unwrap();
        if i < 99 {
            let failed = store.settle_attempt(&counter, &ticket, &none, Outcome::Failed);
            failed.await.unwrap();
        }
    }
    let largest = metered.largest_counter().await;
    println!("a counter at its limits: {largest} bytes");
    assert!(largest <= 1024, "{largest}");
}

/// A client with a full device in a full network, and one without a device.
#[tokio::test]
async fn a_flood_from_a_full_device_in_a_full_network_costs_no_writes() {
    let metered = Metered::new().await;
    let device = metered.app.sign_in().await.device.expect("a device token");
    for i in 0..100 {
        let body = json!({"email": format!("user{i}@example.com"), "password": "wrong"});
        assert_eq!(
            metered.app.post("login", &body, STRANGER).await.status(),
            401
        );
    }
    for _ in 0..5 {
        metered.log_in("wrong", STRANGER, Some(&device), 401).await;
    }
    for _ in 0..2 {
        metered.log_in("wrong", STRANGER, Some(&device), 429).await;
    }
    let (_, remembered) = metered.log_in("wrong", STRANGER, Some(&device), 429).await;
    let (_, stranger) = metered.log_in("wrong", STRANGER, None, 429).await;
    println!("full device and network: {remembered:?}, full network: {stranger:?}");
    assert!(remembered.written <= 0.0, "{remembered:?}");
    assert!(
        stranger.written <= 0.0 && stranger.read <= 2.0,
        "{stranger:?}"
    );
}
