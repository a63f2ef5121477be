"""The files in which a guarded function is registered. Each class adds an entry to a text, or removes it."""

import re

import sections
from guarded_function import MODEL, TEMPLATE, Failure, read

MODEL_TYPE = "Me"
MODEL_ROUTE = "GET /api/v1/me"
# The parts of template.yaml with entries of the model.
SECTIONS = ("Parameters", "Resources", "Outputs")


class Lock:
    """The packages that Cargo resolved, sorted by name. `--locked` refuses a package that is missing."""
    path = "Cargo.lock"

    def add(self, text, function):
        head, *packages = text.split("[[package]]\n")
        model = next(one for one in packages if one.startswith(f'name = "{MODEL}"\n'))
        packages[-1] += "\n"
        packages.append(model.replace(f'name = "{MODEL}"', f'name = "{function.name}"', 1))
        packages.sort(key=name_of_package)
        return "[[package]]\n".join([head, *packages])[:-1]

    def remove(self, text, function):
        head, *packages = text.split("[[package]]\n")
        kept = [one for one in packages if name_of_package(one) != function.name]
        return "[[package]]\n".join([head, *kept]).rstrip("\n") + "\n"


def name_of_package(text):
    return re.match(r'name = "(.+)"', text)[1]


class Watch:
    """The paths that `cargo lambda watch` serves."""
    path = "CargoLambda.toml"

    def add(self, text, function):
        return after_line(text, rf'"[^"]+" = "{MODEL}"', f'"{function.path}" = "{function.name}"', self.path)

    def remove(self, text, function):
        return re.sub(rf'^"[^"]+" = "{function.name}"\n', "", text, flags=re.MULTILINE)


class Stack:
    """Everything that a deploy creates for the function, copied from the model."""
    path = "template.yaml"

    def add(self, text, function):
        def change(entry):
            entry = re.sub(r"(Description: )Returns the authenticated user$", rf"\1Responds to {function.method} "
                           f"{function.path}", entry, flags=re.MULTILINE)
            entry = entry.replace(MODEL_ROUTE, f"{function.method} {function.path}")
            entry = re.sub(rf"\b{MODEL_TYPE}(?=[A-Z])", function.type, entry)
            return re.sub(rf"\b{MODEL}\b", function.name, entry)

        for section in SECTIONS:
            text = sections.copy_after(text, section, is_of(MODEL_TYPE), change)
        return with_methods(text, [*methods(text), function.method])

    def remove(self, text, function):
        added = {key.replace(MODEL_TYPE, function.type, 1) for section in SECTIONS
                 for key in keys(text, section) if is_of(MODEL_TYPE)(key)}
        target = f"Target: !Sub integrations/${{{function.type}Integration}}\n"
        used = used_methods(text)
        for section in SECTIONS:
            text = sections.remove(text, section, lambda entry: entry.key in added or target in entry.text)
        left = re.search(rf"^.*\b({'|'.join(map(re.escape, added))})\b.*$", text, re.MULTILINE)
        if left:
            raise Failure(f"{self.path} still uses what would be removed: {left[0].strip()}")
        gone = used - used_methods(text)
        return with_methods(text, [method for method in methods(text) if method not in gone])


def keys(text, section):
    return [entry.key for entry in sections.split(text, section)[1]]


def is_of(kind):
    return lambda key: re.match(rf"{kind}[A-Z]", key)


# The method that only self-service needs, unless another function has it too.
CONDITIONAL = ", !If [HasSelfService, DELETE, !Ref AWS::NoValue]"
METHODS = re.compile(rf"AllowMethods: \[([A-Z, ]*[A-Z])(?:{re.escape(CONDITIONAL)})?\]$", re.MULTILINE)


def used_methods(text):
    """Returns the methods of the routes that exist whatever the parameters."""
    return set(re.findall(r"^    Type: AWS::ApiGatewayV2::Route\n    Properties:\n.*\n      RouteKey: (\w+) ", text, re.MULTILINE))


def methods(text):
    """Returns the methods that pages of other origins may use, whatever the parameters."""
    return METHODS.search(text)[1].split(", ")


def with_methods(text, names):
    conditional = "" if "DELETE" in names else CONDITIONAL
    return METHODS.sub(lambda _: f"AllowMethods: [{', '.join(dict.fromkeys(names))}{conditional}]", text)


class Contract:
    """The paths of the HTTP contract."""
    path = "openapi.yaml"

    def add(self, text, function):
        entry = (TEMPLATE / "openapi.yaml").read_text()
        if not function.permission:
            entry = entry.replace('["__PERMISSION__"]', "[]")
            entry = re.sub(r'        "403":\n.*\n', "", entry)
        if not function.parameter:
            entry = re.sub(r"      parameters:\n(        .*\n)+(?=      responses)", "", entry)
        before, entries, after = sections.split(text, "paths")
        model = next(i for i, one in enumerate(entries) if one.key == MODEL_ROUTE.split()[1])
        entries.insert(model + 1, sections.Entry(function.path, filled(entry, function)))
        return sections.join(before, entries, after)

    def remove(self, text, function):
        paths = set(re.findall(rf'^"([^"]+)" = "{function.name}"', read(Watch.path), re.MULTILINE))
        return sections.remove(text, "paths", lambda entry: entry.key in paths)


class Routes:
    """The table of routes for readers."""
    path = "docs/api.md"

    def add(self, text, function):
        allowed = f", for users with the permission `{function.permission}`" if function.permission else ""
        described = "[as described](../openapi.yaml)"
        row = f"| `{function.method} {function.path}` | {described} | {described}{allowed} |"
        return after_line(text, rf"\| `{MODEL_ROUTE}` \|.*", row, self.path)

    def remove(self, text, function):
        routes = re.findall(rf"RouteKey: (.+)\n      Target: !Sub integrations/\${{{function.type}Integration}}\n",
                            read(Stack.path))
        for route in routes:
            text = re.sub(rf"^\| `{re.escape(route)}` \|.*\n", "", text, flags=re.MULTILINE)
        return text


class Parameters:
    """The table of the stack's parameters for operators."""
    path = "docs/deploying.md"

    def add(self, text, function):
        row = re.search(rf"^\| `{MODEL_TYPE}MemorySize` \|.*$", text, re.MULTILINE)[0]
        row = row.replace(f"`{MODEL_TYPE}MemorySize`", f"`{function.type}MemorySize`").replace(f"`{MODEL}`", f"`{function.name}`")
        return after_line(text, rf"\| `{MODEL_TYPE}MemorySize` \|.*", row, self.path)

    def remove(self, text, function):
        return re.sub(rf"^\| `{function.type}MemorySize` \|.*\n", "", text, flags=re.MULTILINE)


PLACES = (Lock(), Watch(), Stack(), Contract(), Routes(), Parameters())


def after_line(text, pattern, line, path):
    """Inserts a line after the one that matches."""
    found = re.search(rf"^{pattern}\n", text, re.MULTILINE)
    if not found:
        raise Failure(f"{path} has no line about {MODEL} after which to insert one: {pattern}")
    return text[:found.end()] + line + "\n" + text[found.end():]


def filled(text, function):
    for placeholder, value in function.placeholders().items():
        text = text.replace(placeholder, value)
    return text
