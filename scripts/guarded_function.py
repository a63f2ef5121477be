"""A guarded function: its name and route, the names that follow from them, and what make accepts."""

import os
import pathlib
import re
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).parent.parent
TEMPLATE = pathlib.Path(__file__).parent / "new-function"
# The function that is copied.
MODEL = "me"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
MAX_NAME = 30
KEYWORDS = set("""abstract as async await become box break const continue crate do dyn else enum extern false final fn for
    gen if impl in let loop macro match mod move mut override priv pub ref return self static struct super trait true try
    type typeof union unsafe unsized use virtual where while yield""".split())
# Cargo refuses these, or they have a meaning in Rust, or the tests build a package of this name.
CRATES = set("""alloc benches bool build char core debug deps docs examples f32 f64 i8 i16 i32 i64 incremental isize lib
    proc_macro readme_example release src std str test tests u8 u16 u32 u64 usize""".split())
SEGMENT = r"[A-Za-z0-9._~-]+"


class Failure(Exception):
    """An error to show to the user."""


@dataclass(frozen=True)
class GuardedFunction:
    """A function with one route. Without a permission, every signed-in user may call it."""
    name: str
    method: str = ""
    path: str = ""
    permission: str = ""

    @property
    def crate(self):
        return self.name.replace("-", "_")

    @property
    def type(self):
        """The name of its type in Rust, with which the names of its resources begin."""
        return "".join(word.capitalize() for word in self.name.split("-"))

    @property
    def parameter(self):
        """The name in braces at the end of its path, if there is one."""
        found = re.search(r"{(\w+)}$", self.path)
        return found and found[1]

    def placeholders(self):
        return {"__METHOD__": self.method, "__method__": self.method.lower(), "__PATH__": self.path, "__NAME__": self.name,
                "__crate__": self.crate, "__Type__": self.type, "__PERMISSION__": self.permission,
                "__PARAMETER__": self.parameter or ""}


def read(path):
    return (ROOT / path).read_text()


def from_environment():
    """Returns the function that the variables of make's command line describe."""
    variables = {name: os.environ.get(name, "").strip() for name in ("NAME", "METHOD", "ROUTE", "PERMISSION")}
    missing = [name for name in ("NAME", "METHOD", "ROUTE") if not variables[name]]
    if missing:
        raise Failure(f"{' and '.join(missing)} must be set, as in: "
                      "make new-function NAME=orders METHOD=GET ROUTE=/api/v1/orders PERMISSION=read")
    # Otherwise, a misspelled PERMISSION would create a function that every user may call.
    if "PERMISSION" not in os.environ:
        raise Failure("PERMISSION must be set; PERMISSION= without a value lets every signed-in user call the function")
    function = GuardedFunction(*variables.values())
    check_name(function.name)
    check_new(function)
    check_route(function)
    if not re.fullmatch(r"[A-Za-z0-9._:/-]*", function.permission):
        raise Failure(f"PERMISSION must be letters, digits and . _ : / - without spaces, not {function.permission!r}")
    return function


def check_name(name):
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z][a-z0-9]*)*", name) or len(name) > MAX_NAME:
        raise Failure(f"NAME must be words of lower-case letters and digits, joined by hyphens, with at most {MAX_NAME} "
                      f"characters, such as order-items, not {name!r}")


def check_new(function):
    """Checks that nothing else has the name of the function, and that Rust accepts it."""
    if (ROOT / "functions" / function.name).exists():
        raise Failure(f"there is already a function {function.name}: choose another name, or run "
                      f"make remove-function NAME={function.name} first")
    if list(ROOT.glob(f"events/{function.name}_*")) or (ROOT / f"events/responses/{function.name}.json").exists():
        raise Failure(f"events/ already has files of {function.name}")
    if function.crate in KEYWORDS | CRATES:
        raise Failure(f"{function.name} cannot be the name of a Rust crate: choose another name")
    packages = re.findall(r'^name = "(.+)"$', read("Cargo.lock"), re.MULTILINE)
    if function.crate in {package.replace("-", "_") for package in packages}:
        raise Failure(f"Cargo.lock already has a package {function.name}: choose another name")
    code = (TEMPLATE / "lib.rs").read_text() + read(f"functions/{MODEL}/src/main.rs")
    taken = set(re.findall(r"\b[A-Za-z]\w*", re.sub(r"//.*", "", code)))
    if function.crate in taken or {function.type, f"{function.type}Response"} & taken:
        raise Failure(f"the code of every function uses the name {function.name} for something else: choose another name")
    check_resources(function)


def check_resources(function):
    """Checks that template.yaml has no entry with a name that the function needs."""
    names = set(re.findall(r"^  (\w+):", read("template.yaml"), re.MULTILINE))
    model = re.compile(r"Me(?=[A-Z])")
    needed = {model.sub(function.type, name) for name in names if model.match(name)}
    if needed & names:
        raise Failure(f"template.yaml already has {', '.join(sorted(needed & names))}: choose another name")


def check_route(function):
    method, path = function.method, function.path
    if method not in METHODS:
        raise Failure(f"METHOD must be {', '.join(METHODS[:-1])} or {METHODS[-1]}, not {method!r}")
    if not re.fullmatch(rf"(/{SEGMENT})+(/{{[a-z][a-z0-9_]*}})?", path) or re.search(r"/\.{1,2}(/|$)", path):
        raise Failure("ROUTE must be a path such as /api/v1/orders or /api/v1/orders/{id}; only the last segment may be a "
                      f"parameter, and not the only one; not {path!r}")
    served = dict(re.findall(r'^"(.+)" = "(.+)"$', read("CargoLambda.toml"), re.MULTILINE))
    for other, owner in served.items():
        if re.sub("{.*}", "{}", other) == re.sub("{.*}", "{}", path):
            raise Failure(f"{owner} already serves {other}")
