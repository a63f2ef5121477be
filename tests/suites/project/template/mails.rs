//! The delivery of emails: the stream, the queues and their alarms.

use bundle_tests::template::Template;
use serde_json::{Value, json};

/// A stream shows all of its contents to its readers, so it must not contain what a role hides.
#[test]
fn mailer_gets_only_the_keys_of_new_asks() {
    let template = Template::read();
    let stream = &template.resource("AuthTable")["Properties"]["StreamSpecification"];
    assert_eq!(*stream, json!({"StreamViewType": "KEYS_ONLY"}));
    let mapping = &template.resource("MailerStream")["Properties"];
    assert_eq!(mapping["EventSourceArn"], "AuthTable.StreamArn");
    let pattern = mapping["FilterCriteria"]["Filters"][0]["Pattern"].as_str();
    let pattern: Value = serde_json::from_str(pattern.unwrap()).unwrap();
    let asks = json!({"S": [{"prefix": "ask#"}]});
    let expected = json!({"eventName": ["INSERT"], "dynamodb": {"Keys": {"pk": asks}}});
    assert_eq!(pattern, expected);
    assert!(
        mapping["MaximumRetryAttempts"]
            .as_u64()
            .is_some_and(|retries| retries > 0)
    );
    for source in ["MailerStream", "MailerQueue"] {
        let mapping = &template.resource(source)["Properties"];
        assert_eq!(mapping["FunctionName"], "MailerFunction.Alias", "{source}");
        let types = json!(["ReportBatchItemFailures"]);
        assert_eq!(mapping["FunctionResponseTypes"], types, "{source}");
    }
}

/// An ask is kept for seven days, so the queues must not lose it earlier; an outage of two days must not exhaust it.
#[test]
fn an_ask_that_cannot_be_sent_is_tried_for_more_than_two_days_and_never_lost() {
    let template = Template::read();
    let queue = &template.resource("AskQueue")["Properties"];
    let redrive = &queue["RedrivePolicy"];
    assert_eq!(redrive["deadLetterTargetArn"], "UnsentAsks.Arn");
    let number = |value: &Value| value.as_u64().unwrap();
    let pause = number(&queue["VisibilityTimeout"]);
    let tried = pause * number(&redrive["maxReceiveCount"]);
    let day = 24 * 3_600;
    assert!(tried > 2 * day && tried < number(&queue["MessageRetentionPeriod"]));
    assert_eq!(number(&queue["MessageRetentionPeriod"]), 7 * day);
    let unsent = &template.resource("UnsentAsks")["Properties"];
    assert_eq!(number(&unsent["MessageRetentionPeriod"]), 14 * day);
    let timeout = number(&template.functions()["mailer"]["Properties"]["Timeout"]);
    // As the Developer Guide of Lambda advises.
    assert!(pause >= 6 * timeout);
    let alarm = &template.resource("UnsentMails")["Properties"];
    assert_eq!(alarm["Dimensions"][0]["Value"], "UnsentAsks.QueueName");
}

/// SQS forgets the age of a message that was received more than three times, so an alarm on the age would end during an
/// outage. A message that fails is hidden until the next attempt; without `mailer`, it stays visible.
#[test]
fn alarms_watch_emails_that_wait_for_an_hour_and_asks_that_are_not_read() {
    let template = Template::read();
    for (alarm, metric, statistic) in [
        (
            "LateMails",
            "ApproximateNumberOfMessagesNotVisible",
            "Maximum",
        ),
        (
            "WaitingMails",
            "ApproximateNumberOfMessagesVisible",
            "Minimum",
        ),
    ] {
        let alarm = &template.resource(alarm)["Properties"];
        assert_eq!(alarm["MetricName"], metric);
        assert_eq!(alarm["Statistic"], statistic);
        assert_eq!(alarm["Dimensions"][0]["Value"], "AskQueue.QueueName");
        let seconds = |name: &str| alarm[name].as_u64().unwrap();
        assert_eq!(seconds("Period") * seconds("EvaluationPeriods"), 3_600);
        assert_eq!(alarm["Threshold"], "LateMailsThreshold");
    }
    let alarm = &template.resource("LateAsks")["Properties"];
    assert_eq!(alarm["MetricName"], "IteratorAge");
    assert_eq!(alarm["Dimensions"][0]["Value"], "MailerFunction");
}
