"""The answers of an environment: its stack, its region and its template parameters.

They are in deploy/<env>.toml, a configuration file of the SAM CLI. Every answer is saved as soon as it is known.
"""

import os
import re
from pathlib import Path

import boto3
import tomlkit
from botocore.exceptions import BotoCoreError
from samcli.cli.types import CfnParameterOverridesType

ROOT = Path(__file__).resolve().parent.parent
NEW_FILE = """\
# The answers of `make deploy ENV={env}`, for the SAM CLI. Nothing here is secret: commit the file, so that pipelines and
# colleagues deploy the same.
version = 0.1

[default.global.parameters]

[default.deploy.parameters]
capabilities = "CAPABILITY_IAM"
resolve_s3 = true
fail_on_empty_changeset = false

[default.deploy.parameters.parameter_overrides]
"""


class Problem(Exception):
    """The deploy cannot continue. The text says what to do."""


class Setting:
    """A stack's name or region."""

    def __init__(self, name, title, pattern, *, variable, given, suggested):
        self.name = name
        self.title = title
        self.pattern = pattern
        self.variable = variable
        self.given = given
        self.suggested = suggested

    def check(self, value):
        if not re.fullmatch(self.pattern, value):
            raise Problem(f"{value!r} is not a {self.title.lower()}")

    def ask(self):
        """Returns the user's answer."""
        while True:
            brackets = f" [{self.suggested}]" if self.suggested else ""
            value = input(f"{self.title}{brackets}: ").strip() or self.suggested or ""
            try:
                self.check(value)
                return value
            except Problem as problem:
                print(problem)


def settings(env):
    """Returns the settings that every environment needs."""
    try:
        region = os.environ.get("AWS_REGION") or boto3.Session().region_name
    except BotoCoreError as error:
        raise Problem(f"cannot read the configuration of AWS: {error}") from error
    stack = os.environ.get("STACK")
    return [
        Setting("stack_name", "Stack name", r"[A-Za-z][A-Za-z0-9-]{0,127}", variable="STACK", given=stack,
                suggested=f"sign-in-{env}"),
        Setting("region", "Region", r"[a-z]{2,4}(-[a-z]+)+-[0-9]", variable="AWS_REGION", given=None, suggested=region),
    ]


class Parameter:
    """A parameter of the template."""

    def __init__(self, name, declared):
        self.name = name
        self.description = declared["Description"]
        self.default = str(declared["Default"])
        self.declared = declared

    def check(self, value):
        """Raises a Problem unless CloudFormation accepts the value."""
        allowed = [str(one) for one in self.declared.get("AllowedValues", [])]
        if allowed and value not in allowed:
            raise Problem(f"{self.name} must be one of {', '.join(allowed)}, not {value!r}")
        pattern = self.declared.get("AllowedPattern")
        if pattern and not re.fullmatch(pattern, value):
            raise Problem(f"{self.name} must be {self.declared['ConstraintDescription']}, not {value!r}")
        if self.declared["Type"] == "Number" and not self.is_in_range(value):
            raise Problem(f"{self.name} must be a whole number {self.range()}, not {value!r}")

    def is_in_range(self, value):
        least, most = self.declared.get("MinValue", "-inf"), self.declared.get("MaxValue", "inf")
        return bool(re.fullmatch(r"\d+", value)) and float(least) <= float(value) <= float(most)

    def range(self):
        least, most = self.declared.get("MinValue"), self.declared.get("MaxValue")
        return f"from {least} to {most}" if most is not None else f"of at least {least}"


def parse_parameters(arguments, declared):
    """Parses arguments (Name=value) into parameters."""
    values = {}
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if not equals or name not in declared:
            raise Problem(f"{argument!r} is not Name=value with a parameter of template.yaml")
        declared[name].check(value)
        values[name] = value
    return values


class Answers:
    """A file of answers."""

    def __init__(self, env):
        self.env = env
        self.path = ROOT / f"deploy/{env}.toml"
        try:
            self.document = tomlkit.parse(self.path.read_text() if self.path.exists() else NEW_FILE.format(env=env))
            self.settings = self.document["default"]["global"]["parameters"]
            self.deploy = self.document["default"]["deploy"]["parameters"]
            saved = self.deploy.setdefault("parameter_overrides", tomlkit.table())
            self.parameters = CfnParameterOverridesType().convert(saved, None, None)
        except Exception as error:  # tomlkit and SAM raise their own types, and a missing table is a KeyError.
            raise Problem(f"cannot read {self}: {error!r}. Correct the file, or delete it to be asked again") from error

    def __str__(self):
        return str(self.path.relative_to(ROOT))

    def text(self):
        """Returns the text of the file, with the comments that users have added."""
        saved = self.deploy["parameter_overrides"]
        if not hasattr(saved, "update"):  # SAM also reads "Name=value ...".
            saved = self.deploy["parameter_overrides"] = tomlkit.table()
        saved.update(self.parameters)
        return tomlkit.dumps(self.document)

    def save(self):
        write(self.path, self.text())

    def complete_settings(self, asks):
        """Adds the settings that the file lacks, from variables or, if `asks`, from the user."""
        needed = settings(self.env)
        if asks and not all(one.name in self.settings for one in needed):
            print(f"{self} is new or incomplete. Enter accepts the value in brackets.")
        for setting in needed:
            saved = self.settings.get(setting.name)
            if saved and setting.given and saved != setting.given:
                raise Problem(f"{self} has the {setting.title.lower()} {saved}: use another ENV for {setting.given}")
            self.settings[setting.name] = saved or setting.given or self.new_setting(setting, asks)
            setting.check(self.settings[setting.name])
            self.save()

    def new_setting(self, setting, asks):
        if asks:
            return setting.ask()
        # A region that AWS's variables name is an answer. A suggested stack is not.
        if setting.name == "region" and setting.suggested:
            return setting.suggested
        raise Problem(f"{self} has no {setting.name}, and CI is set: set {setting.variable}, or run once without CI")

    def ask_for_parameters(self, declared):
        """Shows the parameters, and changes those that the user names."""
        print()
        for name, parameter in declared.items():
            print(f"  {name:27} {self.parameters[name]:10} {parameter.description[:78]}")
        while line := input("Change a parameter (Name=value), or press Enter to continue: ").strip():
            try:
                self.parameters |= parse_parameters([line], declared)
                self.save()
            except Problem as problem:
                print(problem)


def write(path, text):
    """Replaces a file. If interrupted, keeps the old one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".new")
    unfinished.write_text(text)
    unfinished.replace(path)
