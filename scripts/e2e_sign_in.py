"""Steps of `make e2e` about a user: signing in and out, sessions, and passwords that are guessed."""

import json
import time

import access_tokens
from local_aws import request

EMAIL = "john.doe@example.com"
SECONDS_OF_GRACE = 30  # SESSION_GRACE


class SignIn:
    """Checks what a user sees."""

    def __init__(self, checks, stack, api, password):
        self.checks, self.stack, self.api, self.password = checks, stack, api, password
        stack.authctl("user", "add", EMAIL, "--role", "Admin=create,read,update,delete", stdin=password + "\n")

    def sign_in(self):
        """Checks the responses of login and me for an enabled user. Returns a token."""
        uniform = {"detail": "Invalid email or password"}
        status, body = self.api.login(EMAIL, self.password)
        token = body.get("access_token", "") if isinstance(body, dict) else ""
        self.checks.that("login returns a token", (status, token.count(".")) == (200, 2), f"{status}")
        self.checks.that("it is a Bearer token with the template's lifetime", isinstance(body, dict)
                         and (body.get("token_type"), body.get("expires_in")) == ("Bearer", 3600), "wrong type or lifetime")
        response = self.api.me(token)
        self.checks.that("me returns the signed-in user", response[0] == 200 and response[1].get("email") == EMAIL
                         and response[1].get("roles") == ["Admin"], response)
        response = self.api.login(EMAIL, self.password + "x")
        self.checks.that("a wrong password is rejected", response == (401, uniform), response)
        response = self.api.login("nobody@example.com", self.password)
        self.checks.that("an unknown email is rejected the same way", response == (401, uniform), response)
        response = self.api.me()
        self.checks.that("me rejects a call without a token",
                         response == (401, {"detail": "Not authenticated"}), response)
        head, _, mac = token.rpartition(".")
        response = self.api.me(f"{head}.{'B' if mac.startswith('A') else 'A'}{mac[1:]}")
        self.checks.that("me rejects a tampered token", response == (401, {"detail": "Invalid token"}), response)
        return token

    def check_issuer(self, token):
        issuer = access_tokens.claims(token)["iss"]
        self.checks.that("the issuer of the token is the URL that the parameter names", issuer == self.stack.issuer, issuer)

    def check_docs(self):
        """Checks that the page, its files and the contract are served, compressed and as they are."""
        for path, content_type, part in (("/docs", "text/html; charset=utf-8", "docs/docs.js"),
                                         ("/docs/swagger-ui.css", "text/css; charset=utf-8", ".swagger-ui"),
                                         ("/openapi.json", "application/json", '"openapi":"3.1.0"')):
            for encoding in ("gzip", None):
                sent = {"Accept-Encoding": encoding or "identity"}
                status, headers, text = request(self.api.port, "GET", path, self.api.host, sent)
                self.checks.that(f"{path} is served, with the encoding {encoding}", status == 200 and part in text
                                 and headers["Content-Type"] == content_type and headers["Content-Encoding"] == encoding
                                 and "default-src 'none'" in headers["Content-Security-Policy"],
                                 f"{status} {headers} {text[:300]}")
        status, headers, _ = request(self.api.port, "GET", "/", self.api.host)
        self.checks.that("the root leads to the page", status == 302 and headers["Location"] == "docs", f"{status} {headers}")

    def disable_and_enable(self, token):
        self.stack.authctl("user", "disable", EMAIL)
        response = self.api.login(EMAIL, self.password)
        self.checks.that("a disabled user cannot log in",
                         response == (401, {"detail": "Invalid email or password"}), response)
        response = self.api.me(token)
        self.checks.that("a disabled user's token is rejected",
                         response == (401, {"detail": "User not found"}), response)
        self.stack.authctl("user", "enable", EMAIL)
        response = self.api.me(token)
        self.checks.that("the token stays invalid after the user is enabled again", response[0] == 401, response)
        status, tokens = self.api.login(EMAIL, self.password)
        self.checks.that("the enabled user can log in again", status == 200, tokens)
        return tokens

    def sessions(self, tokens):
        """Checks refresh, token reuse and logout, and what an operator sees. Returns tokens of a live session."""
        invalid = (401, {"detail": "Invalid refresh token"})
        first = tokens["refresh_token"]
        status, second = self.api.refresh(first)
        self.checks.that("a refresh returns new tokens", (status, len(second)) == (200, 4), second)
        response = self.api.refresh(first)
        self.checks.that("resending the same token returns the same new token", response[0] == 200
                         and response[1]["refresh_token"] == second["refresh_token"], response[0])
        time.sleep(SECONDS_OF_GRACE + 1)
        response = self.api.refresh(first)
        self.checks.that("after the grace period, the old token is rejected", response == invalid, response)
        response = self.api.refresh(second["refresh_token"])
        self.checks.that("and its reuse ends the session", response == invalid, response)
        response = self.api.me(second["access_token"])
        self.checks.that("with its access tokens", response == (401, {"detail": "User not found"}), response)
        response = self.api.refresh(second["access_token"])
        self.checks.that("an access token is rejected as a refresh token", response == invalid, response)

        here, elsewhere = (self.api.login(EMAIL, self.password)[1] for _ in range(2))
        listed = self.stack.authctl("--json", "session", "list", EMAIL).splitlines()
        self.checks.that("authctl lists the two live sessions", len(listed) == 2, listed)
        response = self.api.logout(here["refresh_token"])
        self.checks.that("a logout returns 204", response == (204, None), response)
        response = self.api.refresh(here["refresh_token"])
        self.checks.that("the session has ended", response == invalid, response)
        response = self.api.me(here["access_token"])
        self.checks.that("with its access token", response == (401, {"detail": "User not found"}), response)
        self.api.logout(elsewhere["refresh_token"], all_sessions=True)
        response = self.api.me(elsewhere["access_token"])
        self.checks.that("a logout everywhere invalidates access tokens",
                         response == (401, {"detail": "User not found"}), response)
        status, tokens = self.api.login(EMAIL, self.password)
        self.checks.that("the user can log in again", status == 200, tokens)
        return tokens

    def lock_out(self):
        """Checks five wrong passwords, then the right one, and what an operator can do about it."""
        stranger = "jane.doe@example.com"
        for email in (EMAIL, stranger):
            statuses = [self.api.login(email, self.password + "x")[0] for _ in range(5)]
            self.checks.that(f"{email}: five wrong passwords are checked", statuses == [401] * 5, statuses)
            response = self.api.login(email, self.password)
            self.checks.that(f"{email}: the sixth is not checked", response == (429, {"detail": "Too many attempts"}), response)
        shown = [json.loads(line) for line in self.stack.authctl("--json", "attempts", "show", EMAIL).splitlines()]
        counts = [(one["subject"], one["failures"]) for one in shown]
        self.checks.that("authctl shows the attempts", [subject for subject, failures in counts if failures >= 5] == ["email"], shown)
        self.stack.authctl("attempts", "clear", EMAIL)
        response = self.api.login(EMAIL, self.password)
        self.checks.that("and clears them", response[0] == 200, response[0])
