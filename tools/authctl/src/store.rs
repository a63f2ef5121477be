//! Which store the commands work on: the one that the command line or the environment names.

use std::{env::VarError, path::PathBuf};

use auth_core::{
    AskRepository, AttemptDirectory, AttemptRepository, CredentialDirectory, HeldRepository,
    PublishedKeyRepository, SessionDirectory, SessionRepository, SettingsReader, UserDirectory,
    UserRepository,
};

use crate::{cli::StoreOptions, error::CommandError};

/// Where `AUTH_STORE=file` stores everything by default, as in the functions.
const DEFAULT_FILE: &str = ".local/store.json";

/// Finds environment variables by their names.
pub(crate) type Lookup<'a> = &'a dyn Fn(&str) -> Result<String, VarError>;

/// The access to stored data that the commands need.
pub(crate) trait OperatorStore:
    AskRepository
    + UserRepository
    + UserDirectory
    + CredentialDirectory
    + SessionRepository
    + SessionDirectory
    + AttemptRepository
    + AttemptDirectory
    + HeldRepository
    + PublishedKeyRepository
{
}

impl<S> OperatorStore for S where
    S: AskRepository
        + UserRepository
        + UserDirectory
        + CredentialDirectory
        + SessionRepository
        + SessionDirectory
        + AttemptRepository
        + AttemptDirectory
        + HeldRepository
        + PublishedKeyRepository
{
}

/// Where the store is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum StoreLocation {
    /// A table of `DynamoDB`, by its name or ARN.
    Table(String),
    /// The table of a deployed stack.
    Stack(String),
    /// A file on this machine.
    File(PathBuf),
}

impl StoreLocation {
    /// Returns the store that the options name or, without them, the variables that `lookup` finds.
    pub(crate) fn choose(options: &StoreOptions, lookup: Lookup<'_>) -> Result<Self, CommandError> {
        match (&options.table, &options.stack, &options.file) {
            (Some(table), None, None) => Ok(Self::Table(table.clone())),
            (None, Some(stack), None) => Ok(Self::Stack(stack.clone())),
            (None, None, Some(file)) => Ok(Self::File(file.clone())),
            (None, None, None) => Self::from_environment(lookup),
            // Clap does not notice a conflict between options before and after a subcommand.
            (Some(_), Some(_), _) | (Some(_), None, Some(_)) | (None, Some(_), Some(_)) => {
                Err(CommandError::TwoStores)
            }
        }
    }

    fn from_environment(lookup: Lookup<'_>) -> Result<Self, CommandError> {
        // An empty variable counts as not set.
        let lookup = |name: &str| match lookup(name) {
            Ok(text) if text.is_empty() => Err(VarError::NotPresent),
            found => found,
        };
        // Without names of variables, the reader does not look for typos among those of other tools.
        let mut reader = SettingsReader::new([], &lookup);
        let is_file = reader.optional("AUTH_STORE", false, |name| match name {
            "dynamodb" => Ok(false),
            "file" => Ok(true),
            _ => Err("must be dynamodb or file".into()),
        });
        if reader.is_set("AUTH_STACK") {
            return Self::from_stack_variable(reader, is_file);
        }
        let location = match is_file {
            Some(true) => reader
                .optional("AUTH_FILE", DEFAULT_FILE.into(), |path| Ok(path.into()))
                .map(Self::File),
            Some(false) if !reader.is_set("AUTH_TABLE") => return Err(CommandError::NoStore),
            Some(false) => reader.required("AUTH_TABLE", |table| Ok(Self::Table(table.into()))),
            None => None,
        };
        Ok(reader.finish(location)?)
    }

    /// Returns the stack that `AUTH_STACK` names. A second store in the environment is an error: one of them may be
    /// production.
    fn from_stack_variable(
        mut reader: SettingsReader<'_>,
        is_file: Option<bool>,
    ) -> Result<Self, CommandError> {
        if is_file == Some(true) {
            return Err(CommandError::TwoVariables("AUTH_STORE=file"));
        }
        if reader.is_set("AUTH_TABLE") {
            return Err(CommandError::TwoVariables("AUTH_TABLE"));
        }
        let stack = reader.required("AUTH_STACK", |name| Ok(Self::Stack(name.into())));
        Ok(reader.finish(is_file.and(stack))?)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use auth_core::{KeyUse, Settings, Store};

    use super::*;

    const NO_OPTIONS: [Option<&str>; 3] = [None; 3];

    /// Chooses with the options `--table`, `--stack` and `--file`, and these variables.
    fn choose(
        [table, stack, file]: [Option<&str>; 3],
        variables: &[(&str, &str)],
    ) -> Result<StoreLocation, CommandError> {
        let options = StoreOptions {
            table: table.map(Into::into),
            stack: stack.map(Into::into),
            file: file.map(Into::into),
        };
        StoreLocation::choose(&options, &lookup(variables))
    }

    pub(crate) fn lookup(variables: &[(&str, &str)]) -> impl Fn(&str) -> Result<String, VarError> {
        |name| {
            let variable = variables.iter().find(|(known, _)| *known == name);
            variable.map_or(Err(VarError::NotPresent), |(_, text)| Ok((*text).into()))
        }
    }

    #[test]
    fn an_option_overrides_the_environment() {
        for variables in [
            &[][..],
            &[("AUTH_TABLE", "other")],
            &[("AUTH_STORE", "file"), ("AUTH_FILE", "other.json")],
            &[("AUTH_STORE", "memory")],
        ] {
            let table = choose([Some("users"), None, None], variables).unwrap();
            assert_eq!(table, StoreLocation::Table("users".into()));
            let stack = choose([None, Some("sign-in"), None], variables).unwrap();
            assert_eq!(stack, StoreLocation::Stack("sign-in".into()));
            let file = choose([None, None, Some("store.json")], variables).unwrap();
            assert_eq!(file, StoreLocation::File("store.json".into()));
        }
    }

    #[test]
    fn two_options_are_a_usage_error() {
        let (table, stack, file) = (Some("users"), Some("sign-in"), Some("store.json"));
        for options in [
            [table, stack, None],
            [table, None, file],
            [None, stack, file],
            [table, stack, file],
        ] {
            let error = choose(options, &[]).unwrap_err();
            assert!(matches!(error, CommandError::TwoStores), "{options:?}");
        }
    }

    #[test]
    fn without_options_the_environment_names_the_table_or_the_file() {
        let table = || StoreLocation::Table("users".into());
        let file = |path: &str| StoreLocation::File(path.into());
        for (variables, location) in [
            (&[("AUTH_TABLE", "users")][..], table()),
            (&[("AUTH_STORE", ""), ("AUTH_TABLE", "users")], table()),
            (
                &[("AUTH_STORE", "dynamodb"), ("AUTH_TABLE", "users")],
                table(),
            ),
            (&[("AUTH_STORE", "file")], file(DEFAULT_FILE)),
            (
                &[("AUTH_STORE", "file"), ("AUTH_FILE", "")],
                file(DEFAULT_FILE),
            ),
            (
                &[
                    ("AUTH_STORE", "file"),
                    ("AUTH_FILE", "my.json"),
                    ("AUTH_TABLE", "users"),
                ],
                file("my.json"),
            ),
        ] {
            let chosen = choose(NO_OPTIONS, variables).unwrap();
            assert_eq!(chosen, location, "{variables:?}");
        }
    }

    #[test]
    fn auth_stack_names_a_stack_unless_another_variable_names_a_store() {
        const STACK: (&str, &str) = ("AUTH_STACK", "sign-in");
        for other in [
            ("AUTH_STORE", "dynamodb"),
            ("AUTH_TABLE", ""),
            ("AUTH_FILE", "x.json"),
        ] {
            let chosen = choose(NO_OPTIONS, &[STACK, other]).unwrap();
            assert_eq!(chosen, StoreLocation::Stack("sign-in".into()), "{other:?}");
        }
        for other in [("AUTH_STORE", "file"), ("AUTH_TABLE", "users")] {
            let error = choose(NO_OPTIONS, &[STACK, other]).unwrap_err();
            assert!(matches!(error, CommandError::TwoVariables(_)), "{other:?}");
        }
        let table = choose([Some("users"), None, None], &[STACK]).unwrap();
        assert_eq!(table, StoreLocation::Table("users".into()));
    }

    #[test]
    fn an_environment_without_a_store_is_a_usage_error() {
        for variables in [
            &[][..],
            &[("AUTH_TABLE", "")],
            &[("AUTH_STORE", "dynamodb")],
            &[("AUTH_FILE", "store.json")],
        ] {
            let error = choose(NO_OPTIONS, variables).unwrap_err();
            assert!(matches!(error, CommandError::NoStore), "{variables:?}");
        }
    }

    #[test]
    fn a_store_that_authctl_does_not_support_is_an_error() {
        let variables = [("AUTH_STORE", "memory"), ("AUTH_TABLE", "users")];
        let error = choose(NO_OPTIONS, &variables).unwrap_err().to_string();
        assert!(
            error.ends_with("AUTH_STORE: must be dynamodb or file"),
            "{error}"
        );
    }

    #[test]
    fn authctl_and_the_functions_have_the_same_default_file() {
        let lookup = lookup(&[("AUTH_STORE", "file")]);
        let mut reader = SettingsReader::new([], &lookup);
        let settings = Settings::read(&mut reader, KeyUse::Verify).unwrap();
        let path = DEFAULT_FILE.into();
        assert_eq!(settings.store, Store::File { path });
    }
}
