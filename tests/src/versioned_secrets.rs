//! A fake Secrets Manager with one secret, its versions and their labels, which refuses what AWS refuses.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::{Arc, Mutex},
};

use http::{Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use serde_json::{Value, json};

use crate::server::serve;

const CURRENT: &str = "AWSCURRENT";

/// The name of a secret that does not exist. The server has every other one.
pub const UNKNOWN_SECRET: &str = "UnknownKeys";

/// The versions of a secret.
#[derive(Debug, Clone, Default)]
struct Versions {
    values: BTreeMap<String, String>,
    labels: BTreeMap<String, String>,
    /// The operations that were called.
    calls: Vec<String>,
    /// The operation whose response is lost once, after it was executed.
    lost: Option<String>,
}

/// The type of an error, as AWS names it, and its text.
type Refused = (&'static str, &'static str);

/// A server for one test.
#[derive(Debug, Clone)]
pub struct VersionedSecrets {
    url: String,
    versions: Arc<Mutex<Versions>>,
}

impl VersionedSecrets {
    /// Serves a secret without a value.
    pub async fn serve() -> Self {
        let versions: Arc<Mutex<Versions>> = Arc::default();
        let shared = Arc::clone(&versions);
        let address = serve(move |request| {
            let versions = Arc::clone(&shared);
            async move {
                let operation = request.headers().get("x-amz-target");
                let operation = operation.and_then(|name| name.to_str().ok());
                let operation = operation.and_then(|name| name.split('.').nth(1));
                let operation = operation.unwrap_or_default().to_owned();
                let body = request.into_body().collect().await;
                let body = body.map_err(io::Error::other)?.to_bytes();
                let body: Value = serde_json::from_slice(&body)?;
                let mut versions = versions.lock().expect("no panic");
                let result = versions.call(&operation, &body);
                if versions.lost.as_deref() == Some(&operation) {
                    versions.lost = None;
                    return Err(io::Error::other("lost"));
                }
                Ok(respond(result))
            }
        })
        .await;
        Self {
            url: format!("http://{address}"),
            versions,
        }
    }

    /// Returns the URL of the server.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the current value.
    #[must_use]
    pub fn current(&self) -> Option<String> {
        let versions = self.versions.lock().expect("no panic");
        let version = versions.labels.get(CURRENT)?;
        versions.values.get(version).cloned()
    }

    /// Returns the version that has a label.
    #[must_use]
    pub fn version(&self, label: &str) -> Option<String> {
        let versions = self.versions.lock().expect("no panic");
        versions.labels.get(label).cloned()
    }

    /// Stores a value by hand.
    pub fn put(&self, value: &str) {
        let mut versions = self.versions.lock().expect("no panic");
        let version = format!("by-hand-{}", versions.values.len());
        versions.values.insert(version.clone(), value.to_owned());
        versions.labels.insert(CURRENT.to_owned(), version);
    }

    /// Returns the number of versions.
    #[must_use]
    pub fn count(&self) -> usize {
        self.versions.lock().expect("no panic").values.len()
    }

    /// Returns the operations that were called.
    #[must_use]
    pub fn calls(&self) -> Vec<String> {
        self.versions.lock().expect("no panic").calls.clone()
    }

    /// Loses the next response of an operation, which is executed.
    pub fn lose(&self, operation: &str) {
        self.versions.lock().expect("no panic").lost = Some(operation.to_owned());
    }
}

impl Versions {
    fn call(&mut self, operation: &str, body: &Value) -> Result<Value, Refused> {
        self.calls.push(operation.to_owned());
        if body["SecretId"] == UNKNOWN_SECRET {
            let text = "Secrets Manager can't find the specified secret.";
            return Err(("ResourceNotFoundException", text));
        }
        match operation {
            "GetSecretValue" => self.get(body),
            "PutSecretValue" => self.put(body),
            "UpdateSecretVersionStage" => self.update_stage(body),
            _ => Err(("InvalidRequestException", "unknown operation")),
        }
    }

    fn get(&self, body: &Value) -> Result<Value, Refused> {
        const MISSING: Refused = (
            "ResourceNotFoundException",
            "Secrets Manager can't find the specified secret value",
        );
        let label = body["VersionStage"].as_str();
        let version = match (body["VersionId"].as_str(), label) {
            (Some(version), _) => version,
            (None, label) => {
                let label = label.unwrap_or(CURRENT);
                self.labels.get(label).ok_or(MISSING)?.as_str()
            }
        };
        if !self.values.contains_key(version) {
            return Err(MISSING);
        }
        if label.is_some_and(|label| self.labels.get(label).map(String::as_str) != Some(version)) {
            return Err((
                "InvalidRequestException",
                "You provided a VersionStage that is not associated to the provided VersionId.",
            ));
        }
        let value = self.values.get(version).ok_or(MISSING)?;
        Ok(json!({"VersionId": version, "SecretString": value}))
    }

    /// A version is never changed. The first one becomes current by itself.
    fn put(&mut self, body: &Value) -> Result<Value, Refused> {
        let version = body["ClientRequestToken"].as_str().unwrap_or_default();
        let value = body["SecretString"].as_str().unwrap_or_default();
        let stored = self.values.entry(version.to_owned());
        if stored.or_insert_with(|| value.to_owned()) != value {
            return Err(("ResourceExistsException", "the version has another value"));
        }
        let labels = body["VersionStages"].as_array().cloned();
        let labels = labels.unwrap_or_else(|| vec![CURRENT.into()]);
        let mut labels: BTreeSet<&str> = labels.iter().filter_map(Value::as_str).collect();
        if !self.labels.contains_key(CURRENT) {
            labels.insert(CURRENT);
        }
        for label in &labels {
            self.labels.insert((*label).to_owned(), version.to_owned());
        }
        Ok(json!({"VersionId": version, "VersionStages": labels}))
    }

    /// A label moves only from the version that the request names.
    fn update_stage(&mut self, body: &Value) -> Result<Value, Refused> {
        const INVALID: &str = "InvalidParameterException";
        let label = body["VersionStage"].as_str().unwrap_or_default();
        let holder = self.labels.get(label).map(String::as_str);
        let from = body["RemoveFromVersionId"].as_str();
        if holder != from {
            return Err((INVALID, "the label is attached to another version"));
        }
        match body["MoveToVersionId"].as_str() {
            Some(to) if !self.values.contains_key(to) => {
                return Err(("ResourceNotFoundException", "no such version"));
            }
            Some(to) => self.labels.insert(label.to_owned(), to.to_owned()),
            None => self.labels.remove(label),
        };
        Ok(json!({}))
    }
}

fn respond(result: Result<Value, Refused>) -> Response<Full<Bytes>> {
    let (status, body) = match result {
        Ok(body) => (StatusCode::OK, body),
        Err((kind, message)) => (
            StatusCode::BAD_REQUEST,
            json!({"__type": kind, "Message": message}),
        ),
    };
    let response = Response::builder()
        .status(status)
        .header("content-type", "application/x-amz-json-1.1")
        .body(Full::from(body.to_string()));
    response.expect("a response")
}
