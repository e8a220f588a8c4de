"""Class names in other languages: a file for each beside the model."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

from striate.errors import UserError
from striate.files import read_bytes

LANGUAGE = r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}"  # BCP 47, as far as anybody uses it
LARGEST = 16 * 2**20  # bytes


def languages(model: Path, classes: Sequence[str]) -> dict[str, dict[str, str]]:
    """By language: class to name, of the files `MODEL.names.LANGUAGE.json` and `.txt`.

    A .json file holds an object from class to name, a .txt file one name a line in the order of the
    classes. Classes that a file leaves out keep their own name.

    Raises:
        UserError: if a file is not of that form; with its path.
    """
    pattern = re.compile(re.escape(model.stem) + rf"\.names\.({LANGUAGE})\.(json|txt)")
    found = {}
    for path in sorted(model.parent.iterdir()):
        if match := pattern.fullmatch(path.name):
            found[match[1]] = names_in(path, classes)
    return found


def names_in(path: Path, classes: Sequence[str]) -> dict[str, str]:
    """What a file calls the classes."""
    try:
        text = read_bytes(path, limit=LARGEST).decode("utf-8")
        if path.suffix == ".json":
            names = json.loads(text)
        else:
            lines = text.splitlines()
            if len(lines) != len(classes):
                raise UserError(f"{path} has {len(lines)} names for {len(classes)} classes")
            names = dict(zip(classes, lines, strict=True))
    except ValueError as error:
        raise UserError(f"{path} is not a file of names: {error}") from error
    if not isinstance(names, dict) or not all(isinstance(n, str) for n in names.values()):
        raise UserError(f"{path} is not an object from class to name")
    return {name: names.get(name, name) for name in classes}
