//! What is written in several places is the same in all of them: functions, routes and settings.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use bundle_tests::{
    functions,
    linked::{self, LINKED},
    project,
    template::Template,
};
use serde_json::{Value, json};

/// Function, method, path.
type Route = (String, String, String);

fn route(function: &str, method: &str, path: &str) -> Route {
    (function.into(), method.to_uppercase(), path.into())
}

/// Returns the routes of the functions that tests call in process, from their code.
fn routes_of_the_code() -> BTreeSet<Route> {
    let routes = LINKED.iter().flat_map(|function| {
        let routes = (function.routes)().into_iter();
        routes.map(|(method, path)| route(function.name, method, path))
    });
    routes.collect()
}

fn names() -> BTreeSet<String> {
    functions::names().map(str::to_owned).collect()
}

/// Returns the settings of `cargo lambda watch`.
fn watch() -> Value {
    let settings: Value = toml::from_str(&project::read("CargoLambda.toml")).unwrap();
    let sections: Vec<&String> = settings.as_object().unwrap().keys().collect();
    assert_eq!(sections, ["env", "watch"], "builds must not read it");
    settings
}

/// Returns the function of each path that watch serves. It serves them for any method.
fn paths_of_watch() -> BTreeSet<(String, String)> {
    let watch = watch();
    let router = watch["watch"]["router"].as_object().unwrap().iter();
    router
        .map(|(path, function)| (function.as_str().unwrap().to_owned(), path.clone()))
        .collect()
}

#[test]
fn the_template_deploys_each_folder_of_functions() {
    let folders = fs::read_dir(project::root().join("functions")).unwrap();
    let folders = folders.map(|folder| folder.unwrap().file_name().into_string().unwrap());
    assert_eq!(folders.collect::<BTreeSet<_>>(), names());
}

#[test]
fn watch_serves_all_functions_with_routes() {
    let served = paths_of_watch().into_iter().map(|(function, _)| function);
    let with_routes = functions::with_routes().map(str::to_owned);
    assert_eq!(served.collect::<BTreeSet<_>>(), with_routes.collect());
}

/// Guards that are only tested as processes are sent every method (functions/guards.rs).
#[test]
fn the_template_has_the_routes_of_the_code() {
    let mut deployed = Template::read().routes();
    deployed.retain(|(function, ..)| LINKED.iter().any(|linked| linked.name == *function));
    assert_eq!(deployed, routes_of_the_code());
}

/// Otherwise no test would look at it.
#[test]
fn every_function_that_is_not_called_in_process_is_a_guard() {
    for name in functions::names() {
        let is_linked = LINKED.iter().any(|linked| linked.name == name);
        let is_tested = is_linked || functions::is_guard(name);
        assert!(is_tested, "{name} is not tested");
    }
}

/// Every other path leads to a function too, because the response of `cargo lambda watch` lists its binaries.
#[test]
fn watch_has_the_paths_of_the_template_and_all_others() {
    let routes = Template::read().routes().into_iter();
    let mut expected: BTreeSet<_> = routes.map(|(function, _, path)| (function, path)).collect();
    expected.insert(("discovery".into(), "/{*path}".into()));
    assert_eq!(paths_of_watch(), expected);
}

#[test]
fn openapi_has_the_routes_of_the_template() {
    let mut routes = BTreeSet::new();
    for (path, operations) in project::yaml("openapi.yaml")["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            routes.insert((method.to_uppercase(), path.clone()));
        }
    }
    let deployed = Template::read().routes().into_iter();
    let deployed = deployed.map(|(_, method, path)| (method, path));
    assert_eq!(routes, deployed.collect());
}

/// The settings of `cargo lambda watch` win over the environment and are in the repository, so they name only
/// the store, and nothing secret. No variable is missing, unknown or rejected.
#[test]
fn all_functions_accept_the_settings_of_watch_which_only_name_the_store() {
    let settings: BTreeMap<String, String> =
        serde_json::from_value(watch()["env"].clone()).unwrap();
    let file = [("AUTH_STORE".to_owned(), "file".to_owned())];
    assert_eq!(settings, file.into());
    for function in linked::with_routes() {
        let accepted = function.check_settings(&settings);
        accepted.unwrap_or_else(|error| panic!("{}: {error}", function.name));
    }
}

/// `make run STORE=dynamodb` creates the same table as a deploy.
#[test]
fn the_local_table_matches_the_template() {
    let template = Template::read();
    let deployed = &template.resource("AuthTable")["Properties"];
    let local: Value = serde_json::from_str(&project::read("scripts/table.json")).unwrap();
    for name in [
        "AttributeDefinitions",
        "BillingMode",
        "GlobalSecondaryIndexes",
        "KeySchema",
    ] {
        assert!(deployed[name] != Value::Null, "{name}");
        assert_eq!(local[name], deployed[name], "{name}");
    }
    let script = project::read("scripts/dynamodb.sh");
    let ttl = &deployed["TimeToLiveSpecification"];
    let ttl = json!({"TableName": local["TableName"], "TimeToLiveSpecification": ttl});
    assert!(script.contains(&ttl.to_string()), "{ttl}");
}

/// The tests cause panics in debug builds; this makes the results valid for releases.
#[test]
fn a_release_unwinds() {
    let manifest: Value = toml::from_str(&project::read("Cargo.toml")).unwrap();
    assert_eq!(manifest["profile"]["release"]["panic"], "unwind");
}

/// Without its features, the manifest of a function would depend on which others are built with it. A release must not
/// contain lines below INFO, which could print requests.
#[test]
fn every_function_enables_the_features_that_it_needs() {
    for name in functions::names() {
        let manifest = project::read(&format!("functions/{name}/Cargo.toml"));
        let manifest: Value = toml::from_str(&manifest).unwrap();
        let signs_in = if name == "account" || name == "mailer" {
            "self-service"
        } else {
            "sign-in"
        };
        for (dependency, feature) in [
            ("auth-core", signs_in),
            ("tracing", "release_max_level_info"),
        ] {
            let features = &manifest["dependencies"][dependency]["features"];
            assert_eq!(features, &json!([feature]), "{name}: {dependency}");
        }
    }
}

/// A package without a version may be a different release tomorrow.
#[test]
fn every_python_package_is_pinned() {
    for file in fs::read_dir(project::root().join("scripts")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        if !name.starts_with("requirements-") {
            continue;
        }
        let text = project::read(&format!("scripts/{name}"));
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            assert!(line.contains("=="), "{name}: {line}");
        }
    }
}
