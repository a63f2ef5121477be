//! The responses of guards: those in `events/responses/`, and the refusals that all guards share.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::LazyLock,
};

use serde_json::{Map, Value};

use super::{Body, Case, INVALID_REQUEST, INVALID_TOKEN, REALM, detail};
use crate::{
    events,
    functions::{self, Function, Route},
    project,
};

/// The responses in `events/responses/`, by function and by the rest of the event's name.
static RESPONSES: LazyLock<BTreeMap<String, Map<String, Value>>> = LazyLock::new(|| {
    let folder = fs::read_dir(project::root().join("events/responses")).expect("a folder");
    let names = folder.map(|file| file.expect("a file").file_name().into_string().unwrap());
    names
        .map(|file| {
            let text = project::read(&format!("events/responses/{file}"));
            let responses = serde_json::from_str(&text);
            let name = file.strip_suffix(".json").expect("JSON").to_owned();
            (
                name,
                responses.unwrap_or_else(|error| panic!("{file}: {error}")),
            )
        })
        .collect()
});

/// Returns the responses of `events/responses/` that belong to no event of a guard.
#[must_use]
pub fn unused_responses() -> Vec<String> {
    let names = RESPONSES.iter().flat_map(|(function, responses)| {
        let names = responses.keys();
        names.map(move |name| (function.as_str(), format!("{function}_{name}")))
    });
    let is_unused = |(function, event): &(&str, String)| {
        !functions::is_guard(function) || !events::all().contains_key(event)
    };
    names.filter(is_unused).map(|(_, event)| event).collect()
}

/// Returns the cases of the events of guards.
pub(super) fn all() -> Vec<Case> {
    let names = events::all().keys().map(String::as_str);
    let cases = names.filter_map(|event| {
        let (function, name) = event.split_once('_')?;
        let function = functions::guards().find(|guard| guard.name == function)?;
        Some(guarded(event, function, name))
    });
    cases.collect()
}

fn guarded(event: &'static str, function: &Function, name: &str) -> Case {
    let own = RESPONSES.get(&function.name);
    if let Some(response) = own.and_then(|responses| responses.get(name)) {
        return described(event, response);
    }
    let reason = name.strip_suffix(".v1").unwrap_or(name);
    let (_, path) = requested(event);
    let refusal = refusal(event, reason, &function.methods(&path));
    refusal.unwrap_or_else(|| {
        let function = &function.name;
        panic!("events/responses/{function}.json has no response to {name}")
    })
}

/// Returns the case of an event with its description in `events/responses/`.
fn described(event: &'static str, response: &'static Value) -> Case {
    let headers = response["headers"].as_object().into_iter().flatten();
    let status = response["status"].as_u64();
    let status = status.and_then(|status| u16::try_from(status).ok());
    Case {
        event,
        status: status.unwrap_or_else(|| panic!("the response to {event} has no status")),
        body: response
            .get("body")
            .map_or(Body::None, |body| Body::Json(body.clone())),
        headers: headers
            .map(|(name, value)| (&**name, value.as_str().expect("a text").to_owned()))
            .collect(),
    }
}

/// Returns the case of an event that every guard refuses with the same response, by what is wrong with it. `None` if a
/// guard decides itself. `allowed` are the methods of the path.
#[must_use]
pub fn refusal(event: &'static str, reason: &str, allowed: &BTreeSet<&str>) -> Option<Case> {
    let refused = match reason {
        "no_token" | "empty_token" | "other_scheme" => {
            detail(event, 401, "Not authenticated", &[REALM])
        }
        "not_a_token" | "tampered_token" | "alg_none_token" | "oversized_token" => {
            detail(event, 401, "Invalid token", &[INVALID_TOKEN])
        }
        "expired_token" => detail(event, 401, "Token has expired", &[INVALID_TOKEN]),
        "unknown_user" | "other_user_of_the_address" => {
            detail(event, 401, "User not found", &[INVALID_TOKEN])
        }
        "duplicate_headers" => detail(event, 400, "Invalid request", &[INVALID_REQUEST]),
        "unknown_path" => detail(event, 404, "Not Found", &[]),
        "wrong_method" => {
            let allowed: Vec<&str> = allowed.iter().copied().collect();
            let mut case = detail(event, 405, "Method Not Allowed", &[]);
            case.headers.push(("allow", allowed.join(", ")));
            case
        }
        _ => return None,
    };
    Some(refused)
}

/// Returns the method of an event, and the path of the route that it names.
fn requested(event: &str) -> (String, String) {
    let event: Value = serde_json::from_str(&events::all()[event]).expect("an event");
    let (method, path) = match event["routeKey"].as_str() {
        Some(key) => key.split_once(' ').expect("a method and a path"),
        None => (
            event["httpMethod"].as_str().expect("a method"),
            event["resource"].as_str().expect("a path"),
        ),
    };
    (method.to_owned(), path.to_owned())
}

/// Returns the operation of the route that an event of a guard names. An event for no route counts for the first.
pub(super) fn operation(event: &str) -> &'static str {
    let name = event.split_once('_').map(|(function, _)| function);
    let function = functions::guards().find(|guard| Some(&*guard.name) == name);
    let routes = &function.expect("a guard").routes;
    let (method, path) = requested(event);
    let on_path = |route: &&Route| route.path == path;
    let exact = routes.iter().filter(on_path).find(|r| r.method == method);
    let route = exact.or_else(|| routes.iter().find(on_path));
    &route.unwrap_or(&routes[0]).operation
}
