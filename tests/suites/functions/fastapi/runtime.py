"""Runs the tutorial's application on a Lambda Runtime API. Unlike awslambdaric, it also runs on macOS."""

import json
import os
from urllib.request import Request, urlopen

from app import handler

INVOCATION = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"

while True:
    with urlopen(f"{INVOCATION}/next") as event:
        request_id = event.headers["lambda-runtime-aws-request-id"]
        response = json.dumps(handler(json.load(event), None))
    urlopen(Request(f"{INVOCATION}/{request_id}/response", response.encode())).close()
