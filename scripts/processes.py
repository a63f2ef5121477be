"""Processes of functions in the local AWS, which it keeps for later calls as Lambda does, and new ones."""

import itertools
import json
import threading

from local_aws import ROOT

EVENTS = ROOT / "events"


class Processes:
    """Starts processes of a stack's functions.

    Calls through the API go to the alias `live`, whose processes are warm after the first calls. The test has the
    unpublished version for itself: a change of its configuration ends its processes, so the next call starts one.
    """

    def __init__(self, client, ids):
        self.functions = client("lambda")
        self.ids = ids
        self.sizes = itertools.count(1024)
        self.lock = threading.Lock()

    def call_new(self, function, event):
        """Calls a new process. Returns the status and the parsed body of its response."""
        with self.lock:
            self.change(function)
            response = self.functions.invoke(FunctionName=self.ids[function], Payload=json.dumps(event))
            result = json.load(response["Payload"])
        body = result.get("body")
        return result.get("statusCode", result), json.loads(body) if body else None

    def renew(self, *functions):
        """Moves the API to a new version of each function, and so to new processes, as a deploy does."""
        with self.lock:
            for function in functions:
                self.change(function)
                name = self.ids[function]
                version = self.functions.publish_version(FunctionName=name)["Version"]
                self.functions.update_alias(FunctionName=name, Name="live", FunctionVersion=version)

    def change(self, function):
        """Changes the memory. The local AWS ignores it, but ends the processes."""
        self.functions.update_function_configuration(FunctionName=self.ids[function], MemorySize=next(self.sizes))

    def login(self, email, password):
        body = json.dumps({"email": email, "password": password})
        return self.call_new("LoginFunction", event("login_success") | {"body": body})

    def me(self, token):
        sent = event("me_success")
        sent["headers"]["authorization"] = f"Bearer {token}"
        return self.call_new("MeFunction", sent)


def event(name):
    return json.loads((EVENTS / f"{name}.json").read_text())
