"""What should be found: ground truth of Oxford's, Paris' and Holidays' kind, class folders, tables.

folders     each picture finds those of its folder
holidays    INRIA's names: a hundred numbers for each scene, the first of them is the query
a folder    Oxford's and Paris' files: NAME_query.txt with a picture and a box, and NAME_good,
            NAME_ok, NAME_junk.txt
a .csv      image, group and, if only some pictures are queries, query (1 or 0)
"""

import csv
import io
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from striate.errors import DataError
from striate.evaluation.retrieval import Area
from striate.files import read_bytes
from striate.retrieval.index import Index, name_below

FOLDERS, HOLIDAYS = "folders", "holidays"
SCENE = 100  # numbers of Holidays that belong to one
LARGEST = 2**28  # bytes of a table
PREFIX = "oxc1_"  # in front of the pictures in Oxford's queries, and nowhere else
TRUE, FALSE = ("1", "yes", "true"), ("", "0", "no", "false")


@dataclass(frozen=True)
class Wanted:
    """A query: a picture of the index, and which rows should be found.

    Attributes:
        row: of the picture.
        box: left, top, right, bottom in pixels: the part of it that is asked for.
        junk: rows that count neither for nor against.
    """

    name: str
    row: int
    positives: frozenset[int]
    junk: frozenset[int] = frozenset()
    box: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class Truth:
    """The queries, and how the area under a curve is computed."""

    queries: tuple[Wanted, ...]
    area: Area


def read_truth(given: str, index: Index) -> Truth:
    """The queries for an index.

    Raises:
        DataError: if there is no such truth, it does not fit the index, or nothing is to be found.
    """
    rows = {name: row for name, (row, _) in index.stamped().items()}
    path = Path(given)
    if path.is_dir():
        truth = oxford(path, rows)
    elif path.suffix.lower() == ".csv":
        truth = Truth(table(path, rows, index.header.folder), "steps")
    elif given == FOLDERS:
        groups = grouped(rows, lambda name: str(PurePosixPath(name).parent))
        truth = Truth(tuple(wanted_of(groups)), "steps")
    elif given == HOLIDAYS:
        truth = Truth(holidays(rows), "trapezoids")
    else:
        raise DataError(
            f"{given} says nothing of what should be found: give {FOLDERS}, {HOLIDAYS}, a .csv of "
            "image and group, or a folder of Oxford's files"
        )
    if not truth.queries:
        raise DataError(f"{given}: no picture of the index has another one to find")
    return truth


Group = list[tuple[str, int]]


def grouped(rows: Mapping[str, int], key: Callable[[str], str]) -> dict[str, Group]:
    """Names and rows by what they belong to."""
    groups: dict[str, Group] = defaultdict(list)
    for name, row in rows.items():
        groups[key(name)].append((name, row))
    return groups


def wanted_of(groups: Mapping[str, Group], queries: Iterable[str] | None = None) -> list[Wanted]:
    """Each picture finds the others of its group, and is itself passed over."""
    asked = None if queries is None else set(queries)
    found = []
    for group in groups.values():
        all_rows = frozenset(row for _, row in group)
        found += [
            Wanted(name, row, all_rows - {row}, frozenset({row}))
            for name, row in group
            if len(group) > 1 and (asked is None or name in asked)
        ]
    return sorted(found, key=lambda each: each.row)


def holidays(rows: Mapping[str, int]) -> tuple[Wanted, ...]:
    """INRIA Holidays (Jégou et al. 2008): 1,491 pictures, 500 queries.

    Raises:
        DataError: if a name is not a number.
    """
    for name in rows:
        if not PurePosixPath(name).stem.isdecimal():
            raise DataError(f"{name}: Holidays' pictures are called by numbers, as in 100000.jpg")

    def number(name: str) -> int:
        return int(PurePosixPath(name).stem)

    groups = grouped(rows, lambda name: str(number(name) // SCENE))
    return tuple(wanted_of(groups, [name for name in rows if number(name) % SCENE == 0]))


def table(path: Path, rows: Mapping[str, int], folder: str) -> tuple[Wanted, ...]:
    """Groups of a .csv file; images by their name in the index, or by their path from the table.

    Raises:
        DataError: if it has other columns, or speaks of pictures that the index does not have.
    """
    try:
        text = read_bytes(path, limit=LARGEST).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8; save it so") from error
    reader = csv.DictReader(io.StringIO(text))
    heads = reader.fieldnames or ()
    if "image" not in heads or "group" not in heads:
        raise DataError(f"{path} needs the columns image and group; it has {', '.join(heads)}")
    groups: dict[str, Group] = defaultdict(list)
    queries, seen = [], set()
    for line in reader:
        image, group = line["image"] or "", line["group"] or ""
        name = image if image in rows else name_below(folder, path.parent / image)
        if name not in rows:
            raise DataError(f"{path}, line {reader.line_num}: {image!r} is not in the index")
        if name in seen:
            raise DataError(f"{path}, line {reader.line_num}: {image!r} is there twice")
        seen.add(name)
        groups[group].append((name, rows[name]))
        asked = (line.get("query") or "").strip().lower() if "query" in heads else "1"
        if asked not in TRUE + FALSE:
            raise DataError(f"{path}, line {reader.line_num}: query is {asked!r}, expected 1 or 0")
        if asked in TRUE:
            queries.append(name)
    return tuple(wanted_of(groups, queries))


def oxford(path: Path, rows: Mapping[str, int]) -> Truth:
    """Oxford's and Paris' files (Philbin et al. 2007, 2008): good and ok should be found.

    Raises:
        DataError: if there are none, a line is not of the form, or a picture is not in the index.
    """
    by_stem: dict[str, int] = {}
    for name, row in rows.items():
        if by_stem.setdefault(PurePosixPath(name).stem, row) != row:
            raise DataError(f"{name}: another picture of the index has this name; Oxford's differ")
    queries = sorted(path.glob("*_query.txt"))
    if not queries:
        raise DataError(f"{path}: no file NAME_query.txt there")
    found = []
    for file in queries:
        name = file.name.removesuffix("_query.txt")
        words = lines_of(file)[0].split() if lines_of(file) else []
        try:
            picture, (left, top, right, bottom) = words[0], map(float, words[1:])
        except (IndexError, ValueError) as error:
            raise DataError(f"{file}: expected a picture and the four sides of a box") from error
        kinds = {
            kind: frozenset(
                row_of(by_stem, line.strip(), path / f"{name}_{kind}.txt")
                for line in lines_of(path / f"{name}_{kind}.txt")
            )
            for kind in ("good", "ok", "junk")
        }
        row = row_of(by_stem, picture.removeprefix(PREFIX), file)
        positives = kinds["good"] | kinds["ok"]
        if positives:
            box = (left, top, right, bottom)
            found.append(Wanted(name, row, positives, kinds["junk"] - positives, box))
    return Truth(tuple(found), "trapezoids")


def lines_of(path: str | os.PathLike[str]) -> list[str]:
    """The lines of a file that are not empty.

    Raises:
        UserError: if it cannot be read.
    """
    text = read_bytes(path, limit=LARGEST).decode("utf-8", "surrogateescape")
    return [line for line in text.splitlines() if line.strip()]


def row_of(by_stem: Mapping[str, int], name: str, file: Path) -> int:
    """The row of a picture that a file of Oxford's names.

    Raises:
        DataError: if the index does not have it.
    """
    if name not in by_stem:
        raise DataError(f"{file}: {name!r} is not in the index")
    return by_stem[name]
