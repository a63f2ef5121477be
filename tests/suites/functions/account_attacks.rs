//! Attacks on self-service through the real binaries: links that many processes use at once or that are forged, lost
//! responses, floods of asks, and attempts to find out who has an account.

mod enumeration;
mod forged_links;
mod lost_responses;
mod mail_bombs;
mod single_use;

use std::time::Duration;

use auth_core::{
    Ask, AskContent, AskId, AskLimits, AskRepository, Clock, Email, LAMBDA_MARKER, StoredUser,
    User, UserDirectory, UserRepository,
};
use bundle_tests::{
    app::PRIVATE_KEYS,
    client::{ADDRESS, Reply},
    dynamodb::Table,
    events,
    fault_proxy::FaultProxy,
    links::Links,
    mails::Mails,
    process::Process,
    store::{TemporaryFileStore, john},
};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

const JOHN: &str = "john.doe@leapify.tech";

/// The password of the tutorial's user.
const OLD: &str = "changeme";

/// A new password.
const PASSWORD: &str = "correct horse battery staple";

/// Where the functions keep their data.
enum Place {
    File(TemporaryFileStore),
    Table(Table),
}

/// A store with the tutorial's user and the settings of functions on it. On a table they run as in Lambda, so no
/// function but `mailer` would send an email; on a file, `account` writes emails.
struct Stack {
    place: Place,
    mails: Mails,
}

impl Stack {
    fn on_file() -> Self {
        Self {
            place: Place::File(TemporaryFileStore::new()),
            mails: Mails::default(),
        }
    }

    async fn on_table() -> Self {
        warm_up().await;
        Self {
            place: Place::Table(Table::with_tutorial_user().await),
            mails: Mails::default(),
        }
    }

    /// Returns a stack on a table, and a proxy in front of the table.
    async fn behind_proxy() -> (Self, FaultProxy) {
        let stack = Self::on_table().await;
        let proxy = FaultProxy::start(stack.table().url()).await;
        (stack, proxy)
    }

    fn table(&self) -> &Table {
        match &self.place {
            Place::File(_) => panic!("the store is a file"),
            Place::Table(table) => table,
        }
    }

    fn environment(&self) -> Vec<(&str, &str)> {
        let mut variables = match &self.place {
            Place::File(store) => store.environment(),
            Place::Table(table) => {
                [table.environment(), vec![(LAMBDA_MARKER, "on-demand")]].concat()
            }
        };
        variables.extend(PRIVATE_KEYS);
        variables.extend([("SIGN_UP", "open"), ("MAIL_DIR", self.mails.path())]);
        variables
    }

    async fn start(&self, function: &str) -> Process {
        Process::start(function, &self.environment()).await
    }

    /// Starts a function whose requests to the table pass the proxy.
    async fn start_behind(&self, function: &str, proxy: &FaultProxy) -> Process {
        let mut variables = self.environment();
        variables.push(("AWS_ENDPOINT_URL_DYNAMODB", proxy.url()));
        Process::start(function, &variables).await
    }

    fn links() -> Links {
        Links::new(secret().as_bytes())
    }

    async fn find(&self, address: &str) -> Option<User> {
        let email = Email::parse(address).unwrap();
        match &self.place {
            Place::File(store) => store.find_by_email(&email).await.unwrap(),
            Place::Table(table) => table.store().await.find_by_email(&email).await.unwrap(),
        }
    }

    async fn add(&self, user: &StoredUser) {
        match &self.place {
            Place::File(store) => store.add_user(user).await.unwrap(),
            Place::Table(table) => table.store().await.add_user(user).await.unwrap(),
        }
    }
}

/// Makes `DynamoDB` Local execute a transaction. The first one may take longer than a function waits.
async fn warm_up() {
    static DONE: OnceCell<()> = OnceCell::const_new();
    let transact = async || {
        let limits = AskLimits {
            addresses: vec![],
            network: None,
        };
        let (id, now) = (AskId::random().unwrap(), Clock::system().now());
        let ask = Ask::new(id, john(), AskContent::Reset, now);
        let store = Table::new().await.store().await;
        store.put_asks(&[ask], &limits, now).await.unwrap();
    };
    DONE.get_or_init(transact).await;
}

/// Returns the secret of links.
fn secret() -> &'static str {
    let secret = PRIVATE_KEYS
        .into_iter()
        .find(|(name, _)| *name == "ACTION_SECRET_KEY");
    secret.unwrap().1
}

/// How often a request is sent while the store is too slow because other tests use the machine.
const TRIES: usize = 10;

/// Sends an event, and repeats it while the store is too slow, as clients do.
async fn send(function: &Process, event: &str) -> Reply {
    for _ in 0..TRIES {
        let reply = function.send(event).await;
        if reply.status() != 503 {
            return reply;
        }
        println!("the store was too slow");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("the store stays slow: {}", function.logs());
}

/// Returns the status of a login.
async fn log_in(login: &Process, address: &str, password: &str) -> u16 {
    let body = json!({"email": address, "password": password});
    send(login, &events::post("login", &body, ADDRESS))
        .await
        .status()
}

/// Returns a body with a token and a password.
fn link_body(token: &str, password: &str) -> Value {
    json!({"token": token, "password": password})
}
