"""From the name that a label has of its picture to the file that is meant, wherever it lies now.

Labels are made on other machines, with other paths: `C:\\work\\a.jpg`, `../upload/4/a.jpg`,
`a.png` for what has since become `a.jpg`. A name is compared by its last parts with what lies in
the folder, and nothing outside the folder is ever meant.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from striate.data.names import canonical, quoted, stem_of
from striate.data.walking import Folder, Place, marks_below

UPLOAD = re.compile(r"^[0-9a-f]{8}-(?=.)")  # what Label Studio puts before the name of a file


@dataclass(frozen=True)
class Missed:
    """Why a name meets no single file."""

    reason: str


NO_FILE = Missed("no such file")
Asked = tuple[str, Sequence[Place]]
"""A name, and the folders in which it is looked for first, the nearest first."""


class Pictures:
    """The image files of a folder, by name.

    Attributes:
        paths: the folder of every file, by its path below the root, as the system has both.
    """

    def __init__(self, folder: Folder):
        """Those that a walk has found, without masks beside them."""
        self.paths: dict[str, Place] = {}
        self._names: dict[str, list[str]] | None = None
        self._stems: dict[str, list[str]] = {}
        self._folders: set[str] = set()
        marks = marks_below(folder.files)
        for place, names in folder.files.items():
            if any(place[:depth] in marks for depth in range(1, len(place) + 1)):
                continue
            start = "".join(f"{part}/" for part in place)
            for name in names:
                self.paths[start + name] = place

    def join(self, asked: Iterable[Asked], taken: Collection[str] = ()) -> list[str | Missed]:
        """The file that each name means, below the root.

        Where a name means a file that another one names exactly, or two names mean the same file by
        a part of them only, it is not known which is right.

        Args:
            taken: files that other names mean.
        """
        asked = list(asked)
        found = [self._exact(parts_of(name), near) for name, near in asked]
        taken = {*taken, *(path for path in found if path is not None)}
        loose: dict[str, set[str]] = {}
        joined: list[str | Missed] = []
        for (name, near), path in zip(asked, found, strict=True):
            if path is not None:
                joined.append(path)
                continue
            close = self._close(name, near)
            if isinstance(close, str):
                if close in taken:
                    close = Missed(f"no such file; {close!r} belongs to another entry")
                else:
                    loose.setdefault(close, set()).add(canonical(name))
            joined.append(close)
        return [
            Missed(f"{len(loose[path])} entries name {path!r} by a part of its path")
            if isinstance(path, str) and len(loose.get(path, ())) > 1
            else path
            for path in joined
        ]

    def one(self, name: str, near: Sequence[Place] = ()) -> str | Missed:
        """The file that a name means by itself, whatever others mean."""
        found = self._exact(parts_of(name), near)
        return self._close(name, near) if found is None else found

    def of_stem(self, stem: str, near: Sequence[Place] = ()) -> str | Missed:
        """The file whose name without suffix is this one, in a folder nearby or the only one."""
        self._index()
        return _best(self._stems.get(key_of(stem), ()), self.paths, (), near)

    def _exact(self, parts: Place, near: Sequence[Place]) -> str | None:
        """The file of that very path, below a folder nearby or the root."""
        for place in (*near, ()):
            path = "/".join((*place, *parts))
            if path in self.paths:
                return path
        return None

    def _close(self, name: str, near: Sequence[Place]) -> str | Missed:
        forms = [name, unquote(name)] if "%" in name else [name]
        for parts in map(parts_of, forms):
            found = self._like(parts, near)
            if found is NO_FILE and parts and UPLOAD.match(parts[-1]):
                found = self._like((*parts[:-1], UPLOAD.sub("", parts[-1])), near)
            if found is not NO_FILE:
                return found
        return NO_FILE

    def _like(self, parts: Place, near: Sequence[Place]) -> str | Missed:
        """By its name and as many folders above it as agree; or without its suffix."""
        if not parts:
            return NO_FILE
        self._index()
        assert self._names is not None
        *above, name = map(key_of, parts)
        needed = self._folders.intersection(above)  # the others are of another machine
        for table, key in ((self._names, name), (self._stems, key_of(stem_of(parts[-1])))):
            paths = [
                path
                for path in table.get(key, ())
                if not needed or needed.issubset(map(key_of, self.paths[path]))
            ]
            if paths:
                return _best(paths, self.paths, tuple(above), near)
        return NO_FILE

    def _index(self) -> None:
        if self._names is not None:
            return
        self._names = {}
        for path, place in self.paths.items():
            name = path.rpartition("/")[2]
            self._names.setdefault(key_of(name), []).append(path)
            self._stems.setdefault(key_of(stem_of(name)), []).append(path)
            self._folders.update(map(key_of, place))


def parts_of(name: str) -> Place:
    """The folders and the name of a path of any system, without what leads out of it.

    >>> parts_of("C:\\\\pics\\\\a.jpg"), parts_of("../x/./a.jpg"), parts_of("/data/?d=up/a.jpg")
    (('pics', 'a.jpg'), ('x', 'a.jpg'), ('data', 'up', 'a.jpg'))
    """
    name = canonical(name).replace("\\", "/").replace("?d=", "")
    if "://" in name:
        name = name.partition("://")[2].partition("?")[0].partition("/")[2]
    if name[1:2] == ":":
        name = name[2:]
    return tuple(part for part in name.split("/") if part not in ("", ".", ".."))


def key_of(name: str) -> str:
    """The form in which names of files are compared: whatever the case."""
    return canonical(name).casefold()


def _best(
    paths: Sequence[str], places: dict[str, Place], above: Place, near: Sequence[Place]
) -> str | Missed:
    """Of several files the one in the nearest folder, or whose folders agree best."""
    if len(paths) <= 1:
        return paths[0] if paths else NO_FILE
    for place in near:
        here = [path for path in paths if places[path] == place]
        if len(here) == 1:
            return here[0]
    shared = [_shared(places[path], above) for path in paths]
    best = [path for path, count in zip(paths, shared, strict=True) if count == max(shared)]
    if len(best) > 1:
        return Missed(f"{len(best)} files have its name: {quoted(best, most=2)}")
    return best[0]


def _shared(place: Place, above: Place) -> int:
    """How many of the last folders agree."""
    count = 0
    for mine, theirs in zip(reversed(place), reversed(above), strict=False):
        if key_of(mine) != theirs:
            break
        count += 1
    return count
