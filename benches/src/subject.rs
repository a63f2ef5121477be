//! The programs to measure, each with its environment and the event it responds to.

use std::path::{Path, PathBuf};

use bundle_tests::{app::ENVIRONMENT, events, project};

use crate::{
    keys,
    program::Programs,
    quota::{Hierarchy, Share},
    services::{Endpoints, Roots, Services},
};

/// Memory sizes whose share of a processor the functions get, in MB.
pub(crate) const SIZES: [u32; 5] = [128, 256, 512, 1_024, 1_769];

/// A program that runs on the Lambda Runtime API.
#[derive(Clone)]
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
    /// Working directory. Peers in other languages load their code from it.
    pub(crate) folder: PathBuf,
    pub(crate) variables: Vec<(String, String)>,
    pub(crate) event: String,
    /// Whether a deployment contains only the program.
    pub(crate) is_whole: bool,
    /// The whole machine if there is none.
    pub(crate) share: Option<Share>,
}

impl Subject {
    /// Trusts only the roots in a file. Debian's are in a file and again in a folder, and the SDK would read both; those
    /// of Amazon Linux, on which Lambda runs, are in a file.
    fn trusting(mut self, roots: &Path) -> Self {
        let roots = roots.to_str().expect("UTF-8").to_owned();
        self.variables.push(("SSL_CERT_FILE".to_owned(), roots));
        self
    }
}

pub(crate) const BARE: &str = "bare lambda_http";
pub(crate) const GET_ITEM: &str = "GetItem with the SDK";
pub(crate) const ME_FILE: &str = "me, file";
pub(crate) const ME: &str = "me, DynamoDB";
pub(crate) const LOGIN_MEMORY: &str = "login, memory";
pub(crate) const LOGIN: &str = "login, DynamoDB";
pub(crate) const LOGIN_HS256: &str = "login, DynamoDB, HS256";
pub(crate) const GET_ITEM_FAR: &str = "GetItem with the SDK, 5 ms further away";
pub(crate) const LOGIN_FAR: &str = "login, DynamoDB 5 ms further away";
pub(crate) const FASTAPI: &str = "FastAPI, me";
pub(crate) const NODE: &str = "Node.js, me";
pub(crate) const AUTHORIZER_TOKEN: &str = "authorizer, token level, keys in the environment";
pub(crate) const AUTHORIZER: &str = "authorizer, live, DynamoDB";
pub(crate) const NODE_AUTHORIZER: &str = "Node.js authorizer with aws-jwt-verify";

pub(crate) const GET_ITEM_TLS: &str = "GetItem with the SDK, TLS";
pub(crate) const GET_ITEM_FEW_ROOTS: &str = "GetItem with the SDK, TLS, Amazon's roots";
pub(crate) const ME_TLS: &str = "me, DynamoDB, TLS";
pub(crate) const FORMER_ME_TLS: &str = "former me, DynamoDB, TLS";
pub(crate) const LOGIN_TLS: &str = "login, DynamoDB, TLS";
pub(crate) const GET_ITEM_FAR_TLS: &str = "GetItem with the SDK, TLS, 5 ms further away";
pub(crate) const ME_FAR_TLS: &str = "me, DynamoDB, TLS, 5 ms further away";
pub(crate) const LOGIN_FAR_TLS: &str = "login, DynamoDB, TLS, 5 ms further away";

/// Returns the subjects with the whole machine and no TLS, in the order of the report.
pub(crate) fn all(programs: &Programs, services: &Services) -> Vec<Subject> {
    let memory = owned(&ENVIRONMENT);
    let file = owned(&services.file.environment());
    let near = with_secrets(&services.near);
    let far = with_secrets(&services.far);
    let hs256 = with_secrets(&services.hs256);
    let published = with_published_keys(&services.near);
    let me = events::object("me_success").to_string();
    let login = events::object("login_success").to_string();
    let authorized = &services.keys.authorizer_event;
    let jwks = owned(&[
        ("AUTH_STORE", "memory"),
        ("AUTHORIZER_LEVEL", "token"),
        ("JWT_JWKS", services.keys.jwks.as_str()),
    ]);
    let get_item = |name, variables: &[(String, String)]| {
        rust(name, &programs.get_item, variables, &me).trusting(&services.roots.machine)
    };
    let python = project::python_of_peers();
    let python = python.to_str().expect("UTF-8");
    let handler = ["-m", "awslambdaric", "app.handler"];
    let other = |name, program: &str, arguments: &[&str], folder: &str, event: &str| Subject {
        arguments: arguments.iter().map(ToString::to_string).collect(),
        folder: project::root().join("benches/peers").join(folder),
        is_whole: false,
        ..rust(name, Path::new(program), &memory, event)
    };
    vec![
        rust(BARE, &programs.bare, &[], &me),
        rust(ME_FILE, &programs.me, &file, &me),
        rust(LOGIN_MEMORY, &programs.login, &memory, &login),
        get_item(GET_ITEM, &near),
        rust(ME, &programs.me, &published, &services.keys.me_event),
        rust(LOGIN, &programs.login, &near, &login),
        rust(LOGIN_HS256, &programs.login, &hs256, &login),
        get_item(GET_ITEM_FAR, &far),
        rust(LOGIN_FAR, &programs.login, &far, &login),
        other(FASTAPI, python, &handler, "fastapi", &me),
        other("FastAPI, login", python, &handler, "fastapi", &login),
        other(NODE, "node", &["main.mjs"], "node", &me),
        other("Node.js, login", "node", &["main.mjs"], "node", &login),
        rust(AUTHORIZER_TOKEN, &programs.authorizer, &jwks, authorized),
        rust(AUTHORIZER, &programs.authorizer, &published, authorized),
        Subject {
            variables: jwks.clone(),
            ..other(
                NODE_AUTHORIZER,
                "node",
                &["authorizer.mjs"],
                "node",
                authorized,
            )
        },
    ]
}

/// Returns the subjects with TLS and the whole machine, in the order of the report. `SSL_CERT_FILE` makes the
/// functions read their roots from a file instead of their own memory.
pub(crate) fn with_tls(programs: &Programs, services: &Services) -> Vec<Subject> {
    let login = events::object("login_success").to_string();
    let me = &services.keys.me_event;
    let (near, far) = (&services.near_tls, &services.far_tls);
    let (near_login, far_login) = (with_secrets(near), with_secrets(far));
    let (near, far) = (with_published_keys(near), with_published_keys(far));
    let Roots { amazon, machine } = &services.roots;
    let former_me = programs.former_me.as_deref().map(|program| {
        let variables = with_secrets(&services.hs256_tls);
        let event = keys::hs256_me_event();
        rust(FORMER_ME_TLS, program, &variables, &event).trusting(amazon)
    });
    let near = [
        rust(GET_ITEM_TLS, &programs.get_item, &near, me).trusting(machine),
        rust(GET_ITEM_FEW_ROOTS, &programs.get_item, &near, me).trusting(amazon),
        rust(ME_TLS, &programs.me, &near, me).trusting(amazon),
        rust(LOGIN_TLS, &programs.login, &near_login, &login).trusting(amazon),
    ];
    let far = [
        rust(GET_ITEM_FAR_TLS, &programs.get_item, &far, me).trusting(machine),
        rust(ME_FAR_TLS, &programs.me, &far, me).trusting(amazon),
        rust(LOGIN_FAR_TLS, &programs.login, &far_login, &login).trusting(amazon),
    ];
    near.into_iter().chain(former_me).chain(far).collect()
}

/// Returns subjects with the share of a processor of each memory size.
pub(crate) fn with_shares(subjects: &[Subject], hierarchy: &Hierarchy) -> Vec<Subject> {
    let sizes = SIZES.iter().map(|megabytes| Share {
        hierarchy: hierarchy.clone(),
        megabytes: *megabytes,
    });
    let shared = sizes.flat_map(|share| {
        subjects.iter().map(move |subject| Subject {
            is_whole: false,
            share: Some(share.clone()),
            ..subject.clone()
        })
    });
    shared.collect()
}

fn rust(
    name: &'static str,
    program: &Path,
    variables: &[(String, String)],
    event: &str,
) -> Subject {
    Subject {
        name,
        program: program.to_owned(),
        arguments: Vec::new(),
        folder: "/".into(),
        variables: variables.to_vec(),
        event: event.to_owned(),
        is_whole: true,
        share: None,
    }
}

/// Returns the environment of a deployed guard.
fn with_published_keys(endpoints: &Endpoints) -> Vec<(String, String)> {
    let keys = vec![("JWT_KEYS_TABLE", endpoints.table.name())];
    owned(&[endpoints.table.environment(), keys].concat())
}

/// Returns the environment of the deployed `login`, and of a guard before keys were published.
fn with_secrets(endpoints: &Endpoints) -> Vec<(String, String)> {
    let secrets = vec![
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", &*endpoints.secrets),
        ("JWT_KEYS_SECRET_ID", "JwtKeys"),
        ("SESSION_KEY_SECRET_ID", "SessionKeys"),
        ("COUNTER_KEY_SECRET_ID", "CounterKeys"),
    ];
    owned(&[endpoints.table.environment(), secrets].concat())
}

fn owned(variables: &[(&str, &str)]) -> Vec<(String, String)> {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    variables.iter().map(own).collect()
}
