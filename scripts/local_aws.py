"""A local AWS for the tests of deploys, and what they share: processes that end with the run, and checks.

The local AWS is ministack. The caller's AWS settings are dropped, so no real account can be reached.
"""

import contextlib
import gzip
import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools"
SAM = os.environ.get("SAM", str(TOOLS / "venv/bin/sam"))
REGION = "us-east-1"
SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
SECONDS_TO_START = 60
SECONDS_TO_BUILD = 3600
SECONDS_TO_DEPLOY = 600
SECONDS_TO_RESPOND = 30


class Failure(Exception):
    """The run can't continue."""


class Checks:
    """Prints one line per assertion and counts the results."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    def that(self, statement, holds, evidence=""):
        if holds:
            self.passed += 1
            print(f"ok      {statement}", flush=True)
        else:
            self.failed += 1
            print(f"FAILED  {statement}: {evidence}", flush=True)


def end_group(process):
    """Kills a process and everything it started. Each process leads its own process group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def run(command, timeout, *, stdin="", show=False, variables=None):
    """Runs a command, with these variables, and returns its output. With `show`, the output is printed as it arrives
    instead."""
    output = None if show else subprocess.PIPE
    try:
        process = subprocess.Popen(command, cwd=ROOT, env=os.environ | (variables or {}), text=True,
                                   start_new_session=True, stdin=subprocess.PIPE, stdout=output,
                                   stderr=None if show else subprocess.STDOUT)
    except OSError as error:
        raise Failure(f"cannot run {command[0]}: {error.strerror}") from error
    name = " ".join(map(str, command[:2]))
    try:
        printed, _ = process.communicate(stdin, timeout)
    except subprocess.TimeoutExpired as error:
        raise Failure(f"{name} didn't finish within {timeout} seconds") from error
    finally:
        end_group(process)
    if process.returncode != 0:
        raise Failure(f"{name} exited with {process.returncode}\n{printed or ''}")
    return printed or ""


def require_tool(name, hint):
    if not shutil.which(name):
        raise Failure(f"{name} is missing: {hint}")


def isolate_environment(port, scratch):
    """Points this process and everything it starts at the local AWS, and drops the caller's own settings."""
    foreign = re.compile(r"(AWS|SAM|AUTH|AUTHORIZER|JWT|LOGIN|SESSION|COUNTER|ACTION|PASSWORD|MAIL|APP|SIGN_UP)_|AUTH$"
                         r"|SIGN_UP$|(https?|all)_proxy$", re.IGNORECASE)
    for name in filter(foreign.match, list(os.environ)):
        del os.environ[name]
    nothing = scratch / "nothing"
    nothing.touch()
    path = [os.environ.get("PATH", "")]
    if (TOOLS / "bin/cargo-lambda").exists():
        # This cargo-lambda finds its linker, zig, through the `python3` installed next to it.
        path.insert(0, str(TOOLS / "venv/bin"))
    os.environ.update({
        "PATH": os.pathsep.join(path),
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        # Root user of the local AWS.
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_CONFIG_FILE": str(nothing),
        "AWS_SHARED_CREDENTIALS_FILE": str(nothing),
        "AWS_EC2_METADATA_DISABLED": "true",
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_POLL_DELAY": "1",
    })


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def ministack(port, scratch):
    """Runs a local AWS for the duration of the block. Its state is in memory, its files are in `scratch`."""
    log = scratch / "ministack.log"
    settings = {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "TMPDIR": str(scratch),
        # Check signatures and role policies.
        "AUTH": "true",
        # Turn off listeners with fixed ports.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        # Lambda sets these and ministack doesn't, so the functions inherit them.
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_LEVEL": "INFO",
    }
    with log.open("w") as output:
        process = subprocess.Popen([sys.executable, "-m", "ministack"], cwd=scratch, env=os.environ | settings,
                                   stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
    try:
        deadline = time.monotonic() + SECONDS_TO_START
        while not is_up(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise Failure(f"ministack is not responding\n{log.read_text()[-4000:]}")
            time.sleep(0.2)
        yield log
    finally:
        end_group(process)


def is_up(port):
    try:
        return request(port, "GET", "/_ministack/health", "localhost")[0] == 200
    except OSError:
        return False


def request(port, method, path, host, headers=None, body=None):
    """Sends a request and returns the status, headers and text of the response."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS_TO_RESPOND)
    try:
        connection.request(method, path, body, {"Host": host} | (headers or {}))
        response = connection.getresponse()
        content = response.read()
        if response.headers["Content-Encoding"] == "gzip":
            content = gzip.decompress(content)
        return response.status, response.headers, content.decode()
    finally:
        connection.close()


def step(title):
    print(f"\n== {title}", flush=True)


def leave(number, _):
    """Ends the run so that processes are still cleaned up, even if a second signal arrives."""
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    sys.exit(128 + number)


def main(test):
    """Runs `test(checks, scratch)` with the environment of the local AWS, prints the result and ends the process."""
    for number in SIGNALS:
        signal.signal(number, leave)
    checks = Checks()
    try:
        with tempfile.TemporaryDirectory(prefix="e2e-") as scratch:
            test(checks, Path(scratch))
    except Failure as failure:
        checks.that("the run completed", False, failure)
    except Exception as error:  # Any error counts as a failed check.
        checks.that("the run completed", False, f"{type(error).__name__}: {error}")
    print(f"\n{checks.passed} passed, {checks.failed} failed")
    sys.exit(1 if checks.failed else 0)
