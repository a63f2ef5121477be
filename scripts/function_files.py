"""The files of a guarded function: its crate, its sample events and their responses."""

import json
import re
import shutil
import subprocess

from function_entries import MODEL_ROUTE, MODEL_TYPE, Stack, filled
from guarded_function import MODEL, ROOT, TEMPLATE, Failure, GuardedFunction, read

# The sample events of the model that every guarded function has. The tests know the responses to all but the first two.
EVENTS = ("success", "success.v1", "no_token", "no_token.v1", "expired_token", "tampered_token", "unknown_path", "wrong_method")
LINE = '                    user.require_permission("__PERMISSION__")?;\n'


def contents(function):
    """Returns the texts of the files by their paths."""
    folder = f"functions/{function.name}"
    library = (TEMPLATE / "lib.rs").read_text()
    if not function.permission:
        library = library.replace(LINE, "")
    files = {
        f"{folder}/Cargo.toml": manifest(function),
        f"{folder}/src/lib.rs": formatted(filled(library, function)),
        f"{folder}/src/main.rs": formatted(main(function)),
        f"events/responses/{function.name}.json": responses(function),
    }
    return files | {f"events/{function.name}_{name}.json": event(function, name) for name in EVENTS}


def manifest(function):
    text = read(f"functions/{MODEL}/Cargo.toml").replace(f'name = "{MODEL}"', f'name = "{function.name}"')
    description = f'description = "Responds to {function.method} {function.path}"'
    return re.sub(r"^description = .*$", lambda _: description, text, flags=re.MULTILINE)


def main(function):
    text = read(f"functions/{MODEL}/src/main.rs").replace(f'"{MODEL}"', f'"{function.name}"')
    text = text.replace(f"`{MODEL}`", f"`{function.name}`")
    return re.sub(rf"\b{MODEL}\b", function.crate, re.sub(rf"\b{MODEL_TYPE}\b", function.type, text))


def formatted(code):
    """Formats Rust: where lines break and how imports are sorted depends on the name."""
    if not shutil.which("rustfmt"):
        raise Failure("rustfmt is not installed: it is part of Rust's toolchain (rustup component add rustfmt)")
    edition = re.search(r'^edition = "(\d+)"', read("Cargo.toml"), re.MULTILINE)[1]
    result = subprocess.run(["rustfmt", "--edition", edition], input=code, capture_output=True, text=True)
    if result.returncode:
        raise Failure(f"rustfmt cannot format the code: {result.stderr.strip()}")
    return result.stdout


def responses(function):
    success = {"status": 200, "body": {"user_id": "1"}}
    return json.dumps({name: success for name in EVENTS if name.startswith("success")}, indent=2) + "\n"


def event(function, name):
    """Returns a sample event of the model for the route of the function."""
    model_path = MODEL_ROUTE.split()[1]
    path = re.sub(r"{.*}", "1", function.path)
    method = function.method
    if name == "wrong_method":
        method = "DELETE" if method == "PATCH" else "PATCH"

    def change(value):
        if isinstance(value, dict):
            return {key: change_member(key, one) for key, one in value.items()}
        if isinstance(value, list):
            return [change(one) for one in value]
        return value.replace(model_path, path) if isinstance(value, str) else value

    def change_member(key, value):
        if key in ("method", "httpMethod"):
            return method
        if key in ("resource", "resourcePath"):
            return function.path
        if key == "routeKey":
            return f"{method} {value.split()[1].replace(model_path, function.path)}"
        return change(value)

    changed = change(json.loads(read(f"events/{MODEL}_{name}.json")))
    if function.parameter:
        changed["pathParameters"] = {function.parameter: "1"}
    return json.dumps(changed, indent=2) + "\n"


def existing(name):
    """Returns a function of the project as `make new-function` was asked for it."""
    route = re.search(rf"^  {GuardedFunction(name).type}Route:\n(?:    .*\n)*?      RouteKey: (\S+) (\S+)$",
                      read(Stack.path), re.MULTILINE)
    method, path = route.groups() if route else ("", "")
    permission = re.search(rf'operationId: {name}\n(?:      .*\n)*?        - bearer: \["(.*)"\]', read("openapi.yaml"))
    return GuardedFunction(name, method, path, permission[1] if permission else "")


def on_disk(name):
    """Returns the paths of the files that belong to a function, without what git ignores."""
    places = [f"functions/{name}", f":(glob)events/{name}_*.json", f"events/responses/{name}.json"]
    listed = git("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *places)
    return sorted({path for path in listed if (ROOT / path).exists()})


def unsaved(name):
    """Returns the files of a function that are neither committed nor as they were created."""
    function = existing(name)
    created = contents(function) if function.path else {}
    ignored = git("ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--", f"functions/{name}")
    changed = [path for path in on_disk(name) if created.get(path) != read(path)]
    return uncommitted(changed) + [path for path in ignored if not path.startswith(f"functions/{name}/target/")]


def uncommitted(paths):
    """Returns the paths that differ from the last commit."""
    return [line[3:] for line in git("status", "--porcelain", "--untracked-files=all", "-z", "--", *paths)] if paths else []


def git(*arguments):
    """Returns the entries that git lists, each of which ends with a zero byte."""
    result = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    if result.returncode:
        raise Failure(f"git cannot list the files: {result.stderr.strip()}")
    return [entry for entry in result.stdout.split("\0") if entry]
