//! What the subjects depend on: a table and a stand-in for Secrets Manager, near and further away, over plain HTTP
//! and over TLS.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use bundle_tests::{
    dynamodb::Table,
    fault_proxy::{Fault, FaultProxy},
    project,
    secrets::Secrets,
    store::TemporaryFileStore,
};

use crate::{
    keys::{self, DeployedKeys},
    tls::TlsFront,
};

/// How far AWS is from some subjects: it claims single-digit milliseconds for `DynamoDB`.
const AWAY: Duration = Duration::from_millis(5);

/// Where Linux distributions keep the root certificates of the machine.
const MACHINE_ROOTS: [&str; 3] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
];

/// The services, which run until the program ends.
pub(crate) struct Services {
    pub(crate) near: Endpoints,
    pub(crate) far: Endpoints,
    /// Near, with a key for HS256 in the secret.
    pub(crate) hs256: Endpoints,
    pub(crate) near_tls: Endpoints,
    pub(crate) far_tls: Endpoints,
    pub(crate) hs256_tls: Endpoints,
    pub(crate) keys: DeployedKeys,
    pub(crate) roots: Roots,
    /// A file with the user and the session of the events' token.
    pub(crate) file: TemporaryFileStore,
}

impl Services {
    /// Starts the services. `folder` receives the root certificates.
    pub(crate) async fn start(folder: &Path) -> Self {
        let table = Table::with_tutorial_user().await;
        let keys = DeployedKeys::create(&table).await;
        let near = Endpoints::of(&table, &keys.secret).await;
        let hs256 = Endpoints::of(&table, &keys::hs256()).await;
        let far = near.further_away().await;
        let front = TlsFront::new();
        Self {
            near_tls: near.behind(&front).await,
            far_tls: far.behind(&front).await,
            hs256_tls: hs256.behind(&front).await,
            roots: Roots::write(folder, &front.root),
            file: TemporaryFileStore::new(),
            near,
            far,
            hs256,
            keys,
        }
    }
}

/// A table with the user and a stand-in for Secrets Manager.
pub(crate) struct Endpoints {
    pub(crate) table: Table,
    /// URL of the stand-in.
    pub(crate) secrets: String,
}

impl Endpoints {
    async fn of(table: &Table, secret: &str) -> Self {
        Self {
            table: table.clone(),
            secrets: Secrets::serve(Some(secret)).await.url().to_owned(),
        }
    }

    async fn further_away(&self) -> Self {
        let (table, secrets) = (
            FaultProxy::start(self.table.url()).await,
            FaultProxy::start(&self.secrets).await,
        );
        for proxy in [&table, &secrets] {
            proxy.set(Fault::Delay(AWAY));
        }
        Self {
            table: self.table.behind(table.url()),
            secrets: secrets.url().to_owned(),
        }
    }

    async fn behind(&self, front: &TlsFront) -> Self {
        Self {
            table: self.table.behind(&front.serve(self.table.url()).await),
            secrets: front.serve(&self.secrets).await,
        }
    }
}

/// Files with root certificates for `SSL_CERT_FILE`. Each also contains that of the TLS front.
pub(crate) struct Roots {
    /// Those that are compiled into the functions.
    pub(crate) amazon: PathBuf,
    /// Those of the machine, which the SDK trusts by default.
    pub(crate) machine: PathBuf,
}

impl Roots {
    fn write(folder: &Path, front: &str) -> Self {
        let write = |name, others: String| {
            let file = folder.join(name);
            fs::write(&file, others + front).expect("written");
            file
        };
        let machine = MACHINE_ROOTS
            .iter()
            .find_map(|file| fs::read_to_string(file).ok());
        Self {
            amazon: write(
                "amazon.pem",
                project::read("shared/auth-aws/src/amazon-roots.pem"),
            ),
            machine: write(
                "machine.pem",
                machine.expect("root certificates (Debian: ca-certificates)"),
            ),
        }
    }
}
