"""Pictures of persons: one folder a person, or a list of pairs.

Lists are tables with a column for each picture of a pair and one that says whether both show the
same person (`a,b,same`, perhaps `fold` or `split`), or `pairs.txt` as Labeled Faces in the Wild has
it. The person of a picture is the folder that it lies in. Splits are of persons and never of
pictures.
"""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from striate.data.cells import read_cells
from striate.data.dataset import Dataset, Files, LeftOut
from striate.data.folders import open_folders
from striate.data.headings import HEADINGS, MAX_BYTES, normal
from striate.data.marked_people import with_marks
from striate.data.markup import text_of
from striate.data.names import counted, natural, printable, quoted
from striate.data.people import EXPECTED, People
from striate.data.places import Missed, Pictures
from striate.data.roles import split_of_cell
from striate.data.sniffing import start_of
from striate.data.splits import ASIDE, SPLITS, TEST, TRAIN, VALIDATION, joined
from striate.data.walking import walk
from striate.errors import DataError, UserError
from striate.files import read_bytes
from striate.images import SUFFIXES as PICTURES

NAMES = ("pairs.csv", "pairs.tsv", "pairs.txt")
FIRST = ("a", "first", "image a", "image 1", "path a", "path 1", "file a", "file 1", "img1")
SECOND = ("b", "second", "image b", "image 2", "path b", "path 2", "file b", "file 2", "img2")
SAME = ("same", "issame", "is same", "match", "label", "target", "genuine")
FOLD = ("fold", "cv fold", *HEADINGS["split"])
FOLDS = 3  # of a list, from which on they are used: one is scored, one chosen on, one learned
GROUP = ("group", "groups", "subgroup")
TRUE, FALSE = ("1", "true", "yes", "same", "match"), ("0", "false", "no", "different", "-1")
DIGITS = 9  # of numbers in LFW's form
LFW = "expected LFW's form: name<tab>1<tab>2 of one person, name<tab>1<tab>name<tab>2 of two"


class Pair(NamedTuple):
    """A line: paths below the root, the truth, the names of the fold and of the group ("": none),
    and where it stands."""

    first: str
    second: str
    same: bool
    fold: str
    group: str
    where: str


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
    """The pictures of a list of pairs, with its folds or its column of splits as splits.

    The last fold is scored, the one before is chosen on, the others are learned. With fewer than
    three, or where a person is in several, persons are drawn, and pairs across splits are not used.

    Raises:
        DataError: if a line is not understood, or none of its pictures is there.
    """
    file = path if path.is_file() else _list_in(path)
    assert file is not None
    left_out: list[LeftOut] = []
    notes: list[str] = []
    rows = _table(file, left_out, notes) if _is_table(file) else _lfw(file, left_out)
    root = file.parent
    there = _once(_found(rows, root, left_out), left_out)
    if not there:
        raise DataError(
            f"{file}: of its {counted(len(rows), 'pair')} none can be used; "
            f"{left_out[-1].name}: {left_out[-1].reason}"
        )
    places = sorted({one for row in there for one in row[:2]}, key=natural)
    people = People.of([Path(place).parent.name or Path(place).stem for place in places])
    index = {place: number for number, place in enumerate(places)}
    groups = sorted({row.group for row in there} - {""})
    number = {name: place for place, name in enumerate(groups)}
    folds = sorted({row.fold for row in there} - {""}, key=natural)
    part = {name: place for place, name in enumerate(folds)}
    protocol = np.array(
        [(index[row.first], index[row.second], row.same, part.get(row.fold, -1),
          number.get(row.group, -1)) for row in there], np.int64
    )  # fmt: skip
    truth = people.numbers[protocol[:, 0]] == people.numbers[protocol[:, 1]]
    wrong = np.flatnonzero(truth != protocol[:, 2].astype(bool)).tolist()
    if wrong:
        raise DataError(
            f"{file}: {len(wrong):,} of {counted(len(there), 'pair')} "
            f"{'does' if len(wrong) == 1 else 'do'} not agree with the folders of their pictures "
            f"({quoted((there[row].where for row in wrong), most=3)}); a picture lies in the "
            "folder of its person"
        )
    people = with_marks(replace(people, protocol=protocol, groups=tuple(groups)), places, root)
    data = Dataset(
        name=path.resolve().name if path.is_dir() else file.stem,
        inputs=Files(places, root),
        targets=people,
        split=np.zeros(len(places), np.int8),
        groups=people.numbers,
        left_out=tuple(left_out),
        notes=tuple(notes),
    )
    return _split(data, folds, seed)


def _found(rows: list[Pair], root: Path, left_out: list[LeftOut]) -> list[Pair]:
    """The pairs of which both pictures are there, below the root; the others are left out."""
    names = list(dict.fromkeys(name for row in rows for name in row[:2]))
    pictures = Pictures(walk(root))
    met = {name: pictures.one(name) for name in names}
    found = []
    for row in rows:
        first, second = met[row.first], met[row.second]
        if isinstance(first, str) and isinstance(second, str):
            found.append(row._replace(first=first, second=second))
            continue
        name, lost = (row.first, first) if isinstance(first, Missed) else (row.second, second)
        left_out.append(LeftOut(row.where, f"{printable(name)}: {lost.reason}"))  # type: ignore[union-attr]
    return found


def _once(rows: list[Pair], left_out: list[LeftOut]) -> list[Pair]:
    """The pairs of two pictures, each once; the others are left out."""
    found: dict[frozenset[str], Pair] = {}
    for row in rows:
        both = frozenset(row[:2])
        if len(both) < 2:
            left_out.append(LeftOut(row.where, "both are the same picture"))
        elif found.setdefault(both, row) is not row:
            left_out.append(LeftOut(row.where, f"the same pair as {found[both].where}"))
    return list(found.values())


def _split(data: Dataset[People], folds: list[str], seed: int) -> Dataset[People]:
    """Folds as splits where they share no person; else persons are drawn.

    Args:
        folds: their names, in the order of their numbers.
    """
    splits = [split_of_cell(name.lower()) for name in folds]
    named = bool(folds) and None not in splits
    if not folds:
        return by_person(data, seed)
    called = "splits" if named else "folds"
    own, shared = fold_of_each(data)
    if shared:
        return by_person(
            data.noted(
                f"its {called} share {counted(len(shared), 'person')} and are not used: "
                f"{quoted(shared, most=3)}"
            ),
            seed,
        )
    if named:
        split = np.array([*splits, ASIDE], np.int8)[own]  # -1 is the last
        return by_person(replace(data, split=split), seed)
    if len(folds) < FOLDS:
        few = "only fold is" if len(folds) == 1 else f"{len(folds)} folds are"
        return by_person(
            data.noted(f"its {few} not used: of {FOLDS} and more one is scored, one chosen on"),
            seed,
        )
    split = fold_split(own, len(folds) - 1, len(folds) - 2)
    told = f"of its {len(folds)} folds, {folds[-1]!r} is scored, {folds[-2]!r} is chosen on"
    return replace(data, split=split, seed=seed).noted(f"{told}, the others are learned")


def fold_of_each(data: Dataset[People]) -> tuple[NDArray[np.int64], list[str]]:
    """(N,) the fold of each picture's person by the pairs, -1 where there is none; and the persons
    who are in several folds."""
    protocol, targets = data.targets.protocol, data.targets
    assert protocol is not None
    fold = np.full(len(targets.people), -1, np.int64)
    person = dict(zip(targets.ids.tolist(), targets.numbers.tolist(), strict=True))
    shared: set[int] = set()
    for first, second, _, number, _ in protocol.tolist():
        for one in (first, second):
            if one in person:
                if fold[person[one]] not in (-1, number):
                    shared.add(person[one])
                fold[person[one]] = number
    return fold[targets.numbers], [targets.people[number] for number in sorted(shared)]


def fold_split(own: NDArray[np.int64], test: int, validation: int) -> NDArray[np.int8]:
    """(N,) the split of each picture if one fold is scored and one is chosen on.

    Args:
        own: (N,) the fold of each picture's person, -1 without one.
    """
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


def _table(path: Path, left_out: list[LeftOut], notes: list[str]) -> list[Pair]:
    cells = read_cells(path)
    columns = _columns(",".join(cells.rows[0][1]))
    if columns is None:
        raise DataError(f"{path}: expected columns a,b,same and perhaps fold")
    heads = cells.rows[0][1]
    if rest := [head for place, head in enumerate(heads) if place not in columns and head.strip()]:
        notes.append(f"columns that are not used: {quoted(rest)}")
    found = []
    for number, row in cells.rows[1:]:
        first, second, same, fold, group = (
            row[k].strip() if 0 <= k < len(row) else "" for k in columns
        )
        if not (first and second) or same.lower() not in (*TRUE, *FALSE):
            left_out.append(LeftOut(f"{path.name}:{number}", "not two pictures and 0 or 1"))
            continue
        if columns[3] >= 0 and not fold:
            left_out.append(LeftOut(f"{path.name}:{number}", f"no {heads[columns[3]].strip()}"))
            continue
        where = f"{path.name}:{number}"
        found.append(
            Pair(first, second, same.lower() in TRUE, printable(fold), printable(group), where)
        )
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
        fold = str(number // (2 * count) + 1) if len(head) == 2 and count else ""
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
        found.append(Pair(left, right, one == two, fold, "", f"{path.name}:{number + 2}"))
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
