"""Chromium, in which the test opens emails and their links, as users do."""

import json
import os
import select
import subprocess

from local_aws import ROOT, Failure, end_group

# As in tests/browser/checks.mjs.
CHROMIUM = os.environ.get("CHROMIUM") or "/usr/bin/chromium"
PROGRAM = ROOT / "tests/browser/open_links.mjs"
SECONDS_FOR_A_COMMAND = 60


class Browser:
    """A process of PROGRAM, which reads commands and writes results: lines of JSON."""

    def __enter__(self):
        # With SCREENSHOTS in its environment, it saves a picture of everything it shows there.
        self.process = subprocess.Popen(["node", str(PROGRAM)], cwd=ROOT, text=True, start_new_session=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ)
        return self

    def __exit__(self, *_):
        end_group(self.process)

    def use(self, link, passwords, name):
        """Opens a link in a new window and clicks the button once for each password, which is typed unless it is None.

        Returns what the page showed, first and after each click, and what the browser reported as a problem.
        """
        result = self.command({"link": link, "passwords": passwords, "name": name})
        return result["shown"], result["problems"]

    def show(self, mail, name):
        """Opens an email. Returns its heading and the targets of its links."""
        result = self.command({"mail": mail.html, "name": name})
        return result["heading"], result["links"]

    def command(self, command):
        try:
            self.process.stdin.write(json.dumps(command) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise Failure(f"{PROGRAM.name} has ended") from None
        if not select.select([self.process.stdout], [], [], SECONDS_FOR_A_COMMAND)[0]:
            raise Failure(f"Chromium did not open {command['name']} within {SECONDS_FOR_A_COMMAND} seconds")
        line = self.process.stdout.readline()
        result = json.loads(line) if line else {"error": "it has ended"}
        if "error" in result:
            raise Failure(f"{PROGRAM.name} failed at {command['name']}: {result['error']}")
        return result
