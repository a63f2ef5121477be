//! The requests that every guarded route refuses, each as an event of an HTTP API and of a REST API, with its response.
//!
//! They are generated from the routes in `template.yaml` and the permissions in `openapi.yaml`. Start at [`generate`].

use auth_core::{StoredUser, UserChange, UserDirectory};
use serde_json::{Value, json};

use crate::{
    cases::{Body, Case, refusal},
    events,
    functions::{Function, Route},
    process::now,
    store::{email, tutorial_user},
};

/// A request that a route refuses.
pub struct Refusal {
    /// The event.
    pub event: String,
    /// Its response. The name says what is wrong with the request.
    pub case: Case,
}

/// The address of the guest, whose session is that of forged tokens.
const GUEST: &str = "guest@example.com";

/// The methods that are sent to each path. Those that it does not have are refused.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// What is wrong with a request, and the values of its header `Authorization`.
const VALUES: [(&str, &[&str]); 8] = [
    ("no_token", &[]),
    ("empty_token", &["Bearer "]),
    ("other_scheme", &["Basic am9obi5kb2U6Y2hhbmdlbWU="]),
    ("not_a_token", &["Bearer changeme"]),
    ("tampered_token", &["Bearer {{token:tampered}}"]),
    ("alg_none_token", &["Bearer {{token:none}}"]),
    ("expired_token", &["Bearer {{token:expired}}"]),
    ("duplicate_headers", &["Bearer {{token:good}}"; 2]),
];

/// What only a guard that reads users refuses.
const LIVE_VALUES: [(&str, &[&str]); 2] = [
    ("unknown_user", &["Bearer {{token:unknown_user}}"]),
    ("other_user_of_the_address", &["Bearer {{token:other_id}}"]),
];

/// Returns a user without permissions, the guest.
pub async fn guest() -> StoredUser {
    let mut guest = tutorial_user().await;
    GUEST.clone_into(&mut guest.user.email);
    guest.user.roles.clear();
    guest
}

/// Returns the requests that a guarded route of a function refuses at `now`, in seconds since 1970, whatever the
/// permissions of their users.
#[must_use]
pub fn generate(function: &Function, route: &Route, now: u64) -> Vec<Refusal> {
    let requests = bad_requests(function, route);
    let refusals = requests.iter().flat_map(|request| {
        events::FORMS.map(|form| Refusal {
            event: events::fill(&request.event(form).to_string(), now),
            case: request.case.clone(),
        })
    });
    refusals.collect()
}

/// A request, before its form is chosen.
struct BadRequest {
    case: Case,
    method: String,
    path: String,
    /// The values of `Authorization`.
    values: Vec<String>,
}

impl BadRequest {
    /// Returns the event of the request, with placeholders of tokens.
    fn event(&self, form: &str) -> Value {
        events::request(form, &self.method, &self.path, &self.values)
    }
}

fn bad_requests(function: &Function, route: &Route) -> Vec<BadRequest> {
    let allowed = function.methods(&route.path);
    let bad = |reason: &'static str, method: &str, path: &str, values: &[&str]| BadRequest {
        case: refusal(reason, reason, &allowed).expect("a response"),
        method: method.to_owned(),
        path: path.to_owned(),
        values: values.iter().map(ToString::to_string).collect(),
    };
    let (method, path) = (&*route.method, &*route.path);
    let live = LIVE_VALUES.iter().filter(|_| function.reads_users);
    let values = VALUES.iter().chain(live);
    let mut requests: Vec<BadRequest> = values
        .map(|(reason, values)| bad(reason, method, path, values))
        .collect();
    let oversized = format!("Bearer {}", "a".repeat(8 * 1024 + 1));
    requests.push(bad("oversized_token", method, path, &[&oversized]));
    let good = ["Bearer {{token:good}}"];
    let unknown = format!("{path}/too");
    requests.push(bad("unknown_path", method, &unknown, &good));
    let others = METHODS.into_iter().filter(|other| !allowed.contains(other));
    requests.extend(others.map(|other| bad("wrong_method", other, path, &good)));
    requests
}

/// Gives the guest of a store these permissions and no others, and returns its requests to a route.
pub async fn requests_of_guest(
    store: &impl UserDirectory,
    permissions: &[String],
    route: &Route,
) -> [String; 2] {
    let mut roles = tutorial_user().await.user.roles;
    permissions.clone_into(&mut roles[0].permissions);
    let change = UserChange::Roles(roles);
    store.change_user(&email(GUEST), change).await.unwrap();
    let claims = json!({"email": GUEST, "scope": permissions.join(" ")});
    let token = [format!(
        "Bearer {}",
        forge::token(now(), &json!({}), &claims)
    )];
    let request = |form| events::request(form, &route.method, &route.path, &token);
    events::FORMS.map(|form| request(form).to_string())
}

/// Returns the response to a request of a user who lacks a permission.
#[must_use]
pub fn missing_permission(permission: &str) -> Case {
    let challenge =
        format!(r#"Bearer realm="api", error="insufficient_scope", scope="{permission}""#);
    Case {
        event: "missing_permission",
        status: 403,
        body: Body::Json(json!({"detail": "Not enough permissions"})),
        headers: vec![("www-authenticate", challenge)],
    }
}
