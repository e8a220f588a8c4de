"""A list of what is sound: the user's files stay as they are."""

import csv
import os
from pathlib import Path

from striate.checking.findings import Findings
from striate.data import SPLITS, Dataset
from striate.errors import DataError
from striate.files import writing

HEADING = ("path", "label", "split", "remark")


def write_list(findings: Findings, path: Path) -> int:
    """Writes path, label and split of every image that stays; returns how many those are.

    Paths are relative to the list. A fourth column, which nobody has to read, names the class that
    a suspect image may rather belong to.

    Raises:
        DataError: if the images are no files, or too few stay, or the list is one of them.
        StorageError: if it cannot be written.
    """
    data = findings.dataset
    see_listable(data, path)
    folder = path.absolute().parent
    doubts = {one.row: one for one in findings.suspects}
    rows, gone = [], removed(findings)
    for row in range(len(data)):
        file = data.inputs.path(row)
        if row in gone or file is None:
            continue
        place = _place(file, folder)
        doubt = doubts.get(row)
        remark = f"perhaps {data.classes[doubt.given]}: {doubt.probability:.2f}" if doubt else ""
        label = data.targets.words(row)
        rows.append((place, label, SPLITS[data.split[row]], remark))
    learned = {label for _, label, split, _ in rows if split == SPLITS[0]}
    if len(learned) < 2:
        raise DataError(f"{data.name}: nothing to learn from is left when all copies are taken out")
    with writing(path) as temporary:
        with temporary.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(HEADING)
            writer.writerows(rows)
    return len(rows)


def removed(findings: Findings) -> dict[int, str]:
    """Rows that a clean list goes without, with reasons.

    Of a picture that is in the set several times one is kept, where it is scored rather than where
    it is learned from; of one with different targets none, for nobody knows which are right.
    Suspects stay: a person has to look at them.
    """
    data = findings.dataset
    reasons: dict[int, str] = {}
    conflicts = {copies.rows[0] for copies in findings.conflicts}
    for copies in findings.copies:
        if copies.rows[0] in conflicts:
            others = sorted({data.targets.words(row) for row in copies.rows})
            why = f"the same picture is called {', '.join(others)}"
            reasons |= dict.fromkeys(copies.rows, why)
            continue
        kept = max(copies.rows, key=lambda row: (data.split[row], -row))
        why = f"shows the same as {data.inputs.name(kept)}"
        reasons |= {row: why for row in copies.rows if row != kept}
    reasons |= {one.row: one.reason for one in findings.odd if one.kind == "blank"}
    return reasons


def see_listable(data: Dataset, path: Path) -> None:
    """Sees, before any work, that a list of these images can be written there.

    Raises:
        DataError: if not; it says why.
    """
    if data.targets.single() is None:
        raise DataError(
            f"{data.name}: a list has one class an image; it has no place for {data.targets.kind}"
        )
    if len(data) and data.inputs.path(0) is None:
        raise DataError(f"{data.name}: its images are not files, a list cannot name them")
    if path.suffix.lower() != ".csv":
        raise DataError(f"{path}: a list ends in .csv")


def _place(file: Path, folder: Path) -> str:
    """Where a file lies, seen from the list's folder.

    Raises:
        DataError: if its name cannot stand in a list.
    """
    absolute = file.absolute()
    try:
        place = os.path.relpath(absolute, folder)
    except ValueError:  # another drive
        place = str(absolute)
    try:
        place.encode("utf-8")
    except UnicodeEncodeError as error:
        raise DataError(f"{file!r}: its name is no text; rename it to have it in a list") from error
    if place != place.strip() or len(place.splitlines()) != 1:
        raise DataError(f"{str(file)!r}: its name has a line break or a space at an end; rename it")
    return place
