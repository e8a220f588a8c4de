"""Lists: a CSV file with the path of an image and its label a line, and perhaps its split.

A first line that names the columns is optional. Commas, semicolons and tabs separate; paths are
relative to the list.
"""

import csv
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from striate.data.dataset import SPLITS, TRAIN, Dataset, Files, LeftOut, printable
from striate.data.folders import SPLIT_FOLDERS, natural
from striate.errors import DataError, UserError
from striate.files import read_bytes
from striate.images import SUFFIXES

MAX_BYTES = 2**30
EXPECTED = "expected path,label or path,label,split"
HEADINGS = {
    "path": ("path", "file", "filename", "file_name", "filepath", "image", "image_path"),
    "label": ("label", "class", "category", "target", "class_name"),
    "split": ("split", "set", "subset", "partition"),
}
SPLIT_WORDS = SPLIT_FOLDERS | {"dev": SPLITS.index("validation")}


def open_list(path: Path, *, seed: int) -> Dataset:
    """The images that a list names; those that are not there are left out.

    Raises:
        DataError: if a line cannot be understood; it gives the line's number.
    """
    notes: list[str] = []
    lines = _lines(path, notes)
    if not lines:
        raise DataError(f"{path}: empty; {EXPECTED}")
    columns, start = _columns(path, lines[0][1])
    found: dict[str, tuple[str, int]] = {}
    left_out = []
    repeated = 0
    folder = path.parent
    for number, fields in lines[start:]:
        if len(fields) <= max(columns.values()):
            raise DataError(f"{path}, line {number}: {len(fields)} columns; {EXPECTED}")
        place, label = fields[columns["path"]].strip(), fields[columns["label"]].strip()
        split = TRAIN
        if "split" in columns:
            word = fields[columns["split"]].strip()
            if word.lower() not in SPLIT_WORDS:
                raise DataError(
                    f"{path}, line {number}: split {word!r}; it must be one of {', '.join(SPLITS)}"
                )
            split = SPLIT_WORDS[word.lower()]
        if not place or not label:
            raise DataError(f"{path}, line {number}: no {'label' if place else 'path'}; {EXPECTED}")
        if "\0" in place:
            raise DataError(f"{path}, line {number}: the path holds a zero byte")
        if place in found:
            if found[place] != (label, split):
                raise DataError(
                    f"{path}, line {number}: {place!r} is listed before with another label or split"
                )
            repeated += 1
            continue
        found[place] = (label, split)
    rows = []
    for place, (label, split) in found.items():
        file = _file(folder, place)
        if file is None:
            left_out.append(LeftOut(printable(place), "no such file"))
        else:
            rows.append((file, label, split))
    if repeated:
        notes.append(f"{repeated} lines repeat an earlier one")
    classes = sorted({label for _, label, _ in rows}, key=natural)
    if not rows:
        raise DataError(f"{path}: none of its {len(left_out)} images exists, relative to {folder}/")
    if len(classes) < 2:
        raise DataError(f"{path}: one class only ({classes[0]!r}); expected at least two")
    unlearned = set(classes) - {label for _, label, split in rows if split == TRAIN}
    if unlearned:
        raise DataError(f"{path}: no training image of {', '.join(sorted(unlearned)[:6])}")
    rows.sort(key=lambda row: (row[2], natural(row[0])))
    index = {label: number for number, label in enumerate(classes)}
    data = Dataset(
        name=path.stem,
        classes=tuple(classes),
        images=Files([file for file, _, _ in rows], folder),
        targets=np.array([index[label] for _, label, _ in rows], dtype=np.int64),
        split=np.array([split for _, _, split in rows], dtype=np.int8),
        left_out=tuple(left_out),
        notes=tuple(notes),
    )
    return data.complete(seed)


def _lines(path: Path, notes: list[str]) -> list[tuple[int, list[str]]]:
    """The lines that hold anything, each with its number from 1, cut into columns."""
    try:
        data = read_bytes(path, limit=MAX_BYTES)
    except UserError as error:
        raise DataError(str(error)) from error
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if b"\0" in data:
            raise DataError(f"{path}: not a text file; {EXPECTED}") from error
        text = data.decode("cp1252", "replace")  # what spreadsheets write on Windows
        notes.append(f"{path.name} is no UTF-8; it was read as Windows-1252")
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    reader = csv.reader(text.splitlines(), delimiter=separator)
    try:
        return [(reader.line_num, row) for row in reader if any(field.strip() for field in row)]
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: {error}") from error


def _columns(path: Path, first: Sequence[str]) -> tuple[dict[str, int], int]:
    """Which column is which, and the first line of data (0, or 1 after a heading)."""
    words = [word.strip().lower() for word in first]
    columns = {
        kind: words.index(name)
        for kind, names in reversed(HEADINGS.items())
        for name in reversed(names)
        if name in words
    }
    if {"path", "label"} <= columns.keys():
        return columns, 1
    looks_like_path = os.path.splitext(words[0])[1] in SUFFIXES  # noqa: PTH122
    if columns or not (looks_like_path or _file(path.parent, first[0].strip())):
        raise DataError(
            f"{path}: the first line names no path and label columns "
            f"({', '.join(repr(word) for word in first[:4])}); {EXPECTED}"
        )
    if len(words) not in (2, 3):
        raise DataError(f"{path}: {len(words)} columns; {EXPECTED}")
    return dict(zip(("path", "label", "split"), range(len(words)), strict=False)), 0


def _file(folder: Path, place: str) -> str | None:
    """The place as it is or with its backslashes turned, whichever is a file."""
    for form in dict.fromkeys((place, place.replace("\\", "/"))):
        if form and os.path.isfile(os.path.join(folder, form)):  # noqa: PTH113, PTH118
            return form
    return None
