//! Adds users to a file store until it is killed: `file_writer PATH NAME`. It prints `NAME.0@example.com`,
//! `NAME.1@example.com` and so on, each after the user is stored.

use auth_core::{FileStore, UserDirectory};
use bundle_tests::store::user;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, path, name] = &arguments[..] else {
        panic!("usage: file_writer PATH NAME");
    };
    let store = FileStore::open(path).unwrap();
    for i in 0.. {
        let email = format!("{name}.{i}@example.com");
        store.add_user(&user(&email, &email)).await.unwrap();
        println!("{email}");
    }
}
