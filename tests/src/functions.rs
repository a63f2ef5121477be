//! The functions that `template.yaml` deploys, with their routes as `openapi.yaml` describes them.
//!
//! A new function needs no line in any test: lists of functions come from here. Only what tests call in process is
//! listed by name, in [`linked`](crate::linked).

use std::{collections::BTreeSet, sync::LazyLock};

use serde_json::Value;

use crate::{project, template::Template};

/// A function.
#[derive(Debug)]
pub struct Function {
    /// The name of its folder and binary.
    pub name: String,
    /// Its routes. Without any, the API does not call it.
    pub routes: Vec<Route>,
    /// Whether its role lets it look up users.
    pub reads_users: bool,
}

/// A route of the API.
#[derive(Debug)]
pub struct Route {
    /// The method in upper case.
    pub method: String,
    /// The path, whose last segment may be a parameter in braces.
    pub path: String,
    /// The id of its operation in `openapi.yaml`.
    pub operation: String,
    /// The permissions that a token needs, perhaps none. `None` for a public route.
    pub permissions: Option<Vec<String>>,
}

static FUNCTIONS: LazyLock<Vec<Function>> = LazyLock::new(|| {
    let (template, contract) = (Template::read(), project::yaml("openapi.yaml"));
    let routes = template.routes();
    let functions = template.functions().into_iter();
    let functions = functions.map(|(name, function)| {
        let own = routes.iter().filter(|(owner, ..)| *owner == name);
        let rights = template.policy(&function).rights();
        Function {
            routes: own
                .map(|(_, method, path)| Route::read(&contract, method, path))
                .collect(),
            reads_users: rights
                .iter()
                .any(|(action, _)| action == "dynamodb:BatchGetItem"),
            name,
        }
    });
    functions.collect()
});

impl Route {
    fn read(contract: &Value, method: &str, path: &str) -> Self {
        let operation = &contract["paths"][path][method.to_lowercase()];
        let id = operation["operationId"].as_str();
        let id = id.unwrap_or_else(|| panic!("openapi.yaml does not describe {method} {path}"));
        let permissions = operation["security"][0]["bearer"].as_array();
        let text = |permission: &Value| permission.as_str().expect("a permission").to_owned();
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            operation: id.to_owned(),
            permissions: permissions.map(|list| list.iter().map(text).collect()),
        }
    }
}

impl Function {
    /// Returns its routes that need a token.
    pub fn guarded_routes(&self) -> impl Iterator<Item = &Route> {
        self.routes
            .iter()
            .filter(|route| route.permissions.is_some())
    }

    /// Returns whether all its routes need a token.
    #[must_use]
    pub fn is_guard(&self) -> bool {
        let mut routes = self.routes.iter();
        !self.routes.is_empty() && routes.all(|route| route.permissions.is_some())
    }

    /// Returns the methods of a path, in alphabetical order.
    #[must_use]
    pub fn methods(&self, path: &str) -> BTreeSet<&str> {
        let routes = self.routes.iter().filter(|route| route.path == path);
        routes.map(|route| &*route.method).collect()
    }
}

/// Returns all functions, in the order of their names.
#[must_use]
pub fn all() -> &'static [Function] {
    &FUNCTIONS
}

/// Returns the names of the functions that a condition holds for.
fn names_where(holds: impl Fn(&Function) -> bool) -> impl Iterator<Item = &'static str> {
    let functions = all().iter().filter(move |function| holds(function));
    functions.map(|function| &*function.name)
}

/// The names of all functions.
pub fn names() -> impl Iterator<Item = &'static str> {
    names_where(|_| true)
}

/// The names of the functions that the API calls.
pub fn with_routes() -> impl Iterator<Item = &'static str> {
    names_where(|function| !function.routes.is_empty())
}

/// The names of the functions that a request to an API waits for.
pub fn that_serve_requests() -> impl Iterator<Item = &'static str> {
    names_where(|function| !["keys", "mailer"].contains(&&*function.name))
}

/// The names of the functions that read users when the API calls them.
pub fn with_routes_that_read_users() -> impl Iterator<Item = &'static str> {
    names_where(|function| !function.routes.is_empty() && function.reads_users)
}

/// The names of the functions that need a store: guards, and those that read users.
pub fn with_store() -> impl Iterator<Item = &'static str> {
    names_where(|function| function.reads_users || function.is_guard())
}

/// The functions whose routes all need a token. `account` has others, too, and its own tests.
pub fn guards() -> impl Iterator<Item = &'static Function> {
    all().iter().filter(|function| function.is_guard())
}

/// Returns whether all routes of a function need a token.
#[must_use]
pub fn is_guard(name: &str) -> bool {
    guards().any(|function| function.name == name)
}

/// Returns the permissions that routes need, in alphabetical order.
#[must_use]
pub fn permissions() -> BTreeSet<&'static str> {
    let routes = guards().flat_map(Function::guarded_routes);
    let permissions = routes.flat_map(|route| route.permissions.iter().flatten());
    permissions.map(String::as_str).collect()
}

/// Returns the function that serves a route.
#[must_use]
pub fn serving(method: &str, path: &str) -> &'static Function {
    let serves = |function: &&Function| function.methods(path).contains(method);
    let function = all().iter().find(serves);
    function.unwrap_or_else(|| panic!("{method} {path} is not a route"))
}
