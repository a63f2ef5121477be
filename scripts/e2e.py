#!/usr/bin/env python3
"""Builds the stack, deploys it to a local AWS, signs in and deletes it again. `make e2e` runs it.

The local AWS runs the functions' binaries and denies them the actions that their roles don't allow. It cannot evaluate
dynamodb:Select, so it gets a copy of the template without the conditions on it. Nothing outlives the run.
"""

import argparse
import hashlib
import json
import os
import re
import secrets
import sys
import time
from pathlib import Path

try:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import ClientError
except ImportError:
    sys.exit("boto3 is missing: run `make e2e`, which installs scripts/requirements-e2e.txt")

import local_aws
from local_aws import (REGION, ROOT, SAM, SECONDS_TO_BUILD, SECONDS_TO_DEPLOY, SECONDS_TO_RESPOND, Failure, free_port,
                       isolate_environment, ministack, request, require_tool, run, step)

AUTHCTL = os.environ.get("AUTHCTL", str(ROOT / "target/debug/authctl"))
# Not `.aws-sam/build`, which a later `sam deploy` would pick up.
BUILD = ROOT / ".aws-sam/e2e/build"
STACK = "e2e"
# The failed-login window is so long that it is unlikely to end during the run.
PARAMETERS = ["Architecture=x86_64", "DeletionProtection=false", "LoginFailureWindow=9999", "ApiDocs=true"]
EMAIL = "john.doe@example.com"
SECONDS_OF_GRACE = 30  # SESSION_GRACE


def first_branches(node):
    """Replaces each Fn::If with its first branch. The only condition on routes is ApiDocs, and PARAMETERS sets it."""
    if not isinstance(node, dict):
        return node
    if "Fn::If" in node:
        return first_branches(node["Fn::If"][1])
    return {name: first_branches(value) for name, value in node.items()}


class Api:
    """Calls the deployed API over HTTP."""

    def __init__(self, port, api_id):
        self.port = port
        self.host = f"{api_id}.execute-api.localhost"

    def call(self, method, path, headers=None, body=None):
        """Returns the status and parsed body, and prints both with tokens truncated. An empty body is None."""
        status, _, text = request(self.port, method, path, self.host, headers, body)
        try:
            parsed = json.loads(text) if text else None
        except ValueError:
            parsed = text
        shown = parsed
        if isinstance(parsed, dict):
            shown = {name: value[:12] + "..." if name.endswith("_token") else value for name, value in parsed.items()}
        print(f"        {method} {path} -> {status} {json.dumps(shown)}", flush=True)
        return status, parsed

    def post(self, endpoint, body):
        return self.call("POST", f"/api/v1/{endpoint}", {"Content-Type": "application/json"}, json.dumps(body))

    def login(self, email, password):
        return self.post("login", {"email": email, "password": password})

    def refresh(self, token):
        return self.post("refresh", {"refresh_token": token})

    def logout(self, token, all_sessions=False):
        return self.post("logout", {"refresh_token": token, "all_sessions": all_sessions})

    def me(self, token=None):
        return self.call("GET", "/api/v1/me", {"Authorization": f"Bearer {token}"} if token else None)


class Run:
    """The steps of the run and their shared state."""

    def __init__(self, checks, port):
        self.checks = checks
        self.port = port
        self.cloudformation = self.client("cloudformation")

    def client(self, service, session=None):
        config = Config(connect_timeout=5, read_timeout=SECONDS_TO_RESPOND)
        return (session or boto3.Session()).client(service, config=config)

    def authctl(self, *arguments, stdin=""):
        return run([AUTHCTL, "--stack", STACK, *arguments], 60, stdin=stdin)

    def deploy(self, template):
        return run([SAM, "deploy", "--template-file", str(template), "--stack-name", STACK, "--region", REGION,
                    "--resolve-s3", "--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset",
                    "--no-fail-on-empty-changeset", "--parameter-overrides", *PARAMETERS], SECONDS_TO_DEPLOY)

    def resources(self):
        pages = self.cloudformation.get_paginator("list_stack_resources").paginate(StackName=STACK)
        return {item["LogicalResourceId"]: item for page in pages for item in page["StackResourceSummaries"]}

    def physical_ids(self):
        return {name: item["PhysicalResourceId"] for name, item in self.resources().items()}

    def show_resources(self):
        resources = self.resources()
        for name, item in resources.items():
            print(f"        {item['ResourceType']:28} {name:28} {item['ResourceStatus']}")
        incomplete = [name for name, item in resources.items() if item["ResourceStatus"] != "CREATE_COMPLETE"]
        self.checks.that(f"the stack's {len(resources)} resources were created", resources and not incomplete, incomplete)

    def create_routes(self, ids):
        """Creates the integrations and routes of the OpenAPI `Body`, because ministack doesn't support it.

        On AWS the deploy creates them. Everything created here is read from the processed template.
        """
        gateway = self.client("apigatewayv2")
        template = self.cloudformation.get_template(StackName=STACK, TemplateStage="Processed")["TemplateBody"]
        template = json.loads(template) if isinstance(template, str) else template
        if gateway.get_routes(ApiId=ids["Api"])["Items"]:
            raise Failure("ministack now creates the routes itself: remove create_routes")
        paths = first_branches(template["Resources"]["Api"]["Properties"]["Body"]["paths"])
        for path, operations in paths.items():
            for method, operation in operations.items():
                described = operation["x-amazon-apigateway-integration"]
                alias = re.search(r"functions/\$\{(\w+)\}/invocations", described["uri"]["Fn::Sub"])[1]
                arn = ids[alias]
                self.checks.that(f"{method.upper()} {path} calls an alias", arn.endswith(":live"), arn)
                integration = gateway.create_integration(ApiId=ids["Api"], IntegrationType="AWS_PROXY", IntegrationUri=arn,
                                                         PayloadFormatVersion=described["payloadFormatVersion"])
                gateway.create_route(ApiId=ids["Api"], RouteKey=f"{method.upper()} {path}",
                                     Target=f"integrations/{integration['IntegrationId']}")

    def check_generated_keys(self, ids):
        """Checks that the functions accept the three keys: different, canonical base64url, at least 32 bytes."""
        made = set()
        for name in ("JwtKeys", "SessionKeys", "CounterKeys"):
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

    def check_docs(self, api):
        """Checks that the page, its files and the contract are served, compressed and as they are."""
        for path, content_type, part in (("/docs", "text/html; charset=utf-8", "docs/docs.js"),
                                         ("/docs/swagger-ui.css", "text/css; charset=utf-8", ".swagger-ui"),
                                         ("/openapi.json", "application/json", '"openapi":"3.1.0"')):
            for encoding in ("gzip", None):
                sent = {"Accept-Encoding": encoding or "identity"}
                status, headers, text = request(self.port, "GET", path, api.host, sent)
                self.checks.that(f"{path} is served, with the encoding {encoding}", status == 200 and part in text
                                 and headers["Content-Type"] == content_type and headers["Content-Encoding"] == encoding
                                 and "default-src 'none'" in headers["Content-Security-Policy"],
                                 f"{status} {headers} {text[:300]}")
        status, headers, _ = request(self.port, "GET", "/", api.host)
        self.checks.that("the root leads to the page", status == 302 and headers["Location"] == "docs", f"{status} {headers}")

    def sign_in(self, api, password):
        """Checks the responses of login and me for an enabled user. Returns a token."""
        uniform = {"detail": "Invalid email or password"}
        status, body = api.login(EMAIL, password)
        token = body.get("access_token", "") if isinstance(body, dict) else ""
        self.checks.that("login returns a token", (status, token.count(".")) == (200, 2), f"{status}")
        self.checks.that("it is a Bearer token with the template's lifetime", isinstance(body, dict)
                         and (body.get("token_type"), body.get("expires_in")) == ("Bearer", 3600), "wrong type or lifetime")
        response = api.me(token)
        self.checks.that("me returns the signed-in user", response[0] == 200 and response[1].get("email") == EMAIL
                         and response[1].get("roles") == ["Admin"], response)
        response = api.login(EMAIL, password + "x")
        self.checks.that("a wrong password is rejected", response == (401, uniform), response)
        response = api.login("nobody@example.com", password)
        self.checks.that("an unknown email is rejected the same way", response == (401, uniform), response)
        response = api.me()
        self.checks.that("me rejects a call without a token",
                         response == (401, {"detail": "Not authenticated"}), response)
        head, _, mac = token.rpartition(".")
        response = api.me(f"{head}.{'B' if mac.startswith('A') else 'A'}{mac[1:]}")
        self.checks.that("me rejects a tampered token", response == (401, {"detail": "Invalid token"}), response)
        return token

    def disable_and_enable(self, api, password, token):
        self.authctl("user", "disable", EMAIL)
        response = api.login(EMAIL, password)
        self.checks.that("a disabled user cannot log in",
                         response == (401, {"detail": "Invalid email or password"}), response)
        response = api.me(token)
        self.checks.that("a disabled user's token is rejected",
                         response == (401, {"detail": "User not found"}), response)
        self.authctl("user", "enable", EMAIL)
        response = api.me(token)
        self.checks.that("the token stays invalid after the user is enabled again", response[0] == 401, response)
        status, tokens = api.login(EMAIL, password)
        self.checks.that("the enabled user can log in again", status == 200, tokens)
        return tokens

    def sessions(self, api, password, tokens):
        """Checks refresh, token reuse and logout, and what an operator sees. Returns tokens of a live session."""
        invalid = (401, {"detail": "Invalid refresh token"})
        first = tokens["refresh_token"]
        status, second = api.refresh(first)
        self.checks.that("a refresh returns new tokens", (status, len(second)) == (200, 4), second)
        response = api.refresh(first)
        self.checks.that("resending the same token returns the same new token", response[0] == 200
                         and response[1]["refresh_token"] == second["refresh_token"], response[0])
        time.sleep(SECONDS_OF_GRACE + 1)
        response = api.refresh(first)
        self.checks.that("after the grace period, the old token is rejected", response == invalid, response)
        response = api.refresh(second["refresh_token"])
        self.checks.that("and its reuse ends the session", response == invalid, response)
        response = api.me(second["access_token"])
        self.checks.that("with its access tokens", response == (401, {"detail": "User not found"}), response)
        response = api.refresh(second["access_token"])
        self.checks.that("an access token is rejected as a refresh token", response == invalid, response)

        here, elsewhere = (api.login(EMAIL, password)[1] for _ in range(2))
        listed = self.authctl("--json", "session", "list", EMAIL).splitlines()
        self.checks.that("authctl lists the two live sessions", len(listed) == 2, listed)
        response = api.logout(here["refresh_token"])
        self.checks.that("a logout returns 204", response == (204, None), response)
        response = api.refresh(here["refresh_token"])
        self.checks.that("the session has ended", response == invalid, response)
        response = api.me(here["access_token"])
        self.checks.that("with its access token", response == (401, {"detail": "User not found"}), response)
        api.logout(elsewhere["refresh_token"], all_sessions=True)
        response = api.me(elsewhere["access_token"])
        self.checks.that("a logout everywhere invalidates access tokens",
                         response == (401, {"detail": "User not found"}), response)
        status, tokens = api.login(EMAIL, password)
        self.checks.that("the user can log in again", status == 200, tokens)
        return tokens

    def lock_out(self, api, password):
        """Checks five wrong passwords, then the right one, and what an operator can do about it."""
        stranger = "jane.doe@example.com"
        for email in (EMAIL, stranger):
            statuses = [api.login(email, password + "x")[0] for _ in range(5)]
            self.checks.that(f"{email}: five wrong passwords are checked", statuses == [401] * 5, statuses)
            response = api.login(email, password)
            self.checks.that(f"{email}: the sixth is not checked", response == (429, {"detail": "Too many attempts"}), response)
        shown = [json.loads(line) for line in self.authctl("--json", "attempts", "show", EMAIL).splitlines()]
        counts = [(one["subject"], one["failures"]) for one in shown]
        self.checks.that("authctl shows the attempts", [subject for subject, failures in counts if failures >= 5] == ["email"], shown)
        self.authctl("attempts", "clear", EMAIL)
        response = api.login(EMAIL, password)
        self.checks.that("and clears them", response[0] == 200, response[0])

    def check_logs(self, ids, secret_texts):
        """Checks that the functions log JSON to their log groups, and nothing secret."""
        logs = self.client("logs")
        for group in ("LoginLogGroup", "MeLogGroup"):
            pages = logs.get_paginator("filter_log_events").paginate(logGroupName=ids[group])
            lines = [event["message"] for page in pages for event in page["events"]]
            # Skip Lambda's own lines, which ministack writes as text.
            lines = [line for line in lines if not re.match(r"(START|END|REPORT) RequestId:", line)]
            self.checks.that(f"{group} has log lines, all of them JSON", lines and all(map(is_json, lines)), lines[:3])
            self.checks.that(f"{group} contains no password or token",
                             not any(text in line for text in secret_texts for line in lines), "it contains one")

    def delete_table(self, ids):
        """Deletes the table, which outlives the stack."""
        dynamodb = self.client("dynamodb")
        status = dynamodb.describe_table(TableName=ids["AuthTable"])["Table"]["TableStatus"]
        self.checks.that("the table is kept when the stack is deleted", status == "ACTIVE", status)
        dynamodb.delete_table(TableName=ids["AuthTable"])

    def check_deleted(self, ids):
        gone = {
            "the stack": lambda: self.cloudformation.describe_stacks(StackName=STACK),
            "the table": lambda: self.client("dynamodb").describe_table(TableName=ids["AuthTable"]),
            "the secret of access tokens": lambda: self.client("secretsmanager").describe_secret(SecretId=ids["JwtKeys"]),
            "the secret of refresh tokens":
                lambda: self.client("secretsmanager").describe_secret(SecretId=ids["SessionKeys"]),
            "the secret of counters": lambda: self.client("secretsmanager").describe_secret(SecretId=ids["CounterKeys"]),
            "the function login": lambda: self.client("lambda").get_function(FunctionName=ids["LoginFunction"]),
            "the function me": lambda: self.client("lambda").get_function(FunctionName=ids["MeFunction"]),
            "the function discovery":
                lambda: self.client("lambda").get_function(FunctionName=ids["DiscoveryFunction"]),
        }
        for what, look in gone.items():
            try:
                look()
                found = "it is still there"
            except ClientError as error:
                found = f"{error.response['Error']['Code']} {error.response['Error']['Message']}"
            absent = re.search("ResourceNotFound|does not exist", found)
            self.checks.that(f"{what} is gone", absent, found)


def secret_texts(tokens):
    return [tokens["access_token"], tokens["refresh_token"]]


def is_json(line):
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def build():
    step("sam build")
    started = time.monotonic()
    # Not `--cached`: it reads all of `target` to look for changes, which Cargo does better.
    run([SAM, "build", "--template-file", str(ROOT / "template.yaml"), "--build-dir", str(BUILD), "--beta-features",
         "--parameter-overrides", *PARAMETERS], SECONDS_TO_BUILD, show=True)
    print(f"        built in {time.monotonic() - started:.0f} s", flush=True)
    return BUILD


def without_select(template):
    """Writes a copy of a built template without the conditions on dynamodb:Select. Returns its path.

    The local AWS refuses every BatchGetItem under such a condition. The copy is next to the template, which names the
    functions' folders relative to itself. tests/suites/functions/rights.rs evaluates the conditions.
    """
    condition = r"^ +StringEqualsIfExists:\n +dynamodb:Select: SPECIFIC_ATTRIBUTES\n"
    text, removed = re.subn(condition, "", template.read_text(), flags=re.MULTILINE)
    if not removed or "dynamodb:Select" in text:
        raise Failure(f"{template} has no conditions on dynamodb:Select, or not only the expected ones")
    copy = template.with_name("template-without-select.yaml")
    copy.write_text(text)
    print(f"        deploying a copy of the template without its conditions on dynamodb:Select ({removed}), which the "
          "local AWS cannot evaluate", flush=True)
    return copy


def end_to_end(checks, built, scratch):
    port = free_port()
    isolate_environment(port, scratch)
    require_tool(SAM, "`make e2e` installs it")
    require_tool(AUTHCTL, "build it with `cargo build --bin authctl`, or set AUTHCTL to its path")
    if not built:
        require_tool("cargo-lambda", "`make tools` installs it")
        built = build()
    template = built / "template.yaml"
    digests = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in built.glob("*/bootstrap")}
    checks.that("the build has a different binary for each function",
                len(digests) > 1 and len(set(digests.values())) == len(digests), f"{len(digests)} binaries")

    with ministack(port, scratch) as log:
        try:
            steps(Run(checks, port), template)
        except BaseException:
            print(f"\nLast lines of ministack's log:\n{log.read_text()[-3000:]}", flush=True)
            raise


def steps(run_, template):
    checks = run_.checks
    step("sam deploy")
    template = without_select(template)
    run_.deploy(template)
    run_.show_resources()
    ids = run_.physical_ids()
    run_.check_generated_keys(ids)
    run_.check_enforcement(ids)
    run_.create_routes(ids)

    step("sign in")
    password = secrets.token_urlsafe(24)
    run_.authctl("user", "add", EMAIL, "--role", "Admin=create,read,update,delete", stdin=password + "\n")
    api = Api(run_.port, ids["Api"])
    token = run_.sign_in(api, password)

    step("read the contract")
    run_.check_docs(api)

    step("disable and enable the user")
    tokens = run_.disable_and_enable(api, password, token)

    step("refresh and log out")
    live = run_.sessions(api, password, tokens)
    step("guess a password")
    run_.lock_out(api, password)
    run_.check_logs(ids, [password, token, *secret_texts(tokens), *secret_texts(live)])

    step("deploy again")
    printed = run_.deploy(template)
    checks.that("a second deploy changes nothing", "No changes to deploy" in printed, printed[-500:])
    checks.that("the functions respond as before", api.me(live["access_token"])[0] == 200
                and api.refresh(live["refresh_token"])[0] == 200)

    step("sam delete")
    run([SAM, "delete", "--stack-name", STACK, "--region", REGION, "--no-prompts"], SECONDS_TO_DEPLOY)
    run_.delete_table(ids)
    run_.check_deleted(ids)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--built", type=Path, metavar="DIR", help="deploy an existing `sam build` output and skip the build")
    arguments = parser.parse_args()
    built = arguments.built and arguments.built.resolve()
    local_aws.main(lambda checks, scratch: end_to_end(checks, built, scratch))


if __name__ == "__main__":
    main()
