"""Class folders: the class of a picture is the folder that it lies in.

Flat (`cat/ dog/`), or below `train/`, `val|valid|validation/` and `test/`, any of which may be
missing except the first. A class folder may lie deeper (`animals/cat/`); its name is then the last
part, or the whole path where two classes would share it.
"""

import os
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path

import numpy as np

from striate.data.dataset import SPLITS, TEST, TRAIN, VALIDATION, Dataset, Files, LeftOut, printable
from striate.errors import DataError
from striate.images import SUFFIXES

SPLIT_FOLDERS = {
    "train": TRAIN, "training": TRAIN,
    "val": VALIDATION, "valid": VALIDATION, "validation": VALIDATION,
    "test": TEST, "testing": TEST,
}  # fmt: skip
LEARNED = {name for name, split in SPLIT_FOLDERS.items() if split == TRAIN}
CLUTTER = frozenset(("thumbs.db", "desktop.ini", "__macosx", "@eadir"))  # as are names with a dot
EXPECTED = "one folder of images for each class, at least two (photos/cat/1.jpg, photos/dog/1.jpg)"


@dataclass
class Folder:
    """What lies below a folder.

    Attributes:
        files: names of the image files of each folder that has some, by its path below the root.
        others: how many files of each other kind lie beside them.
        empty: folders without any image or folder.
        left_out: folders that could not be read.
    """

    files: dict[tuple[str, ...], list[str]] = field(default_factory=dict)
    others: Counter[str] = field(default_factory=Counter)
    empty: list[str] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def open_folders(root: Path, *, seed: int) -> Dataset:
    """The images of class folders.

    Raises:
        DataError: if there is nothing to learn from; it says what is expected.
    """
    folder = walk(root)
    if not folder.files:
        raise DataError(_nothing(root, folder))
    notes, left_out = folder.notes, folder.left_out
    shared = len(_wrapper(folder.files))  # an unpacked archive is often one folder deeper
    deep = {path: path[shared:] for path in folder.files if len(path) > shared}
    position = _split_position(root, set(deep.values()))
    rows: list[tuple[tuple[str, ...], int, str]] = []  # class folder, split, path
    for path, names in folder.files.items():
        inner, split = deep.get(path, ()), TRAIN
        if position is not None and inner:
            split = SPLIT_FOLDERS[inner[position].lower()]
            inner = (*inner[:position], *inner[position + 1 :])
        places = ["/".join((*path, name)) for name in names]
        if inner:
            rows += [(inner, split, place) for place in places]
        else:
            left_out += [LeftOut(printable(place), "lies in no class folder") for place in places]
    if not rows:
        raise DataError(
            f"{root}: {len(left_out)} images, but no class folders; expected {EXPECTED}"
        )
    classes = _classes(root, rows, notes)
    rows.sort(key=lambda row: (row[1], natural(row[2])))
    number = {path: index for index, path in enumerate(classes)}
    if folder.empty:
        notes.append(f"without any image: {_words(folder.empty)}")
    if folder.others:
        notes.append(f"passed over, no images by their names: {_kinds(folder)}")
    data = Dataset(
        name=root.resolve().name or str(root),
        classes=display_names(classes),
        images=Files([path for _, _, path in rows], root),
        targets=np.array([number[path] for path, _, _ in rows], dtype=np.int64),
        split=np.array([split for _, split, _ in rows], dtype=np.int8),
        left_out=tuple(sorted(left_out, key=lambda each: natural(each.name))),
        notes=tuple(notes),
    )
    return data.complete(seed)


def walk(root: Path) -> Folder:
    """Every image file below `root`, without opening one; links are followed, each folder once."""
    found = Folder()
    seen: set[tuple[int, int]] = set()
    waiting: list[tuple[tuple[str, ...], str]] = [((), str(root))]
    links: list[tuple[tuple[str, ...], str]] = []  # after the real folders, which have precedence
    while waiting or links:
        path, place = waiting.pop() if waiting else links.pop(0)
        name = printable("/".join(path)) + "/"
        try:
            status = os.stat(place)  # noqa: PTH116
            if (status.st_dev, status.st_ino) in seen:
                found.notes.append(f"{name} is a link to a folder that is read already")
                continue
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(place) as entries:
                listing = list(entries)
        except OSError as error:
            if not path:
                raise DataError(f"{root} cannot be read: {error.strerror or error}") from error
            found.left_out.append(
                LeftOut(name, f"folder cannot be read: {error.strerror or error}")
            )
            continue
        images, folders = [], 0
        for entry in listing:
            if entry.name.startswith(".") or entry.name.lower() in CLUTTER:
                continue
            suffix = os.path.splitext(entry.name)[1].lower()  # noqa: PTH122
            if _is_folder(entry):
                deeper = ((*path, entry.name), entry.path)
                (links if entry.is_symlink() else waiting).append(deeper)
                folders += 1
            elif suffix in SUFFIXES:
                images.append(entry.name)  # whether it can be read shows when it is
            else:
                found.others[printable(suffix) or "without a suffix"] += 1
        if images:
            found.files[path] = images
        elif not folders:
            found.empty.append(name)
    return found


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself: as a file, it is named with this reason when it is read
        return False


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sorts names with their numbers as numbers.

    >>> sorted(["10", "2", "1", "b", "A"], key=natural)
    ['1', '2', '10', 'A', 'b']
    """
    key = []
    for part in re.findall(r"[0-9]+|[^0-9]+", name):
        digits = part.lstrip("0")
        key.append((0, len(digits), digits) if part[0] in "0123456789" else (1, 0, part.casefold()))
    return (*key, (-1, 0, name))


def display_names(paths: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """The last part of every path, or the whole of it where the last is not the only one.

    >>> display_names([("a", "cat"), ("a", "dog"), ("b", "cat")])
    ('a/cat', 'dog', 'b/cat')
    """
    paths = list(paths)
    leaves = Counter(path[-1] for path in paths)
    return tuple(printable(path[-1] if leaves[path[-1]] == 1 else "/".join(path)) for path in paths)


def _wrapper(files: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """The folders around everything: `set` and `photos` of `set/photos/cat`, `set/photos/dog`."""
    paths = [path for path in files if path]
    if not paths:
        return ()
    low, high = min(paths), max(paths)
    same = (a == b for a, b in zip(low, high, strict=False))
    shared = low[: sum(takewhile(bool, same))]
    if len(paths) == 1:  # a class folder is no wrapper
        shared = shared[:-1]
    while shared and shared[-1].lower() in SPLIT_FOLDERS:  # nor is `train/`, alone
        shared = shared[:-1]
    return shared


def _split_position(root: Path, paths: set[tuple[str, ...]]) -> int | None:
    """Which part of every path is a split (0 in `train/cat`, 1 in `cat/train`); None if none is."""
    for position in range(min(map(len, paths), default=0)):
        if all(path[position].lower() in SPLIT_FOLDERS for path in paths):
            break
    else:
        for path in sorted(paths):
            if len(path) > 1 and any(part.lower() in SPLIT_FOLDERS for part in path):
                other = min(path for path in paths if path[0].lower() not in SPLIT_FOLDERS)
                raise DataError(
                    f"{root}: {_words(['/'.join(path)])} beside {_words(['/'.join(other)])}: move "
                    "out what is in no split, or give the class another name than a split's"
                )
        return None
    parts = {path[position] for path in paths}
    if not any(part.lower() in LEARNED for part in parts):
        raise DataError(f"{root}: no train/ to learn from, only {_words(parts)}")
    return position


def _classes(
    root: Path, rows: Iterable[tuple[tuple[str, ...], int, str]], notes: list[str]
) -> list[tuple[str, ...]]:
    """The class folders in their order; every one has a training image."""
    found: dict[int, set[tuple[str, ...]]] = {number: set() for number in range(len(SPLITS))}
    for path, split, _ in rows:
        found[split].add(path)
    for split in (VALIDATION, TEST):
        unknown = found[split] - found[TRAIN]
        if unknown:
            raise DataError(
                f"{root}: {SPLITS[split]} has classes that train/ lacks: "
                f"{_words('/'.join(path) for path in unknown)}"
            )
        missing = found[TRAIN] - found[split]
        if found[split] and missing:
            notes.append(
                f"the {SPLITS[split]} images show nothing of: "
                f"{_words('/'.join(path) for path in missing)}"
            )
    classes = sorted(found[TRAIN], key=lambda path: natural("/".join(path)))
    if len(classes) < 2:
        raise DataError(f"{root}: one class only ({_words(classes[0][-1:])}); expected {EXPECTED}")
    nested = {path[:length] for path in classes for length in range(1, len(path))} & set(classes)
    notes.extend(
        f"{printable('/'.join(path))}/ holds images and folders of images: they are classes of "
        "their own"
        for path in sorted(nested)
    )
    return classes


def _nothing(root: Path, folder: Folder) -> str:
    if folder.left_out:
        first = folder.left_out[0]
        return f"{root}: nothing to read ({first.name}: {first.reason})"
    if folder.others:
        return f"{root}: no images, only {_kinds(folder)}; expected {EXPECTED}"
    return f"{root}: empty; expected {EXPECTED}"


def _kinds(folder: Folder) -> str:
    """`3 files (.txt 2, .xml 1)`."""
    count = sum(folder.others.values())
    most = sorted(folder.others.items(), key=lambda each: (-each[1], each[0]))[:5]
    kinds = ", ".join(f"{kind} {files}" for kind, files in most)
    return f"{count} file{'s' if count > 1 else ''} ({kinds})"


def _words(names: Iterable[str]) -> str:
    """A few names for a sentence: at most six."""
    every = sorted((printable(name) for name in names), key=natural)
    more = [f"and {len(every) - 6} more"] if len(every) > 6 else []
    return ", ".join([*(repr(name) for name in every[:6]), *more])
