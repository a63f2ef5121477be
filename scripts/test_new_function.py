"""Creates two functions in a copy of the project, tests them and removes them. `make test-new-function` runs it.

Nothing that it does changes the project itself, except that Cargo builds into the same folder.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).parent.parent
# What the functions must pass, apart from the targets of make: the suites that look at every function.
TESTS = [["--test", "project"],
         ["--test", "functions", "--", "guards::", "events::", "rights::", "starts::", "logs::", "malformed_items::",
          "faults::keys_that_dynamodb"],
         ["--test", "watch", "--", "make_invoke_replays_every_event", "another_method"]]
# The second has a permission that the tutorial's user lacks, a parameter in its path, and a method that no other route has.
FUNCTIONS = [{"NAME": "orders", "METHOD": "GET", "ROUTE": "/api/v1/orders", "PERMISSION": "read"},
             {"NAME": "order-items", "METHOD": "DELETE", "ROUTE": "/api/v1/orders/{id}", "PERMISSION": "orders:write"}]
# Each must fail with this text, and change nothing.
REFUSED = [({"NAME": "me"}, "there is already a function me"),
           ({"NAME": "Orders"}, "NAME must be"),
           ({"NAME": "serde"}, "already has a package serde"),
           ({"NAME": "match"}, "cannot be the name of a Rust crate"),
           ({"NAME": "api"}, "template.yaml already has"),
           ({"NAME": "settings"}, "uses the name settings"),
           ({"METHOD": "FETCH"}, "METHOD must be"),
           ({"ROUTE": "/api/v1/me"}, "me already serves"),
           ({"ROUTE": "/docs/{page}"}, "discovery already serves"),
           ({"ROUTE": "/{id}"}, "ROUTE must be a path"),
           ({"ROUTE": "orders"}, "ROUTE must be a path"),
           ({"ROUTE": ""}, "ROUTE must be set"),
           ({"PERMISSION": "read write"}, "PERMISSION must be"),
           ({"PERMISSION": None}, "PERMISSION must be set")]


def main():
    try:
        with tempfile.TemporaryDirectory() as folder:
            test(Project(pathlib.Path(folder) / "project"))
    finally:
        # Cargo takes the packages of the copy for those of the project, but these contain its path and its routes.
        subprocess.run(["cargo", "clean", "--quiet", "--package", "bundle-tests", "--package", "discovery"], cwd=ROOT,
                       check=True)
    print("everything was removed without a trace")


def test(project):
    project.check_refusals()
    for function in FUNCTIONS:
        project.create(function)
    project.check()
    for function in FUNCTIONS:
        project.succeed("remove-function", function)
        project.commit()
    project.check_removed()


class Project:
    """A copy of the project, with everything committed."""

    def __init__(self, folder):
        self.folder = folder
        build = ROOT / (os.environ.get("CARGO_TARGET_DIR") or "target")
        # Debug builds: what a release changes does not depend on the function.
        self.environment = os.environ | {"CARGO_TARGET_DIR": str(build.absolute()), "RELEASE": ""}
        # Set by the make that runs this script.
        for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
            self.environment.pop(name, None)
        listed = output(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], ROOT)
        for path in filter(None, listed.split("\0")):
            if (ROOT / path).is_file():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / path, folder / path)
        (folder / ".tools").symlink_to(ROOT / ".tools")
        output(["git", "init", "--quiet"], folder)
        self.commit()

    def commit(self):
        output(["git", "add", "--all"], self.folder)
        output(["git", "-c", "user.name=test", "-c", "user.email=test@example.com", "commit", "--quiet", "--allow-empty",
                "--message", "state"],
               self.folder)

    def changes(self):
        """Returns the paths that differ from the last commit."""
        changed = output(["git", "status", "--porcelain", "--untracked-files=all"], self.folder).splitlines()
        return [line[3:] for line in changed]

    def make(self, target, variables):
        arguments = [f"{name}={value}" for name, value in variables.items() if value is not None]
        return subprocess.run(["make", "--no-print-directory", target, *arguments], cwd=self.folder, env=self.environment,
                              capture_output=True, text=True)

    def succeed(self, target, variables):
        result = self.make(target, variables)
        if result.returncode:
            fail(f"make {target}: {result.stderr}")

    def check_refusals(self):
        new = {"NAME": "stock", "METHOD": "GET", "ROUTE": "/api/v1/stock", "PERMISSION": ""}
        for variables, problem in REFUSED:
            result = self.make("new-function", new | variables)
            if not result.returncode or problem not in result.stderr or "Traceback" in result.stderr:
                fail(f"{variables} is not refused with {problem!r}: {result.stdout}{result.stderr}")
        for name in ("me", "nothing"):
            if not self.make("remove-function", {"NAME": name}).returncode:
                fail(f"remove-function removes {name}")
        if self.changes():
            fail(f"refused commands changed {self.changes()}")
        print(f"{len(REFUSED) + 2} commands refused")

    def create(self, variables):
        """Creates a function whose removal leaves nothing, and commits it. No code outside its folder may change."""
        self.succeed("new-function", variables)
        self.succeed("remove-function", variables)
        if self.changes():
            fail(f"{variables['NAME']} left {self.changes()}")
        self.check_unsaved(variables)
        self.check_used(variables)
        before = time.monotonic()
        self.succeed("new-function", variables)
        seconds, name = time.monotonic() - before, variables["NAME"]
        code = [path for path in self.changes() if path.endswith((".rs", ".py", ".mjs")) or path.startswith("tests/")]
        if not code or not all(path.startswith(f"functions/{name}/") for path in code):
            fail(f"the code that {name} changes is not only its own: {code}")
        self.commit()
        counted = output(["git", "show", "--shortstat", "--format=", "HEAD"], self.folder).strip()
        print(f"{name}: created in {seconds:.1f} s, {counted}")

    def check_unsaved(self, variables):
        """Checks that work that is not committed, in a file or an entry of the function, is removed only with FORCE=1."""
        name = variables["NAME"]
        for path, place in ((f"functions/{name}/src/lib.rs", "//! "),
                            ("openapi.yaml", f"operationId: {name}\n      tags: [guarded]\n      summary: ")):
            self.succeed("new-function", variables)
            (self.folder / path).write_text((self.folder / path).read_text().replace(place, f"{place}My work. ", 1))
            before = self.changes()
            result = self.make("remove-function", variables)
            if not result.returncode or path not in result.stderr or self.changes() != before:
                fail(f"remove-function loses work in {path}: {result.stdout}{result.stderr}")
            self.succeed("remove-function", variables | {"FORCE": "1"})
            if self.changes():
                fail(f"FORCE=1 left {self.changes()}")

    def check_used(self, variables):
        """Checks that a function is not removed while a resource of the user's own uses it."""
        self.succeed("new-function", variables)
        template, kind = self.folder / "template.yaml", variables["NAME"].title().replace("-", "")
        text, before = template.read_text(), self.changes()
        own = f"\n  OwnTopic:\n    Type: AWS::SNS::Topic\n    Properties:\n      DisplayName: !Ref {kind}Function\n"
        template.write_text(text.replace("\nOutputs:\n", f"{own}\nOutputs:\n", 1))
        result = self.make("remove-function", variables | {"FORCE": "1"})
        if not result.returncode or f"!Ref {kind}Function" not in result.stderr or self.changes() != before:
            fail(f"remove-function breaks a resource: {result.stdout}{result.stderr}")
        template.write_text(text)
        self.succeed("remove-function", variables)

    def check(self):
        """Runs what a change to the project must pass, as far as it looks at functions."""
        before = time.monotonic()
        self.run(["make", "--no-print-directory", "lint"])
        for test in TESTS:
            # The whole workspace: for the tests only, all dependencies would be built again with fewer features.
            self.run(["cargo", "test", "--locked", "--workspace", *test])
        if self.changes():
            fail(f"the tests changed {self.changes()}")
        print(f"linted and tested in {time.monotonic() - before:.0f} s")

    def run(self, command):
        print(" ".join(command), flush=True)
        result = subprocess.run(command, cwd=self.folder, env=self.environment)
        if result.returncode:
            fail(f"{' '.join(command)} failed")

    def check_removed(self):
        """Checks that the project is as it was when it was copied."""
        first = output(["git", "rev-list", "--max-parents=0", "HEAD"], self.folder).strip()
        left = output(["git", "diff", "--stat", first], self.folder) + "\n".join(self.changes())
        if left:
            fail(f"the project is not as it was: {left}")


def output(command, folder):
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


def fail(message):
    sys.exit(f"make test-new-function: {message}")


if __name__ == "__main__":
    main()
