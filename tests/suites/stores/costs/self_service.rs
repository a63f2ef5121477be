//! What each flow of self-service costs. The prices in docs/costs.md are computed from these units.

use std::time::Duration;

use auth_aws::DynamoDbStore;
use auth_core::{
    Asked, Email, IssuedTokens, LiveUser, MailDirectory, SourceNetwork, UserDirectory,
};
use bundle_tests::{
    accounts::{Accounts, CheapHasher, NEW_PASSWORD, OTHER_PASSWORD, network, password},
    dynamodb::Table,
    fault_proxy::FaultProxy,
    store::{email, user},
};

/// Self-service on a table behind a proxy that counts, with a user whose password is [`NEW_PASSWORD`].
struct Metered {
    accounts: Accounts<DynamoDbStore>,
    proxy: FaultProxy,
    /// The table without the proxy.
    store: DynamoDbStore,
    jane: Email,
    network: SourceNetwork,
    _table: Table,
}

impl Metered {
    async fn new() -> Self {
        let table = Table::new().await;
        let proxy = FaultProxy::start(table.url()).await;
        let store = table.store().await;
        let mut jane = user("1", "jane@example.com");
        jane.password_hash = CheapHasher::hash_text(NEW_PASSWORD);
        store.add_user(&jane).await.unwrap();
        Self {
            accounts: Accounts::new(&table.behind(proxy.url()).store().await),
            proxy,
            store,
            jane: email("jane@example.com"),
            network: network(),
            _table: table,
        }
    }

    /// Begins a session of the user. Forgets what it has cost.
    async fn sign_in(&self) -> (IssuedTokens, LiveUser) {
        let issued = self.accounts.begin(&self.jane).await;
        let live = self.accounts.guard(&issued).await.expect("a live user");
        let _ = self.proxy.take_units();
        (issued, live)
    }

    /// Checks what the last step has cost, in reads and writes, and prints it.
    fn check(&self, step: &str, read: f64, written: f64) {
        let units = self.proxy.take_units();
        println!("{step}: {units:?}");
        let is_cheap = units.read <= read && units.written <= written;
        assert!(is_cheap, "{step}: {units:?}");
    }

    /// Turns the asks into letters, and checks what each has cost. Returns the tokens of their links.
    async fn deliver(&self, step: &str, read: f64, written: f64) -> Vec<String> {
        let asks = self.store.list_asks().await.unwrap();
        assert!(!asks.is_empty(), "{step}");
        let mut tokens = Vec::new();
        for id in asks {
            let _ = self.proxy.take_units();
            let letter = self.accounts.deliver(&id).await.expect("a letter");
            self.check(step, read, written);
            let link = letter.content.link();
            tokens.extend(link.map(|link| link.token.expose().to_owned()));
        }
        tokens
    }
}

#[tokio::test]
async fn a_sign_up_costs_few_units() {
    let metered = Metered::new().await;
    let (store, flows) = (&metered.accounts.store, &metered.accounts.flows);
    let new = email("new@example.com");
    flows
        .ask_sign_up(store, &new, &metered.network)
        .await
        .unwrap();
    metered.check("ask", 0.0, 6.0);
    let throttled = flows
        .ask_sign_up(store, &new, &metered.network)
        .await
        .unwrap();
    assert_eq!(throttled, Asked::Throttled);
    metered.check("throttled ask", 0.0, 6.0);
    let what = "email with a link for a new address";
    let tokens = metered.deliver(what, 3.0, 1.0).await;
    let confirmed = metered.accounts.confirm(&tokens[0], NEW_PASSWORD);
    confirmed.await.unwrap();
    metered.check("confirm sign-up", 2.0, 4.0);
}

#[tokio::test]
async fn passwords_cost_few_units() {
    let metered = Metered::new().await;
    let (store, flows) = (&metered.accounts.store, &metered.accounts.flows);
    let asked = flows.ask_reset(store, &metered.jane, &metered.network);
    assert_eq!(asked.await.unwrap(), Asked::Put);
    metered.check("ask", 0.0, 6.0);
    let what = "email with a link that resets a password";
    let tokens = metered.deliver(what, 2.0, 1.0).await;
    let reset = metered.accounts.reset(&tokens[0], OTHER_PASSWORD);
    reset.await.unwrap();
    metered.check("reset", 1.0, 8.0);
    metered.deliver("notice", 1.0, 1.0).await;

    let (issued, _) = metered.sign_in().await;
    let live = metered.accounts.guard(&issued).await.expect("a live user");
    metered.check("guard", 2.0, 0.0);
    let (old, new) = (password(OTHER_PASSWORD), password(NEW_PASSWORD));
    let changed = flows.change_password(store, &live, &metered.network, &old, &new);
    changed.await.unwrap();
    metered.check("password", 1.0, 6.0);
    metered.deliver("notice", 1.0, 1.0).await;
}

#[tokio::test]
async fn sessions_and_a_deletion_cost_few_units() {
    let metered = Metered::new().await;
    let (store, flows) = (&metered.accounts.store, &metered.accounts.flows);
    let (_, live) = metered.sign_in().await;
    let (other, _) = metered.sign_in().await;
    assert_eq!(flows.sessions(store, &live).await.unwrap().len(), 2);
    metered.check("sessions", 4.0, 0.0);
    let ended = flows.end_session(store, &live, &other.session.id);
    assert!(ended.await.unwrap());
    metered.check("end a session", 0.0, 1.0);
    flows.end_other_sessions(store, &live).await.unwrap();
    metered.check("end all others", 0.0, 4.0);

    let (_, live) = metered.sign_in().await;
    let current = password(NEW_PASSWORD);
    let deleted = flows.delete_account(store, &live, &metered.network, &current);
    deleted.await.unwrap();
    metered.check("delete", 2.0, 8.0);
    metered.deliver("notice", 1.0, 1.0).await;
}

#[tokio::test]
async fn a_change_of_address_and_its_undo_cost_few_units() {
    let metered = Metered::new().await;
    let (store, flows) = (&metered.accounts.store, &metered.accounts.flows);
    let (_, live) = metered.sign_in().await;
    let (new, current) = (email("jane@example.org"), password(NEW_PASSWORD));
    let asked = flows.ask_email_change(store, &live, &metered.network, &new, &current);
    assert_eq!(asked.await.unwrap(), Asked::Put);
    metered.check("email", 1.0, 12.0);
    // One of the two links confirms.
    for token in metered.deliver("emails of a change", 4.0, 1.0).await {
        if flows.confirm_email(store, &token).await.is_ok() {
            break;
        }
    }
    metered.check("confirm email", 4.0, 12.0);
    assert!(metered.accounts.version(&new).await.is_some(), "confirmed");

    let tokens = metered.deliver("notice", 1.0, 1.0).await;
    metered.accounts.clock.advance(Duration::from_secs(1));
    let _ = metered.proxy.take_units();
    flows.undo_email(store, &tokens[0]).await.unwrap();
    metered.check("undo", 4.0, 10.0);
    metered.deliver("emails after an undo", 2.0, 1.0).await;
}
