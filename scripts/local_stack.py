"""The stack that `make e2e` deploys to the local AWS, and how the test reaches it."""

import os

import boto3
from botocore.config import Config

from local_aws import REGION, ROOT, SAM, SECONDS_TO_DEPLOY, SECONDS_TO_RESPOND, run

AUTHCTL = os.environ.get("AUTHCTL", str(ROOT / (os.environ.get("CARGO_TARGET_DIR") or "target") / "debug/authctl"))
STACK = "e2e"
APP, SENDER = "Acme", "no-reply@example.com"
# The failed-login window is so long that it is unlikely to end during the run.
PARAMETERS = ["Architecture=x86_64", "DeletionProtection=false", "LoginFailureWindow=9999", "ApiDocs=true", "Authorizer=true",
              # The local AWS has no rotation schedules.
              "KeyRotationDays=0",
              "SelfService=true", "SignUp=open", "SignUpRoles=Reader=read", f"AppName={APP}", f"MailFrom={SENDER}"]
# The id of the API, so that a URL of it that resolves is known before it is deployed. The local AWS finds an API by the
# Host header only if its id has eight hexadecimal digits.
API_ID = "e2e00001"
SECONDS_FOR_AUTHCTL = 60


class Stack:
    """The stack of the bundle."""

    def __init__(self, port):
        self.port = port
        self.issuer = f"http://127.0.0.1:{port}/_aws/execute-api/{API_ID}/$default"
        self.cloudformation = self.client("cloudformation")

    def client(self, service, session=None):
        config = Config(connect_timeout=5, read_timeout=SECONDS_TO_RESPOND)
        return (session or boto3.Session()).client(service, config=config)

    def authctl(self, *arguments, stdin=""):
        return run([AUTHCTL, "--stack", STACK, *arguments], SECONDS_FOR_AUTHCTL, stdin=stdin)

    def deploy(self, template):
        return run([SAM, "deploy", "--template-file", str(template), "--stack-name", STACK, "--region", REGION,
                    "--resolve-s3", "--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset",
                    "--no-fail-on-empty-changeset", "--tags", f"ms-custom-id={API_ID}", "--parameter-overrides",
                    *PARAMETERS, f"JwtIssuer={self.issuer}"], SECONDS_TO_DEPLOY)

    def delete(self):
        run([SAM, "delete", "--stack-name", STACK, "--region", REGION, "--no-prompts"], SECONDS_TO_DEPLOY)

    def resources(self):
        pages = self.cloudformation.get_paginator("list_stack_resources").paginate(StackName=STACK)
        return {item["LogicalResourceId"]: item for page in pages for item in page["StackResourceSummaries"]}

    def physical_ids(self):
        return {name: item["PhysicalResourceId"] for name, item in self.resources().items()}

    def outputs(self):
        stack = self.cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
        return {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
