//! What depends on what in `template.yaml`, for parameters that the linters do not try.
//!
//! `!Ref X` reads as `X`, so every text that looks like a resource counts as a reference. A text that is not one may
//! add a dependency, but never hides one.

use std::collections::{BTreeMap, BTreeSet};

use bundle_tests::{project, template::Template};
use serde_json::Value;

/// The nodes on which each node depends.
type Graph = BTreeMap<String, BTreeSet<String>>;

/// Returns the templates of stacks that differ in the resources that they have.
fn templates() -> impl Iterator<Item = (String, Template)> {
    let values = [
        (
            "DeploymentPreference",
            ["AllAtOnce", "Canary10Percent5Minutes"],
        ),
        ("ApiDocs", ["false", "true"]),
        ("Authorizer", ["false", "true"]),
        ("JwtIssuer", ["", "https://auth.example.com"]),
        ("ExistingTable", ["", "restored"]),
        ("KeyRotationDays", ["0", "30"]),
        ("CorsOrigins", ["", "https://app.example.com"]),
    ];
    (0..1 << values.len()).map(move |bits: usize| {
        let pick = |(i, (name, options)): (usize, (_, [_; 2]))| (name, options[bits >> i & 1]);
        let chosen: Vec<(&str, &str)> = values.into_iter().enumerate().map(pick).collect();
        (format!("{chosen:?}"), Template::with(&chosen))
    })
}

/// Returns the resources and aliases that a value refers to.
fn references(value: &Value, names: &BTreeSet<String>) -> BTreeSet<String> {
    match value {
        Value::String(text) => {
            let inserted = text.split("${").skip(1);
            let inserted = inserted.map(|rest| rest.split('}').next().unwrap_or_default());
            let mentioned = inserted.chain([text.as_str()]);
            mentioned.filter_map(|text| node(text, names)).collect()
        }
        Value::Array(items) => items
            .iter()
            .flat_map(|one| references(one, names))
            .collect(),
        Value::Object(members) => {
            let members = members.values();
            members.flat_map(|one| references(one, names)).collect()
        }
        _ => BTreeSet::new(),
    }
}

/// Returns the node that a reference names: an alias, or the resource itself.
fn node(reference: &str, names: &BTreeSet<String>) -> Option<String> {
    let (name, attribute) = reference.split_once('.').unwrap_or((reference, ""));
    let node = if attribute == "Alias" {
        reference
    } else {
        name
    };
    names.contains(name).then(|| node.to_owned())
}

/// Returns the dependencies of a stack. An alias depends on its function and on the alarms of its deployment.
fn graph(template: &Template, names: &BTreeSet<String>) -> Graph {
    let mut graph = Graph::new();
    let resources = template.section("Resources").as_object().unwrap();
    for (name, resource) in resources {
        let mut resource = resource.clone();
        if resource["Type"] == "AWS::Serverless::Function" {
            let deployment = resource["Properties"]["DeploymentPreference"].take();
            let mut alias = references(&deployment, names);
            alias.insert(name.clone());
            graph.insert(format!("{name}.Alias"), alias);
        }
        let mut needed = references(&resource, names);
        needed.remove(name);
        graph.insert(name.clone(), needed);
    }
    graph
}

/// Removes the nodes that depend on nothing that is left, again and again. Returns what remains: the circles.
fn circles(mut graph: Graph) -> Graph {
    loop {
        let left: BTreeSet<String> = graph.keys().cloned().collect();
        graph.retain(|_, needed| !needed.is_disjoint(&left));
        if graph.len() == left.len() {
            return graph;
        }
    }
}

/// Returns the names of all resources, with and without a condition.
fn all_names() -> BTreeSet<String> {
    let template = project::yaml("template.yaml");
    let resources = template["Resources"].as_object().unwrap();
    resources.keys().cloned().collect()
}

#[test]
fn nothing_depends_on_itself() {
    let names = all_names();
    for (parameters, template) in templates() {
        let circles = circles(graph(&template, &names));
        assert!(circles.is_empty(), "{parameters}: {circles:?}");
    }
}

/// Without these, the other tests could pass because the graph is empty or no circle is found.
#[test]
fn dependencies_and_circles_are_found() {
    let graph = graph(&Template::with(&[]), &all_names());
    assert!(graph["LoginFunction"].contains("AccessTokenKeys"));

    let node = |name: &str, needed: &[&str]| {
        let needed = needed.iter().map(ToString::to_string);
        (name.to_owned(), needed.collect())
    };
    let graph = Graph::from([node("a", &["b"]), node("b", &["a"]), node("c", &[])]);
    let circles: Vec<String> = circles(graph).into_keys().collect();
    assert_eq!(circles, ["a", "b"]);
}

#[test]
fn nothing_refers_to_a_resource_that_the_stack_does_not_have() {
    let names = all_names();
    for (parameters, template) in templates() {
        let graph = graph(&template, &names);
        for (name, needed) in &graph {
            let missing: Vec<_> = needed
                .iter()
                .filter(|one| !graph.contains_key(*one))
                .collect();
            assert!(missing.is_empty(), "{parameters}: {name} needs {missing:?}");
        }
    }
}

/// An API that depended on a function could not be its issuer.
#[test]
fn the_api_depends_on_nothing() {
    let names = all_names();
    for (parameters, template) in templates() {
        let needed = &graph(&template, &names)["Api"];
        assert!(needed.is_empty(), "{parameters}: {needed:?}");
    }
}
