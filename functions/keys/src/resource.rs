//! The custom resource of a deploy: the first keys of a stack, and a public set that fits the private one.
//!
//! [AWS's protocol](https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/crpg-ref.html): the result
//! is sent to a signed URL, and `CloudFormation` waits until it has arrived or `ServiceTimeout` has passed.

use std::time::Duration;

use auth_core::PublishedKeyRepository;
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::error;

use crate::{Keys, error::KeysError};

/// The id of a resource whose request names none. Another id would make `CloudFormation` delete the old resource.
const RESOURCE_ID: &str = "access-token-keys";

/// How much of a failure's reason is sent, in bytes: `CloudFormation` accepts results of up to 4 KiB.
const MAX_REASON: usize = 1024;

/// How long the repair may take. The function's own time limit is 60 seconds, and sending the result takes up to 16:
/// a failure is reported before the function is ended.
pub(crate) const TIME_LIMIT: Duration = Duration::from_secs(40);

/// What `CloudFormation` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum RequestType {
    Create,
    Update,
    Delete,
}

/// A request of `CloudFormation`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ResourceRequest {
    request_type: RequestType,
    #[serde(rename = "ResponseURL")]
    response_url: String,
    stack_id: String,
    request_id: String,
    logical_resource_id: String,
    physical_resource_id: Option<String>,
}

impl<P: PublishedKeyRepository> Keys<P> {
    /// Creates the keys that are missing and publishes what the private set needs, within a time limit. Repeating it
    /// changes nothing. A delete changes nothing either: the secret and the table are separate resources.
    pub(crate) async fn provide(
        &self,
        request: &ResourceRequest,
        limit: Duration,
    ) -> Result<(), KeysError> {
        let result = match request.request_type {
            RequestType::Create | RequestType::Update => self.repair_in_time(limit).await,
            RequestType::Delete => Ok(()),
        };
        let failure = result.err();
        if let Some(failure) = &failure {
            // The event itself is handled: a retry would report to a URL that CloudFormation no longer reads.
            let (kind, reason) = (failure.kind(), failure.to_string());
            error!(kind, reason, "custom resource failed");
        }
        let result = result_of(request, failure.as_ref()).to_string();
        let sent = self.callback.put(&request.response_url, &result);
        sent.await.map_err(KeysError::Callback)
    }

    async fn repair_in_time(&self, limit: Duration) -> Result<(), KeysError> {
        let repaired = tokio::time::timeout(limit, self.logged(self.keeper.repair()));
        repaired.await.map_err(|_| KeysError::TooSlow)??;
        Ok(())
    }
}

fn result_of(request: &ResourceRequest, failure: Option<&KeysError>) -> Value {
    let id = request.physical_resource_id.as_deref();
    let mut result = json!({
        "Status": if failure.is_some() { "FAILED" } else { "SUCCESS" },
        "PhysicalResourceId": id.unwrap_or(RESOURCE_ID),
        "StackId": request.stack_id,
        "RequestId": request.request_id,
        "LogicalResourceId": request.logical_resource_id,
    });
    if let Some(failure) = failure {
        let mut reason = failure.to_string();
        reason.truncate(reason.floor_char_boundary(MAX_REASON));
        result["Reason"] = reason.into();
    }
    result
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::TcpListener,
        thread,
    };

    use auth_aws::{Aws, Callback};
    use auth_core::{
        Algorithm, Clock, KeeperSettings, KeyRules, PublishedKeys, RepositoryError, Versioned,
    };

    use super::*;

    /// A table that responds after seconds.
    struct SlowTable;

    impl SlowTable {
        async fn respond<T>() -> Result<T, RepositoryError> {
            tokio::time::sleep(Duration::from_secs(5)).await;
            Err(RepositoryError::Unavailable("too late".into()))
        }
    }

    impl PublishedKeyRepository for SlowTable {
        async fn load_published(&self) -> Result<Versioned<PublishedKeys>, RepositoryError> {
            Self::respond().await
        }

        async fn replace_published(
            &self,
            _: Option<&str>,
            _: &PublishedKeys,
        ) -> Result<bool, RepositoryError> {
            Self::respond().await
        }
    }

    async fn function_on_slow_table() -> Keys<SlowTable> {
        let rules = KeyRules {
            algorithm: Algorithm::ES256,
            expiration: Duration::from_hours(1),
        };
        let settings = KeeperSettings {
            table: "users".into(),
            secret_id: "JwtKeys".into(),
            rules,
        };
        // The table is read first, so nothing calls Secrets Manager.
        let ring = Aws::for_function().key_ring("JwtKeys").await;
        Keys::new(
            settings,
            ring,
            SlowTable,
            Callback::from_env(),
            Clock::system(),
        )
    }

    /// Accepts the result of a resource.
    fn receive(listener: &TcpListener) -> Value {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"}") {
            let mut bytes = [0; 1024];
            let count = stream.read(&mut bytes).unwrap();
            assert_ne!(count, 0, "{}", String::from_utf8_lossy(&request));
            request.extend(&bytes[..count]);
        }
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            .unwrap();
        let body = request.iter().position(|byte| *byte == b'{').unwrap();
        serde_json::from_slice(&request[body..]).unwrap()
    }

    #[tokio::test]
    async fn a_store_that_responds_too_slowly_is_reported_as_a_failure() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let received = thread::spawn(move || receive(&listener));
        let request = json!({"RequestType": "Create", "ResponseURL": url, "StackId": "stack",
            "RequestId": "1", "LogicalResourceId": "AccessTokenKeys"});
        let request = serde_json::from_value(request).unwrap();
        let keys = function_on_slow_table().await;
        keys.provide(&request, Duration::from_millis(10))
            .await
            .unwrap();
        let result = received.join().unwrap();
        assert_eq!(result["Status"], "FAILED");
        let reason = "the secret or the table responds too slowly; the next deploy tries again";
        assert_eq!(result["Reason"], reason);
    }
}
