//! A store in a temporary file, with several handles on it, and with a damaged file.

use std::{sync::Barrier, thread};

use futures_util::FutureExt;
use tempfile::TempDir;

use super::*;
use crate::{
    attempt::NetworkCounter,
    credential::CredentialRepository,
    key::{Algorithm, KeyUse},
    password::{Password, PasswordHash, PasswordHasher},
    user::{Email, StoredUser, User, UserDirectory, UserRepository},
};

const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$8f/ojQzpsySE4LYj8DlDjA$y3bzGs9Or3TMqalhC4uW/ejnvLxrOzNrbyDwePIN5iU";

/// A folder that is deleted after the test, with the path of a store in it.
struct Folder {
    folder: TempDir,
    path: PathBuf,
}

impl Folder {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("store.json");
        Self { folder, path }
    }

    fn open(&self) -> FileStore {
        FileStore::open(&self.path).unwrap()
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.path).unwrap()
    }
}

fn tutorial_email() -> Email {
    Email::parse("john.doe@leapify.tech").unwrap()
}

fn add_user(store: &FileStore, email: &str) -> Result<(), String> {
    let user = StoredUser {
        user: User {
            id: email.into(),
            email: email.into(),
            disabled: false,
            version: 0,
            roles: vec![],
        },
        password_hash: PasswordHash::parse(HASH).unwrap(),
    };
    let added = store.add_user(&user).now_or_never().unwrap();
    added.map_err(|error| error.to_string())
}

fn has_user(store: &FileStore, email: &str) -> bool {
    let email = Email::parse(email).unwrap();
    let found = store.find_by_email(&email).now_or_never().unwrap();
    found.unwrap().is_some()
}

/// Returns the `kid` of the store's key, which is derived from its secret.
fn kid(store: &FileStore, key_use: KeyUse) -> String {
    let keys = store.keys(key_use, Algorithm::HS256).unwrap();
    keys.signing_key().unwrap().kid().to_owned()
}

#[tokio::test]
async fn a_new_store_has_the_tutorial_user_with_the_documented_password() {
    let folder = Folder::new();
    let (store, network) = (folder.open(), NetworkCounter::empty());
    let found = store.find_for_login(&tutorial_email(), &network).await;
    let stored = found.unwrap().0.unwrap();
    assert_eq!(stored.user.id, "1");
    let password = Password::parse("changeme").unwrap();
    let is_right = PasswordHasher::new().verify(&password, Some(&stored.password_hash));
    assert_eq!(is_right, Ok(true));
}

#[test]
fn a_new_store_creates_its_folder() {
    let folder = Folder::new();
    let path = folder.folder.path().join("new/folder/store.json");
    FileStore::open(&path).unwrap();
    assert!(path.is_file());
}

#[test]
fn an_existing_store_is_opened_and_a_missing_one_is_not_created() {
    let folder = Folder::new();
    for path in [&folder.path, &folder.path.join("new/store.json")] {
        assert!(FileStore::open_existing(path).unwrap().is_none());
    }
    assert_eq!(fs::read_dir(folder.folder.path()).unwrap().count(), 0);
    add_user(&folder.open(), "a@b.c").unwrap();
    let store = FileStore::open_existing(&folder.path).unwrap();
    assert!(has_user(&store.unwrap(), "a@b.c"));
}

#[test]
fn users_survive_reopening() {
    let folder = Folder::new();
    add_user(&folder.open(), "a@b.c").unwrap();
    assert!(has_user(&folder.open(), "a@b.c"));
}

#[tokio::test]
async fn a_deleted_tutorial_user_stays_deleted_after_reopening() {
    let folder = Folder::new();
    folder
        .open()
        .delete_user(&tutorial_email(), crate::UnixTime::default())
        .await
        .unwrap();
    assert!(!has_user(&folder.open(), tutorial_email().as_str()));
}

#[test]
fn a_change_through_one_handle_is_seen_through_another() {
    let folder = Folder::new();
    let (one, other) = (folder.open(), folder.open());
    add_user(&one, "a@b.c").unwrap();
    assert!(has_user(&other, "a@b.c"));
}

#[test]
fn keys_are_created_when_they_are_first_needed() {
    let folder = Folder::new();
    let store = folder.open();
    assert!(!folder.text().contains("access_tokens"));
    kid(&store, KeyUse::Verify);
    assert!(folder.text().contains("access_tokens"));
    assert!(!folder.text().contains("refresh_tokens"));
}

#[test]
fn keys_stay_the_same_after_reopening() {
    for key_use in [
        KeyUse::Sign,
        KeyUse::Verify,
        KeyUse::Sessions,
        KeyUse::Counters,
        KeyUse::Actions,
    ] {
        let folder = Folder::new();
        let first = kid(&folder.open(), key_use);
        assert_eq!(kid(&folder.open(), key_use), first, "{key_use:?}");
    }
}

#[test]
fn access_tokens_are_verified_with_the_key_that_signs_them() {
    let folder = Folder::new();
    let store = folder.open();
    assert_eq!(kid(&store, KeyUse::Verify), kid(&store, KeyUse::Sign));
}

#[test]
fn access_tokens_refresh_tokens_and_counters_have_different_keys() {
    let folder = Folder::new();
    let store = folder.open();
    let keys = |key_use| store.keys(key_use, Algorithm::HS256).unwrap();
    let (access, refresh) = (keys(KeyUse::Sign), keys(KeyUse::Sessions));
    let counters = keys(KeyUse::Counters);
    assert!(!access.shares_secret_with(&refresh));
    assert!(!access.shares_secret_with(&counters));
    assert!(!refresh.shares_secret_with(&counters));
    assert!(folder.text().contains("\"counters\""));
}

#[test]
fn two_stores_have_different_keys() {
    let (one, other) = (Folder::new(), Folder::new());
    let kid = |folder: &Folder| kid(&folder.open(), KeyUse::Sign);
    assert_ne!(kid(&one), kid(&other));
}

#[test]
fn the_keys_suit_every_hmac_algorithm() {
    let folder = Folder::new();
    let store = folder.open();
    for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
        let keys = store.keys(KeyUse::Sign, algorithm).unwrap();
        assert_eq!(keys.signing_key().unwrap().algorithm(), algorithm);
    }
}

/// Returns the text of the key ring in the file.
fn ring(folder: &Folder) -> String {
    let store: serde_json::Value = serde_json::from_str(&folder.text()).unwrap();
    store["key_ring"]["value"].to_string()
}

#[test]
fn a_key_pair_is_created_once_and_signs_what_its_public_half_verifies() {
    for algorithm in [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA] {
        let folder = Folder::new();
        assert!(
            folder
                .open()
                .find_keys(KeyUse::Sign, algorithm)
                .unwrap()
                .is_none()
        );
        let verifying = folder.open().keys(KeyUse::Verify, algorithm).unwrap();
        let created = ring(&folder);
        let signing = folder.open().keys(KeyUse::Sign, algorithm).unwrap();
        assert_eq!(ring(&folder), created);
        let active = signing.signing_key().unwrap();
        assert_eq!(active.algorithm(), algorithm);
        assert!(verifying.find(Some(active.kid())).is_some());
        assert!(verifying.signing_key().is_none());
        let found = folder.open().find_keys(KeyUse::Sign, algorithm).unwrap();
        assert_eq!(found.unwrap().signing_key().unwrap().kid(), active.kid());
    }
}

#[test]
fn a_key_pair_and_a_secret_do_not_replace_each_other() {
    let folder = Folder::new();
    let store = folder.open();
    let secret = kid(&store, KeyUse::Sign);
    store.keys(KeyUse::Sign, Algorithm::EdDSA).unwrap();
    let pair = ring(&folder);
    assert_eq!(kid(&store, KeyUse::Sign), secret);
    store.keys(KeyUse::Sign, Algorithm::EdDSA).unwrap();
    assert_eq!(ring(&folder), pair);
}

#[test]
fn handles_that_start_together_get_the_same_key_pair() {
    let folder = Folder::new();
    let kids = start_together(&folder, |_, store| {
        let keys = store.keys(KeyUse::Sign, Algorithm::ES256).unwrap();
        keys.signing_key().unwrap().kid().to_owned()
    });
    assert!(kids.iter().all(|kid| *kid == kids[0]), "{kids:?}");
}

#[test]
fn keys_for_another_algorithm_than_the_settings_name_are_reported() {
    let folder = Folder::new();
    folder.open().keys(KeyUse::Sign, Algorithm::ES256).unwrap();
    let error = folder
        .open()
        .keys(KeyUse::Sign, Algorithm::RS256)
        .unwrap_err();
    let expected = "the keys in the file are for ES256, but JWT_ALGORITHM is RS256: run `JWT_ALGORITHM=RS256 authctl keys \
                    rotate --now`, or delete the file";
    assert!(error.to_string().ends_with(expected), "{error}");
    assert!(folder.open().keys(KeyUse::Verify, Algorithm::RS256).is_ok());
}

#[test]
fn a_damaged_key_ring_is_reported_without_repeating_it() {
    let folder = Folder::new();
    let store = folder.open();
    store.keys(KeyUse::Sign, Algorithm::EdDSA).unwrap();
    for damaged in ["hunter2", "\"hunter2\""] {
        let damaged: serde_json::Value =
            serde_json::from_str(damaged).unwrap_or_else(|_| serde_json::json!({"k": damaged}));
        let mut whole: serde_json::Value = serde_json::from_str(&folder.text()).unwrap();
        whole["key_ring"]["value"] = damaged.clone();
        whole["published_keys"]["value"] = damaged;
        fs::write(&folder.path, whole.to_string()).unwrap();
        for key_use in [KeyUse::Sign, KeyUse::Verify] {
            let error = store.keys(key_use, Algorithm::EdDSA).unwrap_err();
            let text = error.to_string();
            assert!(text.contains(&folder.path.display().to_string()), "{text}");
            assert!(text.contains("not a JWK or JWK set"), "{text}");
            assert!(!format!("{error:?}").contains("hunter2"));
        }
    }
}

#[test]
fn a_public_set_that_someone_deleted_is_made_from_the_ring() {
    let folder = Folder::new();
    let store = folder.open();
    let keys = store.keys(KeyUse::Sign, Algorithm::EdDSA).unwrap();
    let mut whole: serde_json::Value = serde_json::from_str(&folder.text()).unwrap();
    whole.as_object_mut().unwrap().remove("published_keys");
    fs::write(&folder.path, whole.to_string()).unwrap();
    let verifying = store.keys(KeyUse::Verify, Algorithm::EdDSA).unwrap();
    let active = keys.signing_key().unwrap().kid();
    assert!(verifying.find(Some(active)).is_some());
}

/// Runs `run` in several threads at once, each with a handle that it opens itself, as functions in
/// separate processes do. Returns the results.
fn start_together<T: Send>(folder: &Folder, run: impl Fn(usize, FileStore) -> T + Sync) -> Vec<T> {
    const THREADS: usize = 8;
    let barrier = Barrier::new(THREADS);
    thread::scope(|scope| {
        let start = |index| {
            let (run, barrier) = (&run, &barrier);
            scope.spawn(move || {
                barrier.wait();
                run(index, folder.open())
            })
        };
        let threads: Vec<_> = (0..THREADS).map(start).collect();
        let results = threads.into_iter().map(|thread| thread.join().unwrap());
        results.collect()
    })
}

#[test]
fn handles_that_start_together_get_the_same_keys() {
    for key_use in [KeyUse::Sign, KeyUse::Sessions] {
        let folder = Folder::new();
        let kids = start_together(&folder, |_, store| kid(&store, key_use));
        assert!(kids.iter().all(|kid| *kid == kids[0]), "{kids:?}");
    }
}

#[test]
fn updates_at_the_same_time_are_not_lost() {
    const USERS: usize = 25;
    let folder = Folder::new();
    let email = |thread: usize, user: usize| format!("{thread}.{user}@b.c");
    let threads = start_together(&folder, |thread, store| {
        for user in 0..USERS {
            add_user(&store, &email(thread, user)).unwrap();
        }
        thread
    });
    let store = folder.open();
    for thread in threads {
        for user in 0..USERS {
            assert!(has_user(&store, &email(thread, user)), "{thread}.{user}");
        }
    }
}

#[test]
fn one_of_several_simultaneous_additions_of_the_same_user_succeeds() {
    let folder = Folder::new();
    let results = start_together(&folder, |_, store| add_user(&store, "a@b.c"));
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
}

#[test]
fn a_reader_never_sees_half_an_update() {
    let folder = Folder::new();
    start_together(&folder, |thread, store| {
        for user in 0..25 {
            if thread == 0 {
                add_user(&store, &format!("{user}@b.c")).unwrap();
            } else {
                assert!(has_user(&store, tutorial_email().as_str()));
            }
        }
    });
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_the_file() {
    let folder = Folder::new();
    let store = folder.open();
    assert_eq!(mode(&folder.path), 0o600);
    kid(&store, KeyUse::Sign);
    assert_eq!(mode(&folder.path), 0o600);
}

#[test]
fn a_leftover_temporary_file_is_replaced() {
    let folder = Folder::new();
    let store = folder.open();
    let temporary = with_suffix(&store.path, "tmp");
    fs::write(&temporary, "garbage".repeat(10_000)).unwrap();
    add_user(&store, "a@b.c").unwrap();
    assert!(has_user(&folder.open(), "a@b.c"));
    assert!(!temporary.exists());
}

#[cfg(unix)]
#[test]
fn a_leftover_temporary_file_does_not_make_the_store_readable_to_others() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let store = folder.open();
    let temporary = with_suffix(&store.path, "tmp");
    fs::write(&temporary, "").unwrap();
    fs::set_permissions(&temporary, fs::Permissions::from_mode(0o644)).unwrap();
    add_user(&store, "a@b.c").unwrap();
    assert_eq!(mode(&folder.path), 0o600);
}

/// Damages the file of a store with keys. `damage` gets its text and the secret of its access tokens.
/// Checks that every operation fails with an error that names the file but repeats no secret, and that
/// the file stays as it is.
fn assert_damaged(damage: impl Fn(&str, &str) -> String) {
    let folder = Folder::new();
    let store = folder.open();
    kid(&store, KeyUse::Sign);
    let secret = store.read(|snapshot| snapshot.secrets["access_tokens"].clone());
    let secret = secret.unwrap();
    let damaged = damage(&folder.text(), &secret);
    fs::write(&folder.path, &damaged).unwrap();

    let email = tutorial_email();
    for error in [
        FileStore::open(&folder.path).unwrap_err(),
        store.keys(KeyUse::Sign, Algorithm::HS256).unwrap_err(),
        store.keys(KeyUse::Sessions, Algorithm::HS256).unwrap_err(),
        store
            .find_by_email(&email)
            .now_or_never()
            .unwrap()
            .unwrap_err(),
        store
            .end_sessions(&email, 0)
            .now_or_never()
            .unwrap()
            .unwrap_err(),
    ] {
        assert!(matches!(error, RepositoryError::Malformed(_)), "{error:?}");
        let path = folder.path.display().to_string();
        assert!(error.to_string().contains(&path), "{error}");
        for text in [error.to_string(), error.cause(), format!("{error:?}")] {
            assert!(!text.contains(&secret) && !text.contains("$argon2id"));
        }
    }
    assert_eq!(folder.text(), damaged);
}

#[test]
fn an_empty_file_is_damaged() {
    assert_damaged(|_, _| String::new());
}

#[test]
fn a_truncated_file_is_damaged() {
    assert_damaged(|text, _| text[..text.len() / 2].to_owned());
}

#[test]
fn a_file_without_its_last_brace_is_damaged() {
    assert_damaged(|text, _| text.trim_end_matches('}').to_owned());
}

#[test]
fn garbage_is_damaged() {
    assert_damaged(|_, secret| format!("\u{0}garbage {secret}"));
}

#[test]
fn a_file_with_text_after_its_end_is_damaged() {
    assert_damaged(|text, secret| format!("{text}{secret}"));
}

#[test]
fn a_file_with_a_repeated_member_is_damaged() {
    assert_damaged(|text, _| text.replacen("\"users\"", "\"secrets\"", 1));
}

#[test]
fn a_file_without_its_users_is_damaged() {
    assert_damaged(|_, secret| {
        format!(
            r#"{{"sessions": {{}}, "attempts": {{}}, "secrets": {{"access_tokens": "{secret}"}}}}"#
        )
    });
}

#[test]
fn a_file_with_an_unknown_member_is_damaged() {
    assert_damaged(|text, secret| text.replacen('{', &format!("{{\"{secret}\": 1,"), 1));
}

#[test]
fn a_file_with_a_member_of_the_wrong_type_is_damaged() {
    assert_damaged(|text, secret| {
        text.replacen(
            "\"sessions\": {}",
            &format!("\"sessions\": \"{secret}\""),
            1,
        )
    });
}

#[test]
fn a_file_with_a_malformed_password_hash_is_damaged() {
    assert_damaged(|text, secret| {
        let malformed = format!("\"$argon2id$v=19$m=1$ {secret}");
        text.replacen("\"$argon2id$v=19$m=19456", &malformed, 1)
    });
}

/// Stores a secret that cannot be used. Returns the error that [`FileStore::keys`] then reports.
fn error_with_secret(unusable: &str) -> String {
    let folder = Folder::new();
    let store = folder.open();
    store
        .update(|snapshot| {
            let name = "access_tokens".to_owned();
            snapshot.secrets.insert(name, unusable.to_owned());
            Ok::<_, RepositoryError>(())
        })
        .unwrap();
    let error = store.keys(KeyUse::Verify, Algorithm::HS512).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains(&folder.path.display().to_string()),
        "{error:?}"
    );
    assert!(!format!("{error:?}").contains(unusable));
    text
}

#[test]
fn a_secret_that_is_too_short_is_reported_without_repeating_it() {
    let error = error_with_secret("kq3mZ8vT1wYxP5nB7cR2dF6gH9jL4sA0");
    let expected = "secrets.access_tokens must be at least 64 bytes for HS512, has 32";
    assert!(error.ends_with(expected), "{error}");
}

#[test]
fn a_secret_that_is_a_placeholder_is_reported_without_repeating_it() {
    let error = error_with_secret("changeme-changeme-changeme");
    assert!(error.contains("secrets.access_tokens is a placeholder"));
}

#[test]
fn a_path_that_is_a_folder_is_reported() {
    let folder = Folder::new();
    let error = FileStore::open(folder.folder.path()).unwrap_err();
    let path = folder.folder.path().display().to_string();
    assert!(matches!(error, RepositoryError::Unavailable(_)));
    assert!(error.cause().starts_with(&path), "{}", error.cause());
}

#[test]
fn a_folder_that_cannot_be_created_is_reported() {
    let folder = Folder::new();
    fs::write(&folder.path, "a file").unwrap();
    let error = FileStore::open(folder.path.join("store.json")).unwrap_err();
    let path = folder.path.display().to_string();
    assert!(error.cause().starts_with(&path), "{}", error.cause());
}

/// Otherwise the tutorial's user would come back, with a published password.
#[test]
fn a_file_that_is_deleted_while_it_is_open_is_not_created_again() {
    let folder = Folder::new();
    let store = folder.open();
    fs::remove_file(&folder.path).unwrap();
    let found = store.find_by_email(&tutorial_email()).now_or_never();
    let found = found.unwrap();
    assert!(matches!(found, Err(RepositoryError::Unavailable(_))));
    let deleted = store
        .delete_user(&tutorial_email(), crate::UnixTime::default())
        .now_or_never();
    assert!(deleted.unwrap().is_err());
    assert!(!folder.path.exists());
}
