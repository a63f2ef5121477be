//! Alarms and the metrics that they watch.

use bundle_tests::{functions, project, template::Template};
use serde_json::{Value, json};

use super::ALARMING;

#[test]
fn the_functions_the_api_and_the_table_have_alarms() {
    let template = Template::with(&ALARMING);
    let alarms = template.of_type("AWS::CloudWatch::Alarm");
    let check = |metric: &str, resource: &str| {
        let is_watched = alarms.values().any(|alarm| {
            let alarm = &alarm["Properties"];
            alarm["MetricName"] == metric && alarm["Dimensions"][0]["Value"] == resource
        });
        assert!(is_watched, "{resource}: {metric}");
    };
    for function in functions::names() {
        check("Throttles", &template.name_of(function));
        // A refused token is an error of `authorizer`, so its alarm counts lines of its log instead.
        if function != "authorizer" {
            check("Errors", &template.name_of(function));
        }
    }
    let errors = &alarms["AuthorizerErrors"]["Properties"];
    assert_eq!(errors["MetricName"], "AuthorizerErrors");
    // No one waits for keys.
    for function in functions::that_serve_requests() {
        check("Duration", &template.name_of(function));
    }
    check("5xx", "Api");
    check("ReadThrottleEvents", "AuthTable");
    check("WriteThrottleEvents", "AuthTable");
    for (name, alarm) in &alarms {
        let actions = &alarm["Properties"]["AlarmActions"];
        assert_eq!(*actions, json!(["AlarmTopicArn"]), "{name}");
    }
}

/// The metrics of `login`'s log are tested in `functions/logs.rs`.
#[test]
fn the_metric_of_the_access_log_counts_429() {
    let template = Template::read();
    let format = &template.resource("ApiStage")["Properties"]["AccessLogSettings"]["Format"];
    let line = |status: &str| -> Value {
        let line = format.as_str().unwrap().replace("$context.status", status);
        let line = line.replace("$context.responseLatency", "0");
        serde_json::from_str(&line).unwrap()
    };
    let filter = template.log_filter("ApiThrottledMetric");
    let counted = ["200", "429", "499", "500"].map(|status| filter.matches(&line(status)));
    assert_eq!(counted, [false, true, false, false]);
}

#[test]
fn every_metric_of_a_log_has_an_alarm() {
    let template = Template::with(&ALARMING);
    let alarms = template.of_type("AWS::CloudWatch::Alarm");
    for (name, filter) in template.of_type("AWS::Logs::MetricFilter") {
        let metric = &filter["Properties"]["MetricTransformations"][0];
        let is_watched = alarms.values().any(|alarm| {
            let alarm = &alarm["Properties"];
            alarm["MetricName"] == metric["MetricName"]
                && alarm["Namespace"] == metric["MetricNamespace"]
        });
        assert!(is_watched, "{name}");
    }
}

#[test]
fn every_threshold_is_a_parameter() {
    let parameters = &project::yaml("template.yaml")["Parameters"];
    for (name, alarm) in Template::with(&ALARMING).of_type("AWS::CloudWatch::Alarm") {
        let threshold = &alarm["Properties"]["Threshold"];
        let parameter = threshold.as_str().and_then(|text| parameters.get(text));
        assert!(parameter.is_some(), "{name}");
    }
}
