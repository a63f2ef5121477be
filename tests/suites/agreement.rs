//! What is written in several places is the same in all of them: routes and settings.

use std::{
    collections::{BTreeMap, BTreeSet},
    env::VarError,
};

use auth_core::{SettingsReader, VARIABLES};
use bundle_tests::{
    functions::{FUNCTIONS, Function},
    project,
    template::Template,
};
use serde_json::Value;

/// Function, method, path.
type Route = (String, String, String);

fn route(function: &str, method: &str, path: &str) -> Route {
    (function.into(), method.to_uppercase(), path.into())
}

fn routes_of_the_code() -> BTreeSet<Route> {
    let routes = |function: &Function| {
        let name = function.name;
        (function.routes)()
            .into_iter()
            .map(move |(method, path)| route(name, method, path))
    };
    FUNCTIONS.iter().flat_map(routes).collect()
}

fn watch_settings() -> Value {
    let text = project::read("CargoLambda.toml");
    let settings: Value = toml::from_str(&text).unwrap();
    let sections: Vec<&String> = settings.as_object().unwrap().keys().collect();
    assert_eq!(
        sections,
        ["watch"],
        "a build or a deploy must take nothing from the file"
    );
    settings["watch"].clone()
}

#[test]
fn template_watch_openapi_and_code_have_the_same_routes() {
    let code = routes_of_the_code();

    let mut template = BTreeSet::new();
    for (name, function) in Template::read().functions() {
        for event in function["Properties"]["Events"]
            .as_object()
            .unwrap()
            .values()
        {
            let text = |member: &str| event["Properties"][member].as_str().unwrap().to_owned();
            assert_eq!(event["Type"], "HttpApi");
            template.insert(route(&name, &text("Method"), &text("Path")));
        }
    }
    assert_eq!(template, code, "template.yaml");

    let mut watch = BTreeSet::new();
    for (path, targets) in watch_settings()["router"].as_object().unwrap() {
        for target in targets.as_array().unwrap() {
            let text = |member: &str| target[member].as_str().unwrap();
            watch.insert(route(text("function"), text("method"), path));
        }
    }
    assert_eq!(watch, code, "CargoLambda.toml");

    let mut openapi = BTreeSet::new();
    for (path, operations) in project::yaml("openapi.yaml")["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            openapi.insert((method.to_uppercase(), path.clone()));
        }
    }
    let code: BTreeSet<_> = code
        .into_iter()
        .map(|(_, method, path)| (method, path))
        .collect();
    assert_eq!(openapi, code, "openapi.yaml");
}

#[test]
fn every_folder_of_functions_is_in_the_template() {
    let folders = std::fs::read_dir(project::root().join("functions")).unwrap();
    let folders: BTreeSet<String> = folders
        .map(|folder| folder.unwrap().file_name().into_string().unwrap())
        .collect();
    let template: BTreeSet<String> = Template::read().functions().into_keys().collect();
    assert_eq!(template, folders);
}

/// The function starts with `variables`: none is missing, misspelt or refused.
fn assert_starts(function: &Function, variables: &BTreeMap<String, String>) {
    let lookup = |name: &str| variables.get(name).cloned().ok_or(VarError::NotPresent);
    let reader = SettingsReader::new(variables.keys().cloned(), &lookup);
    if let Err(error) = (function.read_settings)(reader) {
        panic!("{}: {error}", function.name);
    }
}

#[test]
fn the_functions_take_the_settings_of_watch() {
    let variables = watch_settings()["env_var"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pair| pair.as_str().unwrap().split_once('=').unwrap())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect::<BTreeMap<_, _>>();
    for function in &FUNCTIONS {
        assert_starts(function, &variables);
    }
    assert!(variables["JWT_SECRET_KEY"].contains("not-for-deployment"));
}

#[test]
fn the_readme_explains_every_variable() {
    let readme = project::read("README.md");
    for variable in VARIABLES {
        assert!(readme.contains(&format!("| `{variable}` |")), "{variable}");
    }
}

/// The tests provoke panics in builds of their own: what they show holds for a release that unwinds.
#[test]
fn a_release_unwinds() {
    let manifest: Value = toml::from_str(&project::read("Cargo.toml")).unwrap();
    assert_eq!(manifest["profile"]["release"]["panic"], "unwind");
}
