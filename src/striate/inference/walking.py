"""From what a person names to single files: folders are walked, patterns are expanded."""

import glob
import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from striate.data.walking import CLUTTER
from striate.errors import UserError
from striate.inference.reading import Input, Named

ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".7z", ".rar")
SCHEMES = ("http://", "https://", "ftp://", "s3://", "gs://", "data:")


@dataclass(frozen=True)
class Given:
    """Inputs that a person has named.

    Attributes:
        count: how many there are; None where that is known at the end only.
        items: each once, read when it is asked for.
    """

    count: int | None
    items: Iterable[Input | Named]


def files_of(places: Sequence[str], suffixes: Collection[str]) -> Given:
    """The files that paths, folders and patterns stand for.

    Raises:
        UserError: if there is none, and as `expanded`.
    """
    found = expanded(places)
    count = sum(1 for _ in walk(found, suffixes))
    if not count:
        some = ", ".join(sorted(suffixes)[:6])
        raise UserError(f"{', '.join(places)}: no file to read there (looked for {some} ...)")
    return Given(count, walk(found, suffixes))


def expanded(places: Sequence[str]) -> list[str]:
    """Files and folders; a pattern (`*.jpg`) that is not a file gives what it matches. Files of
    systems are passed over among others, for a shell's own pattern gives them, too.

    Raises:
        UserError: for standard input, an address or an archive, with what to do instead; or if
            nothing matches a pattern.
    """
    found = []
    for place in places:
        if place == "-":
            raise UserError("-: standard input is not read; give paths, or a folder")
        if place.lower().startswith(SCHEMES):
            raise UserError(f"{place[:80]}: not downloaded here; save it and give the file")
        if place.lower().endswith(ARCHIVES) and not os.path.isdir(place):  # noqa: PTH112
            raise UserError(f"{place}: an archive; unpack it and give the folder")
        if is_pattern(place):
            found += matching(place)
        elif len(places) == 1 or not is_system(Path(place).name):
            found.append(place)
    return found


def is_pattern(place: str) -> bool:
    """Whether it stands for what it matches (`*.jpg`), and is not itself a file."""
    return glob.has_magic(place) and not os.path.lexists(place)


def matching(pattern: str) -> list[str]:
    """What a pattern matches, in order, without what only systems put there.

    Raises:
        UserError: if that is nothing.
    """
    matches = sorted(glob.iglob(pattern, recursive=True))  # noqa: PTH207 (it may be absolute)
    wanted = [
        match
        for match in matches
        if not any(is_clutter(part) and part not in pattern for part in Path(match).parts)
    ]
    if not wanted:
        raise UserError(f"{pattern}: no file matches this pattern")
    return wanted


def is_clutter(name: str) -> bool:
    """Whether a file or folder of this name was put there by a system and not by a person.

    >>> is_clutter("._cat.jpg"), is_clutter("__MACOSX"), is_clutter("cat.jpg")
    (True, True, False)
    """
    return name.startswith(".") or name.lower() in CLUTTER


def is_system(name: str) -> bool:
    """Whether only a system gives a file such a name.

    >>> is_system("._cat.jpg"), is_system("Thumbs.db"), is_system(".cat.jpg")
    (True, True, False)
    """
    return name.startswith("._") or name.lower() in CLUTTER | {".ds_store"}


def walk(places: Sequence[str], suffixes: Collection[str]) -> Iterator[str]:
    """Every file with one of these suffixes below the folders, and every other path as it is.

    System files and folders are skipped. A folder that cannot be read comes as itself, so that it
    is named like a broken file. Links to folders are followed only where the person names them.
    """
    waiting = list(reversed(places))
    named = set(places)
    while waiting:
        path = waiting.pop()
        if not os.path.isdir(path):  # noqa: PTH112 (a Path costs ten times more)
            yield path
            continue
        try:
            with os.scandir(path) as entries:
                found = sorted(
                    (entry for entry in entries if not is_clutter(entry.name)),
                    key=lambda entry: entry.name,
                )
        except OSError:
            yield path
            continue
        folders = [entry.path for entry in found if entry.is_dir(follow_symlinks=False)]
        waiting.extend(reversed([folder for folder in folders if folder not in named]))
        for entry in found:
            suffix = os.path.splitext(entry.name)[1].lower()  # noqa: PTH122
            if suffix in suffixes and not _leads_to_folder(entry):
                yield entry.path


def _leads_to_folder(entry: "os.DirEntry[str]") -> bool:
    """Whether it is a folder or a link to one; links in a loop lead nowhere, and are named as what
    cannot be read."""
    try:
        return entry.is_dir()
    except OSError:
        return False
