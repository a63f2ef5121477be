//! `make run` and `make invoke` when something is wrong.

use std::{
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    process::{Command, Output},
};

use tempfile::TempDir;

use crate::{free_port, invoke, make};

/// Runs `make`, which is expected to fail, and returns what it prints.
fn failure(make: &mut Command) -> String {
    text_of_failure(&make.output().unwrap())
}

fn text_of_failure(output: &Output) -> String {
    assert!(!output.status.success(), "{output:?}");
    let text = [&output.stdout[..], &output.stderr].concat();
    String::from_utf8(text).unwrap()
}

#[test]
fn an_occupied_port_is_reported_with_another_one_to_try() {
    let occupied = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = occupied.local_addr().unwrap().port();
    let folder = TempDir::new().unwrap();
    let text = failure(make("run", folder.path()).arg(format!("PORT={port}")));
    let expected = format!("port {port} is in use: try make run PORT={}\n", port + 1);
    assert!(text.contains(&expected), "{text}");
    assert!(!text.contains("building"), "{text}");
}

#[test]
fn a_bad_argument_is_reported_before_the_build() {
    let folder = TempDir::new().unwrap();
    for (argument, expected) in [
        (
            "PORT=http",
            "PORT must be a number from 1 to 65535, not http\n",
        ),
        (
            "PORT=65536",
            "PORT must be a number from 1 to 65535, not 65536\n",
        ),
        (
            "STORE=memory",
            "STORE must be file or dynamodb, not memory\n",
        ),
        (
            "JWT_ALGORITHM=none",
            "JWT_ALGORITHM must be HS256, HS384, HS512, RS256, ES256 or EdDSA, not none\n",
        ),
        (
            "JWT_ALGORITHM=RS256 STORE=dynamodb",
            "keys for RS256 need Secrets Manager, which is not part of STORE=dynamodb: use \
             JWT_ALGORITHM=RS256 with the file store, or STORE=dynamodb with HS256\n",
        ),
    ] {
        let text = failure(make("run", folder.path()).args(argument.split(' ')));
        assert!(text.contains(expected), "{text}");
        assert!(!text.contains("building"), "{text}");
    }
}

/// The compiler is replaced by one that fails on the first crate of the workspace.
#[test]
fn a_failed_build_ends_with_the_compilers_error() {
    let folder = TempDir::new().unwrap();
    let compiler = folder.path().join("rustc");
    let script = r#"#!/bin/sh
case " $* " in *" --crate-name auth_core "*) echo "error[E0308]: mismatched types" >&2; exit 1 ;; esac
exec "$@"
"#;
    std::fs::write(&compiler, script).unwrap();
    std::fs::set_permissions(&compiler, PermissionsExt::from_mode(0o755)).unwrap();
    let mut make = make("run", folder.path());
    make.arg(format!("PORT={}", free_port()))
        .env("RUSTC_WORKSPACE_WRAPPER", &compiler);
    let text = failure(&mut make);
    assert!(text.contains("error[E0308]: mismatched types"), "{text}");
    assert!(text.contains("could not compile `auth-core`"), "{text}");
    assert!(!text.contains("Ready"), "{text}");
}

#[test]
fn an_unknown_event_is_reported_with_a_list_of_all() {
    let folder = TempDir::new().unwrap();
    for (event, expected) in [
        (
            "login_succes",
            "there is no event login_succes. The events are:\n",
        ),
        ("", "EVENT is not set. The events are:\n"),
        ("../Cargo", "there is no event ../Cargo. The events are:\n"),
    ] {
        let text = text_of_failure(&invoke(event, folder.path()));
        assert!(
            text.starts_with(&format!("make invoke: {expected}")),
            "{text}"
        );
        assert!(
            text.contains("\n  login_success\n  login_success.v1\n"),
            "{text}"
        );
    }
}

#[test]
fn an_event_needs_running_functions() {
    let folder = TempDir::new().unwrap();
    let port = free_port();
    std::fs::write(folder.path().join("running.env"), format!("PORT={port}\n")).unwrap();
    let text = text_of_failure(&invoke("me_no_token", folder.path()));
    let expected =
        format!("make invoke: nothing listens on port {port}: start the functions with make run\n");
    assert!(text.starts_with(&expected), "{text}");
}
