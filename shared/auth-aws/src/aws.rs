//! The SDK's clients, created when they are first needed, and their time limits.

mod guard;

use std::{sync::Arc, time::Duration};

use auth_core::{
    CachedKeys, Clock, FileStore, KeyDocument, KeyError, KeySettings, KeySource, PublishedKeys,
    PublishedSource,
};
use aws_config::{
    BehaviorVersion, SdkConfig, environment::EnvironmentVariableCredentialsProvider,
    retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use futures_util::FutureExt;
use tokio::sync::OnceCell;

#[cfg(feature = "operator")]
use crate::choice::AwsChoice;
use crate::{
    http,
    keys::{
        KeySourceError, SecretRing,
        document::{FileKeys, PublishedFile, Secret, SecretKeys, TableKeys},
    },
    store::DynamoDbStore,
};

/// The time limits of a call.
#[derive(Debug, Clone, Copy)]
struct CallLimits {
    attempt: Duration,
    operation: Duration,
    attempts: u32,
    backoff: Duration,
}

/// A user waits for the response, and Lambda bills the wait.
const FUNCTION: CallLimits = CallLimits {
    attempt: Duration::from_millis(800),
    operation: Duration::from_secs(2),
    attempts: 3,
    backoff: Duration::from_millis(50),
};

/// An operator may have a slow connection, and pages of users are large.
#[cfg(feature = "operator")]
const OPERATOR: CallLimits = CallLimits {
    attempt: Duration::from_secs(15),
    operation: Duration::from_mins(1),
    attempts: 5,
    backoff: Duration::from_millis(100),
};

impl CallLimits {
    fn apply(self, config: SdkConfig) -> SdkConfig {
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

/// AWS as the environment describes it. Nothing is read before the first call, so a function whose settings
/// do not name anything in AWS pays nothing.
#[derive(Debug)]
pub struct Aws {
    limits: CallLimits,
    /// Replaces the SDK's own HTTP client.
    http_client: Option<SharedHttpClient>,
    /// Replaces the chain that looks for credentials everywhere and creates a client of STS first.
    credentials: Option<EnvironmentVariableCredentialsProvider>,
    #[cfg(feature = "operator")]
    choice: AwsChoice,
    config: OnceCell<SdkConfig>,
    dynamodb: OnceCell<aws_sdk_dynamodb::Client>,
    secrets: OnceCell<aws_sdk_secretsmanager::Client>,
}

impl Aws {
    /// Returns AWS for a function, with short time limits: a call fails after 2 s at the latest.
    #[must_use]
    pub fn for_function() -> Self {
        let lookup = |name: &str| std::env::var(name).ok();
        let has = |name: &str| lookup(name).is_some_and(|value| !value.trim().is_empty());
        Self {
            http_client: Some(http::client(lookup)),
            // Lambda sets these variables, and the chain would find them first.
            credentials: (has("AWS_ACCESS_KEY_ID") && has("AWS_SECRET_ACCESS_KEY"))
                .then(EnvironmentVariableCredentialsProvider::new),
            ..Self::with(FUNCTION)
        }
    }

    /// Returns AWS for an operator's tool, with long time limits.
    #[cfg(feature = "operator")]
    #[must_use]
    pub fn for_operator(choice: AwsChoice) -> Self {
        Self {
            choice,
            ..Self::with(OPERATOR)
        }
    }

    /// Returns AWS for a function, described by `config` instead of the environment. For tests.
    #[must_use]
    pub fn for_function_with(config: SdkConfig) -> Self {
        Self::described_by(config, FUNCTION)
    }

    /// Returns AWS for an operator's tool, described by `config` instead of the environment. For tests.
    #[cfg(feature = "operator")]
    #[must_use]
    pub fn for_operator_with(config: SdkConfig) -> Self {
        Self::described_by(config, OPERATOR)
    }

    fn described_by(config: SdkConfig, limits: CallLimits) -> Self {
        Self {
            config: OnceCell::new_with(Some(limits.apply(config))),
            ..Self::with(limits)
        }
    }

    fn with(limits: CallLimits) -> Self {
        Self {
            limits,
            http_client: None,
            credentials: None,
            #[cfg(feature = "operator")]
            choice: AwsChoice::default(),
            config: OnceCell::new(),
            dynamodb: OnceCell::new(),
            secrets: OnceCell::new(),
        }
    }

    /// Returns the store in a table.
    pub async fn store(&self, table: impl Into<String>) -> DynamoDbStore {
        let create = || async { aws_sdk_dynamodb::Client::new(self.config().await) };
        let client = self.dynamodb.get_or_init(create).await.clone();
        DynamoDbStore::new(client, table.into())
    }

    /// Returns the keys that the settings name. Those that may change are read once here, at start; if AWS fails,
    /// they are read when they are first needed.
    ///
    /// # Errors
    ///
    /// [`KeySourceError`] if the secret, the table or the file does not contain usable keys.
    pub async fn key_source(
        &self,
        settings: &KeySettings,
        clock: Clock,
    ) -> Result<Arc<dyn KeySource>, KeySourceError> {
        match settings {
            KeySettings::Fixed(keys) => Ok(keys.clone().into()),
            KeySettings::File {
                path,
                algorithm,
                key_use,
            } => {
                let store = FileStore::open(path)?;
                let keys = store.keys(*key_use, *algorithm)?;
                if !algorithm.supports_generation() {
                    return Ok(keys.into());
                }
                let keys = FileKeys::new(store, *key_use, *algorithm);
                Ok(start(keys, clock, |error| KeySourceError::file(&error)).await?)
            }
            KeySettings::Table { table } => {
                let keys = TableKeys::new(self.store(table).await);
                Ok(start(keys, clock, KeySourceError::Table).await?)
            }
            KeySettings::Secret {
                id,
                algorithm,
                key_use,
            } => {
                let secret = self.secret(id.clone()).await;
                let keys = SecretKeys::new(secret, *algorithm, *key_use);
                let variable = key_use.secret_variable();
                let rejected = |error| KeySourceError::Secret { variable, error };
                Ok(start(keys, clock, rejected).await?)
            }
        }
    }

    /// Returns the published keys that the settings name, as they are, with the same cache as
    /// [`Aws::key_source`]. HMAC keys are not published.
    ///
    /// # Errors
    ///
    /// As [`Aws::key_source`]; [`KeySourceError::Secret`] for a secret, which has no published keys.
    pub async fn published_source(
        &self,
        settings: &KeySettings,
        clock: Clock,
    ) -> Result<Arc<dyn PublishedSource>, KeySourceError> {
        match settings {
            KeySettings::Fixed(_) => Ok(PublishedKeys::default().into()),
            KeySettings::File {
                path,
                algorithm,
                key_use,
            } => {
                if !algorithm.supports_generation() {
                    return Ok(PublishedKeys::default().into());
                }
                let store = FileStore::open(path)?;
                store.keys(*key_use, *algorithm)?;
                let keys = PublishedFile(store);
                Ok(start(keys, clock, |error| KeySourceError::file(&error)).await?)
            }
            KeySettings::Table { table } => {
                Ok(start(self.store(table).await, clock, KeySourceError::Table).await?)
            }
            KeySettings::Secret { key_use, .. } => Err(KeySourceError::Secret {
                variable: key_use.secret_variable(),
                error: KeyError::NotPublic,
            }),
        }
    }

    /// Returns the private set in a secret.
    pub async fn key_ring(&self, id: impl Into<String>) -> SecretRing {
        SecretRing::new(self.secrets().await, id.into())
    }

    pub(crate) async fn secret(&self, id: String) -> Secret {
        Secret::new(self.secrets().await, id)
    }

    async fn secrets(&self) -> aws_sdk_secretsmanager::Client {
        let create = || async { aws_sdk_secretsmanager::Client::new(self.config().await) };
        self.secrets.get_or_init(create).await.clone()
    }

    /// Returns the configuration that all clients share, with one HTTP client.
    pub(crate) async fn config(&self) -> &SdkConfig {
        let load = || async {
            let mut loader = aws_config::defaults(BehaviorVersion::latest());
            if let Some(http_client) = &self.http_client {
                loader = loader.http_client(http_client.clone());
            }
            if let Some(credentials) = &self.credentials {
                loader = loader.credentials_provider(credentials.clone());
            }
            #[cfg(feature = "operator")]
            let loader = self.choice.apply(loader).boxed().await;
            self.limits.apply(loader.load().boxed().await)
        };
        self.config.get_or_init(load).await
    }
}

/// Reads the keys of a document for the first time.
async fn start<T: KeyDocument>(
    document: T,
    clock: Clock,
    rejected: impl FnOnce(KeyError) -> KeySourceError,
) -> Result<Arc<CachedKeys<T>>, KeySourceError> {
    let keys = CachedKeys::new(document, clock);
    keys.read_at_start().await.map_err(rejected)?;
    Ok(Arc::new(keys))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_has_the_documented_time_limits() {
        let config = SdkConfig::builder().behavior_version(BehaviorVersion::latest());
        let config = FUNCTION.apply(config.build());
        let timeouts = config.timeout_config().unwrap();
        let attempt = Duration::from_millis(800);
        assert_eq!(timeouts.operation_attempt_timeout(), Some(attempt));
        assert_eq!(timeouts.operation_timeout(), Some(Duration::from_secs(2)));
        assert_eq!(config.retry_config().unwrap().max_attempts(), 3);
    }
}
