"""Class folders: the class of a picture is the folder that it lies in.

Flat (`cat/ dog/`), or below the folders of splits (`train/`, `val/`, `test_set/`: `roles`), any of
which may be missing. What lies deeper (`cat/patient_7/`) is of the class on top, and those images
belong together: a split that striate draws has all of them or none.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from striate.data.dataset import Dataset, Files, LeftOut
from striate.data.names import (
    alike_but_for_case,
    canonical,
    counted,
    kinds_of,
    natural,
    printable,
    quoted,
)
from striate.data.roles import idle, role, roles, unlabeled
from striate.data.splits import SPLITS, TRAIN
from striate.data.targets import Labels
from striate.data.walking import MARKING, Folder, Place, marks_below, nothing, skipped, walk
from striate.errors import DataError

EXPECTED = "one folder of images for each class, at least two (photos/cat/1.jpg, photos/dog/1.jpg)"
FEWEST = 3  # groups of a class: one to learn from, one to choose on, one to score
NO_CLASS = "lies in no class folder"


class Row(NamedTuple):
    """An image in its class folder.

    Attributes:
        word: the class, as the folder is called.
        inside: the folders between that one and the image.
        place: the image's path below the root.
    """

    word: str
    inside: Place
    split: int
    place: str


@dataclass
class Sorting:
    """The images of a folder, sorted by what its names say."""

    rows: list[Row] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def open_folders(root: Path, *, seed: int) -> Dataset[Labels]:
    """The images of class folders.

    Raises:
        DataError: if there is nothing to learn from; it says what is expected.
    """
    folder = walk(root)
    if not folder.files:
        raise DataError(nothing(root, folder, EXPECTED))
    found = _sorted(root, folder.files)
    if not found.rows:
        raise DataError(
            f"{root}: {counted(folder.images(), 'image')}, but no class folders"
            f"{_by_name(folder.files)}{_marked(folder)}; expected {EXPECTED}"
        )
    notes = [*folder.notes, *found.notes]
    spelled = _spelled(found.rows, notes)
    classes = tuple(sorted(set(spelled.values()), key=natural))
    if len(classes) == 1 and idle(classes[0]) and (why := _marked(folder)):
        raise DataError(
            f"{root}: {counted(folder.images(), 'image')} in {classes[0]!r}, no class folders"
            f"{why}; expected {EXPECTED}"
        )
    rows = sorted(found.rows, key=lambda row: (row.split, natural(row.place)))
    number = {name: index for index, name in enumerate(classes)}
    groups = _groups(rows, len(classes), notes)
    _note_missing(rows, spelled, notes)
    if folder.empty:
        notes.append(f"without any image: {quoted(folder.empty)}")
    if folder.others:
        notes.append(skipped(folder))
    left_out = [*folder.left_out, *found.left_out]
    data = Dataset(
        name=root.resolve().name or str(root),
        inputs=Files([row.place for row in rows], root),
        targets=Labels(
            tuple(map(printable, classes)),
            np.array([number[spelled[row.split, row.word]] for row in rows], dtype=np.int64),
        ),
        split=np.array([row.split for row in rows], dtype=np.int8),
        groups=groups,
        left_out=tuple(sorted(left_out, key=lambda each: natural(each.name))),
        notes=tuple(notes),
    )
    return data.complete(seed)


def classes_of(root: Path) -> set[str]:
    """The words that would be classes, were the folder opened as class folders; no picture is
    opened."""
    folder = walk(root)
    try:
        return {row.word for row in _sorted(root, folder.files).rows}
    except DataError:  # folders of classes beside folders of splits
        return set()


def _by_name(files: dict[Place, list[str]]) -> str:
    """What to say where the first word of each file's name seems to be its class."""
    words = Counter(
        match[0].lower()
        for names in files.values()
        for name in names
        if (match := re.match(r"[^\W\d_]+(?=[\W\d_])", name))
    )
    if not 2 <= len(words) <= sum(map(len, files.values())) / 2 or min(words.values()) < 2:
        return ""
    return (
        f", and the names begin with {quoted(words, most=3)}: sort them into folders, or write a "
        "list (path,label)"
    )


def _marked(folder: Folder) -> str:
    """What to say of files beside the images that may hold marks and are of no known format."""
    kinds = {suffix: n for suffix, n in folder.others.items() if suffix in MARKING}
    if not kinds:
        return ""
    told = f", and {kinds_of(Counter(kinds))} in no form of boxes that is read"
    if lists := folder.marking(".csv", ".tsv"):
        told += f" (to learn from a list of images and labels, open the list: {quoted(lists, 2)})"
    return told


def _sorted(root: Path, files: dict[Place, list[str]]) -> Sorting:
    """Every image to its class and split.

    Raises:
        DataError: if it cannot be known which folders are splits and which are classes.
    """
    found = Sorting()
    paths = _without_marks(files, found)
    shared = len(_wrapper(paths))  # an unpacked archive is often one folder deeper
    inner = {path: path[shared:] for path in paths if len(path) > shared}
    splits = _splits(root, files, inner)
    for path in paths:
        rest = inner.get(path, ())
        places = ["/".join((*path, name)) for name in files[path]]
        split, reason = TRAIN, ""
        if splits is not None and path in inner:
            split, rest, reason = splits[path]
        if reason:
            name = printable("/".join(path)) + "/"
            found.left_out.append(LeftOut(name, f"{counted(len(places), 'image')}: {reason}"))
        elif not rest:
            found.left_out += [LeftOut(printable(place), NO_CLASS) for place in places]
        else:
            found.rows += [Row(rest[0], rest[1:], split, place) for place in places]
    return found


def _without_marks(files: dict[Place, list[str]], found: Sorting) -> list[Place]:
    """The folders without those of masks and annotations that lie beside images."""
    marks = marks_below(files)
    if not marks:
        return list(files)
    kept, gone = [], 0
    for path in files:
        if any(path[:depth] in marks for depth in range(1, len(path) + 1)):
            gone += len(files[path])
        else:
            kept.append(path)
    if not kept:
        return list(files)
    places = quoted("/".join(place) + "/" for place in marks)
    found.notes.append(f"masks or annotations, not read as images of a class: {places} ({gone:,})")
    return kept


def _wrapper(paths: Iterable[Place]) -> Place:
    """The folders around everything: `set` and `photos` of `set/photos/cat`, `set/photos/dog`."""
    paths = [path for path in paths if path]
    if not paths:
        return ()
    low, high = min(paths), max(paths)
    same = 0
    while same < min(len(low), len(high)) and low[same] == high[same]:
        same += 1
    shared = low[:same]
    if len(paths) == 1:  # a class folder is no wrapper
        shared = shared[:-1]
    while shared and role(shared[-1]) is not None:  # nor is `train/`, alone
        shared = shared[:-1]
    return shared


Split = tuple[int, Place, str]  # split, the path without its folder, or why it is in none


def _splits(
    root: Path, files: dict[Place, list[str]], paths: dict[Place, Place]
) -> dict[Place, Split] | None:
    """The split of every folder, by its path and by what of it lies below the wrapper; None where
    none is named, in the first place (`train/cat`) or a later one (`cat/train`)."""
    top = {path[0] for path in paths.values()}
    named = roles(sorted(top))
    deep = {path[0] for path in paths.values() if len(path) > 1}
    if named and (named.keys() == top or named.keys() & deep):
        return _first(root, files, paths, named)
    depth = max((len(path) for path in paths.values()), default=0)
    for position in range(1, depth):
        long = [path for path in paths.values() if len(path) > position]
        if long and all(role(path[position]) is not None for path in long):
            return {whole: _at(path, position) for whole, path in paths.items()}
    return None


def _at(path: Place, position: int) -> Split:
    split = role(path[position]) if len(path) > position else None
    if split is None:
        return TRAIN, (), "they lie beside folders of splits, and in none"
    return split, (*path[:position], *path[position + 1 :]), ""


def _first(
    root: Path,
    files: dict[Place, list[str]],
    paths: dict[Place, Place],
    named: dict[str, int],
) -> dict[Place, Split]:
    """As `_splits`, where the first folder is the split."""
    found: dict[Place, Split] = {}
    inside = {
        name: _unwrapped([path[1:] for path in paths.values() if path[0] == name], name)
        for name in named
    }
    for whole, path in paths.items():
        if path[0] in named:
            found[whole] = named[path[0]], path[1 + inside[path[0]] :], ""
        elif unlabeled(path[0]):
            found[whole] = TRAIN, (), "its name says that they have no labels"
        else:
            found[whole] = TRAIN, (), f"in no split, unlike {quoted(named)}"
    lost = [path for path, (_, _, why) in found.items() if why and not unlabeled(paths[path][0])]
    if 2 * sum(len(files[path]) for path in lost) > sum(len(files[path]) for path in paths):
        inner = next(path for path in paths.values() if path[0] in named)
        raise DataError(
            f"{root}: {quoted(['/'.join(inner)])} beside {quoted('/'.join(paths[p]) for p in lost)}"
            ": move out what is in no split, or give the class another name than a split's"
        )
    return found


def _unwrapped(paths: list[Place], around: str) -> int:
    """How many folders inside that of a split only repeat it: `seg_train/seg_train`,
    `train/images`."""
    count = 0
    while paths and all(paths):
        (first, *more) = {path[0] for path in paths}
        if more or not (idle(first) or canonical(first) == canonical(around)):
            break
        paths = [path[1:] for path in paths]
        count += 1
    return count


def _spelled(rows: Iterable[Row], notes: list[str]) -> dict[tuple[int, str], str]:
    """The class of every folder, by its split and name.

    Names are compared composed and without blanks at their ends; where a split lacks a class of the
    training images and has one that differs in case alone, that is it.
    """
    words = sorted({(row.split, row.word) for row in rows})
    learned = {canonical(word) for split, word in words if split == TRAIN}
    folded: dict[str, list[str]] = {}
    for name in sorted(learned):
        folded.setdefault(name.casefold(), []).append(name)
    found: dict[tuple[int, str], str] = {}
    for split, word in words:
        name = canonical(word) or word
        close = folded.get(name.casefold(), [])
        found[split, word] = close[0] if name not in learned and len(close) == 1 else name
    spellings: dict[str, set[str]] = {}
    for (_, word), name in found.items():
        spellings.setdefault(name, set()).add(word)
    several = [f"{quoted(each)}" for each in spellings.values() if len(each) > 1]
    if several:
        notes.append(f"read as one class: {'; '.join(sorted(several))}")
    if note := alike_but_for_case(learned):
        notes.append(note)
    return found


def _groups(rows: list[Row], classes: int, notes: list[str]) -> np.ndarray | None:
    """(N,) equal for images of one folder inside a class; None where classes have no folders.

    Folders of one name in several classes are one group: they may be one patient, or one camera.
    """
    inside = {(row.word, row.inside) for row in rows}
    names = {place for _, place in inside if place}
    if len(names) < 2 or len(inside) == len({word for word, _ in inside}):
        return None  # `cat/images/1.jpg`: a folder that groups nothing
    examples = quoted(("/".join(place) for place in names), most=3)
    told = (
        f"the {classes} folders on top are the classes; the folders inside them ({examples}) are "
        "taken for patients, days or sources"
    )
    held: dict[str, set[Place]] = {}
    for word, place in inside:
        held.setdefault(canonical(word), set()).add(place)
    if any(len(places) < FEWEST and () not in places for places in held.values()):
        notes.append(f"{told}; they are too few to keep the images of each in one split")
        return None
    number = {place: index for index, place in enumerate(sorted(names))}
    groups = np.array([number.get(row.inside, -1) for row in rows], np.int64)
    alone = np.flatnonzero(groups < 0)
    groups[alone] = len(number) + np.arange(len(alone))
    notes.append(f"{told}, whose images stay together in a split")
    return groups


def _note_missing(
    rows: Iterable[Row], spelled: dict[tuple[int, str], str], notes: list[str]
) -> None:
    found: dict[int, set[str]] = {number: set() for number in range(len(SPLITS))}
    for row in rows:
        found[row.split].add(spelled[row.split, row.word])
    for split in range(TRAIN + 1, len(SPLITS)):
        missing = found[TRAIN] - found[split]
        if found[split] and missing:
            notes.append(f"the {SPLITS[split]} images show nothing of: {quoted(missing)}")
