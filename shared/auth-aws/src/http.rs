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
use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnectorSettings, SharedHttpClient, http_client_fn},
    runtime_components::RuntimeComponents,
};

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

/// Returns the client of a function. `lookup` reads the environment, which determines the roots.
pub(crate) fn client(lookup: impl Fn(&str) -> Option<String>) -> SharedHttpClient {
    let context = tls_context(lookup);
    let client = Builder::new().build_with_connector_fn(move |settings, components| {
        build_connector(context.clone(), settings, components)
    });
    // Without this, each service client would create a connector just to check that it can, and drop it. The
    // connector in use is created at the first call; the roots are tested below.
    http_client_fn(move |settings, components| client.http_connector(settings, components))
}

/// Returns a connector for a single host, with the same roots as [`client`].
pub(crate) fn connector(lookup: impl Fn(&str) -> Option<String>) -> Connector {
    build_connector(tls_context(lookup), None, None)
}

/// Returns a connector like the SDK's own, except for the roots.
fn build_connector(
    context: TlsContext,
    settings: Option<&HttpConnectorSettings>,
    components: Option<&RuntimeComponents>,
) -> Connector {
    let mut connector = Connector::builder()
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .tls_context(context)
        .proxy_config(ProxyConfig::from_env());
    connector.set_connector_settings(settings.cloned());
    if let Some(components) = components {
        connector.set_sleep_impl(components.sleep_impl());
    }
    connector.build()
}

/// Returns the roots to trust: Amazon's, or those of the machine if the environment needs others.
fn tls_context(lookup: impl Fn(&str) -> Option<String>) -> TlsContext {
    let roots = if needs_only_amazon_roots(lookup) {
        TrustStore::empty().with_pem_certificate(AMAZON_ROOTS)
    } else {
        TrustStore::default()
    };
    let context = TlsContext::builder().with_trust_store(roots).build();
    context.unwrap_or_default()
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
    use std::{env, net::TcpListener, process::Command};

    use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig};
    use aws_sdk_dynamodb::{
        Client,
        config::{Credentials, SharedCredentialsProvider},
    };

    use aws_lc_rs::digest;
    use base64::{Engine, engine::general_purpose::STANDARD};

    use super::*;

    /// Returns a lookup in these variables.
    fn in_variables(variables: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        move |name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        }
    }

    fn suffices(variables: &[(&str, &str)]) -> bool {
        needs_only_amazon_roots(in_variables(variables))
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
        fail_over_tls(&[("AWS_REGION", "eu-central-1")]).await;
    }

    #[tokio::test]
    async fn a_call_over_tls_with_the_roots_of_the_machine_fails_in_the_same_way() {
        fail_over_tls(&[("AWS_REGION", "cn-north-1")]).await;
    }

    /// A process reads the variable once, so the test above runs in another one.
    #[test]
    fn a_call_over_tls_with_the_roots_of_a_file_fails_in_the_same_way() {
        let roots = concat!(env!("CARGO_MANIFEST_DIR"), "/src/amazon-roots.pem");
        let test = "a_call_over_tls_with_the_roots_of_the_machine_fails_in_the_same_way";
        let output = Command::new(env::current_exe().unwrap())
            .arg(test)
            .env("SSL_CERT_FILE", roots)
            .env_remove("SSL_CERT_DIR")
            .output()
            .unwrap();
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{printed}");
        assert!(printed.contains("1 passed"), "{printed}");
    }

    async fn fail_over_tls(variables: &[(&str, &str)]) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || listener.accept().map(drop));
        let credentials = Credentials::new("local", "local", None, None, "tests");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(format!("https://{address}"))
            .region(Region::new("eu-central-1"))
            .retry_config(RetryConfig::disabled())
            .http_client(client(in_variables(variables)));
        let called = Client::new(&config.build()).list_tables().send().await;
        let error = crate::cause::cause(&called.unwrap_err());
        assert!(error.contains("dispatch failure"), "{error}");
    }
}
