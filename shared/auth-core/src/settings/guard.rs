//! The settings of a guard: where its keys come from, and the rules of access tokens.
//!
//! A guard is part of another project's function, so it reads only the variables named here, and ignores all others,
//! even if they begin with `JWT_`. Start at [`JwtBearer::from_env`].

use std::env::{self, VarError};

use http::Uri;

use super::{
    names::parse_table,
    reader::{SettingsError, SettingsReader},
    sources::{
        JWKS, JWKS_URL, KEYS_SECRET_ID, KEYS_TABLE, SECRET_KEY, only_one, parse_url,
        read_algorithm, read_jwks, read_secret,
    },
};
use crate::{
    bearer::JwtBearer,
    key::{Algorithm, KeySet},
    time::Clock,
    token::TokenSettings,
};

/// The sources of a guard's keys, of which one must be set.
const SOURCES: [&str; 4] = [SECRET_KEY, JWKS, JWKS_URL, KEYS_TABLE];

/// Where the keys of a guard come from.
#[derive(Debug, Clone)]
pub enum GuardKeys {
    /// From the environment (`JWT_SECRET_KEY` or `JWT_JWKS`). They do not change while the process lives.
    Fixed(KeySet),
    /// From a JWK set at a URL (`JWT_JWKS_URL`), which may change. Read by auth-http with the feature `jwks-url`.
    Url {
        /// An https URL, or an http URL of an address of this machine.
        url: Uri,
        /// The algorithm of a key without `alg` whose type allows several.
        algorithm: Algorithm,
    },
    /// From a `DynamoDB` table (`JWT_KEYS_TABLE`), which may change. Read by auth-aws.
    Table {
        /// The table's name or ARN.
        table: String,
    },
}

/// The settings of a guard.
#[derive(Debug, Clone)]
pub struct GuardSettings {
    /// Where the keys come from.
    pub keys: GuardKeys,
    /// The rules of access tokens.
    pub tokens: TokenSettings,
}

impl JwtBearer {
    /// Returns the guard that the environment describes. The keys are in `JWT_SECRET_KEY` or `JWT_JWKS`;
    /// `JWT_ALGORITHM`, `JWT_ISSUER`, `JWT_AUDIENCE`, `JWT_EXPIRATION` and `JWT_LEEWAY` have defaults. All other
    /// variables are ignored, except for sources of keys that need another crate.
    ///
    /// # Errors
    ///
    /// [`SettingsError`] with all problems. A source that this crate cannot read is one of them; the text names the
    /// function that can.
    pub fn from_env() -> Result<Self, SettingsError> {
        GuardSettings::from_env()?.into_bearer()
    }
}

impl GuardSettings {
    /// Reads the settings from the environment of the process.
    ///
    /// # Errors
    ///
    /// [`SettingsError`] with all problems.
    pub fn from_env() -> Result<Self, SettingsError> {
        Self::read(&|name| env::var(name))
    }

    /// Reads the settings from the variables that `lookup` finds.
    ///
    /// # Errors
    ///
    /// [`SettingsError`] with all problems.
    pub fn read(lookup: &dyn Fn(&str) -> Result<String, VarError>) -> Result<Self, SettingsError> {
        // Without names, no variable is unknown.
        let mut reader = SettingsReader::new([], lookup);
        let keys = GuardKeys::read(&mut reader);
        let tokens = TokenSettings::read(&mut reader);
        let settings = keys.zip(tokens);
        reader.finish(settings.map(|(keys, tokens)| Self { keys, tokens }))
    }

    /// Returns the table with the keys, in which a live guard also finds users and sessions.
    ///
    /// # Errors
    ///
    /// [`SettingsError`] if the keys are not in a table.
    pub fn table(&self) -> Result<&str, SettingsError> {
        match &self.keys {
            GuardKeys::Table { table } => Ok(table),
            GuardKeys::Fixed(_) | GuardKeys::Url { .. } => Err(SettingsError::new(
                KEYS_TABLE,
                "must be set, and no other source of keys: a live guard reads users and sessions from this table",
            )),
        }
    }

    /// Returns the guard with the keys of the environment and the clock of the machine.
    ///
    /// # Errors
    ///
    /// [`SettingsError`] if the keys have to be read elsewhere.
    pub fn into_bearer(self) -> Result<JwtBearer, SettingsError> {
        match self.keys {
            GuardKeys::Fixed(keys) => Ok(JwtBearer::new(keys, self.tokens, Clock::system())),
            GuardKeys::Url { .. } => Err(SettingsError::new(
                JWKS_URL,
                "call auth_http::guard_from_env, with the feature jwks-url of auth-http",
            )),
            GuardKeys::Table { .. } => Err(SettingsError::new(
                KEYS_TABLE,
                "call Aws::guard_from_env of the crate auth-aws",
            )),
        }
    }
}

impl GuardKeys {
    fn read(reader: &mut SettingsReader) -> Option<Self> {
        let algorithm = read_algorithm(reader);
        // The keys are checked even if the algorithm is invalid, so that their problems are reported too.
        let default = algorithm.unwrap_or(Algorithm::HS256);
        let keys = Self::read_source(reader, default);
        algorithm.and(keys)
    }

    fn read_source(reader: &mut SettingsReader, algorithm: Algorithm) -> Option<Self> {
        if reader.is_set(KEYS_SECRET_ID) {
            let what = "a guard must not read private keys: set JWT_JWKS_URL, JWT_KEYS_TABLE or JWT_JWKS instead";
            return reader.problem(KEYS_SECRET_ID, what);
        }
        match only_one(reader, &SOURCES).ok()? {
            Some(SECRET_KEY) => {
                // Outside of Lambda, a guard is deployed as a release.
                let is_deployed = reader.is_in_lambda() || !cfg!(debug_assertions);
                read_secret(reader, SECRET_KEY, algorithm, is_deployed).map(Self::Fixed)
            }
            Some(JWKS) => read_jwks(reader, algorithm).map(Self::Fixed),
            Some(JWKS_URL) => {
                let url = reader.required(JWKS_URL, parse_url)?;
                Some(Self::Url { url, algorithm })
            }
            Some(_) => {
                let table = reader.required(KEYS_TABLE, parse_table)?;
                Some(Self::Table { table })
            }
            None => {
                let others = SOURCES[1..].join(", ");
                reader.problem(SECRET_KEY, format_args!("must be set, or one of {others}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, time::Duration};

    use super::{super::sources::MAX_URL_BYTES, *};

    const SECRET: (&str, &str) = (SECRET_KEY, "kq3mZ8vT1wYxP5nB7cR2dF6gH9jL4sA0");
    const PUBLIC: (&str, &str) = (
        JWKS,
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
    );

    fn read(variables: &[(&str, &str)]) -> Result<GuardSettings, Vec<String>> {
        let variables: BTreeMap<&str, &str> = variables.iter().copied().collect();
        let lookup = |name: &str| {
            let value = variables.get(name).ok_or(VarError::NotPresent)?;
            Ok((*value).to_owned())
        };
        GuardSettings::read(&lookup).map_err(|error| error.problems().to_vec())
    }

    fn bearer(variables: &[(&str, &str)]) -> Result<JwtBearer, Vec<String>> {
        let bearer = read(variables)?.into_bearer();
        bearer.map_err(|error| error.problems().to_vec())
    }

    #[test]
    fn a_secret_or_public_keys_are_all_that_a_guard_needs() {
        for source in [SECRET, PUBLIC] {
            assert_eq!(bearer(&[source]).unwrap().realm(), "api");
            let settings = read(&[source]).unwrap();
            assert_eq!(settings.tokens, TokenSettings::default());
        }
    }

    #[test]
    fn the_rules_of_tokens_are_read() {
        let settings = read(&[
            PUBLIC,
            ("JWT_ISSUER", "https://auth.example.com"),
            ("JWT_AUDIENCE", "shop"),
            ("JWT_EXPIRATION", "60"),
            ("JWT_LEEWAY", "0"),
        ]);
        let expected = TokenSettings {
            issuer: "https://auth.example.com".into(),
            audience: "shop".into(),
            expiration: Duration::from_mins(1),
            leeway: Duration::ZERO,
        };
        assert_eq!(settings.unwrap().tokens, expected);
    }

    #[test]
    fn variables_of_the_team_are_ignored() {
        let own = [
            ("AUTH_DOMAIN", "example.eu.auth0.com"),
            ("AUTH_STORE", "postgres"),
            ("JWT_REFRESH_SECRET", "x"),
            ("JWT_SECRET", ""),
            ("LOGIN_URL", "/login"),
            ("SESSION_SECRET_KEY", "x"),
            ("COUNTER_KEY_SECRET_ID", " "),
        ];
        let variables: Vec<_> = own.into_iter().chain([PUBLIC]).collect();
        assert!(bearer(&variables).is_ok());
    }

    #[test]
    fn a_source_that_this_crate_cannot_read_names_what_can() {
        let url = (JWKS_URL, "https://auth.example.com/.well-known/jwks.json");
        for (source, problem) in [
            (
                url,
                "JWT_JWKS_URL: call auth_http::guard_from_env, with the feature jwks-url of auth-http",
            ),
            (
                (KEYS_TABLE, "users"),
                "JWT_KEYS_TABLE: call Aws::guard_from_env of the crate auth-aws",
            ),
        ] {
            assert!(read(&[source]).is_ok());
            assert_eq!(bearer(&[source]).unwrap_err(), [problem]);
        }
    }

    #[test]
    fn exactly_one_source_must_be_set() {
        assert_eq!(
            read(&[]).unwrap_err(),
            ["JWT_SECRET_KEY: must be set, or one of JWT_JWKS, JWT_JWKS_URL, JWT_KEYS_TABLE"]
        );
        assert_eq!(
            read(&[SECRET, PUBLIC]).unwrap_err(),
            ["JWT_JWKS: set either this or JWT_SECRET_KEY, not both"]
        );
    }

    #[test]
    fn private_keys_are_rejected_wherever_they_are() {
        let problems = read(&[PUBLIC, (KEYS_SECRET_ID, "JwtKeys")]).unwrap_err();
        assert!(
            problems[0].starts_with("JWT_KEYS_SECRET_ID: a guard must not"),
            "{problems:?}"
        );
        let private = r#"{"kty":"oct","k":"a3EzbVo4dlQxd1l4UDVuQjdjUjJkRjZnSDlqTDRzQTA"}"#;
        assert_eq!(
            read(&[(JWKS, private)]).unwrap_err(),
            ["JWT_JWKS: must contain only public keys"]
        );
    }

    #[test]
    fn all_problems_are_reported_together_and_without_values() {
        let problems = read(&[
            (SECRET_KEY, "hunter2"),
            ("JWT_ALGORITHM", "none"),
            ("JWT_EXPIRATION", "never"),
        ]);
        let problems = problems.unwrap_err();
        let variables = problems
            .iter()
            .filter_map(|problem| problem.split(':').next());
        let variables: Vec<&str> = variables.collect();
        assert_eq!(variables, ["JWT_ALGORITHM", SECRET_KEY, "JWT_EXPIRATION"]);
        assert!(!problems.join(" ").contains("hunter2"), "{problems:?}");
    }

    #[test]
    fn the_tests_secret_is_rejected_in_lambda_and_by_releases() {
        let known = (SECRET_KEY, "test-not-for-deployment-pqN4wYc7Jk2vXz9mB5tR8s");
        assert_eq!(read(&[known]).is_ok(), cfg!(debug_assertions));
        let in_lambda = (crate::LAMBDA_MARKER, "on-demand");
        assert_eq!(
            read(&[known, in_lambda]).unwrap_err(),
            ["JWT_SECRET_KEY: is a published secret"]
        );
    }

    #[test]
    fn a_url_is_https_or_of_this_machine() {
        for url in [
            "https://auth.example.com/.well-known/jwks.json",
            "HTTPS://auth.example.com",
            "https://auth.example.com:8443/keys?format=jwks",
            "http://localhost:9000/.well-known/jwks.json",
            "http://127.0.0.1:9000/.well-known/jwks.json",
            "http://127.8.0.1/",
            "http://[::1]:9000/",
        ] {
            assert!(read(&[(JWKS_URL, url)]).is_ok(), "{url}");
        }
        // A name server could resolve the name to another machine.
        for (name, address) in [
            (
                "http://localhost:9000/keys?v=1",
                "http://127.0.0.1:9000/keys?v=1",
            ),
            ("http://LOCALHOST", "http://127.0.0.1:80/"),
        ] {
            let GuardKeys::Url { url, .. } = read(&[(JWKS_URL, name)]).unwrap().keys else {
                panic!("{name} is a URL");
            };
            assert_eq!(url, address);
        }
        let long = format!("https://auth.example.com/{}", "a".repeat(MAX_URL_BYTES));
        for url in [
            "http://auth.example.com/.well-known/jwks.json",
            "http://127.0.0.1.example.com/",
            "http://localhost.example.com/",
            "http://10.0.0.1/",
            "http://0.0.0.0/",
            "https://user:password@auth.example.com/",
            "http://localhost@example.com/",
            "ftp://localhost/",
            "file:///etc/keys.json",
            "auth.example.com/keys",
            "/.well-known/jwks.json",
            "https://",
            "https:///keys",
            "https://auth.example.com/a b",
            &long,
        ] {
            assert_eq!(
                read(&[(JWKS_URL, url)]).unwrap_err(),
                ["JWT_JWKS_URL: must be an https URL, or an http URL of localhost or 127.0.0.1"],
                "{url}"
            );
        }
    }
}
