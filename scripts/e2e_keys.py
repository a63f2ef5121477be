"""Steps of `make e2e` about published keys: the documents, and verifiers of others.

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
