#!/usr/bin/env python3
"""Runs `make deploy` against a local AWS, with and without questions. `make e2e` runs it.

Deploys two environments with different answers, changes them, previews, declines, fails and starts again. Checks after
each step that no answer is lost. The answers of the test are in deploy/e2e-*.toml and are deleted at its end.
"""

import contextlib
import json
import os
import pty
import re
import select
import subprocess
import sys
import time

try:
    import boto3
    from botocore.exceptions import ClientError, WaiterError
except ImportError:
    sys.exit("boto3 is missing: run `make e2e`, which installs scripts/requirements-e2e.txt")

import local_aws
from local_aws import ROOT, SECONDS_TO_BUILD, Failure, end_group, free_port, isolate_environment, ministack, step

FIRST, SECOND, FAILING, MISSING = ENVIRONMENTS = ("e2e-first", "e2e-second", "e2e-failing", "e2e-missing")
# Variables of `make deploy`, of the make that runs this test, and of boto3 (`make deploy` also reads AWS_REGION).
FOREIGN = {"AWS_DEFAULT_REGION", "CI", "ENV", "STACK", "PREVIEW", "PARAMETERS", "MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "MAKELEVEL"}
# What a stack has only with SelfService=true.
SELF_SERVICE = {"AccountFunction", "MailerFunction", "MailerStream", "AskQueue", "MailIdentity", "ActionKeys", "ForgotPasswordRoute"}
SANDBOX = "A new SES account is in the sandbox"
CHANGE = "Change a parameter"
CONFIRM = "Deploy this changeset?"
END_OF_INPUT = "\x04"


class Deploy:
    """A run of `make deploy`: its exit code and output."""

    def __init__(self, env, answers=(), **variables):
        """Runs it without questions, or on a terminal with these answers: pairs of a question's text and its answer."""
        if not answers:
            variables["CI"] = "true"
        print(f"        make deploy ENV={env} {' '.join(f'{name}={value!r}' for name, value in variables.items())}", flush=True)
        started = time.monotonic()
        terminal, end = pty.openpty()
        environment = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        process = subprocess.Popen(["make", "deploy"], cwd=ROOT, start_new_session=True, stdin=end, stdout=end, stderr=end,
                                   env=environment | {"ENV": env} | variables)
        os.close(end)
        try:
            self.output = converse(terminal, list(answers))
            self.code = process.wait(SECONDS_TO_BUILD)
        finally:
            os.close(terminal)
            end_group(process)
        print(f"        exit code {self.code} after {time.monotonic() - started:.0f} s", flush=True)

    def __str__(self):
        return f"exit code {self.code}\n{self.output[-3000:]}"

    def has_built(self):
        return "Build Succeeded" in self.output or "Building codeuri" in self.output


def converse(terminal, answers):
    """Answers the questions on a terminal, and returns all of its text once it is closed."""
    text, seen = "", 0
    while True:
        if not select.select([terminal], [], [], SECONDS_TO_BUILD)[0]:
            raise Failure(f"make deploy is stuck\n{text[-3000:]}")
        try:
            arrived = os.read(terminal, 65536).decode(errors="replace")
        except OSError:  # Linux reports the other end's closing as an error.
            arrived = ""
        if not arrived:
            break
        text += arrived
        if answers and answers[0][0] in text[seen:] and re.search(r"[:\]] *$", text):
            _, answer = answers.pop(0)
            seen = len(text)
            os.write(terminal, f"{answer}\n".encode())
    if answers:
        raise Failure(f"make deploy did not ask {answers[0][0]!r}\n{text[-3000:]}")
    return text


class Run:
    """The steps of the run and their shared state."""

    def __init__(self, checks):
        self.checks = checks
        self.cloudformation = boto3.client("cloudformation")

    def stack(self, name):
        """Returns the description of a stack, or None if there is none."""
        try:
            return self.cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        except ClientError:
            return None

    def parameters(self, stack):
        return {one["ParameterKey"]: one["ParameterValue"] for one in self.stack(stack)["Parameters"]}

    def output(self, stack, name):
        return next(one["OutputValue"] for one in self.stack(stack)["Outputs"] if one["OutputKey"] == name)

    def live_environment(self, stack):
        """Returns the variables of the version of login that the API calls."""
        name = self.output(stack, "LoginFunctionName")
        return boto3.client("lambda").get_function_configuration(FunctionName=name, Qualifier="live")["Environment"]["Variables"]

    def rotate_keys(self, stack):
        """Rotates the keys of access tokens, and returns the item of the published ones as it was before."""
        before = self.published_keys(stack)
        response = boto3.client("lambda").invoke(FunctionName=self.output(stack, "KeysFunctionName"),
                                                 Payload=json.dumps({"action": "rotate", "now": True}))
        result = json.load(response["Payload"])
        self.checks.that(f"the keys of {stack} are rotated", kids(self.published_keys(stack)) != kids(before), result)
        return before

    def published_keys(self, stack):
        """Returns the item of the published keys of access tokens."""
        key = {"pk": {"S": "keys#access-tokens"}}
        found = boto3.client("dynamodb").get_item(TableName=self.output(stack, "TableName"), Key=key, ConsistentRead=True)
        return found["Item"]

    def put_published_keys(self, stack, item):
        boto3.client("dynamodb").put_item(TableName=self.output(stack, "TableName"), Item=item)

    def pending_change_sets(self, stack):
        listed = self.cloudformation.list_change_sets(StackName=stack)["Summaries"]
        return [one["ChangeSetName"] for one in listed if one["ExecutionStatus"] == "AVAILABLE"]

    def check_state(self, env, stack, expected):
        """Checks that the stack and the file have the expected parameters, and all of the template's."""
        deployed = self.parameters(stack)
        wrong = {name: deployed.get(name) for name, value in expected.items() if deployed.get(name) != value}
        self.checks.that(f"{stack} has the answers of {env}", not wrong, f"wrong: {wrong}")
        self.checks.that(f"{file(env).name} has every parameter of {stack}", saved(env) == deployed,
                         f"{saved(env)} instead of {deployed}")

    def self_service(self, stack):
        """Returns the resources of self-service that a stack has, and what its table's stream shows."""
        pages = self.cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
        names = {one["LogicalResourceId"] for page in pages for one in page["StackResourceSummaries"]}
        table = boto3.client("dynamodb").describe_table(TableName=self.output(stack, "TableName"))["Table"]
        return names & SELF_SERVICE, table.get("StreamSpecification", {}).get("StreamViewType")

    def check_issuer(self, stack, expected):
        """Checks the issuer of the version of login that the API calls."""
        found = self.live_environment(stack)["JWT_ISSUER"], self.output(stack, "Issuer")
        self.checks.that(f"the issuer of {stack} is {expected}", found == (expected, expected), found)

    def with_questions(self):
        answers = {"Architecture": "x86_64", "KeyRotationDays": "0", "JwtExpiration": "1200", "CorsOrigins": "https://app.example.com"}
        run = Deploy(FIRST, [("Stack name", ""), ("Region", ""), (CHANGE, END_OF_INPUT)])
        self.checks.that("a deploy can be stopped between two answers", run.code != 0 and "deploy: stopped" in run.output, run)
        run = Deploy(FIRST, [(CHANGE, "LogLevel=LOUD"), (CHANGE, "Loglevel=INFO"),
                             *((CHANGE, f"{name}={value}") for name, value in answers.items()), (CHANGE, ""), (CONFIRM, "y")])
        self.checks.that("the next one goes on with the open questions, and succeeds", run.code == 0
                         and "Stack name [" not in run.output, run)
        self.checks.that("a value that the template does not allow is refused", "LogLevel must be one of TRACE," in run.output, run)
        self.checks.that("an unknown parameter is refused", "'Loglevel=INFO' is not Name=value" in run.output, run)
        self.checks.that("it says how to add the first user", "--stack sign-in-e2e-first user add EMAIL" in run.output, run)
        self.check_state(FIRST, "sign-in-e2e-first", answers)
        found = self.self_service("sign-in-e2e-first")
        self.checks.that("without SelfService, it has none of self-service", found == (set(), None) and SANDBOX not in run.output, found)
        return answers

    def second_environment(self):
        answers = {"Architecture": "x86_64", "KeyRotationDays": "0", "JwtExpiration": "600", "LogLevel": "WARN", "JwtIssuer": "https://auth.example.com"}
        run = Deploy(SECOND, STACK="other", PARAMETERS=arguments(answers))
        self.checks.that("the deploy succeeds without a question", run.code == 0 and "[y/N]" not in run.output, run)
        self.check_state(SECOND, "other", answers)
        self.check_issuer("other", "https://auth.example.com")
        self.check_issuer("sign-in-e2e-first", self.output("sign-in-e2e-first", "ApiUrl"))
        return answers

    def change_without_questions(self, first, second):
        first = first | {"JwtExpiration": "1800", "SelfService": "true", "MailFrom": "no-reply@example.com"}
        comment = "# Users asked for it."
        file(FIRST).write_text(file(FIRST).read_text() + comment + "\n")
        run = Deploy(FIRST, PARAMETERS="JwtExpiration=1800 SelfService=true MailFrom=no-reply@example.com")
        self.checks.that("the deploy succeeds", run.code == 0, run)
        self.check_state(FIRST, "sign-in-e2e-first", first)
        found = self.self_service("sign-in-e2e-first")
        self.checks.that("it adds self-service", found == (SELF_SERVICE, "KEYS_ONLY"), found)
        self.checks.that("and says that SES must verify the sender, and what its sandbox is",
                         "Emails are sent from no-reply@example.com" in run.output and SANDBOX in run.output, run)
        self.check_state(SECOND, "other", second)
        self.checks.that("a comment in the file is kept", comment in file(FIRST).read_text(), file(FIRST).read_text())
        lifetime = self.live_environment("sign-in-e2e-first")["JWT_EXPIRATION"]
        self.checks.that("the version that the API calls has the new value", lifetime == "1800", lifetime)
        before = self.rotate_keys("sign-in-e2e-first")
        rotated = self.published_keys("sign-in-e2e-first")
        self.put_published_keys("sign-in-e2e-first", before)
        run = Deploy(FIRST)
        self.checks.that("the next deploy changes nothing", run.code == 0 and "No changes to deploy" in run.output, run)
        self.checks.that("and does not repeat what it said about SES", SANDBOX not in run.output, run)
        self.check_state(FIRST, "sign-in-e2e-first", first)
        mended = self.published_keys("sign-in-e2e-first")
        self.checks.that("it publishes the keys that a restored table lacks", kids(mended) == kids(rotated) != kids(before),
                         f"{kids(mended)} instead of {kids(rotated)}")

    def preview(self, second):
        before = self.rotate_keys("other")
        self.put_published_keys("other", before)
        run = Deploy(SECOND, PREVIEW="1", PARAMETERS="JwtExpiration=900")
        self.checks.that("a preview shows the changes", run.code == 0
                         and re.search(r"\* Modify +LoginFunction ", run.output), run)
        self.checks.that("it leaves no change set", not self.pending_change_sets("other"), "there is one")
        self.check_state(SECOND, "other", second)
        run = Deploy(SECOND, [(CONFIRM, "n")], PARAMETERS="JwtExpiration=900")
        self.checks.that("declined changes are not deployed", run.code == 0 and "Nothing was deployed" in run.output
                         and self.parameters("other")["JwtExpiration"] == "600", run)
        self.checks.that("they leave no change set", not self.pending_change_sets("other"), "there is one")
        self.checks.that("the answer is saved", saved(SECOND)["JwtExpiration"] == "900", saved(SECOND))
        self.checks.that("neither publishes keys", self.published_keys("other") == before, self.published_keys("other"))

    def existing_table(self):
        own, other = self.output("other", "TableName"), self.output("sign-in-e2e-first", "TableName")
        run = Deploy(SECOND, PARAMETERS=f"ExistingTable={other} JwtIssuer=")
        self.checks.that("a stack can be given another table", run.code == 0 and self.output("other", "TableName") == other
                         and self.live_environment("other")["AUTH_TABLE"] == other, run)
        self.check_issuer("other", self.output("other", "ApiUrl"))
        status = boto3.client("dynamodb").describe_table(TableName=own)["Table"]["TableStatus"]
        self.checks.that("its own table is kept", status == "ACTIVE", status)

    def failing_stack(self):
        """The local AWS has no CodeDeploy, so a gradual deploy fails there."""
        answers = {"Architecture": "x86_64", "KeyRotationDays": "0", "DeletionProtection": "false", "JwtExpiration": "700"}
        gradual = arguments(answers | {"DeploymentPreference": "Canary10Percent5Minutes"})
        run = Deploy(FAILING, STACK="e2e-failing", PARAMETERS=gradual)
        self.checks.that("a gradual deploy needs CodeDeploy", run.code != 0 and "AWS::CodeDeploy" in run.output, run)
        lost = {name: value for name, value in answers.items() if saved(FAILING).get(name) != value}
        self.checks.that("the answers of a new stack that failed are saved", not lost, lost)
        self.create_failed_stack("e2e-failing")
        run = Deploy(FAILING)
        self.checks.that("if the stack cannot be updated, it says what to do, before it builds", run.code != 0
                         and not run.has_built() and "sam delete --stack-name e2e-failing" in run.output, run)
        self.cloudformation.delete_stack(StackName="e2e-failing")
        self.cloudformation.get_waiter("stack_delete_complete").wait(StackName="e2e-failing", WaiterConfig={"Delay": 1})
        run = Deploy(FAILING, PARAMETERS="DeploymentPreference=AllAtOnce")
        self.checks.that("after that, a deploy succeeds without further answers", run.code == 0, run)
        self.check_state(FAILING, "e2e-failing", answers)

    def create_failed_stack(self, name):
        """Creates a stack that AWS rolls back, because one of its resources cannot be created."""
        template = {"Resources": {"Stream": {"Type": "AWS::Logs::LogStream", "Properties": {"LogGroupName": "missing"}}}}
        self.cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template))
        with contextlib.suppress(WaiterError):
            self.cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
        status = self.stack(name)["StackStatus"]
        self.checks.that("a stack whose creation fails is rolled back", status == "ROLLBACK_COMPLETE", status)

    def refusals(self):
        for what, text, variables in (
            ("a new environment without answers", "has no stack_name, and CI is set", {}),
            ("an unknown parameter", "'Bogus=1' is not Name=value", {"STACK": "e2e-missing", "PARAMETERS": "Bogus=1"}),
            ("a value that the template does not allow", "JwtExpiration must be a whole number",
             {"STACK": "e2e-missing", "PARAMETERS": "JwtExpiration=1h"}),
            ("self-service without a sender", "SelfService=true needs MailFrom",
             {"STACK": "e2e-missing", "PARAMETERS": "SelfService=true"}),
            ("self-service with another table, but not its stream", "needs ExistingTableStreamArn",
             {"STACK": "e2e-missing", "PARAMETERS": "MailFrom=no-reply@example.com ExistingTable=restored"}),
        ):
            run = Deploy(MISSING, **variables)
            self.checks.that(f"without questions, {what} is an error before anything is built", run.code != 0
                             and text in run.output and not run.has_built(), run)
        run = Deploy(FIRST, STACK="other")
        self.checks.that("an environment cannot deploy another one's stack", run.code != 0
                         and "use another ENV for other" in run.output, run)
        run = Deploy(MISSING, STACK="e2e-missing", PREVIEW="1",
                     PARAMETERS="Architecture=x86_64 KeyRotationDays=0 SelfService=false ExistingTable=")
        self.checks.that("a preview of a new stack shows what it adds", run.code == 0
                         and re.search(r"\+ Add +LoginFunction ", run.output), run)
        self.checks.that("and leaves no stack", self.stack("e2e-missing") is None, self.stack("e2e-missing"))
        file(MISSING).write_text(file(MISSING).read_text() + 'Bogus = "1"\n')
        run = Deploy(MISSING, PREVIEW="1")
        self.checks.that("an unknown parameter in the file is an error, and stays there", run.code != 0
                         and "does not have: Bogus" in run.output and "Bogus" in file(MISSING).read_text(), run)


def kids(item):
    """Returns the ids of published keys."""
    return {key["kid"] for key in json.loads(item["key_set"]["S"])["keys"]}


def file(env):
    return ROOT / f"deploy/{env}.toml"


def saved(env):
    """Returns the saved parameters of an environment."""
    section = file(env).read_text().partition("[default.deploy.parameters.parameter_overrides]\n")[2]
    return dict(re.findall(r'^(\w+) = "(.*)"$', section, flags=re.MULTILINE))


def arguments(answers):
    return " ".join(f"{name}={value}" for name, value in answers.items())


def deploys(checks, scratch):
    port = free_port()
    isolate_environment(port, scratch)
    for env in ENVIRONMENTS:
        file(env).unlink(missing_ok=True)
    with ministack(port, scratch) as log:
        try:
            steps(Run(checks))
        except BaseException:
            print(f"\nLast lines of ministack's log:\n{log.read_text()[-3000:]}", flush=True)
            raise
        finally:
            for env in ENVIRONMENTS:
                file(env).unlink(missing_ok=True)


def steps(run_):
    step("first environment, with questions")
    first = run_.with_questions()
    step("second environment, with other answers")
    second = run_.second_environment()
    step("change without questions")
    run_.change_without_questions(first, second)
    step("preview and decline")
    run_.preview(second)
    step("existing table")
    run_.existing_table()
    step("new stack that fails")
    run_.failing_stack()
    step("refusals")
    run_.refusals()


if __name__ == "__main__":
    local_aws.main(deploys)
