//! The operator's tool on sessions and failed logins of the real `login`.

use bundle_tests::{
    authctl::Tool,
    binaries::{Function, release},
    dynamodb::{self, DynamoDbLocal},
    events,
};
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse battery staple";

async fn post(login: &Function, endpoint: &str, body: &Value) -> (u16, Value) {
    let answer = login
        .answer(&events::post(endpoint, body, "203.0.113.7"))
        .await;
    let body = serde_json::from_str(answer.body()).unwrap_or_default();
    (answer.status(), body)
}

async fn login_with_jane(server: &DynamoDbLocal, tool: &Tool) -> Function {
    let (code, _, error) = tool.run(&["user", "add", "jane@example.com"], PASSWORD);
    assert_eq!(code, 0, "{error}");
    let url = server.url();
    let mut variables = dynamodb::environment_with_keys(&url);
    // A window that ends during no test, but at midnight.
    variables.push(("LOGIN_FAILURE_WINDOW", "86400"));
    Function::start_with(&release("login"), &variables, &[]).await
}

#[tokio::test]
async fn sessions_are_listed_and_end_with_a_revocation_or_a_new_password() {
    let server = DynamoDbLocal::start().await;
    let tool = Tool::on(&server);
    let login = login_with_jane(&server, &tool).await;
    let listed = || {
        let (code, output, error) =
            tool.run(&["--json", "session", "list", "Jane@Example.com"], "");
        assert_eq!(code, 0, "{error}");
        let lines = output
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        lines.collect::<Vec<Value>>()
    };
    let jane = json!({"email": "jane@example.com", "password": PASSWORD});
    let refresh = |tokens: &Value| json!({"refresh_token": tokens["refresh_token"]});
    for end in [&["session", "revoke"], &["user", "password"]] {
        let (_, first) = post(&login, "login", &jane).await;
        let (_, second) = post(&login, "login", &jane).await;
        let (status, second) = post(&login, "refresh", &refresh(&second)).await;
        assert_eq!(status, 200);
        let (_, gone) = post(&login, "login", &jane).await;
        assert_eq!(post(&login, "logout", &refresh(&gone)).await.0, 204);

        let sessions = listed();
        let mut generations: Vec<_> = sessions.iter().map(|one| &one["generation"]).collect();
        generations.sort_by_key(|generation| generation.as_u64());
        assert_eq!(
            generations,
            [0, 1],
            "the one that was logged out is not listed"
        );
        let life = |session: &Value| {
            session["expires_at"].as_u64().unwrap() - session["created_at"].as_u64().unwrap()
        };
        assert_eq!(life(&sessions[0]), 7_776_000);
        let (_, text, _) = tool.run(&["session", "list", "jane@example.com"], "");
        assert!(text.contains("refreshed 1 times, last 20"), "{text}");

        let (code, _, error) = tool.run(&[end, &["jane@example.com"][..]].concat(), PASSWORD);
        assert_eq!(code, 0, "{error}");
        assert_eq!(listed(), Vec::<Value>::new(), "{end:?}");
        for tokens in [&first, &second] {
            assert_eq!(
                post(&login, "refresh", &refresh(tokens)).await.0,
                401,
                "{end:?}"
            );
        }
    }
    for command in ["list", "revoke"] {
        let (code, _, error) = tool.run(&["session", command, "joe@example.com"], "");
        assert_eq!(
            (code, error.as_str()),
            (4, "authctl: there is no user joe@example.com\n")
        );
    }
}

#[tokio::test]
async fn attempts_are_shown_and_cleared() {
    let server = DynamoDbLocal::start().await;
    let tool = Tool::on(&server).with_keys();
    let login = login_with_jane(&server, &tool).await;
    let wrong = json!({"email": "jane@example.com", "password": "wrong"});
    let right = json!({"email": "jane@example.com", "password": PASSWORD});
    let shown = || {
        let (code, output, error) =
            tool.run(&["--json", "attempts", "show", "Jane@example.com"], "");
        assert_eq!(code, 0, "{error}");
        let lines = output
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        let mut counts: Vec<_> = lines
            .map(|line| (line["kind"].clone(), line["attempts"].clone()))
            .collect();
        counts.sort_by_key(|(kind, _)| kind.to_string());
        counts
    };
    assert_eq!(shown(), []);
    for _ in 0..5 {
        assert_eq!(post(&login, "login", &wrong).await.0, 401);
    }
    assert_eq!(post(&login, "login", &right).await.0, 429);
    assert_eq!(
        shown(),
        [(json!("email"), json!(5)), (json!("pair"), json!(5))]
    );
    let cleared = tool.json(&["attempts", "clear", "jane@example.com"], "");
    assert_eq!(cleared, json!({"cleared": 2}));
    assert_eq!(shown(), []);
    assert_eq!(post(&login, "login", &right).await.0, 200);

    let without_keys = Tool::on(&server);
    let (code, _, error) = without_keys.run(&["attempts", "show", "jane@example.com"], "");
    assert_eq!(code, 2);
    assert!(
        error.contains("--stack NAME, or the variable SESSION_KEY_SECRET_ID"),
        "{error}"
    );
}
