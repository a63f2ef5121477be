//! A deployed stack whose access tokens have signature keys: the private set in a secret, the public one in the table.
//! Start at [`SigningStack`]. It needs the binaries of the functions, not their crates.

use auth_aws::{Aws, DynamoDbStore, SecretRing};
use auth_core::{Algorithm, Clock, KeyKeeper, KeyRing, KeyRules, TokenSettings};

use crate::{
    app::KEYS,
    dynamodb::{self, Table},
    fault_proxy::FaultProxy,
    process::Process,
    versioned_secrets::VersionedSecrets,
};

/// The name of the secret.
const SECRET: &str = "JwtKeys";

/// The stores for one test.
pub struct SigningStack {
    /// The table.
    pub table: Table,
    /// Secrets Manager.
    pub secrets: VersionedSecrets,
    /// The private set.
    pub ring: SecretRing,
}

impl SigningStack {
    /// Creates a table with the tutorial's user, and a secret without a value.
    pub async fn new() -> Self {
        Self::on(Table::with_tutorial_user().await).await
    }

    /// Creates a secret without a value for a table.
    pub async fn on(table: Table) -> Self {
        let secrets = VersionedSecrets::serve().await;
        let aws = Aws::for_operator_with(dynamodb::config(secrets.url()));
        Self {
            ring: aws.key_ring(SECRET).await,
            table,
            secrets,
        }
    }

    /// Returns a run that changes the keys.
    pub async fn keeper(
        &self,
        algorithm: Algorithm,
        clock: Clock,
    ) -> KeyKeeper<SecretRing, DynamoDbStore> {
        let rules = KeyRules {
            algorithm,
            expiration: TokenSettings::default().expiration,
        };
        KeyKeeper::new(self.ring.clone(), self.table.store().await, rules, clock)
    }

    /// Creates the keys, and returns the private set.
    pub async fn create_keys(&self, algorithm: Algorithm) -> KeyRing {
        let keeper = self.keeper(algorithm, Clock::system()).await;
        let created = keeper.repair().await.expect("created");
        created.ring.expect("a ring")
    }

    /// Starts `login`.
    pub async fn start_login(&self) -> Process {
        let keys = KEYS.iter().filter(|(name, _)| *name != "JWT_SECRET_KEY");
        let mut variables = self.table.environment();
        variables.extend(keys.copied());
        variables.push(("JWT_KEYS_SECRET_ID", SECRET));
        variables.push(("AWS_ENDPOINT_URL_SECRETS_MANAGER", self.secrets.url()));
        Process::start("login", &variables).await
    }

    /// Returns the environment of a guard. A call to Secrets Manager would be recorded.
    #[must_use]
    pub fn guard(&self) -> Vec<(&str, &str)> {
        let mut variables = self.table.environment();
        variables.push(("JWT_KEYS_TABLE", self.table.name()));
        variables.push(("AWS_ENDPOINT_URL_SECRETS_MANAGER", self.secrets.url()));
        variables
    }

    /// Starts a proxy of the table, which can fail.
    pub async fn proxy(&self) -> FaultProxy {
        FaultProxy::start(self.table.url()).await
    }

    /// Returns the environment of a guard that reaches the table through a proxy.
    #[must_use]
    pub fn guard_behind<'a>(&'a self, proxy: &'a FaultProxy) -> Vec<(&'a str, &'a str)> {
        let mut variables = self.guard();
        variables.push(("AWS_ENDPOINT_URL_DYNAMODB", proxy.url()));
        variables
    }
}
