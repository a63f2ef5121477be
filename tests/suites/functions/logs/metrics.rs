//! The filters of the metrics in the template match the lines that functions really log.

use std::time::Duration;

use auth_core::{Ask, AskContent, AskId, Clock, NoticeRepository};
use bundle_tests::{
    app::{ENVIRONMENT, environment_with},
    client::{ADDRESS, Client},
    dynamodb::Table,
    events,
    process::{Process, Processes},
    runtime_api::Outcome,
    store::{TemporaryFileStore, email},
    template::Template,
};
use serde_json::{Value, json};

use super::{json_lines, send_as_disabled_user};

/// Guesses at the routes of `account` go into the alarm of refused logins, and can be grouped by network and user.
#[tokio::test]
async fn the_metric_counts_passwords_that_account_refuses() {
    let store = TemporaryFileStore::new();
    let mut variables = store.environment();
    variables.push(("LOGIN_FAILURE_WINDOW", "86400"));
    let functions = Processes::start_with(&variables).await;
    let credentials = events::credentials();
    let reply = functions.post("login", &credentials, ADDRESS).await;
    let token = reply.tokens().unwrap().access;
    let wrong = json!({"password": "wrong"});
    let event = events::as_caller("DELETE", "/api/v1/account", &token, &wrong);
    for status in [401, 401, 401, 401, 401, 429] {
        assert_eq!(functions.invoke("account", &event).await.status(), status);
    }
    let used = json!({"token": "not a token", "password": "correct horse battery staple"});
    let link = functions.post("password/reset", &used, ADDRESS).await;
    assert_eq!(link.status(), 400);
    let logs = functions.get("account").logs();
    let lines = logs.lines().map(|line| serde_json::from_str(line).unwrap());
    let lines: Vec<Value> = lines.collect();
    let lines: Vec<&Value> = lines
        .iter()
        .filter(|line| line["message"] == "account")
        .collect();
    assert_eq!(lines.len(), 7, "{logs}");
    let template = Template::read();
    let filter = template.log_filter("RefusedPasswordsMetric");
    let counted = lines.iter().map(|line| filter.matches(line));
    let counted: Vec<bool> = counted.collect();
    assert_eq!(counted, [true, true, true, true, true, true, false]);
    for line in &lines[..6] {
        assert_eq!(line["network"], "203.0.113.0/24", "{line}");
        assert_eq!(line["user_id"], "1", "{line}");
        assert_eq!(line["flow"], "account", "{line}");
    }
    assert_eq!(lines[6]["network"], "203.0.113.0/24");
    assert_eq!(lines[6]["user_id"], Value::Null);
    assert_eq!(lines[6]["outcome"], "InvalidLink");
}

#[tokio::test]
async fn the_metrics_count_refused_logins_and_reused_tokens() {
    // Without a grace period, an old refresh token counts as reused once the second of its rotation is over.
    let mut variables = environment_with(("SESSION_GRACE", "0"));
    variables.push(("LOGIN_FAILURE_WINDOW", "86400"));
    let login = Process::start("login", &variables).await;
    let old = login.sign_in().await.refresh;
    login.refresh(&old).await.unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(login.refresh(&old).await.unwrap_err().0, 401);
    login.refresh("not a token").await.unwrap_err();
    let jane = json!({"email": "jane@example.com", "password": "changeme"});
    login.post("login", &jane, ADDRESS).await;
    let mut wrong = events::credentials();
    wrong["password"] = "wrong".into();
    for _ in 0..6 {
        login.post("login", &wrong, ADDRESS).await;
    }
    let detail = "Invalid email or password";
    let (disabled, _) = send_as_disabled_user("login", &ENVIRONMENT, detail).await;
    let lines = json_lines(&(login.logs() + &disabled));
    let template = Template::read();
    let count = |metric: &str, field: &str| -> Vec<Value> {
        let filter = template.log_filter(metric);
        let lines = lines.iter().filter(|line| filter.matches(line));
        lines.map(|line| line[field].clone()).collect()
    };
    let refused = [
        "UnknownUser",
        "WrongPassword",
        "WrongPassword",
        "WrongPassword",
        "WrongPassword",
        "WrongPassword",
        "TooManyAttempts",
        "DisabledUser",
    ];
    assert_eq!(count("RefusedLoginsMetric", "outcome"), refused);
    assert_eq!(count("ReusedTokensMetric", "level"), ["WARN"]);
}

#[tokio::test]
async fn the_metric_of_given_up_emails_counts_only_those() {
    let table = Table::with_tutorial_user().await;
    let store = table.store().await;
    let now = Clock::system().now();
    let day = Duration::from_hours(24);
    for (id, address, asked_at) in [
        ("unknown", "jane@example.com", now),
        ("undeliverable", "root@localhost", now),
        ("expired", "jane@example.com", now - 8 * day),
    ] {
        let content = match id {
            "unknown" => AskContent::Reset,
            _ => AskContent::PasswordChanged,
        };
        let id = AskId::from_text(id);
        let ask = Ask::new(id, email(address), content, asked_at);
        store.put_notice(&ask).await.unwrap();
    }
    let mut variables = table.environment();
    variables.extend([
        ("ACTION_SECRET_KEY", forge::ACTION_SECRET),
        ("MAIL_QUEUE_URL", "http://127.0.0.1:9/"),
    ]);
    let mailer = Process::start("mailer", &variables).await;
    let records = ["unknown", "undeliverable", "expired", "gone"].map(|id| {
        json!({
            "eventSource": "aws:dynamodb",
            "dynamodb": {"Keys": {"pk": {"S": format!("ask#{id}")}}, "SequenceNumber": id},
        })
    });
    let batch = json!({ "Records": records }).to_string();
    let outcome = mailer.outcome(&batch).await;
    assert!(matches!(outcome, Outcome::Response(_)), "{outcome:?}");
    let (template, logs) = (Template::read(), mailer.logs());
    let filter = template.log_filter("GivenUpMailsMetric");
    let lines = logs.lines().map(|line| serde_json::from_str(line).unwrap());
    let counted = lines.filter(|line: &Value| filter.matches(line));
    let counted: Vec<Value> = counted.map(|line| line["outcome"].clone()).collect();
    assert_eq!(counted, ["Undeliverable", "Expired"]);
}
