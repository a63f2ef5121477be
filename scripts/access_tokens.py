"""Access tokens that the test creates, to compare verifiers. They are signed like those of `login`."""

import base64
import hashlib
import hmac
import json
import time

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm

MINUTES = 60


def encode(members):
    return base64.urlsafe_b64encode(members).rstrip(b"=").decode()


def decode(part):
    """Returns the members of a part of a token."""
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def header(token):
    return decode(token.split(".")[0])


def claims(token):
    return decode(token.split(".")[1])


def kid(token):
    return header(token)["kid"]


def private_key(ring, kid_):
    """Returns a key of a private set."""
    return RSAAlgorithm.from_jwk(next(key for key in ring["keys"] if key["kid"] == kid_))


def sign(token, key, **changes):
    """Signs the claims of a token again, with these changes."""
    own = header(token)
    return jwt.encode(claims(token) | changes, key, "RS256", headers={"kid": own["kid"], "typ": own["typ"]})


def expired(token, key):
    """Returns a token that differs from `token` only in its times: it expired a minute ago."""
    lifetime = claims(token)["exp"] - claims(token)["iat"]
    issued = int(time.time()) - MINUTES - lifetime
    return sign(token, key, iat=issued, nbf=issued, exp=issued + lifetime)


def forged(token, key):
    """Returns tokens that no verifier may accept, by what is wrong with them. `key` signed `token`."""
    head, body, signature = token.split(".")
    admin = encode(json.dumps(claims(token) | {"roles": ["Admin"]}).encode())
    none = encode(json.dumps(header(token) | {"alg": "none"}).encode())
    return {
        "expired": expired(token, key),
        "signed by another key": sign(token, generate_private_key(65537, 2048)),
        "with other claims": f"{head}.{admin}.{signature}",
        "without a signature": f"{none}.{body}.",
        "signed with the public key as HMAC secret": with_mac(token, key.public_key()),
        "of another issuer": sign(token, key, iss="https://attacker.example.com"),
        "for another audience": sign(token, key, aud="other", client_id="other"),
    }


def with_mac(token, public_key):
    """Signs a token as HS256, with the published key in PEM form as secret."""
    secret = public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head = encode(json.dumps(header(token) | {"alg": "HS256"}).encode())
    signed = f"{head}.{token.split('.')[1]}"
    return f"{signed}.{encode(hmac.digest(secret, signed.encode(), hashlib.sha256))}"
