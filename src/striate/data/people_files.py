"""Pictures of persons: one folder a person, or a list of pairs.

Lists are tables with a column for each picture of a pair and one that says whether both show the
same person (`a,b,same`, perhaps `fold`), or `pairs.txt` as Labeled Faces in the Wild has it. The
person of a picture is the folder that it lies in. Splits are of persons and never of pictures.
"""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from striate.data.cells import read_cells
from striate.data.dataset import Dataset, Files, LeftOut
from striate.data.folders import open_folders
from striate.data.headings import MAX_BYTES, normal
from striate.data.marked_people import with_marks
from striate.data.markup import text_of
from striate.data.names import natural, printable
from striate.data.people import EXPECTED, People
from striate.data.sniffing import start_of
from striate.data.splits import ASIDE, SPLITS, TEST, TRAIN, VALIDATION, joined
from striate.errors import DataError, UserError
from striate.files import read_bytes
from striate.images import SUFFIXES as PICTURES

NAMES = ("pairs.csv", "pairs.tsv", "pairs.txt")
FIRST = ("a", "first", "image a", "image 1", "path a", "path 1", "file a", "file 1", "img1")
SECOND = ("b", "second", "image b", "image 2", "path b", "path 2", "file b", "file 2", "img2")
SAME = ("same", "issame", "is same", "match", "label", "target", "genuine")
FOLD = ("fold", "set", "cv fold")
GROUP = ("group", "groups", "subgroup")
TRUE, FALSE = ("1", "true", "yes", "same", "match"), ("0", "false", "no", "different", "-1")
DIGITS = 9  # of numbers in LFW's form
LFW = "expected LFW's form: name<tab>1<tab>2 of one person, name<tab>1<tab>name<tab>2 of two"


class Pair(NamedTuple):
    """A line: paths below the root, the truth, the fold (-1: none) and the group ("": none)."""

    first: str
    second: str
    same: bool
    fold: int
    group: str = ""


def is_pairs(path: Path) -> bool:
    """Whether a file is a list of pairs, or a folder holds one under its usual name."""
    if path.is_dir():
        return _list_in(path) is not None
    if path.suffix.lower() not in (".csv", ".tsv", ".txt"):
        return False
    start = text_of(start_of(path))[0].splitlines()
    return _columns(start[0]) is not None if _is_table(path) and start else _is_lfw(start)


def _list_in(folder: Path) -> Path | None:
    return next((each for name in NAMES if is_file_of_pairs(each := folder / name)), None)


def is_file_of_pairs(path: Path) -> bool:
    """Whether it is a file that lists pairs."""
    return path.is_file() and is_pairs(path)


def _is_table(path: Path) -> bool:
    return path.suffix.lower() in (".csv", ".tsv")


def _is_lfw(lines: list[str]) -> bool:
    """Whether lines are `pairs.txt`: one or two numbers, then names and numbers."""
    if len(lines) < 2 or not all(map(_is_number, lines[0].split("\t"))):
        return False
    cells = lines[1].split("\t")
    return len(cells) in (3, 4) and _is_number(cells[1].strip()) and _is_number(cells[-1].strip())


def _is_number(cell: str) -> bool:
    """Whether it is a whole number of a size that pictures and pairs are counted by."""
    return cell.isdecimal() and len(cell) <= DIGITS


def _columns(heading: str) -> tuple[int, int, int, int, int] | None:
    """The places of both pictures, of the truth, of the fold and of the group (-1: none) in a
    table."""
    heads = [normal(cell) for cell in heading.replace("\t", ",").replace(";", ",").split(",")]

    def place(names: tuple[str, ...]) -> int:
        return next((heads.index(name) for name in names if name in heads), -1)

    first, second, same, fold, group = map(place, (FIRST, SECOND, SAME, FOLD, GROUP))
    return None if min(first, second, same) < 0 else (first, second, same, fold, group)


def open_pairs(path: Path, *, seed: int) -> Dataset[People]:
    """The pictures of a list of pairs, with its folds as splits.

    The last fold is scored, the one before is chosen on, the others are learned. Without folds, or
    where a person is in several, persons are drawn, and pairs across splits are not used.

    Raises:
        DataError: if a line is not understood, or none of its pictures is there.
    """
    file = path if path.is_file() else _list_in(path)
    assert file is not None
    left_out: list[LeftOut] = []
    rows = _table(file, left_out) if _is_table(file) else _lfw(file, left_out)
    root = file.parent
    there = [row for row in rows if (root / row.first).is_file() and (root / row.second).is_file()]
    if not there:
        raise DataError(f"{file}: none of the pictures of its {len(rows):,} pairs is there, "
                        f"relative to {root}/")  # fmt: skip
    lost = len(rows) - len(there)
    places = sorted({one for row in there for one in row[:2]}, key=natural)
    people = People.of([Path(place).parent.name or Path(place).stem for place in places])
    index = {place: number for number, place in enumerate(places)}
    groups = sorted({row.group for row in there} - {""})
    number = {name: place for place, name in enumerate(groups)}
    protocol = np.array(
        [(index[row.first], index[row.second], row.same, row.fold, number.get(row.group, -1))
         for row in there], np.int64
    )  # fmt: skip
    truth = people.numbers[protocol[:, 0]] == people.numbers[protocol[:, 1]]
    if wrong := int((truth != protocol[:, 2].astype(bool)).sum()):
        raise DataError(
            f"{file}: {wrong:,} of {len(there):,} pairs do not agree with the folders of their "
            "pictures; a picture lies in the folder of its person"
        )
    people = with_marks(replace(people, protocol=protocol, groups=tuple(groups)), places, root)
    data = Dataset(
        name=path.resolve().name if path.is_dir() else file.stem,
        inputs=Files(places, root),
        targets=people,
        split=np.zeros(len(places), np.int8),
        groups=people.numbers,
        left_out=tuple(left_out),
        notes=(f"{lost:,} pairs with a picture that is not there",) if lost else (),
    )
    return _split(data, seed)


def _split(data: Dataset[People], seed: int) -> Dataset[People]:
    """Folds as splits where they share no person; else persons are drawn."""
    assert data.targets.protocol is not None
    folds = sorted(set(data.targets.protocol[:, 3].tolist()) - {-1})
    if len(folds) < 3:
        return by_person(data, seed)
    split = fold_split(data, folds[-1], folds[-2])
    if split is None:
        return by_person(data.noted("its folds share persons and are not used"), seed)
    told = f"of its {len(folds)} folds, {folds[-1]} is scored, {folds[-2]} is chosen on"
    return replace(data, split=split, seed=seed).noted(f"{told}, the others are learned")


def fold_split(data: Dataset[People], test: int, validation: int) -> NDArray[np.int8] | None:
    """(N,) the split of each picture if one fold is scored and one is chosen on; None where folds
    share a person."""
    protocol, targets = data.targets.protocol, data.targets
    assert protocol is not None
    fold = np.full(len(targets.people), -1, np.int64)
    person = dict(zip(targets.ids.tolist(), targets.numbers.tolist(), strict=True))
    for first, second, _, number, _ in protocol.tolist():
        for one in (first, second):
            if one in person:
                if fold[person[one]] not in (-1, number):
                    return None
                fold[person[one]] = number
    own = fold[targets.numbers]
    split = np.where(own == test, TEST, np.where(own == validation, VALIDATION, TRAIN))
    return np.where(own < 0, ASIDE, split).astype(np.int8)


def by_person(data: Dataset[People], seed: int) -> Dataset[People]:
    """The set with splits of persons, those drawn that it does not have."""
    found = data.complete(seed)
    pairs = data.targets.protocol
    if found.drawn:
        found = found.noted("splits are of persons: no person is in two of them")
    if pairs is not None:
        split = dict(zip(data.targets.ids.tolist(), found.split.tolist(), strict=True))
        lost = sum(split[a] != split[b] for a, b, *_ in pairs.tolist())
        if lost:
            found = found.noted(f"{lost:,} of {len(pairs):,} pairs are across splits, not used")
    return found


def _table(path: Path, left_out: list[LeftOut]) -> list[Pair]:
    cells = read_cells(path)
    columns = _columns(",".join(cells.rows[0][1]))
    if columns is None:
        raise DataError(f"{path}: expected columns a,b,same and perhaps fold")
    folds: dict[str, int] = {}
    found = []
    for number, row in cells.rows[1:]:
        first, second, same, fold, group = (
            row[k].strip() if 0 <= k < len(row) else "" for k in columns
        )
        if not (first and second) or same.lower() not in (*TRUE, *FALSE):
            left_out.append(LeftOut(f"{path.name}:{number}", "not two pictures and 0 or 1"))
            continue
        own = -1 if columns[3] < 0 else folds.setdefault(fold, len(folds))
        found.append(Pair(first, second, same.lower() in TRUE, own, printable(group)))
    if not found:
        raise DataError(f"{path}: no pair in it; expected columns a,b,same and perhaps fold")
    return found


def table_of_pairs(path: Path) -> list[tuple[str, str]]:
    """The pictures of a list of pairs that is to be answered, relative to the list's folder; what
    it says of them is not needed.

    Raises:
        DataError: if it has no two columns of pictures.
    """
    if not _is_table(path):
        return [(str(path.parent / one.first), str(path.parent / one.second))
                for one in _lfw(path, [])]  # fmt: skip
    rows = read_cells(path).rows
    heads = [normal(cell) for cell in rows[0][1]] if rows else []
    places = [next((heads.index(name) for name in names if name in heads), -1)
              for names in (FIRST, SECOND)]  # fmt: skip
    if min(places) < 0:
        raise DataError(f"{path}: expected columns a,b in the first line")
    return [
        (str(path.parent / row[places[0]].strip()), str(path.parent / row[places[1]].strip()))
        for _, row in rows[1:]
        if len(row) > max(places)
    ]


def _lfw(path: Path, left_out: list[LeftOut]) -> list[Pair]:
    """As LFW has it: after a line with the number of folds (or none) and of pairs of each kind."""
    try:
        lines = text_of(read_bytes(path, limit=MAX_BYTES))[0].splitlines()
    except UserError as error:
        raise DataError(str(error)) from error
    head = [int(cell) for cell in lines[0].split("\t")]
    count = head[-1]
    root = _pictures(path, lines[1].split("\t")[0])
    suffix = _suffix(path.parent / root / lines[1].split("\t")[0])
    found = []
    for number, line in enumerate(lines[1:]):
        cells = [cell.strip() for cell in line.split("\t")]
        fold = number // (2 * count) if len(head) == 2 and count else -1
        if len(cells) == 3 and all(map(_is_number, cells[1:])):
            one = two = cells[0]
            first, second = cells[1:]
        elif len(cells) == 4 and _is_number(cells[1]) and _is_number(cells[3]):
            one, first, two, second = cells
        else:
            if line.strip():
                left_out.append(LeftOut(f"{path.name}:{number + 2}", LFW))
            continue
        left, right = (
            (root / name / f"{name}_{int(place):04d}{suffix}").as_posix()
            for name, place in ((one, first), (two, second))
        )
        found.append(Pair(left, right, one == two, fold))
    if not found:
        raise DataError(f"{path}: no pair in it; {LFW}")
    return found


def _pictures(path: Path, name: str) -> Path:
    """The folder, relative to the list's, in which there is a folder of that person.

    Raises:
        DataError: if there is none.
    """
    for place in (path.parent, *sorted(each for each in path.parent.iterdir() if each.is_dir())):
        if (place / name).is_dir():
            return place.relative_to(path.parent)
    raise DataError(f"{path}: no folder {name}/ beside it, nor one folder deeper")


def _suffix(folder: Path) -> str:
    """Of the pictures in a folder."""
    found = [each.suffix for each in sorted(folder.iterdir()) if each.suffix.lower() in PICTURES]
    return found[0] if found else ".jpg"


def open_people(path: Path, *, seed: int) -> Dataset[People]:
    """The pictures of a folder for each person, in folders of splits or none.

    Raises:
        DataError: if there is nothing to learn from; it says what is expected.
    """
    try:
        labeled = open_folders(path, seed=seed)
    except DataError as error:
        raise DataError(f"{path}: {EXPECTED} ({error})") from error
    numbers = labeled.targets.numbers
    people = People.of([labeled.classes[number] for number in numbers.tolist()])
    groups = people.numbers
    if labeled.groups is not None:
        groups = joined(groups, labeled.groups)
    split = labeled.split.copy()
    split[np.isin(split, [SPLITS.index(part) for part in labeled.drawn])] = TRAIN
    names = [labeled.inputs.name(row) for row in range(len(labeled))]
    data = Dataset(
        name=labeled.name,
        inputs=labeled.inputs,
        targets=with_marks(people, names, path),
        split=split,
        groups=groups,
        left_out=labeled.left_out,
    )
    shared = len(people.straddling(split))
    if shared:
        data = replace(data, split=np.zeros(len(data), np.int8)).noted(
            f"its splits share {shared:,} persons and are not used: who was learned is not scored"
        )
    return by_person(data, seed)
