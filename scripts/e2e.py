#!/usr/bin/env python3
"""Builds the stack, deploys it to a local AWS, signs in, opens the links of its emails, changes its keys and deletes it
again. `make e2e` runs it.

The local AWS runs the functions' binaries and denies them the actions that their roles don't allow. It cannot evaluate
dynamodb:Select, nor who sends an email, so it gets a copy of the template without these conditions. Nothing outlives
the run.
"""

import argparse
import hashlib
import secrets
import sys
import time
from functools import partial
from pathlib import Path

try:
    import e2e_links
    import e2e_own_account
    from e2e_account import Site
    from e2e_examples import AxumExample, OtherLanguages, User
    from e2e_keys import Issuer, Verification
    from e2e_mail import Delivery
    from e2e_rotation import Rotation
    from e2e_sign_in import EMAIL, SignIn
    from e2e_stack import Resources
    from local_stack import AUTHCTL, PARAMETERS, STACK, Stack
    from local_template import with_any_sender, with_changed_keys, without_select
    from stack_keys import StackKeys
except ImportError as error:
    sys.exit(f"{error}: run `make e2e`, which installs scripts/requirements-e2e.txt")

import local_aws
from browser import CHROMIUM, Browser
from local_aws import (ROOT, SAM, SECONDS_TO_BUILD, Failure, free_port, isolate_environment, ministack, require_tool, run,
                       step)
from mails import Mailbox
from processes import Processes
from sign_in_api import Api
from traffic import Client

# Not `.aws-sam/build`, which a later `sam deploy` would pick up.
BUILD = ROOT / ".aws-sam/e2e/build"
# The user whose tokens the steps about keys verify.
READER = "jane.roe@example.com"


def build():
    step("sam build")
    started = time.monotonic()
    # Not `--cached`: it reads all of `target` to look for changes, which Cargo does better.
    run([SAM, "build", "--template-file", str(ROOT / "template.yaml"), "--build-dir", str(BUILD), "--beta-features",
         "--parameter-overrides", *PARAMETERS], SECONDS_TO_BUILD, show=True)
    print(f"        built in {time.monotonic() - started:.0f} s", flush=True)
    return BUILD


def end_to_end(checks, built, scratch):
    port = free_port()
    isolate_environment(port, scratch)
    require_tool(SAM, "`make e2e` installs it")
    require_tool("node", "`make e2e` installs it")
    require_tool("openssl", "it makes a certificate")
    require_tool(CHROMIUM, "`make e2e` installs it, or set CHROMIUM to another browser")
    require_tool(AUTHCTL, "build it with `cargo build --workspace --bin authctl`, or set AUTHCTL to its path")
    if not built:
        require_tool("cargo-lambda", "`make tools` installs it")
        built = build()
    template = built / "template.yaml"
    digests = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in built.glob("*/bootstrap")}
    checks.that("the build has a different binary for each function",
                len(digests) > 1 and len(set(digests.values())) == len(digests), f"{len(digests)} binaries")

    with ministack(port, scratch) as log:
        try:
            steps(checks, Stack(port), template, scratch)
        except BaseException:
            print(f"\nLast lines of ministack's log:\n{log.read_text()[-3000:]}", flush=True)
            raise


def steps(checks, stack, template, scratch):
    step("sam deploy")
    template = with_any_sender(without_select(template))
    stack.deploy(template)
    ids, resources = stack.physical_ids(), Resources(checks, stack)
    resources.show()
    resources.check_generated_keys(ids)
    resources.check_enforcement(ids)
    resources.check_routes(ids)
    resources.check_exports(ids)

    api, password = Api(stack.port, ids["Api"]), secrets.token_urlsafe(24)
    live, tokens = use(SignIn(checks, stack, api, password))
    resources.check_logs(ids, [password, *tokens])

    step("deploy again")
    printed = stack.deploy(template)
    checks.that("a second deploy changes nothing", "No changes to deploy" in printed, printed[-500:])
    checks.that("the functions respond as before", api.me(live["access_token"])[0] == 200
                and api.refresh(live["refresh_token"])[0] == 200)

    resources.check_logs(ids, use_account(checks, stack, ids), ("AccountLogGroup", "MailerLogGroup", "LoginLogGroup"))

    others = OtherLanguages(checks, stack, ids)
    resources.check_logs(ids, use_examples(checks, stack, ids, others), ("AuthorizerLogGroup", "LoginLogGroup"))
    resources.check_logs(ids, use_keys(checks, stack, ids, template, others, scratch))
    others.delete()

    step("sam delete")
    stack.delete()
    resources.delete_table(ids)
    resources.check_deleted(ids)


def use(sign_in):
    """Signs in and out in every way. Returns the tokens of a live session, and all tokens."""
    step("sign in")
    token = sign_in.sign_in()
    sign_in.check_issuer(token)
    step("read the contract")
    sign_in.check_docs()
    step("disable and enable the user")
    tokens = sign_in.disable_and_enable(token)
    step("refresh and log out")
    live = sign_in.sessions(tokens)
    step("guess a password")
    sign_in.lock_out()
    return live, [token, *(one[name] for one in (tokens, live) for name in ("access_token", "refresh_token"))]


def use_account(checks, stack, ids):
    """Uses self-service in every way. Returns what no log may contain."""
    with Browser() as browser:
        site = Site(checks, stack, Api(stack.port, ids["Api"]), Mailbox(stack.port), browser)
        step("email about the refresh token that was used twice")
        site.mail(EMAIL, "session-reused")
        for flow in (e2e_links.sign_up, e2e_links.invite, e2e_links.reset, e2e_links.change_email, e2e_links.cancel_email,
                     e2e_own_account.change_password, e2e_own_account.sessions, e2e_own_account.delete):
            flow(site)
        Delivery(site, ids).check()
        unexpected = [(mail.to, mail.subject) for mail in site.mailbox.new().values()]
        checks.that("no other email was sent", not unexpected, unexpected)
    return site.secrets


def use_examples(checks, stack, ids, others):
    """Calls the examples as two users. Returns what no log may contain."""
    api, keys = Api(stack.port, ids["Api"], quiet=True), StackKeys(stack.client, ids)
    reader, editor = (User(stack, keys, api, email, permissions)
                      for email, permissions in (("sam.poe@example.com", "read"), ("jill.poe@example.com", "read,delete")))
    others.check(reader)
    axum = AxumExample(checks, stack, without_select)
    axum.check(editor)
    axum.delete()
    return reader.secrets() + editor.secrets()


def use_keys(checks, stack, ids, template, others, scratch):
    """Verifies tokens as others do, and changes the keys in every way. Returns what no log may contain."""
    password = secrets.token_urlsafe(24)
    stack.authctl("user", "add", READER, "--role", "Reader=read", stdin=password + "\n")
    keys, processes = StackKeys(stack.client, ids), Processes(stack.client, ids)
    issuer = Issuer(stack.port, stack.issuer, "api")
    api = Api(stack.port, ids["Api"], quiet=True)
    warm = Client(partial(api.login, READER, password), api.me)
    cold = Client(partial(processes.login, READER, password), processes.me)

    first, ring = warm.token(), keys.ring()
    verification = Verification(checks, issuer, keys)
    verification.documents()
    verification.libraries(first, scratch)

    rotation = Rotation(checks, keys, issuer, processes, [AUTHCTL, "--stack", STACK])
    traffic = rotation.under_traffic({"warm": warm, "cold": cold})
    others.check_rotated(list(traffic.by_kid.values())[:2])
    rotation.too_early()
    rotation.two_operators()
    rotation.retire(first, ring)
    rotation.revoke(warm)
    rotation.restored_before_rotations(warm)
    rotation.restored_before_revocation(warm, lambda: stack.deploy(with_changed_keys(template)))
    return [password, first, *(key["d"] for key in ring["keys"] + keys.ring()["keys"])]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--built", type=Path, metavar="DIR", help="deploy an existing `sam build` output and skip the build")
    arguments = parser.parse_args()
    built = arguments.built and arguments.built.resolve()
    local_aws.main(lambda checks, scratch: end_to_end(checks, built, scratch))


if __name__ == "__main__":
    main()
