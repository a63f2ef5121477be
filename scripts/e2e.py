#!/usr/bin/env python3
"""Builds and deploys the stack to a local AWS, signs in, and deletes it again. `make e2e` runs it.

The local AWS is ministack. It runs the functions' binaries, and refuses them what their roles do not allow. Nothing
outlives the run, and no real account can be reached: the caller's AWS settings are dropped.
"""

import argparse
import contextlib
import hashlib
import http.client
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

try:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import ClientError
except ImportError:
    sys.exit("boto3 is missing: run this with `make e2e`, which installs scripts/requirements-e2e.txt")

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools"
SAM = os.environ.get("SAM", str(TOOLS / "venv/bin/sam"))
AUTHCTL = os.environ.get("AUTHCTL", str(ROOT / "target/debug/authctl"))
# Apart from `.aws-sam/build`, which `sam deploy` would take for what is to be deployed.
BUILD = ROOT / ".aws-sam/e2e/build"
STACK = "e2e"
REGION = "us-east-1"
# A window of failed logins that will hardly end during the run.
PARAMETERS = ["Architecture=x86_64", "DeletionProtection=false", "LoginFailureWindow=9999"]
EMAIL = "john.doe@example.com"
SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
SECONDS_TO_START = 60
SECONDS_TO_BUILD = 3600
SECONDS_TO_DEPLOY = 600
SECONDS_TO_ANSWER = 30


class Failure(Exception):
    """The run cannot go on."""


class Checks:
    """What was asserted, one line each."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    def that(self, statement, holds, evidence=""):
        if holds:
            self.passed += 1
            print(f"ok      {statement}", flush=True)
        else:
            self.failed += 1
            print(f"FAILED  {statement}: {evidence}", flush=True)


def end_group(process):
    """Ends a process and all that it started: each leads a group of its own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def run(command, timeout, *, stdin="", show=False):
    """Runs a command to its end and returns what it printed. `show` prints it as it comes instead."""
    output = None if show else subprocess.PIPE
    try:
        process = subprocess.Popen(command, cwd=ROOT, text=True, start_new_session=True, stdin=subprocess.PIPE,
                                   stdout=output, stderr=None if show else subprocess.STDOUT)
    except OSError as error:
        raise Failure(f"cannot run {command[0]}: {error.strerror}") from error
    name = " ".join(map(str, command[:2]))
    try:
        printed, _ = process.communicate(stdin, timeout)
    except subprocess.TimeoutExpired as error:
        raise Failure(f"{name} did not end within {timeout} seconds") from error
    finally:
        end_group(process)
    if process.returncode != 0:
        raise Failure(f"{name} ended with {process.returncode}\n{printed or ''}")
    return printed or ""


def tool(name, hint):
    if not shutil.which(name):
        raise Failure(f"{name} is missing: {hint}")


def take_environment(port, scratch):
    """Points this process and all that it starts to the local AWS, and to nothing else of the caller's."""
    foreign = re.compile(r"(AWS|SAM|AUTH|JWT|LOGIN|SESSION)_|AUTH$|(https?|all)_proxy$", re.IGNORECASE)
    for name in filter(foreign.match, list(os.environ)):
        del os.environ[name]
    nothing = scratch / "nothing"
    nothing.touch()
    path = [os.environ.get("PATH", "")]
    if (TOOLS / "bin/cargo-lambda").exists():
        # That cargo-lambda finds its linker zig by the `python3` beside it.
        path.insert(0, str(TOOLS / "venv/bin"))
    os.environ.update({
        "PATH": os.pathsep.join(path),
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        # The local AWS's root user.
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_CONFIG_FILE": str(nothing),
        "AWS_SHARED_CREDENTIALS_FILE": str(nothing),
        "AWS_EC2_METADATA_DISABLED": "true",
        "SAM_CLI_TELEMETRY": "0",
    })


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def ministack(port, scratch):
    """A local AWS, while the block runs. Its state is in memory, its files are in `scratch`."""
    log = scratch / "ministack.log"
    settings = {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "TMPDIR": str(scratch),
        # Signatures and the policies of roles are checked.
        "AUTH": "true",
        # Its other listeners have fixed ports.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        # The functions inherit these, which Lambda sets and ministack does not.
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_LEVEL": "INFO",
    }
    with log.open("w") as output:
        process = subprocess.Popen([sys.executable, "-m", "ministack"], cwd=scratch, env=os.environ | settings,
                                   stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
    try:
        deadline = time.monotonic() + SECONDS_TO_START
        while not answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise Failure(f"ministack does not answer\n{log.read_text()[-4000:]}")
            time.sleep(0.2)
        yield log
    finally:
        end_group(process)


def answers(port):
    try:
        return request(port, "GET", "/_ministack/health", "localhost")[0] == 200
    except OSError:
        return False


def request(port, method, path, host, headers=None, body=None):
    """Status, headers and text of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS_TO_ANSWER)
    try:
        connection.request(method, path, body, {"Host": host} | (headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()
    finally:
        connection.close()


class Api:
    """The deployed API, over HTTP."""

    def __init__(self, port, api_id):
        self.port = port
        self.host = f"{api_id}.execute-api.localhost"

    def call(self, method, path, headers=None, body=None):
        """Status and parsed body, which are printed too, a token cut short. An empty body is None."""
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
    """The steps, and what they share."""

    def __init__(self, checks, port):
        self.checks = checks
        self.port = port
        self.cloudformation = self.client("cloudformation")

    def client(self, service, session=None):
        config = Config(connect_timeout=5, read_timeout=SECONDS_TO_ANSWER)
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
        """Makes up for ministack, which takes no OpenAPI `Body`: integrations and routes as it describes them.

        With AWS they come from the deploy. What is created here is read from the processed template alone.
        """
        gateway = self.client("apigatewayv2")
        functions = self.client("lambda")
        template = self.cloudformation.get_template(StackName=STACK, TemplateStage="Processed")["TemplateBody"]
        template = json.loads(template) if isinstance(template, str) else template
        if gateway.get_routes(ApiId=ids["Api"])["Items"]:
            raise Failure("ministack makes the routes by now: remove create_routes")
        for path, operations in template["Resources"]["Api"]["Properties"]["Body"]["paths"].items():
            for method, operation in operations.items():
                described = operation["x-amazon-apigateway-integration"]
                function = re.search(r"\$\{(\w+)\.Arn\}", described["uri"]["Fn::Sub"])[1]
                arn = functions.get_function_configuration(FunctionName=ids[function])["FunctionArn"]
                integration = gateway.create_integration(ApiId=ids["Api"], IntegrationType="AWS_PROXY", IntegrationUri=arn,
                                                         PayloadFormatVersion=described["payloadFormatVersion"])
                gateway.create_route(ApiId=ids["Api"], RouteKey=f"{method.upper()} {path}",
                                     Target=f"integrations/{integration['IntegrationId']}")

    def check_generated_keys(self, ids):
        """The keys are what the functions take, canonical base64url of at least 32 bytes, and are two."""
        made = set()
        for name in ("JwtKeys", "SessionKeys"):
            value = self.client("secretsmanager").get_secret_value(SecretId=ids[name])["SecretString"]
            key = json.loads(value)
            made.add(key.get("k"))
            self.checks.that(f"the secret {name} is an HS256 key in base64url", set(key) == {"kty", "alg", "k"}
                             and key["kty"] == "oct" and key["alg"] == "HS256"
                             and re.fullmatch(r"[A-Za-z0-9_-]{64}", key["k"]), f"members {sorted(key)}")
        self.checks.that("the two keys differ", len(made) == 2, "they are one")

    def check_enforcement(self, ids):
        """Without it the roles of the functions would be tested by nothing."""
        stranger = boto3.Session("AKIAIOSFODNN7EXAMPLE", "unknown")
        try:
            self.client("dynamodb", stranger).get_item(TableName=ids["AuthTable"], Key={"pk": {"S": "user#"}})
            refused = "it was answered"
        except ClientError as error:
            refused = error.response["Error"]["Code"]
        self.checks.that("the local AWS refuses credentials that it does not know",
                         refused == "UnrecognizedClientException", refused)

    def sign_in(self, api, password):
        """Every answer of the two routes while the user is enabled. Returns a token."""
        uniform = {"detail": "Invalid email or password"}
        status, body = api.login(EMAIL, password)
        token = body.get("access_token", "") if isinstance(body, dict) else ""
        self.checks.that("login answers a token", (status, token.count(".")) == (200, 2), f"{status}")
        self.checks.that("the token is a Bearer token of the template's life", isinstance(body, dict)
                         and (body.get("token_type"), body.get("expires_in")) == ("Bearer", 3600), "another type or life")
        answer = api.me(token)
        self.checks.that("me answers who is asking", answer[0] == 200 and answer[1].get("email") == EMAIL
                         and answer[1].get("roles") == ["Admin"], answer)
        answer = api.login(EMAIL, password + "x")
        self.checks.that("a wrong password is refused", answer == (401, uniform), answer)
        answer = api.login("nobody@example.com", password)
        self.checks.that("an unknown email is refused alike", answer == (401, uniform), answer)
        answer = api.me()
        self.checks.that("me refuses a call without a token", answer == (401, {"detail": "Not authenticated"}), answer)
        head, _, mac = token.rpartition(".")
        answer = api.me(f"{head}.{'B' if mac.startswith('A') else 'A'}{mac[1:]}")
        self.checks.that("me refuses a tampered token", answer == (401, {"detail": "Invalid token"}), answer)
        return token

    def disable_and_enable(self, api, password, token):
        self.authctl("user", "disable", EMAIL)
        answer = api.login(EMAIL, password)
        self.checks.that("a disabled user cannot log in", answer == (401, {"detail": "Invalid email or password"}), answer)
        answer = api.me(token)
        self.checks.that("a disabled user's token is refused", answer == (401, {"detail": "User not found"}), answer)
        self.authctl("user", "enable", EMAIL)
        answer = api.me(token)
        self.checks.that("the token stays dead when the user is enabled", answer[0] == 401, answer)
        status, tokens = api.login(EMAIL, password)
        self.checks.that("an enabled user logs in again", status == 200, tokens)
        return tokens

    def sessions(self, api, password, tokens):
        """Refresh, reuse and logout, and what an operator sees of them. Returns tokens of a live session."""
        invalid = (401, {"detail": "Invalid refresh token"})
        first = tokens["refresh_token"]
        status, second = api.refresh(first)
        self.checks.that("a refresh answers new tokens", (status, len(second)) == (200, 4), second)
        answer = api.refresh(first)
        self.checks.that("the same token again has the same successor", answer[0] == 200
                         and answer[1]["refresh_token"] == second["refresh_token"], answer[0])
        _, third = api.refresh(second["refresh_token"])
        answer = api.refresh(first)
        self.checks.that("an older token is refused", answer == invalid, answer)
        answer = api.refresh(third["refresh_token"])
        self.checks.that("and has ended its session", answer == invalid, answer)
        answer = api.refresh(third["access_token"])
        self.checks.that("an access token is no refresh token", answer == invalid, answer)

        here, elsewhere = (api.login(EMAIL, password)[1] for _ in range(2))
        listed = self.authctl("--json", "session", "list", EMAIL).splitlines()
        self.checks.that("authctl lists the two live sessions", len(listed) == 2, listed)
        answer = api.logout(here["refresh_token"])
        self.checks.that("a logout answers 204", answer == (204, None), answer)
        answer = api.refresh(here["refresh_token"])
        self.checks.that("the session has ended", answer == invalid, answer)
        api.logout(elsewhere["refresh_token"], all_sessions=True)
        answer = api.me(elsewhere["access_token"])
        self.checks.that("a logout everywhere ends access tokens", answer == (401, {"detail": "User not found"}), answer)
        status, tokens = api.login(EMAIL, password)
        self.checks.that("the user logs in again", status == 200, tokens)
        return tokens

    def lock_out(self, api, password):
        """Five wrong passwords, then the right one, and what an operator can do."""
        stranger = "jane.doe@example.com"
        for email in (EMAIL, stranger):
            answers = [api.login(email, password + "x")[0] for _ in range(5)]
            self.checks.that(f"{email}: five wrong passwords are looked at", answers == [401] * 5, answers)
            answer = api.login(email, password)
            self.checks.that(f"{email}: the sixth is not", answer == (429, {"detail": "Too many attempts"}), answer)
        shown = [json.loads(line) for line in self.authctl("--json", "attempts", "show", EMAIL).splitlines()]
        counts = {one["kind"]: one["attempts"] for one in shown}
        self.checks.that("authctl shows the attempts", counts.get("pair") == 5 and counts.get("email", 0) >= 5, shown)
        self.authctl("attempts", "clear", EMAIL)
        answer = api.login(EMAIL, password)
        self.checks.that("and clears them", answer[0] == 200, answer[0])

    def check_logs(self, ids, secret_texts):
        """The functions log to their groups, in JSON, and nothing secret."""
        logs = self.client("logs")
        for group in ("LoginLogGroup", "MeLogGroup"):
            pages = logs.get_paginator("filter_log_events").paginate(logGroupName=ids[group])
            lines = [event["message"] for page in pages for event in page["events"]]
            # Lambda's own lines, which ministack writes as text.
            lines = [line for line in lines if not re.match(r"(START|END|REPORT) RequestId:", line)]
            self.checks.that(f"{group} has lines, all of them JSON", lines and all(map(is_json, lines)), lines[:3])
            self.checks.that(f"{group} has no password and no token",
                             not any(text in line for text in secret_texts for line in lines), "it has one")

    def check_deleted(self, ids):
        gone = {
            "the stack": lambda: self.cloudformation.describe_stacks(StackName=STACK),
            "the table": lambda: self.client("dynamodb").describe_table(TableName=ids["AuthTable"]),
            "the secret of access tokens": lambda: self.client("secretsmanager").describe_secret(SecretId=ids["JwtKeys"]),
            "the secret of refresh tokens":
                lambda: self.client("secretsmanager").describe_secret(SecretId=ids["SessionKeys"]),
            "the function login": lambda: self.client("lambda").get_function(FunctionName=ids["LoginFunction"]),
            "the function me": lambda: self.client("lambda").get_function(FunctionName=ids["MeFunction"]),
        }
        for what, look in gone.items():
            try:
                look()
                found = "it is still there"
            except ClientError as error:
                found = f"{error.response['Error']['Code']} {error.response['Error']['Message']}"
            absent = re.search("ResourceNotFound|does not exist", found)
            self.checks.that(f"{what} is gone after the delete", absent, found)


def leave(number, _):
    """Ends the run so that the blocks that end its processes do so, a second signal notwithstanding."""
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    sys.exit(128 + number)


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
    # Not `--cached`: that reads all of `target` to see whether something changed. Cargo knows it better.
    run([SAM, "build", "--template-file", str(ROOT / "template.yaml"), "--build-dir", str(BUILD), "--beta-features",
         "--parameter-overrides", *PARAMETERS], SECONDS_TO_BUILD, show=True)
    print(f"        built in {time.monotonic() - started:.0f} s", flush=True)
    return BUILD


def step(title):
    print(f"\n== {title}", flush=True)


def end_to_end(checks, built, scratch):
    port = free_port()
    take_environment(port, scratch)
    tool(SAM, "`make e2e` installs it")
    tool(AUTHCTL, "build it with `cargo build --bin authctl`, or name it in the variable AUTHCTL")
    if not built:
        tool("cargo-lambda", "`make tools` installs it")
        built = build()
    template = built / "template.yaml"
    digests = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in built.glob("*/bootstrap")}
    checks.that("the build has a binary for each function", len(digests) > 1 and len(set(digests.values())) == len(digests),
                f"{len(digests)} binaries")

    with ministack(port, scratch) as log:
        try:
            steps(Run(checks, port), template)
        except BaseException:
            print(f"\nThe end of ministack's log:\n{log.read_text()[-3000:]}", flush=True)
            raise


def steps(run_, template):
    checks = run_.checks
    step("sam deploy")
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
    checks.that("the functions answer as before", api.me(live["access_token"])[0] == 200
                and api.refresh(live["refresh_token"])[0] == 200)

    step("sam delete")
    run([SAM, "delete", "--stack-name", STACK, "--region", REGION, "--no-prompts"], SECONDS_TO_DEPLOY)
    run_.check_deleted(ids)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--built", type=Path, metavar="DIR", help="deploy what `sam build` made there, and build nothing")
    arguments = parser.parse_args()
    for number in SIGNALS:
        signal.signal(number, leave)

    checks = Checks()
    try:
        with tempfile.TemporaryDirectory(prefix="e2e-") as scratch:
            end_to_end(checks, arguments.built and arguments.built.resolve(), Path(scratch))
    except Failure as failure:
        checks.that("the run came to its end", False, failure)
    except Exception as error:  # A line of the tally, whatever it is.
        checks.that("the run came to its end", False, f"{type(error).__name__}: {error}")
    print(f"\n{checks.passed} passed, {checks.failed} failed")
    sys.exit(1 if checks.failed else 0)


if __name__ == "__main__":
    main()
