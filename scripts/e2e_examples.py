"""Steps of `make e2e` for the examples: deploys each one in its own stack, next to the bundle, and calls it."""

import json
import secrets

import access_tokens
from local_aws import REGION, ROOT, SAM, SECONDS_TO_BUILD, SECONDS_TO_DEPLOY, request, run, step
from local_stack import STACK

EXAMPLES = ROOT / "examples"
# Not `.aws-sam/build`, which a later `sam deploy` would pick up.
AXUM_BUILD = ROOT / ".aws-sam/e2e/axum"
AXUM_PARAMETERS = [f"SignInStack={STACK}", "Architecture=x86_64"]
LIST, CREATE, CANCEL = ("GET", "/orders"), ("POST", "/orders"), ("DELETE", "/orders/1")
# The status with which each kind of authorizer refuses a token that is not valid.
REFUSED = {"native": 401, "authorizer": 403}


class Example:
    """An example in its own stack."""

    def __init__(self, stack, name, template, parameters=(f"SignInStack={STACK}",)):
        self.name, self.port, self.stack = name, stack.port, f"e2e-{template.parent.name}-{template.stem}"
        run([SAM, "deploy", "--template-file", str(template), "--stack-name", self.stack, "--region", REGION, "--resolve-s3",
             "--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset", "--parameter-overrides", *parameters],
            SECONDS_TO_DEPLOY)
        outputs = stack.cloudformation.describe_stacks(StackName=self.stack)["Stacks"][0]["Outputs"]
        api = next(one["OutputValue"] for one in outputs if one["OutputKey"] == "ApiId")
        self.host = f"{api}.execute-api.localhost"

    def call(self, route, token=None):
        """Returns the status, the challenge and the parsed body."""
        headers = {"Authorization": f"Bearer {token}"} if token else None
        status, headers, text = request(self.port, *route, self.host, headers)
        return status, headers["WWW-Authenticate"], json.loads(text) if text else None

    def delete(self):
        run([SAM, "delete", "--stack-name", self.stack, "--region", REGION, "--no-prompts"], SECONDS_TO_DEPLOY)


class User:
    """A user of the bundle with one session."""

    def __init__(self, stack, keys, api, email, permissions):
        self.api, self.email, self.password = api, email, secrets.token_urlsafe(24)
        stack.authctl("user", "add", email, "--role", f"Clerk={permissions}", stdin=self.password + "\n")
        _, tokens = api.login(email, self.password)
        self.token, self.refresh_token = tokens["access_token"], tokens["refresh_token"]
        self.key = access_tokens.private_key(keys.ring(), access_tokens.kid(self.token))

    @property
    def id(self):
        return access_tokens.claims(self.token)["sub"]

    def sign(self, **changes):
        """Returns the token with other claims, which the key of the stack has signed."""
        return access_tokens.sign(self.token, self.key, **changes)

    def forged(self):
        return access_tokens.forged(self.token, self.key)

    def log_out(self):
        self.api.logout(self.refresh_token)

    def secrets(self):
        """Returns what no log may contain."""
        return [self.password, self.token, self.refresh_token]


class AxumExample:
    """The example with axum. LIST guards at the level of the token, CANCEL at the live level."""

    def __init__(self, checks, stack, prepare):
        """Builds and deploys it. `prepare` changes its template for the local AWS."""
        step("deploy the example with axum")
        # Optimizing takes a minute and changes nothing here.
        fast = {"CARGO_PROFILE_RELEASE_LTO": "off", "CARGO_PROFILE_RELEASE_OPT_LEVEL": "0"}
        run([SAM, "build", "--template-file", str(EXAMPLES / "axum/template.yaml"), "--build-dir", str(AXUM_BUILD),
             "--beta-features", "--parameter-overrides", *AXUM_PARAMETERS], SECONDS_TO_BUILD, show=True,
            variables=fast)
        self.checks = checks
        self.example = Example(stack, "axum", prepare(AXUM_BUILD / "template.yaml"), AXUM_PARAMETERS)

    def check(self, user):
        """Calls both routes with every kind of token, and logs the user out."""
        self.expect("a token of login lists the orders", LIST, user.token, 200, body=[f"order 1 of user {user.id}"])
        self.expect("and cancels one", CANCEL, user.token, 204)
        for name, forged in {"none": None, **user.forged()}.items():
            for route in (LIST, CANCEL):
                self.expect(f"{' '.join(route)} refuses a token: {name}", route, forged, 401)
        scope = 'Bearer realm="api", error="insufficient_scope", scope="read"'
        self.expect("the token level reads permissions from the token", LIST, user.sign(scope="delete"), 403, scope)
        self.expect("the live level reads them from the table", CANCEL, user.sign(scope="none"), 204)
        user.log_out()
        self.expect("after a logout, the live level refuses the token at the next request", CANCEL, user.token, 401,
                    body={"detail": "User not found"})
        self.expect("and the token level accepts it until it expires", LIST, user.token, 200)

    def expect(self, what, route, token, status, challenge=None, body=None):
        found = self.example.call(route, token)
        self.checks.that(what, found[0] == status and challenge in (None, found[1]) and body in (None, found[2]), found)

    def delete(self):
        self.example.delete()


class OtherLanguages:
    """The APIs in Python and Node.js, each with the native authorizer and with `authorizer`. The user may read."""

    def __init__(self, checks, stack, ids):
        self.checks, self.functions, self.authorizer = checks, stack.client("lambda"), ids["AuthorizerFunction"]
        step("deploy APIs in other languages")
        names = {"native": "the native authorizer", "authorizer": "authorizer"}
        self.examples = [(kind, Example(stack, f"the API in {folder} with {name}", EXAMPLES / folder / f"{kind}.yaml"))
                         for folder in ("python", "node") for kind, name in names.items()]

    def of_kind(self, kind):
        return [example for own, example in self.examples if own == kind]

    def check(self, user):
        """Checks every example, before and after the user has logged out."""
        bad = user.forged()
        for kind, example in self.examples:
            self.check_valid(example, user)
            self.check_refused(example, user.token, bad, REFUSED[kind])
        for example in self.of_kind("authorizer"):
            self.expect(f"{example.name} refuses two tokens", example, f"{user.token}, Bearer {user.token}", 403)
        step("log out, and call the APIs in other languages again")
        user.log_out()
        for example in self.of_kind("native"):
            self.expect(f"{example.name} accepts the token until it expires", example, user.token, 200)
        for example in self.of_kind("authorizer"):
            self.expect(f"{example.name} refuses the token at once", example, user.token, 403)
        self.check_token_level(user.token, bad["expired"])

    def check_valid(self, example, user):
        status, _, body = example.call(LIST, user.token)
        expected = {"user": user.id, "email": user.email, "orders": []}
        self.checks.that(f"{example.name} knows the user of a token", (status, body) == (200, expected), (status, body))
        self.expect(f"{example.name} refuses what the user may not do", example, user.token, 403, CREATE)

    def check_refused(self, example, token, bad, expected):
        self.expect(f"{example.name} responds with 401 without a token", example, None, 401)
        statuses = {name: example.call(LIST, one)[0] for name, one in bad.items()}
        self.checks.that(f"{example.name} responds with {expected} to an expired token and to {len(bad) - 1} forged ones",
                         set(statuses.values()) == {expected}, statuses)

    def check_token_level(self, logged_out, expired):
        """Checks AuthorizerLevel=token. `sam deploy` publishes no version if only a parameter changes, as
        scripts/deploy.py says."""
        self.set_level("token")
        for example in self.of_kind("authorizer"):
            what = f"with AuthorizerLevel=token, {example.name}"
            self.expect(f"{what} accepts the token until it expires", example, logged_out, 200)
            self.expect(f"{what} refuses an expired one", example, expired, 403)
        self.set_level("live")

    def check_rotated(self, tokens):
        """Checks tokens of before and after two rotations. API Gateway has cached the keys since before the first one,
        which made the standby of that time active."""
        example = self.of_kind("native")[0]
        statuses = [example.call(LIST, token)[0] for token in tokens]
        self.checks.that(f"{example.name} accepts tokens of before and after a rotation, with the keys that it cached before",
                         statuses == [200] * len(tokens), statuses)

    def expect(self, what, example, token, status, route=LIST):
        found = example.call(route, token)
        self.checks.that(what, found[0] == status, found)

    def set_level(self, level):
        variables = self.functions.get_function_configuration(FunctionName=self.authorizer)["Environment"]["Variables"]
        self.functions.update_function_configuration(
            FunctionName=self.authorizer, Environment={"Variables": variables | {"AUTHORIZER_LEVEL": level}})
        version = self.functions.publish_version(FunctionName=self.authorizer)["Version"]
        self.functions.update_alias(FunctionName=self.authorizer, Name="live", FunctionVersion=version)

    def delete(self):
        for _, example in self.examples:
            example.delete()
