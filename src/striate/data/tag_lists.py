"""Lists of images with several classes each: words with a separator, lists, a column a class.

A cell without any is a picture of none of the classes.
"""

import ast
import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from striate.data.columns import BLANK, SEPARATORS, class_columns, separator_of
from striate.data.dataset import Dataset, LeftOut
from striate.data.headings import Table
from striate.data.lists import dataset_of, is_list, rows_of, table_of_images
from striate.data.names import alike_but_for_case, canonical, natural
from striate.data.tags import ABSENT, THERE, UNKNOWN, Tags
from striate.errors import DataError

NONE = frozenset(("none", "no finding", "nothing", "normal", "[]", "-"))  # of the classes
EMPTY = frozenset(("0", "0.0", ""))


def is_tag_list(path: Path) -> bool:
    """Whether a file is a list of images, some of which have several classes."""
    if not is_list(path):
        return False
    try:
        table = table_of_images(path)
    except DataError:
        return False
    if hot := class_columns(table):
        several = [
            [fields[place].strip() for place in hot if place < len(fields)]
            for _, fields in table.rows
        ]
        return any(sum(cell in ("1", "1.0") for cell in cells) > 1 for cells in several)
    cells = _cells(table)
    return any(_listed(cell) is not None for cell in cells) or separator_of(cells) is not None


def open_tag_list(path: Path, *, seed: int) -> Dataset[Tags]:
    """The images that a list names; those that are not there are left out.

    Raises:
        DataError: if it is not known what its columns hold, or none of its images is there.
    """
    table = table_of_images(path)
    names, marks = _one_hot(table) if class_columns(table) else _words(path, table)
    if note := alike_but_for_case(names):
        table.notes.append(note)
    left_out: list[LeftOut] = []
    codes = [row.tobytes().hex() for row in marks]  # what lines are compared by
    rows = rows_of(path, table, codes, left_out)
    known = dict(zip(codes, marks, strict=True))
    numbers = np.stack([known[row.label] for row in rows])
    used = (numbers == THERE).any(0)
    targets = Tags(tuple(names), numbers).only(used)
    return dataset_of(path, rows, targets, left_out, table.notes).complete(seed)


def _cells(table: Table) -> list[str]:
    return [canonical(cell) for cell in table.column(table.columns["label"])]


def _words(path: Path, table: Table) -> tuple[list[str], NDArray[np.int8]]:
    """The classes, and which of them (N, classes) each line has."""
    cells = _cells(table)
    lists = [_listed(cell) for cell in cells]
    if any(each is not None for each in lists):
        tagged = [each or [] for each in lists]
        table.notes.append("each label is a list of classes, as JSON has it")
    else:
        separator = separator_of(cells)
        pattern = SEPARATORS[separator] if separator else None
        tagged = [
            [] if cell.lower() in BLANK else re.split(pattern, cell) if pattern else [cell]
            for cell in cells
        ]
        if separator:
            shown = separator if separator == "a blank" else f"{separator!r}"
            table.notes.append(f"several classes in a label are separated by {shown}")
    tagged = [[word for word in each if word and word.lower() not in NONE] for each in tagged]
    names = sorted({word for each in tagged for word in each}, key=natural)
    if not names:
        raise DataError(f"{path}: no line has a class")
    return names, Tags.of(tagged, names).numbers


def _listed(cell: str) -> list[str] | None:
    """The words of `["a", "b"]` or `['a', 'b']`; None where a cell is no such list."""
    if cell[:1] != "[" or cell[-1:] != "]":
        return None
    for read in (json.loads, ast.literal_eval):
        try:
            found = read(cell)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(found, list) and all(isinstance(word, str | int) for word in found):
            return [canonical(str(word)) for word in found]
    return None


def _one_hot(table: Table) -> tuple[list[str], NDArray[np.int8]]:
    """The classes of the headings, and what each line says of them.

    1 is there and 0 (or nothing) absent; -1 is absent where no cell is 0 (as in CelebA), else
    unknown (as in CheXpert).
    """
    places = class_columns(table)
    names = [table.titles[place] for place in places]
    cells = [[_cell(fields, place) for place in places] for _, fields in table.rows]
    values = {cell for each in cells for cell in each}
    negative = {"-1", "-1.0"} & values
    unknown = bool(negative) and bool({"0", "0.0"} & values)
    if negative:
        meaning = "unknown: neither learned nor scored" if unknown else "absent"
        table.notes.append(f"-1 is taken for {meaning}")
    marks = {"1": THERE, "1.0": THERE} | dict.fromkeys(EMPTY, ABSENT)
    marks |= dict.fromkeys(("-1", "-1.0"), UNKNOWN if unknown else ABSENT)
    return names, np.array([[marks[cell] for cell in each] for each in cells], np.int8)


def _cell(fields: Sequence[str], place: int) -> str:
    return fields[place].strip() if place < len(fields) else ""
