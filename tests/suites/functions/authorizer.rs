//! The real `authorizer` on the events of every kind of API: hostile tokens, sign-outs, outages, and what its alarm
//! counts.

use auth_core::Algorithm;
use bundle_tests::{
    app::ENVIRONMENT,
    authorizer::{Api, CONNECT_ARN, METHOD_ARN},
    client::Client,
    events,
    fault_proxy::Fault,
    process::{self, Process, failed_start},
    runtime_api::Outcome,
    signing_stack::SigningStack,
    store::TemporaryFileStore,
    template::Template,
};
use forge::hostile::{self, Hostile, Published, Target};
use serde_json::{Value, json};

use crate::start_staged;

/// How much later than the leeway times in the future are, because the clock is running.
const MARGIN: u64 = 600;

const TOKEN_LEVEL: (&str, &str) = ("AUTHORIZER_LEVEL", "token");

/// Starts the function with these variables and one more.
async fn start_with<'a>(
    mut variables: Vec<(&'a str, &'a str)>,
    more: (&'a str, &'a str),
) -> Process {
    variables.push(more);
    Process::start("authorizer", &variables).await
}

/// Returns the response to an event that causes no error.
async fn response(authorizer: &Process, event: &str) -> Value {
    match authorizer.outcome(event).await {
        Outcome::Response(response) => response,
        Outcome::Error(error) => panic!("{error} for {event}"),
    }
}

/// Returns the status that a caller of an API gets with a token.
async fn status(authorizer: &Process, api: Api, token: &str) -> u16 {
    let outcome = authorizer.outcome(&api.with_token(token)).await;
    api.status(&outcome)
}

/// Checks that callers of every API get `expected` with a token.
async fn check_accepted(authorizer: &Process, token: &str) {
    for api in Api::ALL {
        assert_eq!(status(authorizer, api, token).await, 200, "{api:?}");
    }
}

/// Checks that callers of every API are rejected with a token.
async fn check_rejected(authorizer: &Process, token: &str, what: &str) {
    for api in Api::ALL {
        let status = status(authorizer, api, token).await;
        assert_eq!(status, api.rejection(), "{api:?}: {what}");
    }
}

async fn check_hostile(authorizer: &Process, tokens: &[Hostile]) {
    for hostile in tokens {
        check_rejected(authorizer, &hostile.token, &hostile.name).await;
    }
    let count = tokens.len() * Api::ALL.len();
    println!("hostile calls rejected by the real authorizer: {count}");
    let logs = authorizer.logs();
    assert!(logs.contains(r#""message":"refused""#));
    assert!(
        !logs.contains(r#""level":"ERROR""#),
        "anyone could cause it"
    );
    let is_logged = |hostile: &&Hostile| hostile.token.len() > 60 && logs.contains(&hostile.token);
    let logged = tokens.iter().find(is_logged);
    assert!(logged.is_none(), "the log contains a token: {logged:?}");
}

#[tokio::test]
async fn every_hostile_token_is_refused_through_the_events_of_every_api() {
    let store = TemporaryFileStore::new();
    let tokens = hostile::tokens(process::now(), MARGIN);
    let (for_secret, for_public_keys): (Vec<_>, Vec<_>) = tokens
        .into_iter()
        .partition(|hostile| hostile.target == Target::Secret);
    let good = forge::token(process::now(), &json!({}), &json!({}));
    for level in [("AUTHORIZER_LEVEL", "live"), TOKEN_LEVEL] {
        let authorizer = start_with(store.environment(), level).await;
        check_accepted(&authorizer, &good).await;
        check_hostile(&authorizer, &for_secret).await;
    }
    let keys = hostile::public_keys();
    let variables = vec![("AUTH_STORE", "memory"), ("JWT_JWKS", keys.as_str())];
    // Nothing but the token protects at this level.
    let authorizer = start_with(variables, TOKEN_LEVEL).await;
    check_hostile(&authorizer, &for_public_keys).await;
}

#[tokio::test]
async fn every_hostile_token_for_published_keys_is_refused_through_the_events_of_every_api() {
    for algorithm in [Algorithm::RS256, Algorithm::ES256] {
        let stack = SigningStack::new().await;
        let ring = stack.create_keys(algorithm).await;
        let discovery = Process::start("discovery", &stack.guard()).await;
        let jwks = discovery.send(&events::success("discovery_jwks")).await;
        let keys = Published::new(&ring.expose(), jwks.body().to_owned());
        let authorizer = start_with(stack.guard(), TOKEN_LEVEL).await;
        for signer in [&keys.active, &keys.standby] {
            let token = signer.token(process::now(), &json!({}), &json!({}));
            check_accepted(&authorizer, &token).await;
        }
        let tokens = hostile::tokens_for(&keys, process::now(), MARGIN);
        check_hostile(&authorizer, &tokens).await;
    }
}

/// The guarded function sees who called, and nothing with which it could call others.
#[tokio::test]
async fn the_context_names_the_user_and_never_contains_the_token() {
    let stack = SigningStack::new().await;
    stack.create_keys(Algorithm::RS256).await;
    let token = stack.start_login().await.sign_in().await.access;
    let authorizer = Process::start("authorizer", &stack.guard()).await;
    let claims = token.split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&forge::decoded(claims)).unwrap();
    let expected = json!({
        "sub": "1",
        "email": "john.doe@leapify.tech",
        "roles": r#"["Admin"]"#,
        "scope": "create delete read update",
        "sid": claims["sid"],
    });
    for api in Api::ALL {
        let response = response(&authorizer, &api.with_token(&token)).await;
        assert_eq!(response["context"], expected, "{api:?}");
        let text = response.to_string();
        assert!(!text.contains(token.rsplit('.').next().unwrap()), "{text}");
    }
}

#[tokio::test]
async fn a_sign_out_takes_effect_at_the_next_call_at_the_live_level_only() {
    let stack = SigningStack::new().await;
    stack.create_keys(Algorithm::RS256).await;
    let login = stack.start_login().await;
    let tokens = login.sign_in().await;
    let live = Process::start("authorizer", &stack.guard()).await;
    let token_level = start_with(stack.guard(), TOKEN_LEVEL).await;
    for authorizer in [&live, &token_level] {
        check_accepted(authorizer, &tokens.access).await;
    }
    login.log_out(&tokens.refresh, false).await;
    check_rejected(&live, &tokens.access, "signed out").await;
    check_accepted(&token_level, &tokens.access).await;
}

/// API Gateway may apply a cached policy to any call with the same token. This policy allows no other call.
#[tokio::test]
async fn a_cached_policy_does_not_open_another_route() {
    let store = TemporaryFileStore::new();
    let scopes = ("AUTHORIZER_SCOPES", r#"{"DELETE /orders/{id}":"refund"}"#);
    let authorizer = start_with(store.environment(), scopes).await;
    let good = forge::token(process::now(), &json!({}), &json!({}));
    let mut event = Api::Rest.event(&format!("Bearer {good}"));
    let cached = response(&authorizer, &event.to_string()).await;
    let allowed = &cached["policyDocument"]["Statement"][0]["Resource"];
    assert_eq!(allowed, METHOD_ARN);
    let refund = METHOD_ARN.replace("/GET/", "/DELETE/");
    event["methodArn"] = refund.clone().into();
    event["httpMethod"] = "DELETE".into();
    let denied = response(&authorizer, &event.to_string()).await;
    let expected = json!([{"Action": "execute-api:Invoke", "Effect": "Deny", "Resource": refund}]);
    assert_eq!(denied["policyDocument"]["Statement"], expected);
    let socket = response(&authorizer, &Api::WebSocket.with_token(&good)).await;
    let allowed = &socket["policyDocument"]["Statement"][0]["Resource"];
    assert_eq!(allowed, CONNECT_ARN);
}

/// A 401 would make clients drop their token, and an Allow would open everything.
#[tokio::test]
async fn callers_get_a_500_during_an_outage_and_their_response_after_it() {
    let stack = SigningStack::new().await;
    stack.create_keys(Algorithm::RS256).await;
    let token = stack.start_login().await.sign_in().await.access;
    let proxy = stack.proxy().await;
    let variables = stack.guard_behind(&proxy);
    let running = Process::start("authorizer", &variables).await;
    check_accepted(&running, &token).await;
    for fault in [
        Fault::InternalError,
        Fault::Cut,
        Fault::Throttle,
        Fault::DenyAll,
    ] {
        let what = format!("{fault:?}");
        proxy.set(fault);
        let starting = Process::start("authorizer", &variables).await;
        for authorizer in [&running, &starting] {
            for api in Api::ALL {
                let status = status(authorizer, api, &token).await;
                assert_eq!(status, 500, "{what}: {api:?}");
            }
        }
        proxy.set(Fault::None);
        for authorizer in [&running, &starting] {
            check_accepted(authorizer, &token).await;
        }
    }
}

/// Lambda counts every refused call of a REST API as an error.
#[tokio::test]
async fn the_alarm_counts_what_could_not_be_checked_and_no_refused_token() {
    let filter = Template::read().log_filter("AuthorizerErrorsMetric");
    let messages = |logs: &str| -> Vec<Value> {
        let counted = filter.counted(logs).into_iter();
        counted.map(|line| line["message"].clone()).collect()
    };
    let stack = SigningStack::new().await;
    stack.create_keys(Algorithm::ES256).await;
    let token = stack.start_login().await.sign_in().await.access;
    let proxy = stack.proxy().await;
    let variables = stack.guard_behind(&proxy);
    let authorizer = Process::start("authorizer", &variables).await;
    check_accepted(&authorizer, &token).await;
    check_rejected(&authorizer, "a.b.c", "not a token").await;
    assert_eq!(messages(&authorizer.logs()), [""; 0]);
    proxy.set(Fault::InternalError);
    assert_eq!(status(&authorizer, Api::Rest, &token).await, 500);
    assert!(matches!(authorizer.outcome("{}").await, Outcome::Error(_)));
    assert_eq!(
        messages(&authorizer.logs()),
        ["unavailable", "event failed"]
    );
    let (_, logs) = failed_start("authorizer", &[("AUTHORIZER_LEVEL", "none")]);
    assert_eq!(messages(&logs), ["the function did not start"]);
}

#[tokio::test]
async fn a_panic_is_an_error_without_its_text_and_the_process_lives_on() {
    let filter = Template::read().log_filter("AuthorizerErrorsMetric");
    let authorizer = start_staged("authorizer", &ENVIRONMENT).await;
    let token = |email: &str| forge::token(process::now(), &json!({}), &json!({ "email": email }));
    for api in Api::ALL {
        let event = api.with_token(&token("panic@example.com"));
        let outcome = authorizer.outcome(&event).await;
        let Outcome::Error(error) = outcome else {
            panic!("{api:?}: {outcome:?}");
        };
        assert_eq!(error["errorType"], "Panic", "{api:?}");
        assert!(
            !error.to_string().contains("the text of a panic"),
            "{error}"
        );
        let unavailable = status(&authorizer, api, &token("unavailable@example.com")).await;
        assert_eq!(unavailable, 500, "{api:?}");
        let disabled = status(&authorizer, api, &token("disabled@example.com")).await;
        assert_eq!(disabled, api.rejection(), "{api:?}");
    }
    let logs = authorizer.logs();
    assert!(!logs.contains("the text of a panic"), "{logs}");
    let counted = filter.counted(&logs);
    assert_eq!(counted.len(), 2 * Api::ALL.len(), "{logs}");
    for line in &counted {
        let id = "8476a536-e9f4-11e8-9739-2dfe598c3fcd";
        assert_eq!(line["span"]["requestId"], id, "{line}");
    }
    assert_eq!(counted[0]["message"], "panic");
    assert_eq!(counted[1]["cause"], "connection refused");
    assert_eq!(counted[1]["span"]["apiRequestId"], "JKJaXmPLvHcESHA=");
}

/// A misspelt setting would leave routes open.
#[test]
fn every_problem_of_its_settings_fails_the_start() {
    let (code, output) = failed_start(
        "authorizer",
        &[
            ("AUTH_STORE", "memory"),
            ("JWT_SECRET_KEY", forge::SECRET),
            ("AUTHORIZER_LEVEL", "none"),
            ("AUTHORIZER_SCOPES", r#"{"get /orders":"read"}"#),
            ("AUTHORIZER_SCOPE", "{}"),
        ],
    );
    assert_eq!(code, Some(1), "{output}");
    for problem in [
        "AUTHORIZER_LEVEL: must be token or live",
        "AUTHORIZER_SCOPES: each member must be a route key",
        "AUTHORIZER_SCOPE: unknown variable",
    ] {
        assert!(output.contains(problem), "{output}");
    }
}
