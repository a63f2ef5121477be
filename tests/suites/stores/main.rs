//! What every store promises, and how logins and sessions behave on it: each case once per store technology,
//! on a new store.
//!
//! `users`, `sessions`, `attempts`, `accounts` and `outages` contain the cases; `model` compares sessions and
//! `account_model` self-service with a model, in random `sequences`; `dynamodb` and `costs` contain what only that
//! store can show.

mod account_model;
mod accounts;
mod attempts;
mod costs;
mod dynamodb;
mod keys;
mod model;
mod outages;
mod sequences;
mod sessions;
mod users;

/// Defines a test for each case and store. A case is a function of a store with the tutorial's user.
macro_rules! on_every_store {
    ($($case:ident),+ $(,)?) => {
        mod in_memory {
            $(
                #[tokio::test]
                async fn $case() {
                    super::$case(&bundle_tests::store::memory()).await;
                }
            )+
        }

        mod in_a_file {
            $(
                #[tokio::test]
                async fn $case() {
                    super::$case(&*bundle_tests::store::TemporaryFileStore::new()).await;
                }
            )+
        }

        mod in_dynamodb {
            $(
                #[tokio::test]
                async fn $case() {
                    let table = bundle_tests::dynamodb::Table::with_tutorial_user().await;
                    super::$case(&table.store().await).await;
                }
            )+
        }
    };
}

pub(crate) use on_every_store;
