"""The API of the bundle, as a client calls it."""

import json

from local_aws import request


class Api:
    """Calls the deployed API over HTTP."""

    def __init__(self, port, api_id, quiet=False):
        self.port = port
        self.host = f"{api_id}.execute-api.localhost"
        self.quiet = quiet

    def call(self, method, path, headers=None, body=None):
        """Returns the status and parsed body, and prints both unless it is quiet. An empty body is None."""
        status, _, text = request(self.port, method, path, self.host, headers, body)
        try:
            parsed = json.loads(text) if text else None
        except ValueError:
            parsed = text
        if not self.quiet:
            print(f"        {method} {path} -> {status} {json.dumps(truncated(parsed))}", flush=True)
        return status, parsed

    def post(self, endpoint, body):
        return self.call("POST", f"/api/v1/{endpoint}", {"Content-Type": "application/json"}, json.dumps(body))

    def signed_in(self, method, endpoint, token, body=None):
        """Calls an endpoint as the user of an access token."""
        headers = {"Authorization": f"Bearer {token}"}
        if body is None:
            return self.call(method, f"/api/v1/{endpoint}", headers)
        return self.call(method, f"/api/v1/{endpoint}", headers | {"Content-Type": "application/json"}, json.dumps(body))

    def login(self, email, password):
        return self.post("login", {"email": email, "password": password})

    def refresh(self, token):
        return self.post("refresh", {"refresh_token": token})

    def logout(self, token, all_sessions=False):
        return self.post("logout", {"refresh_token": token, "all_sessions": all_sessions})

    def me(self, token=None):
        return self.call("GET", "/api/v1/me", {"Authorization": f"Bearer {token}"} if token else None)


def truncated(body):
    """Returns a body as it may be printed: tokens are truncated."""
    if not isinstance(body, dict):
        return body
    return {name: value[:12] + "..." if name.endswith("_token") else value for name, value in body.items()}
