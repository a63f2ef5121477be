//! The HTTP client of a function's calls to AWS, and the root certificates that it trusts.
//!
//! The SDK's own client parses all root certificates of the machine when it is created, which is more than
//! half of a cold start (docs/decisions/0008-performance.md). The certificates of AWS endpoints have five
//! roots, all Amazon's, which are compiled in.

use aws_smithy_http_client::{
    Builder, Connector,
    proxy::ProxyConfig,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::http::{HttpClient, SharedHttpClient, http_client_fn};

/// The roots of Amazon Trust Services (<https://www.amazontrust.com/repository/>).
const AMAZON_ROOTS: &str = include_str!("amazon-roots.pem");

/// Variables with which an operator names other roots, for a proxy that intercepts TLS.
const ROOT_VARIABLES: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// Variables that replace endpoints of AWS, for an emulator with its own certificate.
const ENDPOINT_VARIABLES: [&str; 3] = [
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_DYNAMODB",
    "AWS_ENDPOINT_URL_SECRETS_MANAGER",
];

/// Prefixes of the regions whose endpoints have other certificates: China and the isolated ones.
const OTHER_PARTITIONS: [&str; 3] = ["cn-", "us-iso", "eu-iso"];

/// Returns a client that trusts only Amazon's roots. `None` if the environment, which `lookup` reads, needs
/// others: the SDK's own client trusts those of the machine.
pub(crate) fn client(lookup: impl Fn(&str) -> Option<String>) -> Option<SharedHttpClient> {
    if !needs_only_amazon_roots(lookup) {
        return None;
    }
    let roots = TrustStore::empty().with_pem_certificate(AMAZON_ROOTS);
    let context = TlsContext::builder().with_trust_store(roots).build().ok()?;
    // Like the SDK's own, except for the roots.
    let client = Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder()
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .tls_context(context.clone());
        connector.set_connector_settings(settings.cloned());
        if let Some(components) = components {
            connector.set_sleep_impl(components.sleep_impl());
        }
        connector.set_proxy_config(Some(ProxyConfig::from_env()));
        connector.build()
    });
    // Without this, each service client would create a connector just to check that it can, and drop it. The
    // connector in use is created at the first call; the roots are tested below.
    Some(http_client_fn(move |settings, components| {
        client.http_connector(settings, components)
    }))
}

fn needs_only_amazon_roots(lookup: impl Fn(&str) -> Option<String>) -> bool {
    let has_roots = ROOT_VARIABLES.iter().any(|name| lookup(name).is_some());
    let is_tls = |url: String| url.to_ascii_lowercase().starts_with("https:");
    let has_endpoint = ENDPOINT_VARIABLES
        .iter()
        .filter_map(|name| lookup(name))
        .any(is_tls);
    let region = lookup("AWS_REGION").or_else(|| lookup("AWS_DEFAULT_REGION"));
    // The region of a profile is not visible here.
    let has_amazon_roots = region.is_some_and(|region| {
        !OTHER_PARTITIONS
            .iter()
            .any(|prefix| region.starts_with(prefix))
    });
    has_amazon_roots && !has_roots && !has_endpoint
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig};
    use aws_sdk_dynamodb::{
        Client,
        config::{Credentials, SharedCredentialsProvider},
    };

    use aws_lc_rs::digest;
    use base64::{Engine, engine::general_purpose::STANDARD};

    use super::*;

    fn suffices(variables: &[(&str, &str)]) -> bool {
        needs_only_amazon_roots(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn amazons_roots_suffice_unless_the_environment_needs_others() {
        let lambda = ("AWS_REGION", "eu-central-1");
        assert!(suffices(&[lambda]));
        assert!(suffices(&[("AWS_DEFAULT_REGION", "us-gov-west-1")]));
        assert!(suffices(&[
            lambda,
            ("AWS_ENDPOINT_URL", "http://localhost:4566")
        ]));
        for other in [
            ("SSL_CERT_FILE", "/etc/proxy.pem"),
            ("SSL_CERT_DIR", "/etc/ssl/certs"),
            ("AWS_ENDPOINT_URL", "https://localhost:4566"),
            ("AWS_ENDPOINT_URL_DYNAMODB", "HTTPS://localhost:8000"),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", "https://localhost:4566"),
        ] {
            assert!(!suffices(&[lambda, other]), "{other:?}");
        }
        for region in [
            "cn-north-1",
            "us-iso-east-1",
            "us-isob-east-1",
            "eu-isoe-west-1",
        ] {
            assert!(!suffices(&[("AWS_REGION", region)]), "{region}");
        }
        assert!(!suffices(&[]), "a profile may name any region");
    }

    /// The fingerprints that Amazon publishes: Amazon Root CA 1 to 4, and Starfield Services
    /// Root Certificate Authority - G2.
    #[test]
    fn the_roots_are_those_that_amazon_publishes() {
        let published = [
            "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e",
            "1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4",
            "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4",
            "e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092",
            "568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5",
        ];
        let certificates = AMAZON_ROOTS.split("-----BEGIN CERTIFICATE-----").skip(1);
        let fingerprints: Vec<String> = certificates
            .map(|text| {
                let text = text.split("-----END").next().unwrap().replace('\n', "");
                let der = STANDARD.decode(text).unwrap();
                let digest = digest::digest(&digest::SHA256, &der);
                let hex = digest.as_ref().iter().map(|byte| format!("{byte:02x}"));
                hex.collect()
            })
            .collect();
        assert_eq!(fingerprints, published);
    }

    /// The client parses its roots when it first connects: an invalid one would panic there.
    #[tokio::test]
    async fn a_call_over_tls_to_an_endpoint_without_tls_fails() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || listener.accept().map(drop));
        let credentials = Credentials::new("local", "local", None, None, "tests");
        let region = |name: &str| (name == "AWS_REGION").then(|| "eu-central-1".to_owned());
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(format!("https://{address}"))
            .region(Region::new("eu-central-1"))
            .retry_config(RetryConfig::disabled())
            .http_client(client(region).unwrap());
        let called = Client::new(&config.build()).list_tables().send().await;
        let error = crate::cause::cause(&called.unwrap_err());
        assert!(error.contains("dispatch failure"), "{error}");
    }
}
