//! The export of users, which an import reads.

use std::collections::BTreeMap;

use auth_core::{CredentialDirectory, StoredUser, User, UserDirectory};
use bundle_tests::{
    authctl::Tool,
    client::{ADDRESS, Client},
    dynamodb::Table,
    fault_proxy::FaultProxy,
    process::Process,
    store::{TemporaryFileStore, user},
};
use serde_json::{Value, json};

use crate::{JANE, PASSWORD};

/// Returns all users by address, each as text without its version, which every import replaces.
async fn users(store: &impl CredentialDirectory) -> BTreeMap<String, String> {
    let (mut all, mut after) = (BTreeMap::new(), None);
    loop {
        let page = store.list_credentials(after).await.unwrap();
        all.extend(page.users.into_iter().map(
            |StoredUser {
                 user,
                 password_hash,
             }| {
                let hash = password_hash.expose().to_owned();
                let user = User { version: 0, ..user };
                (user.email.clone(), format!("{user:?} {hash}"))
            },
        ));
        after = page.next;
        if after.is_none() {
            return all;
        }
    }
}

/// The users fill several pages, of a megabyte each.
#[tokio::test(flavor = "multi_thread")]
async fn an_export_imported_into_an_empty_table_gives_the_same_users() {
    const COUNT: usize = 4_000;
    let (table, copy) = (Table::new().await, Table::new().await);
    let (store, tool) = (table.store().await, Tool::on(&table));
    for i in 0..COUNT {
        let mut stored = user(&format!("id-{i}"), &format!("User{i}@example.com"));
        stored.user.disabled = i % 3 == 0;
        store.add_user(&stored).await.unwrap();
    }
    tool.succeed(
        &["user", "add", JANE, "--role", "Key Account=read"],
        PASSWORD,
    );

    let proxy = FaultProxy::start(table.url()).await;
    let exported = Tool::on(&table.behind(proxy.url())).text(&["user", "export"], "");
    assert_eq!(exported.lines().count(), COUNT + 1);
    let pages = proxy.requests();
    assert!(pages.len() > 1, "the users fill one page");
    for (call, body) in pages {
        assert_eq!(call, "DynamoDB_20120810.Scan");
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["ConsistentRead"], true);
    }

    let report = Tool::on(&copy).json(&["user", "import", "-"], &exported);
    assert_eq!(
        (&report["added"], &report["bad"]),
        (&json!(COUNT + 1), &json!(0))
    );
    let (original, imported) = (users(&store).await, users(&copy.store().await).await);
    assert_eq!(original.len(), COUNT + 1);
    assert!(original == imported, "the users differ");

    let login = Process::start("login", &copy.environment_with_keys()).await;
    let jane = json!({"email": JANE, "password": PASSWORD});
    assert_eq!(login.post("login", &jane, ADDRESS).await.status(), 200);
}

/// The tutorial's user has a role whose id is not its name, and which has a description.
#[tokio::test]
async fn an_export_of_a_file_keeps_the_ids_and_descriptions_of_roles() {
    let (store, table) = (TemporaryFileStore::new(), Table::new().await);
    let exported = Tool::on_file(store.path()).text(&["user", "export"], "");
    let role = &serde_json::from_str::<Value>(&exported).unwrap()["roles"][0];
    assert_eq!(
        (&role["id"], &role["description"]),
        (&json!("1"), &json!("Full access"))
    );
    Tool::on(&table).succeed(&["user", "import", "-"], &exported);
    assert_eq!(users(&*store).await, users(&table.store().await).await);
}
