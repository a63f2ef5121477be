"""Creates a guarded function and registers it everywhere, or removes it. `make new-function` and `make remove-function`
run it.

The argument is `new` or `remove`. Variables: NAME, METHOD, ROUTE, PERMISSION; FORCE=1 removes files that are not committed.
"""

import os
import re
import shutil
import sys

import function_files
from function_entries import PLACES
from guarded_function import ROOT, Failure, check_name, from_environment, read

# What the tutorial's user may do, which local stores contain at first.
TUTORIAL_PERMISSIONS = ("create", "read", "update", "delete")


def create():
    function = from_environment()
    changed = {place.path: place.add(read(place.path), function) for place in PLACES}
    created = function_files.contents(function)
    write(changed | created)
    print(f"""created functions/{function.name}, which responds to {function.method} {function.path}:
  {len(created)} new files, and entries in {', '.join(changed)}

Next: write the handler in functions/{function.name}/src/lib.rs, and its response in openapi.yaml and
events/responses/{function.name}.json. Then:

  make test
  make run, and in another terminal: make invoke EVENT={function.name}_success""")
    if function.permission not in ("", *TUTORIAL_PERMISSIONS):
        roles = f"Admin={','.join([*TUTORIAL_PERMISSIONS, function.permission])}"
        print(f"""
The tutorial's user lacks the permission {function.permission}, so the response is a 403 until you grant it:

  AUTH_STORE=file AUTH_FILE=.local/store.json cargo run -q -p authctl -- user roles john.doe@leapify.tech --role {roles}""")


def remove():
    name = os.environ.get("NAME", "").strip()
    if not name:
        raise Failure("NAME must be set, as in: make remove-function NAME=orders")
    check_name(name)
    if not (ROOT / "functions" / name).is_dir():
        raise Failure(f"there is no function {name}")
    if re.search(rf'^{name} = {{ path = "functions/{name}" }}', read("Cargo.toml"), re.MULTILINE):
        raise Failure(f"{name} belongs to the bundle: its tests depend on it, so it cannot be removed")
    function = function_files.existing(name)
    changed = {place.path: place.remove(read(place.path), function) for place in PLACES}
    unsaved = function_files.unsaved(name) + unsaved_entries(function, changed)
    if unsaved and os.environ.get("FORCE") != "1":
        raise Failure("\n  ".join(["these files are not committed, and removing the function would lose your work. Commit "
                                   "them, or add FORCE=1:", *unsaved]))
    removed = function_files.on_disk(name)
    write(changed)
    for path in removed:
        (ROOT / path).unlink()
    # What is left was ignored by git, such as a build.
    shutil.rmtree(ROOT / "functions" / name, ignore_errors=True)
    print(f"removed functions/{name}: {len(removed)} files, and its entries in {', '.join(changed)}")


def unsaved_entries(function, removed):
    """Returns the files with an entry that is neither committed nor as it was created."""
    if not function.path:
        return []
    return function_files.uncommitted([place.path for place in PLACES
                                       if place.add(removed[place.path], function) != read(place.path)])


def write(files):
    for path, text in files.items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text)


if __name__ == "__main__":
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    run = {"new": create, "remove": remove}.get(command)
    if not run:
        sys.exit("the argument must be new or remove")
    try:
        run()
    except Failure as failure:
        sys.exit(f"make {command}-function: {failure}")
