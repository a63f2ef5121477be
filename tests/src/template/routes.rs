//! The routes of the API in `template.yaml`, and the functions to which they lead.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Template;

impl Template {
    /// Returns the routes of the API: the function's binary, the method and the path.
    #[must_use]
    pub fn routes(&self) -> BTreeSet<(String, String, String)> {
        let routes = self.of_type("AWS::ApiGatewayV2::Route").into_values();
        routes
            .map(|route| {
                let route = &route["Properties"];
                let key = route["RouteKey"].as_str().expect("a key");
                let (method, path) = key.split_once(' ').expect("a method and a path");
                (self.target(route), method.to_owned(), path.to_owned())
            })
            .collect()
    }

    /// Returns the binary of the function that a route's integration calls.
    fn target(&self, route: &Value) -> String {
        let target = route["Target"].as_str().expect("a target");
        let integration = target.strip_prefix("integrations/${");
        let integration = integration.and_then(|text| text.strip_suffix('}'));
        let integration = self.resource(integration.expect("an integration"));
        self.called(&integration["Properties"]["IntegrationUri"])
    }

    /// Returns the binary of the function whose alias a property names.
    #[must_use]
    pub fn called(&self, alias: &Value) -> String {
        let function = alias.as_str().and_then(|text| text.strip_suffix(".Alias"));
        let function = self.resource(function.expect("an alias"));
        let binary = &function["Metadata"]["BuildProperties"]["Binary"];
        binary.as_str().expect("a binary").to_owned()
    }
}
