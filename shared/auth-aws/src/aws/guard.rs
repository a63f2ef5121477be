//! Guards for functions and servers outside the bundle, with keys in its table.

use std::sync::Arc;

use auth_core::{
    Clock, DetachedKeys, GuardKeys, GuardSettings, JwtBearer, KeySource, TokenSettings,
};

use super::{Aws, start};
use crate::{
    keys::{KeySourceError, document::TableKeys},
    store::DynamoDbStore,
};

impl Aws {
    /// Returns the guard that the environment describes, for a function outside the bundle. Like
    /// [`JwtBearer::from_env`], but the keys can also be in a table (`JWT_KEYS_TABLE`).
    ///
    /// # Errors
    ///
    /// [`KeySourceError`] for invalid settings, or if the table does not contain usable keys.
    pub async fn guard_from_env(&self) -> Result<JwtBearer, KeySourceError> {
        self.guard_from(GuardSettings::from_env()?).await
    }

    /// Returns the guard whose keys are in the table that `JWT_KEYS_TABLE` names, and the store of that table: both
    /// parts of a live guard, for a function outside the bundle.
    ///
    /// # Errors
    ///
    /// As [`Aws::guard_from_env`], and if the keys are not in a table.
    pub async fn live_guard_from_env(&self) -> Result<(JwtBearer, DynamoDbStore), KeySourceError> {
        let settings = GuardSettings::from_env()?;
        let store = self.store(settings.table()?).await;
        let bearer = table_guard(store.clone(), settings.tokens).await?;
        Ok((bearer, store))
    }

    async fn guard_from(&self, settings: GuardSettings) -> Result<JwtBearer, KeySourceError> {
        let GuardKeys::Table { table } = &settings.keys else {
            return Ok(settings.into_bearer()?);
        };
        table_guard(self.store(table).await, settings.tokens).await
    }
}

/// Returns the guard whose keys are in the table of a store. It may be part of a server, whose clients disconnect.
async fn table_guard(
    store: DynamoDbStore,
    tokens: TokenSettings,
) -> Result<JwtBearer, KeySourceError> {
    let keys = start(
        TableKeys::new(store),
        Clock::system(),
        KeySourceError::Table,
    )
    .await?;
    let keys: Arc<dyn KeySource> = Arc::new(DetachedKeys::new(keys));
    Ok(JwtBearer::new(keys, tokens, Clock::system()))
}

#[cfg(test)]
mod tests {
    use std::{env::VarError, time::Duration};

    use auth_core::{BearerError, KeysUnavailable};
    use aws_config::{BehaviorVersion, Region, SdkConfig};
    use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
    use tokio::{io::AsyncReadExt, net::TcpListener, time::timeout};

    use super::*;

    /// Returns the guard with this variable, if it starts.
    async fn guard(variable: &str, value: &str, endpoint: &str) -> Result<JwtBearer, String> {
        let lookup = |name: &str| {
            let is_set = name == variable;
            is_set.then(|| value.to_owned()).ok_or(VarError::NotPresent)
        };
        let settings = GuardSettings::read(&lookup).unwrap();
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(endpoint)
            .credentials_provider(SharedCredentialsProvider::new(Credentials::for_tests()))
            .region(Region::new("eu-central-1"));
        let aws = Aws::for_function_with(config.build());
        let guard = aws.guard_from(settings).await;
        guard.map_err(|error| error.to_string())
    }

    /// Returns what a guard with this variable says about a token, if it starts. Nothing listens at its endpoint.
    async fn verify(variable: &str, value: &str) -> Result<BearerError, String> {
        let guard = guard(variable, value, "http://127.0.0.1:1").await?;
        Ok(guard.verify("a.b.c").await.unwrap_err())
    }

    /// Otherwise, clients that disconnect at the right time could keep a revoked key in use.
    #[tokio::test]
    async fn a_read_of_the_table_goes_on_without_the_request_that_began_it() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let starting = guard("JWT_KEYS_TABLE", "users", &endpoint);
        let fail = async {
            loop {
                drop(listener.accept().await);
            }
        };
        let guard = tokio::select! {
            guard = starting => guard.unwrap(),
            () = fail => unreachable!("it goes on"),
        };
        let request = timeout(Duration::from_millis(100), guard.verify("a.b.c"));
        assert!(request.await.is_err(), "the request ended before the read");
        let (mut connection, _) = listener.accept().await.unwrap();
        let until_end = async { while connection.read(&mut [0; 1024]).await.unwrap() > 0 {} };
        let ended = timeout(Duration::from_millis(200), until_end).await;
        assert!(ended.is_err(), "the read was cancelled");
    }

    #[tokio::test]
    async fn a_guard_reads_its_keys_from_a_table_or_the_environment() {
        assert_eq!(
            verify("JWT_KEYS_TABLE", "users").await,
            Ok(BearerError::KeysUnavailable(KeysUnavailable))
        );
        let secret = "kq3mZ8vT1wYxP5nB7cR2dF6gH9jL4sA0";
        let verified = verify("JWT_SECRET_KEY", secret).await;
        assert!(matches!(verified, Ok(BearerError::InvalidToken(_))));
    }

    #[tokio::test]
    async fn a_guard_does_not_read_a_url() {
        assert_eq!(
            verify("JWT_JWKS_URL", "https://auth.example.com/keys").await,
            Err("invalid settings:\n  JWT_JWKS_URL: call auth_http::guard_from_env, with the feature jwks-url of auth-http".to_owned())
        );
    }
}
