"""The few forms of YAML in which YOLO's `data.yaml` is written: no library, and no code.

path: ../set          train: images/train          names: [cat, dog]
names:                names:                       train:
  0: cat                - cat                        - a/images
"""

import re
from pathlib import Path

from striate.data.markup import text_of
from striate.files import read_bytes

MAX_BYTES = 2**20
MOST = 100_000  # entries
PAIR = re.compile(
    r"""^(?P<indent>\s*)(?P<key>[^\s:#'"\[{-][^:#]*|'[^']*'|"[^"]*"):(\s+(?P<value>.*))?$"""
)
ITEM = re.compile(r"^\s*-\s+(?P<value>.*)$")

Value = str | list[str] | dict[str, str]


def read_yaml(path: Path) -> dict[str, Value]:
    """The keys of a file with their text, lists of text, or text by key.

    What is written in another form is not there.

    Raises:
        UserError: if the file cannot be read.
    """
    text, _ = text_of(read_bytes(path, limit=MAX_BYTES))
    found: dict[str, Value] = {}
    key, opened = "", ""  # the key whose block is being read; a bracket that goes on
    for line in text.split("\n")[:MOST]:
        line = _uncommented(line).rstrip()
        if not line:
            continue
        if opened:
            opened += " " + line.strip()
            if line.rstrip().endswith(("]", "}")):
                found[key], opened = _flow(opened), ""
            continue
        if match := ITEM.match(line):
            block = found.get(key)
            if isinstance(block, list):
                block.append(_plain(match["value"]))
            elif key and not block:
                found[key] = [_plain(match["value"])]
            continue
        if not (match := PAIR.match(line)):
            continue
        name, value = _plain(match["key"]), (match["value"] or "").strip()
        if match["indent"]:
            block = found.get(key)
            if isinstance(block, dict):
                block[name] = _plain(value)
            elif key and not block:
                found[key] = {name: _plain(value)}
            continue
        key = name
        if value[:1] in ("[", "{") and not value.endswith(("]", "}")):
            opened = value
        else:
            found[key] = _flow(value)
    return found


def _flow(value: str) -> Value:
    """Text, or `[a, b]`, or `{0: a, 1: b}`."""
    if value[:1] not in ("[", "{"):
        return _plain(value)
    parts = [part for part in re.findall(r"""'[^']*'|"[^"]*"|[^,\[\]{}]+""", value) if part.strip()]
    if value[0] == "[":
        return [_plain(part) for part in parts]
    pairs = re.findall(r"""([^\s,:{}]+)\s*:\s*('[^']*'|"[^"]*"|[^,{}]*)""", value)
    return {_plain(name): _plain(word) for name, word in pairs}


def _plain(value: str) -> str:
    value = value.strip()
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1]
    return value


def _uncommented(line: str) -> str:
    """The line up to a `#` that stands alone or after a blank, outside quotes."""
    quote = ""
    for place, mark in enumerate(line):
        if quote:
            quote = "" if mark == quote else quote
        elif mark in "'\"" and (place == 0 or line[place - 1] in " [,:{"):
            quote = mark
        elif mark == "#" and (place == 0 or line[place - 1].isspace()):
            return line[:place]
    return line
