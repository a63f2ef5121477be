"""Replays a sample event of events/ against the functions that `make run` serves, and prints the response.

The argument is the event's file name without `.json`. Its placeholders, which events/README.md lists, get the tokens of a
real login, or tokens made from them. LOCAL is the folder of `make run`.
"""

import base64
import gzip
import hmac
import http.client
import json
import os
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).parent.parent
LOCAL = ROOT / (os.environ.get("LOCAL") or ".local")
CREDENTIALS = {"email": "john.doe@leapify.tech", "password": "changeme"}
SECONDS_TO_RESPOND = 60


class Failure(Exception):
    """An error to show to the user."""


def main(name):
    event = read_event(name)
    settings = read_settings(LOCAL / "running.env")
    port = os.environ.get("PORT") or settings.get("PORT", "9000")
    if not port.isdecimal():
        raise Failure(f"PORT must be a number, not {port}")
    placeholders = set(re.findall(r"{{token:(\w+)}}", event))
    if placeholders:
        tokens = make_tokens(log_in(port), settings)
        for placeholder in placeholders:
            if placeholder not in tokens:
                raise Failure(f"{name} has an unknown placeholder, {placeholder}")
            event = event.replace(f"{{{{token:{placeholder}}}}}", tokens[placeholder]())
    function = name.split("_")[0]
    status, text = post(port, f"/2015-03-31/functions/{function}/invocations", event)
    if status != 200:
        raise Failure(f"{function} cannot process the event: {text}")
    print_response(json.loads(text))


def read_event(name):
    names = sorted(path.stem for path in ROOT.glob("events/*.json"))
    if name not in names:
        problem = f"there is no event {name}" if name else "EVENT is not set"
        raise Failure("\n  ".join([f"{problem}. The events are:", *names]))
    return (ROOT / f"events/{name}.json").read_text()


def read_settings(path):
    """Reads lines of NAME=value. A file that does not exist has none."""
    lines = path.read_text().splitlines() if path.exists() else []
    return dict(line.split("=", 1) for line in lines)


def post(port, path, body):
    """Posts JSON and returns the status and text of the response."""
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=SECONDS_TO_RESPOND)
    try:
        connection.request("POST", path, body.encode(), {"content-type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read().decode()
    except ConnectionRefusedError:
        raise Failure(f"nothing listens on port {port}: start the functions with make run") from None
    except (http.client.HTTPException, ConnectionError) as error:
        raise Failure(f"port {port} closed the connection ({error}): make run's output may say why") from error
    except TimeoutError:
        raise Failure(f"no response within {SECONDS_TO_RESPOND} s: make run's output may say why") from None


def log_in(port):
    status, text = post(port, "/api/v1/login", json.dumps(CREDENTIALS))
    if status != 200:
        raise Failure(f"the event needs a token, but {CREDENTIALS['email']} cannot log in: {status} {text}")
    return json.loads(text)


def make_tokens(login, settings):
    """Returns the functions that make the token of each placeholder."""
    good = login["access_token"]
    header, claims, _ = good.split(".")
    decoded = json.loads(decode(claims))
    two_lifetimes = 2 * (decoded["exp"] - decoded["iat"])
    earlier = {claim: decoded[claim] - two_lifetimes for claim in ("iat", "nbf", "exp")}

    def signed(changes):
        changed = json.dumps(decoded | changes, separators=(",", ":"))
        message = f"{header}.{encode(changed.encode())}"
        return f"{message}.{encode(mac(good, message, settings))}"

    unsigned = json.loads(decode(header)) | {"alg": "none"}
    return {
        "good": lambda: good,
        "refresh": lambda: login["refresh_token"],
        "expired": lambda: signed(earlier),
        "unknown_user": lambda: signed({"sub": "2", "email": "jane.doe@leapify.tech"}),
        "other_id": lambda: signed({"sub": "2"}),
        "other_roles": lambda: signed({"roles": ["Owner"], "scope": "own"}),
        "tampered": lambda: good.replace(".ey", ".ez", 1),
        "none": lambda: f"{encode(json.dumps(unsigned).encode())}.{claims}.",
        # A session id, generation 0, and a random MAC.
        "forged_refresh": lambda: encode(os.urandom(16) + bytes(4) + os.urandom(32)),
    }


def mac(good, message, settings):
    """Signs with the key of the functions, after checking that it is the key of a good token."""
    signed, signature = good.rsplit(".", 1)
    algorithm = json.loads(decode(good.split(".")[0]))["alg"]
    if not algorithm.startswith("HS"):
        raise Failure(f"the event needs a token that only the functions can sign with {algorithm}: leave JWT_ALGORITHM out")
    key = read_key(settings)

    def digest(text):
        return hmac.digest(key.encode(), text.encode(), f"sha{algorithm[2:]}")

    if digest(signed) != decode(signature):
        raise Failure("the event needs a token signed with the functions' key, which is not the one in the store")
    return digest(message)


def read_key(settings):
    if settings.get("STORE") == "dynamodb":
        return read_settings(LOCAL / "keys.env")["JWT_SECRET_KEY"]
    store = ROOT / settings.get("AUTH_FILE", LOCAL / "store.json")
    return json.loads(store.read_text())["secrets"].get("access_tokens", "")


def encode(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def print_response(response):
    """Prints what API Gateway would send, with the body decompressed. REST responses have lists of headers."""
    headers = {name: [value] for name, value in response.get("headers", {}).items()}
    headers |= response.get("multiValueHeaders", {})
    print(response["statusCode"])
    for name, values in sorted(headers.items()):
        for value in values:
            print(f"{name}: {value}")
    body = response.get("body") or ""
    if response.get("isBase64Encoded"):
        body = gzip.decompress(base64.b64decode(body)).decode()
    print(f"\n{body}")


if __name__ == "__main__":
    try:
        main(sys.argv[1] if len(sys.argv) > 1 else "")
    except Failure as failure:
        sys.exit(f"make invoke: {failure}")
