"""The emails that the local AWS has sent. It keeps them instead of delivering them."""

import json
import re
import time
from typing import NamedTuple

from local_aws import Failure, request

SECONDS_TO_ARRIVE = 30


class Mail(NamedTuple):
    """An email that was sent."""

    sender: str
    to: list
    subject: str
    text: str
    html: str

    @property
    def links(self):
        """Returns the links of the text."""
        return re.findall(r"https?://\S+", self.text)

    @property
    def link(self):
        """Returns the only link of the text."""
        if len(self.links) != 1:
            raise Failure(f"the email {self.subject!r} has {len(self.links)} links instead of one")
        return self.links[0]


class Mailbox:
    """All sent emails. Each of them is taken once, so those that no one expected remain."""

    def __init__(self, port):
        self.port = port
        self.taken = set()

    def new(self):
        """Returns the emails that were not taken, by their ids."""
        status, _, text = request(self.port, "GET", "/_ministack/ses/messages", "localhost")
        if status != 200:
            raise Failure(f"the local AWS does not show its emails: {status} {text[:300]}")
        sent = [one for account in json.loads(text)["messages"].values() for one in account]
        return {one["MessageId"]: Mail(one["Source"], one["To"], one["Subject"], one["BodyText"], one["BodyHtml"] or "")
                for one in sent if one["MessageId"] not in self.taken}

    def take(self, address, subject):
        """Waits for an email to this address with this subject, and returns it."""
        deadline = time.monotonic() + SECONDS_TO_ARRIVE
        while True:
            mails = self.new()
            for key, mail in mails.items():
                if (mail.to, mail.subject) == ([address], subject):
                    self.taken.add(key)
                    return mail
            if time.monotonic() > deadline:
                found = [(mail.to, mail.subject) for mail in mails.values()]
                raise Failure(f"no email {subject!r} to {address} arrived, only {found}")
            time.sleep(0.1)
