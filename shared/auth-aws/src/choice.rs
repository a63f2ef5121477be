//! The profile and the region that an operator names on the command line.

use aws_config::{
    ConfigLoader, Region, default_provider::region::DefaultRegionChain,
    profile::ProfileFileCredentialsProvider, provider_config::ProviderConfig,
};

/// The profile and the region that override those of the environment.
#[derive(Debug, Clone, Default)]
pub struct AwsChoice {
    /// A profile of the AWS configuration files. Its credentials are used even if the environment has others, as
    /// in the AWS CLI.
    pub profile: Option<String>,
    /// A region. Without one, the region of the environment or of the profile is used.
    pub region: Option<String>,
}

impl AwsChoice {
    pub(crate) async fn apply(&self, mut loader: ConfigLoader) -> ConfigLoader {
        if let Some(region) = &self.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(profile) = &self.profile {
            let credentials = self.credentials(profile).await;
            loader = loader
                .profile_name(profile)
                .credentials_provider(credentials);
        }
        loader
    }

    async fn credentials(&self, profile: &str) -> ProfileFileCredentialsProvider {
        let region = if let Some(region) = &self.region {
            Some(Region::new(region.clone()))
        } else {
            let chain = DefaultRegionChain::builder().profile_name(profile);
            chain.build().region().await
        };
        // A profile with a role or with SSO calls a service of this region.
        let config = ProviderConfig::without_region().with_region(region);
        ProfileFileCredentialsProvider::builder()
            .configure(&config)
            .profile_name(profile)
            .build()
    }
}
