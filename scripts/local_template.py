"""Copies of a built template for the local AWS, next to it, because it names the functions' folders relative to itself."""

import re
import secrets

from local_aws import Failure


def without_select(template):
    """Writes a copy of a built template without the conditions on dynamodb:Select. Returns its path.

    The local AWS refuses every BatchGetItem under such a condition. tests/suites/functions/rights.rs evaluates the
    conditions.
    """
    condition = r"^ +StringEqualsIfExists:\n +dynamodb:Select: SPECIFIC_ATTRIBUTES\n"
    text, removed = re.subn(condition, "", template.read_text(), flags=re.MULTILINE)
    if not removed or "dynamodb:Select" in text:
        raise Failure(f"{template} has no conditions on dynamodb:Select, or not only the expected ones")
    copy = template.with_name("template-without-select.yaml")
    copy.write_text(text)
    print(f"        deploying a copy of the template without its conditions on dynamodb:Select ({removed}), which the "
          "local AWS cannot evaluate", flush=True)
    return copy


def with_any_sender(template):
    """Writes a copy of a template whose role may send emails from any address. Returns its path.

    The local AWS does not know which identity of SES a call uses, nor ses:FromAddress.
    """
    resources = r"(            - ses:SendRawEmail\n            Resource:\n)(?:            .*\n)+"
    text, replaced = re.subn(resources, r"\1            - '*'\n", template.read_text())
    if replaced != 1 or "ses:FromAddress" in text:
        raise Failure(f"{template} has no right to send emails, or it is written differently")
    copy = template.with_name("template-with-any-sender.yaml")
    copy.write_text(text)
    print("        and without the conditions on the sender of emails, which it cannot evaluate either", flush=True)
    return copy


def with_changed_keys(template):
    """Writes a copy of a template with another property of the custom resource, so that a deploy calls `keys`."""
    resource = "    Type: Custom::AccessTokenKeys\n    Properties:\n"
    text = template.read_text()
    if text.count(resource) != 1:
        raise Failure(f"{template} has no custom resource for the keys, or is written differently")
    copy = template.with_name("template-with-changed-keys.yaml")
    copy.write_text(text.replace(resource, f"{resource}      Change: {secrets.token_hex(8)}\n"))
    return copy
