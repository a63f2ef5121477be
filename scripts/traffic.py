"""Continuous logins and calls of `me`, by warm and by new processes, which accept each other's tokens."""

import threading
import time
from collections import Counter
from typing import Callable, NamedTuple

from access_tokens import kid
from local_aws import Failure

SECONDS_FOR_A_ROUND = 60


class Client(NamedTuple):
    """A user who logs in and calls `me`. Both return the status and the body of a response."""

    log_in: Callable
    me: Callable

    def token(self):
        """Returns the access token of a login."""
        status, body = self.log_in()
        if status != 200:
            raise Failure(f"the login failed: {status} {body}")
        return body["access_token"]


class Traffic:
    """Clients, by name, that log in and call `me` until the block ends."""

    def __init__(self, clients):
        self.clients = clients
        self.rounds = Counter()
        self.counts = Counter()
        self.refused = []
        self.first = None
        # The newest token of each client, and one of each key.
        self.newest, self.by_kid = {}, {}
        self.stopped = threading.Event()
        self.threads = [threading.Thread(target=self.work, args=(name,), daemon=True) for name in clients]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        self.wait()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for thread in self.threads:
            thread.join(SECONDS_FOR_A_ROUND)

    def work(self, name):
        """Logs in, and calls `me` with the first token of all, the new one and the newest one of each other client."""
        try:
            while not self.stopped.is_set():
                self.log_in(name)
                for token in {self.first, *self.newest.values()}:
                    self.call_me(name, token)
                self.rounds[name] += 1
        except Exception as error:  # Any error counts as a refusal.
            self.refused.append(f"{name}: {type(error).__name__}: {error}")

    def log_in(self, name):
        status, body = self.clients[name].log_in()
        if status != 200:
            self.refused.append(f"{name} login: {status} {body}")
            return
        token = body["access_token"]
        self.counts[f"{name} logins"] += 1
        self.first = self.first or token
        self.newest[name] = token
        self.by_kid.setdefault(kid(token), token)

    def call_me(self, name, token):
        status, body = self.clients[name].me(token)
        if status == 200:
            self.counts[f"{name} calls of me"] += 1
        else:
            self.refused.append(f"{name} me: {status} {body}, key {kid(token)}")

    def wait(self):
        """Waits until each client has done a whole round that began after this call."""
        goal = {name: self.rounds[name] + 2 for name in self.clients}
        deadline = time.monotonic() + SECONDS_FOR_A_ROUND
        while any(self.rounds[name] < rounds for name, rounds in goal.items()):
            if time.monotonic() > deadline:
                raise Failure(f"the traffic has stopped: {self.refused[-3:]}")
            time.sleep(0.05)

    def summary(self):
        counts = ", ".join(f"{number} {what}" for what, number in sorted(self.counts.items()))
        return f"{counts}, {len(self.by_kid)} keys, {len(self.refused)} refused"
