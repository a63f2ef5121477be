//! Finds the keys of the functions that use the store.

use auth_aws::Aws;
use auth_core::{Algorithm, FileStore, KeySet, KeySettings, KeyUse, SettingsReader, Store};

use crate::{error::CommandError, store::Lookup, target::Target};

/// Returns the variables that name the keys for a use: a secret of Secrets Manager, or the key itself.
pub(crate) fn variables(key_use: KeyUse) -> [&'static str; 2] {
    let key = match key_use {
        KeyUse::Sign | KeyUse::Verify => "JWT_SECRET_KEY",
        KeyUse::Sessions => "SESSION_SECRET_KEY",
        KeyUse::Counters => "COUNTER_SECRET_KEY",
        KeyUse::Actions => "ACTION_SECRET_KEY",
    };
    [key_use.secret_variable(), key]
}

/// Reads the keys that name counters: those of the stack, or those that the variables name, or else those in
/// the file.
pub(crate) async fn counter_keys(
    target: &Target,
    aws: &Aws,
    lookup: Lookup<'_>,
) -> Result<KeySet, CommandError> {
    let file = match target {
        Target::Stack(stack) => {
            let id = stack.secret(KeyUse::Counters)?;
            return Ok(aws
                .read_keys(id, Algorithm::HS256, KeyUse::Counters)
                .await?);
        }
        Target::Table(_) => None,
        Target::File(path) => Some(Store::File { path: path.clone() }),
    };
    let settings = settings(KeyUse::Counters, file.as_ref(), lookup)?;
    match settings.ok_or(CommandError::NoCounterKey)? {
        KeySettings::File {
            path,
            algorithm,
            key_use,
        } => Ok(FileStore::open(path)?.keys(key_use, algorithm)?),
        KeySettings::Fixed(keys) => Ok(keys),
        // Only guards have this source.
        KeySettings::Table { .. } => Err(CommandError::NoCounterKey),
        KeySettings::Secret {
            id,
            algorithm,
            key_use,
        } => Ok(aws.read_keys(&id, algorithm, key_use).await?),
    }
}

/// Returns the source of the keys for a use; `None` if no variable names one, unless a file has its own.
pub(crate) fn settings(
    key_use: KeyUse,
    file: Option<&Store>,
    lookup: Lookup<'_>,
) -> Result<Option<KeySettings>, CommandError> {
    // Without names of variables, the reader does not look for typos among those of other tools.
    let mut reader = SettingsReader::new([], lookup);
    if file.is_none() && !variables(key_use).iter().any(|name| reader.is_set(name)) {
        return Ok(None);
    }
    let keys = KeySettings::read(&mut reader, key_use, file);
    Ok(Some(reader.finish(keys)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::lookup;

    const SECRET: (&str, &str) = ("COUNTER_SECRET_KEY", "p5vt9cy3h7ejn2ua8f2kq0zw6d1mxr4b");
    const SECRET_ID: (&str, &str) = ("COUNTER_KEY_SECRET_ID", "counters");

    #[test]
    fn the_keys_of_the_environment_override_those_of_the_file() {
        let file = Store::File {
            path: "store.json".into(),
        };
        let counter_keys =
            |file, variables: &[_]| settings(KeyUse::Counters, file, &lookup(variables));
        for file in [None, Some(&file)] {
            let fixed = counter_keys(file, &[SECRET]).unwrap();
            assert!(matches!(fixed, Some(KeySettings::Fixed(_))));
            let secret = counter_keys(file, &[SECRET_ID]).unwrap();
            assert!(matches!(secret, Some(KeySettings::Secret { id, .. }) if id == SECRET_ID.1));
            let both = counter_keys(file, &[SECRET, SECRET_ID]);
            assert!(matches!(both, Err(CommandError::Settings(_))));
        }
    }

    #[tokio::test]
    async fn without_variables_a_file_has_its_own_keys_and_a_table_has_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.json");
        let aws = Aws::for_operator(auth_aws::AwsChoice::default());
        let file = Target::File(path.clone());
        let keys = counter_keys(&file, &aws, &lookup(&[])).await.unwrap();
        let store = FileStore::open(path).unwrap();
        let keys_of_functions = store.keys(KeyUse::Counters, Algorithm::HS256).unwrap();
        assert!(keys.shares_secret_with(&keys_of_functions));
        assert!(
            settings(KeyUse::Counters, None, &lookup(&[]))
                .unwrap()
                .is_none()
        );
    }
}
