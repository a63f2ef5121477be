#!/usr/bin/env python3
"""Builds the functions and deploys template.yaml to an environment. `make deploy ENV=name` runs it.

Arguments are template parameters (Name=value). Variables: ENV; STACK answers the question for the stack; PREVIEW shows
the changes and deploys nothing; CI asks nothing. The account and the default region come from AWS's own variables.
"""

import json
import os
import re
import subprocess
import sys
import time

try:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError
    from samcli.yamlhelper import yaml_dump, yaml_parse

    from answers import ROOT, Answers, Parameter, Problem, parse_parameters, write
except ImportError as error:
    sys.exit(f"{error}: run `make deploy`, which installs scripts/requirements-lint.txt")

BIN = ROOT / ".tools/venv/bin"
BUILT = ROOT / ".aws-sam/build/template.yaml"
# The answers that sam uses. A preview saves its arguments only here.
CONFIG = ROOT / ".aws-sam/deploy.toml"
# The option of `sam deploy` that deploys nothing.
SHOW = "--no-execute-changeset"
TARGETS = {"arm64": "aarch64-unknown-linux-gnu", "x86_64": "x86_64-unknown-linux-gnu"}
FIRST_USER = """
Add the first user:

  AWS_REGION={region} cargo run --quiet --release --package authctl -- \\
    --stack {stack} user add EMAIL --role Admin=create,read,update,delete
"""
SANDBOX = """
Emails are sent from {sender}. SES sends none until it has verified this address or its domain: if SES has just sent an
email to it, open the link in it. A new SES account is in the sandbox, where it can only send to verified
addresses, and at most 200 emails a day. See whether yours has left it (true), and ask to leave it
(https://docs.aws.amazon.com/ses/latest/dg/request-production-access.html):

  aws sesv2 get-account --region {region} --query ProductionAccessEnabled
  aws sesv2 put-account-details --region {region} --production-access-enabled \\
    --mail-type TRANSACTIONAL --website-url https://YOUR.SITE
"""
KEYS_NOT_CHECKED = """\
the stack is deployed, but its keys of access tokens were not checked: {}
Run the same command again; docs/keys.md says what to do if a deploy fails at the keys"""
CANNOT_UPDATE = """\
stack {stack} is in {status}, after a failed deploy or deletion. Delete it and deploy again: the answers stay in
{answers}. If a protected table prevents that, turn off its protection first:

  aws dynamodb update-table --no-deletion-protection-enabled --table-name NAME
  .tools/venv/bin/sam delete --stack-name {stack} --region {region}"""


def main(arguments):
    env = os.environ.get("ENV") or "dev"
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", env):
        raise Problem(f"ENV must be a name in lower-case letters, digits and hyphens, not {env!r}")
    previews, asks = bool(os.environ.get("PREVIEW")), not os.environ.get("CI")
    if asks and not sys.stdin.isatty():
        raise Problem("there is no terminal to ask on: set CI=1 to deploy without questions")
    parameters = yaml_parse((ROOT / "template.yaml").read_text())["Parameters"]
    declared = {name: Parameter(name, one) for name, one in parameters.items()}
    changes = parse_parameters(arguments, declared)

    answers = Answers(env)
    answers.complete_settings(asks)
    stack = Stack(answers)
    has_asked = bool(answers.parameters)
    complete_parameters(answers, declared, stack.parameters(), {} if previews else changes)
    if asks and not has_asked:
        answers.ask_for_parameters(declared)
    answers.save()
    if previews:
        answers.parameters |= changes
    check_self_service(answers.parameters)

    build(answers.parameters["Architecture"])
    insert_parameters(answers.parameters)
    write(CONFIG, answers.text())
    stack.deploy(SHOW if previews else "--confirm-changeset" if asks else "--no-confirm-changeset")


def complete_parameters(answers, declared, deployed, changes):
    """Answers each parameter of the template with its changed, saved, deployed or default value, in this order."""
    if unknown := answers.parameters.keys() - declared.keys():
        raise Problem(f"{answers} has parameters that template.yaml does not have: {', '.join(sorted(unknown))}")
    known = {name: parameter.default for name, parameter in declared.items()} | deployed | answers.parameters | changes
    answers.parameters = {name: known[name] for name in declared}
    for name, value in answers.parameters.items():
        declared[name].check(value)


def check_self_service(parameters):
    """Raises a Problem if self-service lacks a parameter, before CloudFormation fails at a resource that needs it."""
    if parameters["SelfService"] != "true":
        return
    if not parameters["MailFrom"]:
        raise Problem("SelfService=true needs MailFrom, the address that emails are sent from")
    if parameters["ExistingTable"] and not parameters["ExistingTableStreamArn"]:
        raise Problem("SelfService=true with ExistingTable needs ExistingTableStreamArn, the stream of that table")


class Stack:
    """The stack of an environment in AWS."""

    def __init__(self, answers):
        self.name, self.region = answers.settings["stack_name"], answers.settings["region"]
        self.cloudformation = boto3.client("cloudformation", region_name=self.region)
        try:
            account = boto3.client("sts", region_name=self.region).get_caller_identity()["Account"]
        except (BotoCoreError, ClientError) as error:
            raise Problem(f"AWS does not accept the credentials of this shell: {error}") from error
        print(f"{answers}: stack {self.name} in {self.region}, account {account}", flush=True)
        before = self.describe()
        # A change set that was never executed leaves an empty stack.
        self.before = None if before and before["StackStatus"] == "REVIEW_IN_PROGRESS" else before
        self.check_state(answers)

    def describe(self):
        """Returns CloudFormation's description, or None if the stack does not exist."""
        try:
            return self.cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise Problem(f"cannot read stack {self.name}: {error}") from error

    def check_state(self, answers):
        """Raises a Problem if CloudFormation would not update the stack."""
        status = self.before["StackStatus"] if self.before else ""
        if status in ("CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED"):
            raise Problem(CANNOT_UPDATE.format(stack=self.name, status=status, answers=answers, region=self.region))
        if status.endswith("_IN_PROGRESS"):
            raise Problem(f"stack {self.name} is in {status}: wait until it ends")
        if status == "UPDATE_ROLLBACK_FAILED":
            raise Problem(f"stack {self.name} is in {status}: end the rollback with "
                          f"`aws cloudformation continue-update-rollback --stack-name {self.name}`")

    def parameters(self):
        """Returns the parameters of the deployed stack."""
        return {one["ParameterKey"]: one["ParameterValue"] for one in (self.before or {}).get("Parameters", [])}

    def deploy(self, mode):
        """Runs `sam deploy`, and removes its change set unless it was executed."""
        started = int(time.time())
        try:
            sam("deploy", "--template-file", BUILT, "--config-file", CONFIG, mode)
        finally:
            is_pending = self.remove_change_sets(started)
        if is_pending:
            print("\nThe change set is deleted. Nothing was deployed.")
            return
        if not self.before:
            print(FIRST_USER.format(region=self.region, stack=self.name))
        if mode != SHOW:
            self.repair_keys()
            self.explain_sandbox()

    def repair_keys(self):
        """Makes the function `keys` publish what its secret contains, and create what is missing.

        CloudFormation calls it only if a property of its resource changes. A property that changes with each deploy
        would appear in every preview, and no deploy would be without changes.
        """
        name = next(one["OutputValue"] for one in self.describe()["Outputs"] if one["OutputKey"] == "KeysFunctionName")
        try:
            # The function has a time limit of 60 seconds; a repetition would hide its error.
            config = Config(read_timeout=70, retries={"total_max_attempts": 1})
            response = boto3.client("lambda", region_name=self.region, config=config).invoke(
                FunctionName=name, Payload=json.dumps({"action": "repair"}))
        except (BotoCoreError, ClientError) as error:
            raise Problem(KEYS_NOT_CHECKED.format(error)) from error
        result = json.load(response["Payload"])
        if "FunctionError" in response or "error" in result:
            raise Problem(KEYS_NOT_CHECKED.format(result.get("errorMessage") or result.get("message")))
        published = [key for key in result["keys"] if key["state"] != "revoked"]
        print(f"The {len(published)} keys of access tokens are published.")

    def explain_sandbox(self):
        """Says what SES needs, if this run has turned self-service on."""
        after = {one["ParameterKey"]: one["ParameterValue"] for one in self.describe()["Parameters"]}
        if after["SelfService"] == "true" != self.parameters().get("SelfService"):
            print(SANDBOX.format(sender=after["MailFrom"], region=self.region))

    def remove_change_sets(self, since):
        """Deletes the change sets of this run that were not executed. Returns whether there were changes in them."""
        is_pending = False
        after = self.describe()
        if after is None:
            return is_pending
        pages = self.cloudformation.get_paginator("list_change_sets").paginate(StackName=self.name)
        for change_set in [one for page in pages for one in page["Summaries"]]:
            name, status = change_set["ChangeSetName"], change_set["ExecutionStatus"]
            # sam puts the time into the names of its change sets.
            made = re.fullmatch(r"samcli-deploy(\d+)", name)
            if made and int(made[1]) >= since and status in ("AVAILABLE", "UNAVAILABLE"):
                self.cloudformation.delete_change_set(StackName=self.name, ChangeSetName=name)
                is_pending |= status == "AVAILABLE"
        # A change set for a new stack creates an empty one.
        if not self.before and after["StackStatus"] == "REVIEW_IN_PROGRESS":
            self.cloudformation.delete_stack(StackName=self.name)
        return is_pending


def build(architecture):
    """Runs `sam build`."""
    sysroot = subprocess.run(["rustc", "--print", "sysroot"], capture_output=True, text=True, check=True).stdout.strip()
    target = TARGETS[architecture]
    if not os.path.isdir(f"{sysroot}/lib/rustlib/{target}"):
        raise Problem(f"Rust cannot build for {architecture} yet: run 'rustup target add {target}', or use "
                      "PARAMETERS=\"Architecture=...\" to deploy for another processor")
    sam("build", "--beta-features", "--parameter-overrides", f"Architecture={architecture}")


def insert_parameters(values):
    """Replaces references to parameters with their values, in the functions of the built template.

    SAM publishes a version of a function if the text of its properties changes. A reference is the same text for all
    values, so a new value would not reach the alias (github.com/aws/serverless-application-model/issues/3820).
    """
    template = yaml_parse(BUILT.read_text())
    functions = [one for one in template["Resources"].values() if one["Type"] == "AWS::Serverless::Function"]
    for owner, name in [(template["Globals"], "Function"), *((function, "Properties") for function in functions)]:
        owner[name] = inserted(owner[name], values)
    BUILT.write_text(yaml_dump(template))


def inserted(node, values):
    """Returns the node with the values of the parameters that it refers to."""
    if isinstance(node, list):
        return [inserted(one, values) for one in node]
    if not isinstance(node, dict):
        return node
    if list(node) == ["Ref"] and node["Ref"] in values:
        return values[node["Ref"]]
    return {name: inserted(one, values) for name, one in node.items()}


def sam(*arguments):
    """Runs the SAM CLI on this terminal."""
    # cargo-lambda finds zig through the python3 it was installed with.
    environment = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}"}
    if subprocess.run([BIN / "sam", *arguments], cwd=ROOT, env=environment, check=False).returncode:
        raise Problem(f"sam {arguments[0]} failed")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Problem as problem:
        sys.exit(f"deploy: {problem}")
    except (KeyboardInterrupt, EOFError):
        sys.exit("\ndeploy: stopped. The answers so far are saved: run the same command to continue")
