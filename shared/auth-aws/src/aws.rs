//! The clients, made when they are first asked for, and how long they wait.

use std::{sync::Arc, time::Duration};

use auth_core::{Clock, KeySettings, KeySource};
use aws_config::{
    BehaviorVersion, SdkConfig, environment::EnvironmentVariableCredentialsProvider,
    retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use futures_util::FutureExt;
use tokio::sync::OnceCell;

use crate::{
    attempts::DynamoDbAttemptRepository,
    http,
    keys::{KeysRefused, Secret, SecretKeys},
    sessions::DynamoDbSessionRepository,
    table::Table,
    users::DynamoDbUserRepository,
};

/// How long a call may take before it is a failure.
#[derive(Debug, Clone, Copy)]
struct Patience {
    attempt: Duration,
    operation: Duration,
    attempts: u32,
    backoff: Duration,
}

/// A person waits for the answer, and Lambda bills the wait.
const FUNCTION: Patience = Patience {
    attempt: Duration::from_millis(800),
    operation: Duration::from_secs(2),
    attempts: 3,
    backoff: Duration::from_millis(50),
};

/// An operator may sit behind a slow line, and pages of a listing are large.
#[cfg(feature = "operator")]
const OPERATOR: Patience = Patience {
    attempt: Duration::from_secs(15),
    operation: Duration::from_mins(1),
    attempts: 5,
    backoff: Duration::from_millis(100),
};

impl Patience {
    fn applied_to(self, config: SdkConfig) -> SdkConfig {
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(self.attempt)
            .operation_timeout(self.operation);
        let retries = RetryConfig::standard()
            .with_max_attempts(self.attempts)
            .with_initial_backoff(self.backoff);
        config
            .into_builder()
            .timeout_config(timeouts.build())
            .retry_config(retries)
            .build()
    }
}

/// AWS as the environment describes it. Nothing is read before the first call, so that a function
/// whose settings name nothing in AWS pays nothing.
#[derive(Debug)]
pub struct Aws {
    patience: Patience,
    /// In place of the SDK's own HTTP client.
    http_client: Option<SharedHttpClient>,
    /// In place of the chain that looks for credentials everywhere, which makes a client of STS first.
    credentials: Option<EnvironmentVariableCredentialsProvider>,
    config: OnceCell<SdkConfig>,
    tables: OnceCell<aws_sdk_dynamodb::Client>,
    secrets: OnceCell<aws_sdk_secretsmanager::Client>,
}

impl Aws {
    /// AWS for a function: a call fails after 2 s at the latest.
    #[must_use]
    pub fn for_function() -> Self {
        let lookup = |name: &str| std::env::var(name).ok();
        let has = |name: &str| lookup(name).is_some_and(|value| !value.trim().is_empty());
        Self {
            http_client: http::client(lookup),
            // Lambda sets them; the chain would find them first, too.
            credentials: (has("AWS_ACCESS_KEY_ID") && has("AWS_SECRET_ACCESS_KEY"))
                .then(EnvironmentVariableCredentialsProvider::new),
            ..Self::with(FUNCTION)
        }
    }

    /// AWS for an operator's tool, which rather waits than fails.
    #[cfg(feature = "operator")]
    #[must_use]
    pub fn for_operator() -> Self {
        Self::with(OPERATOR)
    }

    /// AWS for a function, where `config` describes it and not the environment: for tests.
    #[must_use]
    pub fn for_function_with(config: SdkConfig) -> Self {
        Self::described_by(config, FUNCTION)
    }

    /// AWS for an operator's tool, where `config` describes it and not the environment: for tests.
    #[cfg(feature = "operator")]
    #[must_use]
    pub fn for_operator_with(config: SdkConfig) -> Self {
        Self::described_by(config, OPERATOR)
    }

    fn described_by(config: SdkConfig, patience: Patience) -> Self {
        Self {
            config: OnceCell::new_with(Some(patience.applied_to(config))),
            ..Self::with(patience)
        }
    }

    fn with(patience: Patience) -> Self {
        Self {
            patience,
            http_client: None,
            credentials: None,
            config: OnceCell::new(),
            tables: OnceCell::new(),
            secrets: OnceCell::new(),
        }
    }

    /// The users of a table.
    pub async fn users(&self, table: impl Into<String>) -> DynamoDbUserRepository {
        DynamoDbUserRepository::new(self.table(table.into()).await)
    }

    /// The sessions of a table.
    pub async fn sessions(&self, table: impl Into<String>) -> DynamoDbSessionRepository {
        DynamoDbSessionRepository::new(self.table(table.into()).await)
    }

    /// The counted attempts of a table.
    pub async fn attempts(&self, table: impl Into<String>) -> DynamoDbAttemptRepository {
        DynamoDbAttemptRepository::new(self.table(table.into()).await)
    }

    /// The keys that the settings name. Those of a secret are read once here, at start; where
    /// Secrets Manager does not answer, they are read when they are first needed.
    ///
    /// # Errors
    ///
    /// [`KeysRefused`] where the secret holds no usable keys.
    pub async fn key_source(
        &self,
        settings: KeySettings,
        clock: Clock,
    ) -> Result<Arc<dyn KeySource>, KeysRefused> {
        match settings {
            KeySettings::Fixed(keys) => Ok(keys.into()),
            KeySettings::Secret {
                id,
                algorithm,
                key_use,
            } => {
                let keys = SecretKeys::new(self.secret(id).await, algorithm, key_use, clock);
                keys.read_at_start().await?;
                Ok(Arc::new(keys))
            }
        }
    }

    async fn table(&self, name: String) -> Table {
        let make = || async { aws_sdk_dynamodb::Client::new(self.config().await) };
        Table::new(self.tables.get_or_init(make).await.clone(), name)
    }

    pub(crate) async fn secret(&self, id: String) -> Secret {
        let make = || async { aws_sdk_secretsmanager::Client::new(self.config().await) };
        Secret::new(self.secrets.get_or_init(make).await.clone(), id)
    }

    /// Shared by all clients, with the one HTTP client in it.
    pub(crate) async fn config(&self) -> &SdkConfig {
        let load = || async {
            let mut loader = aws_config::defaults(BehaviorVersion::latest());
            if let Some(http_client) = &self.http_client {
                loader = loader.http_client(http_client.clone());
            }
            if let Some(credentials) = &self.credentials {
                loader = loader.credentials_provider(credentials.clone());
            }
            self.patience.applied_to(loader.load().boxed().await)
        };
        self.config.get_or_init(load).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_waits_as_long_as_is_documented() {
        let config = SdkConfig::builder().behavior_version(BehaviorVersion::latest());
        let config = FUNCTION.applied_to(config.build());
        let timeouts = config.timeout_config().unwrap();
        let attempt = Duration::from_millis(800);
        assert_eq!(timeouts.operation_attempt_timeout(), Some(attempt));
        assert_eq!(timeouts.operation_timeout(), Some(Duration::from_secs(2)));
        assert_eq!(config.retry_config().unwrap().max_attempts(), 3);
    }
}
