"""Edits sections of the project's YAML files as text, so that comments and layout stay as they are.

An entry of a section is a key with two spaces in front of it, with the comments above it and everything below it up to
the next entry.
"""

import re
from dataclasses import dataclass


@dataclass
class Entry:
    key: str
    text: str


def split(text, section):
    """Returns the text before the entries of a section, the entries, and the text after them."""
    head = re.search(rf"^{section}:\n", text, re.MULTILINE)
    end = re.search(r"^\S", text[head.end():], re.MULTILINE)
    end = head.end() + end.start() if end else len(text)
    entries = re.split(r"^(?=(?:  #.*\n)*  [^\s#])", text[head.end():end], flags=re.MULTILINE)
    return text[:head.end()] + entries[0], [Entry(key(entry), entry) for entry in merged(entries[1:])], text[end:]


def merged(parts):
    """Joins comments, at each line of which the text was split, with their entries."""
    comments = ""
    for part in parts:
        if re.search(r"^  [^\s#]", part, re.MULTILINE):
            yield comments + part
            comments = ""
        else:
            comments += part


def key(entry):
    return re.search(r"^  ([^\s#][^:]*):", entry, re.MULTILINE)[1]


def join(before, entries, after):
    return before + "".join(entry.text for entry in entries) + after


def copy_after(text, section, is_model, change):
    """Copies entries: after each run of entries of the model, inserts the run with its texts changed."""
    before, entries, after = split(text, section)
    result, run = [], []
    for entry in entries:
        if run and not is_model(entry.key):
            result += run
            run = []
        result.append(entry)
        if is_model(entry.key):
            run.append(Entry("", change(entry.text)))
    return join(before, result + run, after)


def remove(text, section, is_removed):
    before, entries, after = split(text, section)
    return join(before, [entry for entry in entries if not is_removed(entry)], after)
