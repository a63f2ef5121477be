//! Checks the three key sets of the functions: readable, usable and distinct.

use std::path::Path;

use auth_aws::{Aws, FailureKind, SecretError, Stack};
use auth_core::{Algorithm, FileStore, KeySet, KeySettings, KeyUse, RepositoryError, Store};

use super::{Finding, Report};
use crate::{function_keys, store::Lookup};

const USES: [(KeyUse, &str); 3] = [
    (KeyUse::Sign, "keys of access tokens"),
    (KeyUse::Sessions, "keys of refresh tokens"),
    (KeyUse::Counters, "keys of counters"),
];

/// What names the keys.
pub(super) enum KeyPlace<'a> {
    /// The outputs of a stack.
    Stack(&'a Stack),
    /// Variables, as for a function. If they name no keys, a file has its own.
    Variables(Option<&'a Store>, Lookup<'a>),
}

/// Checks each set, and that no two sets share a secret.
pub(super) async fn check(report: &mut Report, place: &KeyPlace<'_>, aws: &Aws) {
    let mut found = Vec::new();
    for (key_use, name) in USES {
        let finding = match read(place, key_use, aws).await {
            Ok(keys) => {
                found.push((name, keys));
                Finding::Ok("usable".into())
            }
            Err(finding) => finding,
        };
        report.add(name, finding);
    }
    report.add("keys are distinct", distinct(&found));
}

fn distinct(found: &[(&str, KeySet)]) -> Finding {
    for (i, (name, keys)) in found.iter().enumerate() {
        for (other_name, other) in &found[..i] {
            if keys.shares_secret_with(other) {
                return Finding::Failed(format!("{other_name} and {name} share a secret"));
            }
        }
    }
    match found {
        [] | [_] => Finding::NotChecked("fewer than two sets were read".into()),
        _ => Finding::Ok(format!("{} of {} sets compared", found.len(), USES.len())),
    }
}

/// Reads the keys for a use, or returns why not.
async fn read(place: &KeyPlace<'_>, key_use: KeyUse, aws: &Aws) -> Result<KeySet, Finding> {
    match place {
        KeyPlace::Stack(stack) => {
            let id = stack.secret(key_use);
            let id = id.map_err(|error| Finding::NotChecked(error.to_string()))?;
            read_secret(aws, id, Algorithm::HS256, key_use).await
        }
        KeyPlace::Variables(file, lookup) => {
            let settings = function_keys::settings(key_use, *file, *lookup);
            let settings = settings.map_err(|error| Finding::Failed(error.to_string()))?;
            match settings {
                Some(KeySettings::Fixed(keys)) => Ok(keys),
                Some(KeySettings::Secret { id, algorithm, .. }) => {
                    read_secret(aws, &id, algorithm, key_use).await
                }
                Some(KeySettings::File {
                    path, algorithm, ..
                }) => read_file(&path, algorithm, key_use),
                // A table has only published keys, which guards read.
                Some(KeySettings::Table { .. }) | None => {
                    let [secret, key] = function_keys::variables(key_use);
                    let reason = format!("neither {secret} nor {key} is set");
                    Err(Finding::NotChecked(reason))
                }
            }
        }
    }
}

/// Reads a secret. An operator needs only the keys of counters, so others may be refused.
async fn read_secret(
    aws: &Aws,
    id: &str,
    default: Algorithm,
    key_use: KeyUse,
) -> Result<KeySet, Finding> {
    aws.read_keys(id, default, key_use).await.map_err(|error| {
        let is_refused = matches!(
            &error,
            SecretError::Unreadable(cause) if cause.kind() == FailureKind::Refused
        );
        if is_refused && key_use != KeyUse::Counters {
            Finding::NotChecked(error.to_string())
        } else {
            Finding::Failed(error.to_string())
        }
    })
}

fn read_file(path: &Path, algorithm: Algorithm, key_use: KeyUse) -> Result<KeySet, Finding> {
    let failed = |error: RepositoryError| Finding::Failed(error.cause());
    let store = FileStore::open_existing(path).map_err(failed)?;
    let store = store.ok_or_else(|| Finding::NotChecked("there is no file".into()))?;
    let keys = store.find_keys(key_use, algorithm).map_err(failed)?;
    keys.ok_or_else(|| {
        Finding::NotChecked("the function that first needs them creates them".into())
    })
}

#[cfg(test)]
mod tests {
    use auth_core::Key;

    use super::*;

    fn keys(secret: &str) -> KeySet {
        Key::from_secret(secret.as_bytes(), Algorithm::HS256)
            .unwrap()
            .into()
    }

    #[test]
    fn two_sets_with_one_secret_fail() {
        let one = keys("p5vt9cy3h7ejn2ua8f2kq0zw6d1mxr4b");
        let other = keys("x5vt9cy3h7ejn2ua8f2kq0zw6d1mxr4b");
        let found = |second: &KeySet| [("a", one.clone()), ("b", second.clone())];
        assert_eq!(
            distinct(&found(&one)),
            Finding::Failed("a and b share a secret".into())
        );
        assert_eq!(
            distinct(&found(&other)),
            Finding::Ok("2 of 3 sets compared".into())
        );
        assert!(matches!(
            distinct(&found(&one)[..1]),
            Finding::NotChecked(_)
        ));
    }
}
