//! Requests with all kinds of methods, paths and `Authorization` headers.

use super::request::{ACCESS_TOKEN, Request};

/// Returns the requests of all tables.
pub(super) fn requests() -> Vec<Request> {
    let tables = [methods(), paths(), queries(), authorizations()];
    tables.into_iter().flatten().collect()
}

fn methods() -> Vec<Request> {
    let mut requests = Vec::new();
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        let login = Request::login(format!("{method} of login"));
        requests.push(Request { method, ..login });
        let me = Request::me(format!("{method} of me"));
        requests.push(Request { method, ..me });
    }
    requests
}

fn paths() -> Vec<Request> {
    let login = [
        "/",
        "/api/v1",
        "/api/v1/login/",
        "/api/v1/login/login",
        "/api/v1/Login",
        "/api/v2/login",
        "//api/v1/login",
        "/api/v1/%6cogin",
        "/prod/api/v1/login",
        "/a/b/api/v1/login",
    ];
    let me = [
        "/api/v1/me/",
        "/api/v1/me/1",
        "/api/v1/you",
        "/api/v1/me%20",
        "/api/v1/../v1/me",
        "/prod/api/v1/me",
        "/docs",
        "/openapi.json",
    ];
    let login = login.map(|path| Request {
        path,
        ..Request::login(format!("path {path}"))
    });
    let me = me.map(|path| Request {
        path,
        ..Request::me(format!("path {path}"))
    });
    login.into_iter().chain(me).collect()
}

fn queries() -> Vec<Request> {
    let requests = [
        Request::login("login with a query"),
        Request::me("me with a query"),
    ];
    let query = "email=a%40b.c&password=";
    requests.map(|request| Request { query, ..request }).into()
}

fn authorizations() -> Vec<Request> {
    let values = [
        "",
        "Bearer",
        "Bearer ",
        "Bearer  ",
        "Bearer {access_token}",
        "bearer {access_token}",
        "BEARER {access_token}",
        "Bearer  {access_token}",
        "Bearer {access_token} ",
        "Bearer\t{access_token}",
        "BearerX {access_token}",
        "Token {access_token}",
        ACCESS_TOKEN,
        "Basic {access_token}",
        "Basic am9objpjaGFuZ2VtZQ==",
        "Bearer {access_token},Bearer {access_token}",
        "Bearer {access_token}, Basic am9objpjaGFuZ2VtZQ==",
        "Bearer {access_token} {access_token}",
        "Bearer {access_token}x",
        "Bearer {access_token}=",
        "Bearer \"{access_token}\"",
        "Bearer x",
        "Bearer ..",
        "Bearer a.b.c",
        "Bearer a.b.c.d.e",
        "Bearer {{token:expired}}",
        "Bearer {{token:tampered}}",
        "Bearer {{token:none}}",
        "Bearer {{token:unknown_user}}",
        "Bearer {{token:other_id}}",
    ];
    let mut requests = Vec::new();
    for value in values.map(Some).into_iter().chain([None]) {
        let name = format!("authorization {}", value.unwrap_or("absent"));
        let authorization = value.map(str::to_owned);
        requests.push(Request {
            authorization,
            ..Request::me(name)
        });
    }
    requests
}
