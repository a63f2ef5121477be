//! Finds the keys that name counters.

use auth_aws::Aws;
use auth_core::{FileStore, KeySet, KeySettings, KeyUse, SettingsReader, Store};

use crate::{
    error::CommandError,
    store::{Lookup, StoreLocation},
};

/// The variables that name the keys.
const VARIABLES: [&str; 2] = ["COUNTER_KEY_SECRET_ID", "COUNTER_SECRET_KEY"];

/// Reads the keys of the functions that use the store: those of the stack, or those that the variables
/// name, or else those in the file.
pub(crate) async fn read(
    location: &StoreLocation,
    aws: &Aws,
    lookup: Lookup<'_>,
) -> Result<KeySet, CommandError> {
    let settings = match location {
        StoreLocation::Stack(stack) => {
            let id = aws.counter_keys_of_stack(stack).await?;
            return Ok(aws.read_counter_keys(id).await?);
        }
        StoreLocation::Table(_) => settings(None, lookup)?,
        StoreLocation::File(path) => settings(Some(&Store::File { path: path.clone() }), lookup)?,
    };
    match settings {
        KeySettings::Fixed(keys) => Ok(keys),
        KeySettings::Secret { id, .. } => Ok(aws.read_counter_keys(id).await?),
        KeySettings::File {
            path,
            algorithm,
            key_use,
        } => Ok(FileStore::open(path)?.keys(key_use, algorithm)?),
    }
}

/// Reads the source of the keys. Only a file has its own keys.
fn settings(file: Option<&Store>, lookup: Lookup<'_>) -> Result<KeySettings, CommandError> {
    // Without names of variables, the reader does not look for typos among those of other tools.
    let mut reader = SettingsReader::new([], lookup);
    if file.is_none() && !VARIABLES.iter().any(|name| reader.is_set(name)) {
        return Err(CommandError::NoCounterKey);
    }
    let keys = KeySettings::read(&mut reader, KeyUse::Counters, file);
    Ok(reader.finish(keys)?)
}

#[cfg(test)]
mod tests {
    use auth_core::Algorithm;

    use super::*;
    use crate::store::tests::lookup;

    const SECRET: (&str, &str) = ("COUNTER_SECRET_KEY", "p5vt9cy3h7ejn2ua8f2kq0zw6d1mxr4b");
    const SECRET_ID: (&str, &str) = ("COUNTER_KEY_SECRET_ID", "counters");

    #[test]
    fn the_keys_of_the_environment_override_those_of_the_file() {
        let file = Store::File {
            path: "store.json".into(),
        };
        for file in [None, Some(&file)] {
            let fixed = settings(file, &lookup(&[SECRET])).unwrap();
            assert!(matches!(fixed, KeySettings::Fixed(_)));
            let secret = settings(file, &lookup(&[SECRET_ID])).unwrap();
            assert!(matches!(secret, KeySettings::Secret { id, .. } if id == SECRET_ID.1));
            let both = settings(file, &lookup(&[SECRET, SECRET_ID]));
            assert!(matches!(both, Err(CommandError::Settings(_))));
        }
    }

    #[tokio::test]
    async fn without_variables_a_file_has_its_own_keys_and_a_table_has_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.json");
        let aws = Aws::for_operator();
        let file = StoreLocation::File(path.clone());
        let keys = read(&file, &aws, &lookup(&[])).await.unwrap();
        let store = FileStore::open(path).unwrap();
        let keys_of_functions = store.keys(KeyUse::Counters, Algorithm::HS256).unwrap();
        assert!(keys.shares_secret_with(&keys_of_functions));

        let table = StoreLocation::Table("users".into());
        let of_table = read(&table, &aws, &lookup(&[])).await;
        assert!(matches!(of_table, Err(CommandError::NoCounterKey)));
    }
}
