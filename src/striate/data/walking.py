"""What lies below a folder, by names alone: no file is opened."""

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from striate.data.dataset import LeftOut
from striate.data.names import kinds_of, printable
from striate.data.remembering import remembered
from striate.data.roles import marks_of_pictures
from striate.errors import DataError
from striate.images import SUFFIXES

CLUTTER = frozenset(("thumbs.db", "desktop.ini", "__macosx", "@eadir"))  # as are names with a dot
# Files in which images may be marked.
MARKING = frozenset((".xml", ".json", ".txt", ".yaml", ".yml", ".csv", ".names", ".data"))

Place = tuple[str, ...]  # the names of the folders that lead to one, from the root


@dataclass
class Folder:
    """What lies below a folder.

    Attributes:
        files: names of the image files of each folder that has some, by its path below the root.
        marks: names of the files in which images may be marked, likewise.
        others: how many files of each kind that is not an image's lie beside them.
        empty: folders without any image or folder.
        left_out: folders that could not be read.
    """

    files: dict[Place, list[str]] = field(default_factory=dict)
    marks: dict[Place, list[str]] = field(default_factory=dict)
    others: Counter[str] = field(default_factory=Counter)
    empty: list[str] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def images(self) -> int:
        """How many image files there are."""
        return sum(map(len, self.files.values()))

    def marking(self, *suffixes: str) -> list[str]:
        """The paths of files with one of these suffixes, below the root, in order."""
        return sorted(
            "/".join((*place, name))
            for place, names in self.marks.items()
            for name in names
            if name.lower().endswith(suffixes)
        )


def walk(root: Path, suffixes: frozenset[str] = SUFFIXES) -> Folder:
    """Every image file below `root`, and every file that may mark some; none is opened.

    Links are followed, each folder once. Files of systems (`.DS_Store`, `__MACOSX`) are nothing.

    Args:
        suffixes: of what is looked for instead of images.

    Raises:
        DataError: if `root` itself cannot be read.
    """
    return remembered(("walk", root, suffixes), lambda: _walked(root, suffixes))


def _walked(root: Path, suffixes: frozenset[str]) -> Folder:
    found = Folder()
    seen: set[tuple[int, int]] = set()
    waiting: list[tuple[Place, str]] = [((), str(root))]
    links: list[tuple[Place, str]] = []  # after the real folders, which have precedence
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
        images, marks, folders = [], [], 0
        for entry in listing:
            if entry.name.startswith(".") or entry.name.lower() in CLUTTER:
                continue
            suffix = os.path.splitext(entry.name)[1].lower()  # noqa: PTH122
            if _is_folder(entry):
                deeper = ((*path, entry.name), entry.path)
                (links if entry.is_symlink() else waiting).append(deeper)
                folders += 1
            elif suffix in suffixes:
                images.append(entry.name)  # whether it can be read shows when it is
            else:
                found.others[printable(suffix) or "without a suffix"] += 1
                if suffix in MARKING:
                    marks.append(entry.name)
        if marks:
            found.marks[path] = marks
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


def marks_below(places: Iterable[Place]) -> set[Place]:
    """Of folders with images, those that hold masks or annotations of what lies beside them."""
    beside: dict[Place, set[str]] = {}
    for path in places:
        for depth, name in enumerate(path):
            beside.setdefault(path[:depth], set()).add(name)
    return {(*where, name) for where, names in beside.items() for name in marks_of_pictures(names)}


def nothing(root: Path, folder: Folder, expected: str) -> str:
    """What to say of a folder without any image."""
    if folder.left_out:
        first = folder.left_out[0]
        return f"{root}: nothing to read ({first.name}: {first.reason})"
    if folder.others:
        return f"{root}: no images, only {kinds_of(folder.others)}; expected {expected}"
    return f"{root}: empty; expected {expected}"


def skipped(folder: Folder) -> str:
    """A note on files that are not images."""
    return f"not images, and not read: {kinds_of(folder.others)}"
