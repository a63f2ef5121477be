//! Deployments of new versions.

use bundle_tests::{functions, template::Template};
use serde_json::json;

use super::ALARMING;

#[test]
fn the_api_calls_aliases_to_which_every_change_is_published() {
    let template = Template::read();
    assert_eq!(
        template.section("Globals")["Function"]["AutoPublishAlias"],
        "live"
    );
    for (name, function) in template.functions() {
        let all = &function["Properties"]["AutoPublishAliasAllProperties"];
        assert_eq!(*all, true, "{name}");
    }
}

#[test]
fn every_deployment_preference_but_one_is_gradual() {
    let template = Template::read();
    let preference = &template.section("Globals")["Function"]["DeploymentPreference"];
    let enabled = json!(["CodeDeploy", "DeploymentPreference", "Enabled"]);
    let expected = json!({
        "Enabled": enabled,
        "Type": "DeploymentPreference",
        "PassthroughCondition": true,
    });
    assert_eq!(*preference, expected);
    let allowed = &template.section("Parameters")["DeploymentPreference"]["AllowedValues"];
    let mapped = template.section("Mappings")["CodeDeploy"].as_object();
    assert_eq!(mapped.unwrap().len(), allowed.as_array().unwrap().len());
    for allowed in allowed.as_array().unwrap() {
        let is_gradual = allowed != "AllAtOnce";
        let mapped = &mapped.unwrap()[allowed.as_str().unwrap()];
        assert_eq!(mapped["Enabled"], is_gradual.to_string(), "{allowed}");
        let template = Template::with(&[("DeploymentPreference", allowed.as_str().unwrap())]);
        let alarms = template.of_type("AWS::CloudWatch::Alarm");
        assert_eq!(alarms.contains_key("NewVersionServerErrors"), is_gradual);
    }
}

#[test]
fn a_gradual_deploy_is_rolled_back_by_errors_of_the_new_version_or_of_the_api() {
    let template = Template::with(&ALARMING);
    for name in functions::with_routes() {
        let function = &template.functions()[name];
        let alarms = &function["Properties"]["DeploymentPreference"]["Alarms"];
        let errors = alarms[0].as_str().unwrap();
        let function = template.name_of(name);
        let dimensions = json!([
            {"Name": "FunctionName", "Value": function},
            {"Name": "Resource", "Value": format!("${{{function}}}:live")},
            {"Name": "ExecutedVersion", "Value": format!("{function}.Version.Version")},
        ]);
        let watched = &template.resource(errors)["Properties"];
        assert_eq!(watched["Dimensions"], dimensions, "{name}");
        assert_eq!(watched["MetricName"], "Errors", "{name}");
        assert_eq!(*alarms, json!([errors, "NewVersionServerErrors"]), "{name}");
        assert_eq!(watched["Period"], 60, "{name}");
    }
    let watched = &template.resource("NewVersionServerErrors")["Properties"];
    let api = json!([{"Name": "ApiId", "Value": "Api"}]);
    assert_eq!(watched["Dimensions"], api);
    assert_eq!(watched["MetricName"], "5xx");
    assert_eq!(watched["Period"], 60);
    let keys = &template.functions()["keys"]["Properties"]["DeploymentPreference"];
    assert_eq!(*keys, json!({"Enabled": false}), "no traffic to move");
    let authorizer = &template.functions()["authorizer"]["Properties"]["DeploymentPreference"];
    let alarms = json!(["AuthorizerNewVersionErrors"]);
    assert_eq!(authorizer["Alarms"], alarms);
    let watched = &template.resource("AuthorizerNewVersionErrors")["Properties"];
    assert_eq!(watched["MetricName"], "AuthorizerErrors");
    assert_eq!(watched["Period"], 60);
    let mailer = &template.functions()["mailer"]["Properties"]["DeploymentPreference"];
    assert_eq!(mailer["Alarms"], json!(["MailerNewVersionErrors"]));
    let immediate = Template::read();
    for name in functions::that_serve_requests() {
        let function = &immediate.functions()[name];
        let alarms = &function["Properties"]["DeploymentPreference"]["Alarms"];
        assert_eq!(*alarms, json!([]), "{name}");
    }
}
