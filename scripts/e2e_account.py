"""What the steps of `make e2e` about self-service share: users, their emails, and the links in them."""

import email
import email.policy
import functools
import secrets
from typing import NamedTuple

from local_aws import run
from local_stack import APP, AUTHCTL, SECONDS_FOR_AUTHCTL, SENDER

# What the page shows, as tests/browser/open_links.mjs names it.
OPEN, DONE, INVALID, COMMON = "open", "done", "invalid", "common"
REFUSED = (401, {"detail": "Invalid email or password"})
ENDED = (401, {"detail": "User not found"})


class User(NamedTuple):
    email: str
    password: str


class Site:
    """The API, the emails that it sends, and the browser of its users."""

    def __init__(self, checks, stack, api, mailbox, browser):
        self.checks, self.stack, self.api = checks, stack, api
        self.mailbox, self.browser = mailbox, browser
        # What no log may contain.
        self.secrets = []

    def new_password(self):
        password = secrets.token_urlsafe(24)
        self.secrets.append(password)
        return password

    def add_user(self, name, role="Reader=read"):
        user = User(f"{name}@example.com", self.new_password())
        self.stack.authctl("user", "add", user.email, "--role", role, stdin=user.password + "\n")
        return user

    def log_in(self, email, password):
        """Returns the tokens of a login, and counts a failure."""
        status, tokens = self.api.login(email, password)
        self.checks.that(f"{email} can log in", status == 200, (status, tokens))
        if status == 200:
            self.secrets += [tokens["access_token"], tokens["refresh_token"]]
        return tokens

    def mail(self, address, kind, has_link=False, name=None):
        """Takes an email of a kind, and checks its sender, its HTML and its links."""
        title = subject(kind)
        mail = self.mailbox.take(address, title)
        heading, targets = self.browser.show(mail, f"mail-{name or kind}")
        self.checks.that(f"{address} gets the email: {title}", (mail.sender, heading) == (SENDER, title), (mail.sender, heading))
        # The HTML has a button and the plain link.
        self.checks.that("its text and its HTML have " + ("the same link" if has_link else "no link"),
                         targets == mail.links * 2 and len(mail.links) == has_link, f"{len(targets)}, {len(mail.links)}")
        self.secrets += [address, *(link.partition("token=")[2] for link in mail.links)]
        return mail

    def use(self, mail, passwords, name, expected):
        """Opens the link of an email in Chromium, and clicks its button once for each password."""
        shown, problems = self.browser.use(mail.link, passwords, name)
        self.checks.that(f"the page behind its link shows: {', '.join(expected)}", shown == [OPEN, *expected], shown)
        self.checks.that("Chromium reports no problem with it", not problems, problems)

    def expect(self, what, found, expected):
        self.checks.that(what, found == expected, found)


@functools.cache
def subject(kind):
    """Returns the subject of emails of a kind."""
    preview = run(["env", f"APP_NAME={APP}", AUTHCTL, "mail", "preview", kind, "--to", "anyone@example.com"], SECONDS_FOR_AUTHCTL)
    return email.message_from_string(preview, policy=email.policy.default)["Subject"]
