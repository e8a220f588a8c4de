"""Lists: a file of text with the path of an image and its label a line, and perhaps its split.

A first line that names the columns is optional; `headings` knows the usual names. Paths are
relative to the list; one that is not there is looked for by its last parts below its folder.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from striate.data.columns import EXPECTED, columns_of, labels_of, splits_of, weights_of
from striate.data.dataset import Dataset, Files, LeftOut
from striate.data.headings import Table, boxed, is_path, read_table
from striate.data.names import alike_but_for_case, canonical, counted, natural, printable, quoted
from striate.data.places import Missed, Pictures
from striate.data.splits import TRAIN, torn
from striate.data.targets import Labels, Targets
from striate.data.walking import walk
from striate.errors import DataError

SUFFIXES = (".csv", ".tsv", ".txt")
SAMPLE, MEETING = 50, 0.8  # lines of an unknown table; the share of its cells that are images
# Folders for lists, beside the images and not around them.
ASIDE = frozenset(
    ("annotations", "annotation", "labels", "lists", "splits", "csv", "meta", "metadata")
)


@dataclass(frozen=True)
class Line:
    """A line that names an image."""

    number: int
    place: str
    label: str
    split: int
    group: str
    weight: float


class Row(NamedTuple):
    """An image of a list.

    Attributes:
        file: relative to the list's folder.
        group: what keeps it with others in one split; "" where nothing does.
        weight: how much it counts in learning.
    """

    file: str
    label: str
    split: int
    group: str
    weight: float


def is_list(path: Path) -> bool:
    """Whether a file is a list of images with their labels."""
    return path.is_file() and path.name.lower().endswith(SUFFIXES) and not boxed(path)


def open_list(path: Path, *, seed: int) -> Dataset[Labels]:
    """The images that a list names; those that are not there, and lines that name none, are left
    out.

    Raises:
        DataError: if it is not known what its columns hold, or none of its images is there.
    """
    table = table_of_images(path)
    left_out: list[LeftOut] = []
    rows = _named_by_folder(rows_of(path, table, labels_of(path, table), left_out), table.notes)
    classes = sorted({row.label for row in rows}, key=natural)
    if note := alike_but_for_case(classes):
        table.notes.append(note)
    index = {label: number for number, label in enumerate(classes)}
    numbers = np.array([index[row.label] for row in rows], dtype=np.int64)
    targets = Labels(tuple(classes), numbers)
    return dataset_of(path, rows, targets, left_out, table.notes).complete(seed)


def table_of_images(path: Path) -> Table:
    """The table in a file, with what its columns hold.

    Raises:
        DataError: if that is not known.
    """
    table = read_table(path)
    if not table.rows:
        raise DataError(f"{path}: empty; {EXPECTED}")
    if not table.headings:
        _by_content(path, table)
    columns_of(path, table)
    return table


def rows_of(
    path: Path, table: Table, labels: Sequence[str], left_out: list[LeftOut]
) -> list["Row"]:
    """The images that a list names and that are there, ordered by split and name.

    Args:
        labels: of every line of the table; "" where it has none.

    Raises:
        DataError: if there is none.
    """
    lines = _lines(path, table, labels, left_out)
    rows = _files(path, lines, table, left_out)
    if not rows:
        why = f" ({left_out[0].name}: {left_out[0].reason})" if left_out else ""
        raise DataError(
            f"{path}: none of its {counted(len(table.rows), 'image')} exists, relative to "
            f"{path.parent}/, with a label{why}"
        )
    rows.sort(key=lambda row: (row.split, natural(row.file)))
    return rows


def dataset_of(
    path: Path,
    rows: Sequence["Row"],
    targets: Targets,
    left_out: Sequence[LeftOut],
    notes: list[str],
) -> Dataset[Any]:
    """The images of a list with their targets, row for row; its groups are named in the notes."""
    split = np.array([row.split for row in rows], dtype=np.int8)
    weights = np.array([row.weight for row in rows])
    return Dataset(
        name=path.stem,
        inputs=Files([row.file for row in rows], path.parent),
        targets=targets,
        split=split,
        groups=_groups(rows, split, notes),
        weights=None if (weights == 1).all() else weights,
        left_out=tuple(left_out),
        notes=tuple(notes),
    )


def _groups(
    rows: Sequence["Row"], split: NDArray[np.int8], notes: list[str]
) -> NDArray[np.int64] | None:
    """(N,) equal for images of one group of the list (a patient, a video); None without groups.

    An image whose cell is empty stands alone. Groups that the list itself has in several splits
    are named: what is learned of them is scored.
    """
    names = [row.group or f"\0{number}" for number, row in enumerate(rows)]
    told = {row.group for row in rows if row.group}
    if len(set(names)) == 1 < len(rows):
        notes.append(f"all images are of one group, {quoted(told)}; it is not looked at")
        return None
    if not told:
        return None
    index = {name: number for number, name in enumerate(dict.fromkeys(names))}
    groups = np.array([index[name] for name in names], np.int64)
    if len(told) < len(rows):
        notes.append(
            f"{counted(len(told), 'group')} of images; those of a group stay in one split wherever "
            "striate draws it"
        )
    if note := torn([row.group for row in rows], split):
        notes.append(note)
    return groups


def _by_content(path: Path, table: Table) -> None:
    """Sees in which column images are named that lie below the list's folder, where the first line
    names none and so may be headings that nobody knows."""
    first, rows = table.rows[0][1], table.rows[1 : 1 + SAMPLE]
    if not rows or any(map(is_path, first)):
        return
    pictures = Pictures(walk(path.parent))
    best, place = 0, -1
    for column, heading in enumerate(first):
        cells = {fields[column] for _, fields in rows if column < len(fields)}
        met = sum(isinstance(pictures.one(cell), str) for cell in cells if cell.strip())
        unmet = isinstance(pictures.one(heading), Missed)
        if unmet and met > max(best, MEETING * len(cells)):
            best, place = met, column
    if place >= 0:
        table.headed(path=place)
        table.notes.append(f"column {first[place]!r} is taken for the images")


def _lines(path: Path, table: Table, labels: Sequence[str], left_out: list[LeftOut]) -> list[Line]:
    """The lines that name an image and its label, each image once."""
    splits, weights = splits_of(path, table), weights_of(table)
    found: dict[str, Line] = {}
    different: dict[str, list[int]] = {}
    repeated = 0
    for (number, fields), label, split, weight in zip(
        table.rows, labels, splits, weights, strict=True
    ):
        place = table.cell(fields, "path")
        named = printable(place) or f"line {number}"
        wrong = ""
        if not place or "\0" in place:
            named, wrong = f"line {number}", "has no path" if not place else "has a zero byte"
        elif not label:
            wrong = f"line {number} has no label"
        elif split is None:
            wrong = f"line {number} has no split that is known: {table.cell(fields, 'split')!r:.40}"
        if wrong:
            left_out.append(LeftOut(named, wrong))
            continue
        group = table.cell(fields, "group")
        line = Line(number, place, label, TRAIN if split is None else split, group, weight)
        first = found.setdefault(place, line)
        if first is line:
            continue
        if (first.label, first.split) == (line.label, line.split):
            repeated += 1
        else:
            different.setdefault(place, [first.number]).append(number)
    for place, numbers in different.items():
        del found[place]
        where = " and ".join(map(str, numbers[:4]))
        left_out.append(LeftOut(printable(place), f"lines {where} have other labels or splits"))
    if repeated:
        table.notes.append(f"{counted(repeated, 'line')} that repeat an earlier one")
    return list(found.values())


def _files(path: Path, lines: list[Line], table: Table, left_out: list[LeftOut]) -> list[Row]:
    """Every line whose image is there."""
    folder = path.parent
    direct = [_file(folder, line.place) for line in lines]
    lost = [line for line, file in zip(lines, direct, strict=True) if file is None]
    elsewhere: dict[str, str | Missed] = {}
    if lost:
        taken = {os.path.normpath(file) for file in direct if file is not None}
        pictures = Pictures(walk(folder))
        joined = pictures.join(((line.place, ()) for line in lost), taken)
        elsewhere = {line.place: file for line, file in zip(lost, joined, strict=True)}
    rows: list[Row] = []
    found: dict[str, Line] = {}
    missing = moved = 0
    for line, there in zip(lines, direct, strict=True):
        file = elsewhere[line.place] if there is None else there
        if isinstance(file, Missed):
            missing += 1
            left_out.append(LeftOut(printable(line.place), file.reason))
            continue
        moved += there is None
        other = found.setdefault(os.path.normpath(file), line)
        if other is line:
            rows.append(Row(file, line.label, line.split, line.group, line.weight))
        else:
            why = f"is the file of line {other.number} again"
            left_out.append(LeftOut(printable(line.place), why))
    if missing:
        table.notes.append(f"{missing:,} of {counted(len(lines), 'image')} of the list are missing")
    if moved:
        table.notes.append(
            f"{counted(moved, 'image')} found by a part of the path in the list, or without its "
            "suffix"
        )
    return rows


def _named_by_folder(rows: list[Row], notes: list[str]) -> list[Row]:
    """The rows with the folders of their images for labels, where these are numbers, one for each
    folder."""
    if not all(row.label.isdecimal() for row in rows):
        return rows
    folders = [row.file.replace("\\", "/").rpartition("/")[0].rpartition("/")[2] for row in rows]
    pairs = {(row.label, folder) for row, folder in zip(rows, folders, strict=True)}
    names = dict(pairs)
    single = len(pairs) == len(names) == len(set(names.values()))
    if (
        not single
        or len(names) < 2
        or not all(names.values())
        or any(name.isdecimal() for name in names.values())
    ):
        return rows
    called = sorted(names.items(), key=lambda each: natural(each[0]))
    shown = ", ".join(f"{number} {name}" for number, name in called[:6])
    notes.append(f"labels are numbers, called by the folders of their images: {shown}")
    return [row._replace(label=names[row.label]) for row in rows]


def _file(folder: Path, place: str) -> str | None:
    """The place as it is or with its backslashes turned, whichever is a file."""
    forms = [place, place.replace("\\", "/")] if "\\" in place else [place]
    if canonical(folder.name).lower() in ASIDE:
        forms += [f"../{form}" for form in forms] + [f"../images/{form}" for form in forms]
    for form in forms:
        if os.path.isfile(os.path.join(folder, form)):  # noqa: PTH113, PTH118
            return form
    return None
