"""Steps of `make e2e` about the deployed resources: what there is, who may call what, and that nothing is left."""

import json
import re

import boto3
from botocore.exceptions import ClientError

from local_stack import STACK


class Resources:
    """Checks the resources of a stack."""

    def __init__(self, checks, stack):
        self.checks, self.stack, self.client = checks, stack, stack.client

    def show(self):
        resources = self.stack.resources()
        for name, item in resources.items():
            print(f"        {item['ResourceType']:28} {name:28} {item['ResourceStatus']}")
        incomplete = [name for name, item in resources.items() if item["ResourceStatus"] != "CREATE_COMPLETE"]
        self.checks.that(f"the stack's {len(resources)} resources were created", resources and not incomplete, incomplete)

    def check_routes(self, ids):
        """Checks that every route calls an alias, and that the API may. The local AWS does not ask for permissions."""
        gateway = self.client("apigatewayv2")
        uris = {one["IntegrationId"]: one["IntegrationUri"] for one in gateway.get_integrations(ApiId=ids["Api"])["Items"]}
        routes = gateway.get_routes(ApiId=ids["Api"])["Items"]
        for route in routes:
            uri = uris.get(route["Target"].removeprefix("integrations/"), "")
            self.checks.that(f"{route['RouteKey']} calls an alias", uri.endswith(":live"), route)
        self.checks.that("the deploy created the routes", routes, "there is none")
        api = f":{ids['Api']}/*"
        for uri in sorted(set(uris.values())):
            policy = json.loads(self.client("lambda").get_policy(FunctionName=uri)["Policy"])
            allowed = [(one["Principal"]["Service"], one["Action"], one["Condition"]["ArnLike"]["AWS:SourceArn"])
                       for one in policy["Statement"]]
            self.checks.that(f"only the API may call {uri.split(':function:')[1]}", len(allowed) == 1
                             and allowed[0][:2] == ("apigateway.amazonaws.com", "lambda:InvokeFunction")
                             and allowed[0][2].endswith(api), policy)

    def check_exports(self, ids):
        """Checks what other stacks can import."""
        url = self.client("apigatewayv2").get_api(ApiId=ids["Api"])["ApiEndpoint"]
        expected = {"ApiUrl": url, "Issuer": self.stack.issuer, "Audience": "api", "JwksUrl": f"{url}/.well-known/jwks.json",
                    "TableName": ids["AuthTable"],
                    "AuthorizerArn": ids["AuthorizerFunctionAliaslive"]}
        pages = self.stack.cloudformation.get_paginator("list_exports").paginate()
        exports = {one["Name"]: one["Value"] for page in pages for one in page["Exports"]}
        self.checks.that("the stack exports its URL, issuer, audience, public keys, table and authorizer",
                         exports == {f"{STACK}-{name}": value for name, value in expected.items()}, exports)
        outputs = self.stack.outputs()
        self.checks.that("they are outputs too", outputs.items() >= expected.items(), outputs)

    def check_generated_keys(self, ids):
        """Checks the keys of access tokens, which the function keys creates, and the three that are generated: different,
        canonical base64url, at least 32 bytes."""
        ring = self.client("secretsmanager").get_secret_value(SecretId=ids["JwtKeys"])["SecretString"]
        members = [(key["kty"], key["alg"], "d" in key) for key in json.loads(ring)["keys"]]
        self.checks.that("the deploy created two RSA keys", members == [("RSA", "RS256", True)] * 2, members)
        item = self.client("dynamodb").get_item(TableName=ids["AuthTable"], Key={"pk": {"S": "keys#access-tokens"}})["Item"]
        published = json.loads(item["key_set"]["S"])["keys"]
        kids = [key["kid"] for key in json.loads(ring)["keys"]]
        self.checks.that("their public halves are in the table", [key["kid"] for key in published] == kids
                         and not any("d" in key for key in published), f"members {list(map(sorted, published))}")
        made = set()
        for name in ("SessionKeys", "CounterKeys", "ActionKeys"):
            value = self.client("secretsmanager").get_secret_value(SecretId=ids[name])["SecretString"]
            key = json.loads(value)
            made.add(key.get("k"))
            self.checks.that(f"the secret {name} is an HS256 key in base64url", set(key) == {"kty", "alg", "k"}
                             and key["kty"] == "oct" and key["alg"] == "HS256"
                             and re.fullmatch(r"[A-Za-z0-9_-]{64}", key["k"]), f"members {sorted(key)}")
        self.checks.that("the three keys differ", len(made) == 3, f"{len(made)} different keys")

    def check_enforcement(self, ids):
        """Checks that the local AWS enforces access. Otherwise the run wouldn't test the functions' roles."""
        stranger = boto3.Session("AKIAIOSFODNN7EXAMPLE", "unknown")
        try:
            self.client("dynamodb", stranger).get_item(TableName=ids["AuthTable"], Key={"pk": {"S": "user#"}})
            outcome = "the call succeeded"
        except ClientError as error:
            outcome = error.response["Error"]["Code"]
        self.checks.that("the local AWS rejects unknown credentials",
                         outcome == "UnrecognizedClientException", outcome)

    def check_logs(self, ids, secret_texts, groups=("LoginLogGroup", "MeLogGroup", "KeysLogGroup")):
        """Checks that the functions log JSON to their log groups, and nothing secret."""
        logs = self.client("logs")
        for group in groups:
            pages = logs.get_paginator("filter_log_events").paginate(logGroupName=ids[group])
            lines = [event["message"] for page in pages for event in page["events"]]
            # Skip Lambda's own lines, which ministack writes as text.
            lines = [line for line in lines if not re.match(r"(START|END|REPORT) RequestId:", line)]
            self.checks.that(f"{group} has log lines, all of them JSON", lines and all(map(is_json, lines)), lines[:3])
            self.checks.that(f"{group} contains no password, token or key, nor the address of a recipient",
                             not any(text in line for text in secret_texts for line in lines), "it contains one")

    def delete_table(self, ids):
        """Deletes the table, which outlives the stack."""
        dynamodb = self.client("dynamodb")
        status = dynamodb.describe_table(TableName=ids["AuthTable"])["Table"]["TableStatus"]
        self.checks.that("the table is kept when the stack is deleted", status == "ACTIVE", status)
        dynamodb.delete_table(TableName=ids["AuthTable"])

    def check_deleted(self, ids):
        gone = {
            "the stack": lambda: self.stack.cloudformation.describe_stacks(StackName=STACK),
            "the API": lambda: self.client("apigatewayv2").get_api(ApiId=ids["Api"]),
            "the table": lambda: self.client("dynamodb").describe_table(TableName=ids["AuthTable"]),
            "the secret of access tokens": lambda: self.client("secretsmanager").describe_secret(SecretId=ids["JwtKeys"]),
            "the secret of refresh tokens":
                lambda: self.client("secretsmanager").describe_secret(SecretId=ids["SessionKeys"]),
            "the secret of counters": lambda: self.client("secretsmanager").describe_secret(SecretId=ids["CounterKeys"]),
            "the secret of links": lambda: self.client("secretsmanager").describe_secret(SecretId=ids["ActionKeys"]),
            "the queue of emails": lambda: self.client("sqs").get_queue_attributes(QueueUrl=ids["AskQueue"]),
            "the queue of unsent emails": lambda: self.client("sqs").get_queue_attributes(QueueUrl=ids["UnsentAsks"]),
            "the sender of emails": lambda: self.client("sesv2").get_email_identity(EmailIdentity=ids["MailIdentity"]),
            "the function account": lambda: self.client("lambda").get_function(FunctionName=ids["AccountFunction"]),
            "the function mailer": lambda: self.client("lambda").get_function(FunctionName=ids["MailerFunction"]),
            "the function login": lambda: self.client("lambda").get_function(FunctionName=ids["LoginFunction"]),
            "the function me": lambda: self.client("lambda").get_function(FunctionName=ids["MeFunction"]),
            "the function authorizer":
                lambda: self.client("lambda").get_function(FunctionName=ids["AuthorizerFunction"]),
            "the function keys": lambda: self.client("lambda").get_function(FunctionName=ids["KeysFunction"]),
            "the function discovery":
                lambda: self.client("lambda").get_function(FunctionName=ids["DiscoveryFunction"]),
        }
        for what, look in gone.items():
            try:
                look()
                found = "it is still there"
            except ClientError as error:
                found = f"{error.response['Error']['Code']} {error.response['Error']['Message']}"
            absent = re.search("NotFound|does not exist", found)
            self.checks.that(f"{what} is gone", absent, found)


def is_json(line):
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False
