"""Steps of `make e2e` about published keys: the documents, verifiers of others, and an API of another stack.

Everything here verifies tokens as someone does who knows only the issuer.
"""

import json
import os
import subprocess
from urllib.parse import urlsplit

import jwt

import access_tokens
from local_aws import ROOT, SECONDS_TO_RESPOND, Failure, request, step
from tls_front import tls_front

VERIFIERS = ROOT / "scripts/verifiers"
GUARDED_API = ROOT / "scripts/guarded-api.yaml"
GUARDED_STACK = "e2e-guarded"
METADATA = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server")
CACHED = "public, max-age=300"


class Issuer:
    """What is known of an issuer: its URL and what it serves below it. The local AWS serves it on a port."""

    def __init__(self, port, url, audience):
        self.port, self.url, self.audience = port, url, audience

    def get(self, url, headers=None):
        return request(self.port, "GET", urlsplit(url).path, f"127.0.0.1:{self.port}", headers)

    def jwks_url(self):
        return json.loads(self.get(self.url + METADATA[0])[2])["jwks_uri"]

    def jwks(self):
        """Returns the kids in the served key set."""
        status, _, text = self.get(self.jwks_url())
        if status != 200:
            raise Failure(f"the key set is not served: {status} {text}")
        return [key["kid"] for key in json.loads(text)["keys"]]


class Verification:
    """Checks what others can verify."""

    def __init__(self, checks, issuer, keys):
        self.checks, self.issuer, self.keys = checks, issuer, keys

    def check_document(self, url, expected, is_expected):
        """Checks a document, and that it is not sent again to those who have it."""
        status, headers, text = self.issuer.get(url)
        path = urlsplit(url).path.partition("/.well-known/")[2]
        parsed = json.loads(text) if status == 200 else None
        self.checks.that(f"{path} {expected}", status == 200 and is_expected(parsed), f"{status} {text}")
        found = headers["Content-Type"], headers["Cache-Control"], bool(headers["ETag"])
        self.checks.that(f"{path} is JSON, cached for five minutes", found == ("application/json", CACHED, True), found)
        status, again, text = self.issuer.get(url, {"If-None-Match": headers["ETag"]})
        self.checks.that(f"{path} is not sent again", (status, text, again["ETag"]) == (304, "", headers["ETag"]),
                         f"{status} {again} {text}")
        status, _, _ = self.issuer.get(url, {"If-None-Match": '"other"'})
        self.checks.that(f"{path} is sent to those who have another one", status == 200, status)

    def documents(self):
        step("read the published keys")
        issuer = self.issuer.url
        jwks_url = f"{issuer}/.well-known/jwks.json"
        metadata = {"issuer": issuer, "jwks_uri": jwks_url, "response_types_supported": [],
                    "id_token_signing_alg_values_supported": ["RS256"]}
        for path in METADATA:
            self.check_document(issuer + path, "has the issuer, the URL of the keys and nothing that is not true",
                                lambda found: found == metadata)
        members = {"kty", "use", "alg", "kid", "n", "e"}
        kids = self.keys.kids()
        self.check_document(jwks_url, "has the two public keys, with nothing but public members",
                            lambda found: list(found) == ["keys"] and [key["kid"] for key in found["keys"]] == kids
                            and all(set(key) == members for key in found["keys"]))

    def libraries(self, token, scratch):
        """Checks that unmodified libraries accept a token and refuse forged ones, and that nothing but the time of an
        expired token is wrong: signed by the test with valid times, the same claims are accepted."""
        step("verify a token with other libraries")
        key = access_tokens.private_key(self.keys.ring(), access_tokens.kid(token))
        valid = {"of login": token, "signed by the test": access_tokens.sign(token, key)}
        forged = access_tokens.forged(token, key)
        outcomes = {"PyJWT": self.with_pyjwt(valid | forged)} | self.with_node(valid | forged, scratch)
        sub = access_tokens.claims(token)["sub"]
        for library, found in outcomes.items():
            self.checks.that(f"{library} accepts the token of login", found["of login"] == sub, found)
            self.checks.that(f"{library} accepts one that the test signed with the key", found["signed by the test"] == sub,
                             found)
            accepted = [name for name in forged if found[name] == sub or not is_refusal(found[name])]
            self.checks.that(f"{library} refuses {len(forged)} others ({found['expired']}, ...)", not accepted, found)

    def with_pyjwt(self, tokens):
        client = jwt.PyJWKClient(self.issuer.jwks_url())
        return {name: self.verify(client, token) for name, token in tokens.items()}

    def verify(self, client, token):
        try:
            key = client.get_signing_key_from_jwt(token)
            return jwt.decode(token, key, ["RS256"], audience=self.issuer.audience, issuer=self.issuer.url)["sub"]
        except jwt.PyJWTError as error:
            return type(error).__name__

    def with_node(self, tokens, scratch):
        url = self.issuer.jwks_url()
        with tls_front(self.issuer.port, scratch) as (front, certificate):
            question = {"jwksUri": url, "httpsJwksUri": front + urlsplit(url).path, "issuer": self.issuer.url,
                        "audience": self.issuer.audience, "tokens": tokens}
            done = subprocess.run(["node", "verify.mjs"], cwd=VERIFIERS, input=json.dumps(question), text=True,
                                  capture_output=True, timeout=SECONDS_TO_RESPOND,
                                  env=os.environ | {"NODE_EXTRA_CA_CERTS": str(certificate)})
        if done.returncode:
            raise Failure(f"verify.mjs failed\n{done.stderr}")
        return json.loads(done.stdout)


def is_refusal(outcome):
    """Returns whether a library's error is about the token, not about its keys or the connection."""
    return not any(part in outcome for part in ("Connection", "Fetch", "Timeout", "TypeError"))


class GuardedApi:
    """An API of another stack, which API Gateway guards with the issuer and the audience that the first one exports."""

    def __init__(self, checks, client, port, sign_in_stack):
        self.checks, self.cloudformation, self.port = checks, client("cloudformation"), port
        step("guard an API of another stack")
        self.cloudformation.create_stack(
            StackName=GUARDED_STACK, TemplateBody=GUARDED_API.read_text(), Capabilities=["CAPABILITY_IAM"],
            Parameters=[{"ParameterKey": "SignInStack", "ParameterValue": sign_in_stack}])
        self.wait("stack_create_complete")
        stack = self.cloudformation.describe_stacks(StackName=GUARDED_STACK)["Stacks"][0]
        self.host = f"{stack['Outputs'][0]['OutputValue']}.execute-api.localhost"

    def wait(self, event):
        self.cloudformation.get_waiter(event).wait(StackName=GUARDED_STACK, WaiterConfig={"Delay": 1})

    def get(self, token=None, path="/orders"):
        """Returns the status and the text of a response."""
        headers = {"Authorization": f"Bearer {token}"} if token else None
        status, _, text = request(self.port, "GET", path, self.host, headers)
        return status, text

    def check(self, token, keys):
        key = access_tokens.private_key(keys.ring(), access_tokens.kid(token))
        sub, response = access_tokens.claims(token)["sub"], self.get(token)
        self.checks.that("its authorizer accepts a token of login", response == (200, sub), response)
        response = self.get(access_tokens.sign(token, key))
        self.checks.that("and one that the test signed with the key", response[0] == 200, response)
        response = self.get(token, "/refunds")
        self.checks.that("but not for a route with a scope that the token lacks", response[0] == 403, response)
        response = self.get()
        self.checks.that("it refuses a call without a token", response[0] == 401, response)
        for name, forged in access_tokens.forged(token, key).items():
            response = self.get(forged)
            self.checks.that(f"it refuses a token: {name}", response[0] == 401, response)

    def check_next(self, tokens):
        """Checks tokens after two rotations, by the keys that signed them. API Gateway has cached the keys since before
        the first one, which made the standby of that time active."""
        statuses = [self.get(token)[0] for token in list(tokens.values())[:2]]
        self.checks.that("its authorizer accepts tokens of before and after a rotation, with the keys that it cached "
                         "before", statuses == [200, 200], statuses)

    def delete(self):
        self.cloudformation.delete_stack(StackName=GUARDED_STACK)
        self.wait("stack_delete_complete")
