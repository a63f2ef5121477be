"""Steps of `make e2e` about changes of the keys: rotations under traffic, revocation, and a restored table."""

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import access_tokens
from local_aws import step
from stack_keys import HOUR
from traffic import Traffic

SECONDS_FOR_AUTHCTL = 60
# How long a standby must have been public before it signs.
STANDBY_AGE = 3 * HOUR
# How long a key stays public after it has been replaced: the lifetime of a token, and 25 hours.
RETENTION = 26 * HOUR
# What a run takes at most, and a look at the served keys.
SECONDS_OF_A_RUN = 600
SECONDS_TO_LOOK = 30
CONFLICT = 9
INVALID = (401, {"detail": "Invalid token"})
ATTEMPTS = 5


class Rotation:
    """Changes the keys of a stack, and checks what tokens of which keys are accepted."""

    def __init__(self, checks, keys, issuer, processes, authctl):
        self.checks, self.keys, self.issuer, self.processes = checks, keys, issuer, processes
        self.command = authctl

    def authctl(self, *arguments):
        """Runs a command on the keys. Returns its exit code and output."""
        done = subprocess.run([*self.command, "keys", *arguments], text=True, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=SECONDS_FOR_AUTHCTL)
        output = done.stdout + done.stderr
        print(f"        authctl keys {' '.join(arguments)} -> {done.returncode} {output.strip()}", flush=True)
        return done.returncode, output

    def served(self):
        """Returns the kids that a new process of discovery serves through the API."""
        self.processes.renew("DiscoveryFunction")
        return self.issuer.jwks()

    def under_traffic(self, clients):
        """Rotates twice in four steps each, while clients log in and call `me`. Returns the traffic.

        Three hours pass before each rotation, so that the standby may sign. In these hours all processes would have
        read the keys again, so the API gets new ones for them; they are warm when the rotation begins.
        """
        step("rotate twice while clients sign in")
        first, second = self.keys.kids()
        with Traffic(clients) as traffic:
            for _ in range(2):
                started = time.monotonic()
                self.keys.age(STANDBY_AGE)
                self.processes.renew("LoginFunction", "MeFunction")
                traffic.wait()
                self.keys.rotate(traffic.wait)
                print(f"        rotated in {time.monotonic() - started:.0f} s: {traffic.summary()}", flush=True)
        self.checks.that(f"no login and no token was refused: {traffic.summary()}", not traffic.refused, traffic.refused[:3])
        third, fourth = self.keys.kids()
        expected = [first, second, third]
        self.checks.that("tokens of three keys were accepted, one after the other", list(traffic.by_kid) == expected,
                         f"{list(traffic.by_kid)} instead of {expected}")
        served = self.served()
        self.checks.that("the API serves the key that signs, the next one, and two that verify",
                         served == [third, fourth, second, first], f"{served}, in the secret {[third, fourth]}")
        return traffic

    def too_early(self):
        step("rotate again at once")
        before = self.keys.ring()
        result, failed = self.keys.step("createSecret", "a-rotation-that-comes-too-early-0000")
        self.checks.that("a rotation by Secrets Manager is refused", failed and result["errorType"] == "StandbyTooNew", result)
        code, output = self.authctl("rotate")
        self.checks.that("authctl keys rotate is refused, with the reason", code == 1
                         and "has been public for 0 minutes" in output, f"{code} {output}")
        self.checks.that("neither changes the keys", self.keys.ring() == before, "they differ")
        code, output = self.authctl("rotate", "--now")
        self.checks.that("authctl keys rotate --now is not refused", code == 0
                         and self.keys.kids()[0] == before["keys"][1]["kid"], f"{code} {output}")

    def two_operators(self):
        """Starts two rotations at once, again if one was so fast that they did not meet."""
        step("rotate by two operators at once")
        for _ in range(ATTEMPTS):
            standby = self.keys.kids()[1]
            with ThreadPoolExecutor() as operators:
                done = list(operators.map(lambda _: self.authctl("rotate", "--now"), range(2)))
            codes = sorted(code for code, _ in done)
            if codes != [0, 0]:
                break
        self.checks.that("one rotates the keys, and the other fails with exit code 9", codes == [0, CONFLICT], done)
        self.checks.that("the other says why", any("another run changed the keys at the same time" in text for _, text in done), done)
        active = self.keys.kids()[0]
        self.checks.that("the keys were rotated once", active == standby, f"{active} instead of {standby}")

    def retire(self, token, ring):
        """Checks a token of a key that no longer signs. `ring` is a private set with the key."""
        step("retire a key")
        old = access_tokens.kid(token)
        response = self.processes.me(token)
        self.checks.that("the token of an old key is accepted", old not in self.keys.kids() and response[0] == 200, response)
        response = self.processes.me(access_tokens.expired(token, access_tokens.private_key(ring, old)))
        self.checks.that("until it expires", response == (401, {"detail": "Token has expired"}), response)
        left = self.keys.seconds_left(old)
        self.checks.that("the key is public for 26 hours after it was replaced, three of which have passed",
                         RETENTION - STANDBY_AGE - SECONDS_OF_A_RUN < left <= RETENTION - STANDBY_AGE, left)
        self.keys.age(left - SECONDS_TO_LOOK)
        served = self.served()
        self.checks.that("it is served until then", old in served, served)
        self.keys.age(SECONDS_TO_LOOK)
        served, kids = self.served(), self.keys.kids()
        self.checks.that("and not longer", old not in served and served[:2] == kids, served)
        response = self.processes.me(token)
        self.checks.that("nor is it accepted", response == INVALID, response)

    def revoke(self, client):
        """Revokes the key that signs. A process reads the keys again after 15 minutes, so new ones stand for those:
        published_keys.rs moves the clock of a guard."""
        step("revoke a key")
        self.processes.renew("LoginFunction", "MeFunction")
        token = client.token()
        self.checks.that("the key signs, and its token is accepted", access_tokens.kid(token) == self.keys.kids()[0]
                         and client.me(token)[0] == 200, access_tokens.header(token))
        code, output = self.authctl("revoke", access_tokens.kid(token), "--yes")
        self.processes.renew("LoginFunction", "MeFunction")
        response = client.me(token)
        self.checks.that("its tokens are refused after a revocation", code == 0 and response == INVALID,
                         f"{code} {output} {response}")
        served = self.served()
        self.checks.that("it is no longer served", access_tokens.kid(token) not in served, served)
        response = client.me(client.token())
        self.checks.that("login signs with the next one, and me accepts it", response[0] == 200, response)

    def restored_before_rotations(self, client):
        step("restore the table to before two rotations")
        backup = self.keys.item()
        for _ in range(2):
            self.authctl("rotate", "--now")
        self.keys.restore(backup)
        self.processes.renew("LoginFunction", "MeFunction")
        token = client.token()
        served, response = self.served(), client.me(token)
        self.checks.that("a token of the key that signs is refused, and the key is not served", response == INVALID
                         and access_tokens.kid(token) not in served, f"{response} {served}")
        code, output = self.authctl("repair")
        self.processes.renew("MeFunction")
        served, response = self.served(), client.me(token)
        self.checks.that("after authctl keys repair, the token is accepted", code == 0 and response[0] == 200,
                         f"{output} {response}")
        self.checks.that("and the keys of the secret are served first", served[:2] == self.keys.kids(), served)

    def restored_before_revocation(self, client, deploy):
        step("restore the table to before a revocation")
        token = client.token()
        revoked, backup = access_tokens.kid(token), self.keys.item()
        self.authctl("revoke", revoked, "--yes")
        self.keys.restore(backup)
        self.processes.renew("MeFunction")
        served, response = self.served(), client.me(token)
        self.checks.that("the revoked key is accepted and served again", response[0] == 200 and revoked in served,
                         f"{response} {served}")
        deploy()
        self.processes.renew("MeFunction")
        served, response = self.served(), client.me(token)
        self.checks.that("after a deploy it is refused", response == INVALID, response)
        self.checks.that("and the keys of the secret are served first", revoked not in served
                         and served[:2] == self.keys.kids(), served)
