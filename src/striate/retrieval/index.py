"""An index: a folder with a vector for each picture, which is added to and removed from in place.

    index.json            what it is: format, model, description, sizes, which files count
    whitening.safetensors mean and projection, where vectors are whitened
    vectors-G.f16         a row for each picture, float16, of length 1
    letters-G, ends-G     the names, one after another, and where each ends
    stamps-G              size and time of each file
    removed-G-N           rows that are no longer there

G counts how often the folder was written anew without what was removed. `index.json` is replaced
last, in one step: whatever happens before, the index is as it was.
"""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.errors import DataError, StorageError, UserError, WeightsError, one_line
from striate.files import Lock, read_bytes, writing
from striate.retrieval.describing import Description
from striate.retrieval.rows import Names, appending, mapped, packed
from striate.retrieval.whitening import Whitening
from striate.tensors import load_tensors, save_tensors, see_finite

FORMAT = "striate index 1"
HEADER = "index.json"
WHITENING = "whitening.safetensors"
MOST_ROWS = 2**40
MOST_DIMENSIONS = 2**20
MOST_HEADER = 2**20  # bytes
Stamp = tuple[int, int]


@dataclass(frozen=True)
class Header:
    """What index.json holds.

    Attributes:
        model: a file or the name of a published network, as it was given.
        content: of the file (`files.by_content`), by which another one is recognized.
        folder: absolute; names below it are relative to it.
        whitened: whether there is whitening.safetensors.
        pictures: from which the whitening was learned.
        dimensions, rows: of the matrix.
        generation, removals: of the files that count; see the module.
        removed: how many rows are no longer there.
    """

    model: str
    content: str | None
    description: Description
    folder: str
    whitened: bool
    pictures: int
    dimensions: int
    rows: int = 0
    generation: int = 0
    removals: int = 0
    removed: int = 0

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        plain = {name: getattr(self, name) for name in TYPES}
        return {"format": FORMAT, **plain, "description": self.description.to_json()}

    @classmethod
    def from_json(cls, values: Any) -> "Header":
        """What `to_json` gave, back.

        Raises:
            TypeError, LookupError, ValueError: if it is not of that form.
        """
        if not isinstance(values, dict) or values.get("format") != FORMAT:
            raise ValueError(f"this striate reads {FORMAT!r}")
        plain = {name: values[name] for name in TYPES}
        for name, kind in TYPES.items():
            if not isinstance(plain[name], kind) or (kind is int and type(plain[name]) is not int):
                raise TypeError(f"{name} is {plain[name]!r}")
            if kind is int and plain[name] < 0:
                raise ValueError(f"{name} is {plain[name]}")
        if not 1 <= plain["dimensions"] <= MOST_DIMENSIONS or plain["rows"] > MOST_ROWS:
            raise ValueError(f"{plain['rows']:,} rows of {plain['dimensions']:,} numbers")
        if plain["removed"] > plain["rows"]:
            raise ValueError(f"{plain['removed']:,} of {plain['rows']:,} rows are removed")
        return cls(description=Description.from_json(values["description"]), **plain)


TYPES: dict[str, Any] = {
    "model": str, "content": str | None, "folder": str, "whitened": bool, "pictures": int,
    "dimensions": int, "rows": int, "generation": int, "removals": int, "removed": int,
}  # fmt: skip


class Index:
    """An index as it was when it was opened; one that is written meanwhile does not change it.

    Attributes:
        vectors: (N, D) float16, mapped: what is read of it stays on disk until then.
        names: (N,) of the pictures.
        removed: numbers of rows that are no longer there, in order.
    """

    def __init__(self, path: str | os.PathLike[str]):
        """Opens one.

        Raises:
            DataError: if there is none, or it is damaged.
        """
        self.path = Path(path)
        self.header = read_header(self.path)
        self._open()

    def _open(self) -> None:
        head = self.header
        self.vectors = mapped(self._file("vectors"), "<f2", (head.rows, head.dimensions))
        self.names = Names(self._file("letters"), self._file("ends"), head.rows)
        self.stamps = mapped(self._file("stamps"), "<i8", (head.rows, 2))
        self.removed: NDArray[np.int64] = np.empty(0, np.int64)
        if head.removed:
            self.removed = np.array(mapped(self._file("removed"), "<i8", (head.removed,)))
            inside = self.removed[0] >= 0 and self.removed[-1] < head.rows
            if not inside or (np.diff(self.removed) <= 0).any():
                raise DataError(f"{self._file('removed')} is damaged: its rows are not in order")
        self.whitening = read_whitening(self.path, head) if head.whitened else None

    def _file(self, what: str, header: Header | None = None) -> Path:
        head = header or self.header
        more = f"-{head.removals}" if what == "removed" else ""
        suffix = ".f16" if what == "vectors" else ""
        return self.path / f"{what}-{head.generation}{more}{suffix}"

    def __len__(self) -> int:
        """Pictures that are there."""
        return self.header.rows - self.header.removed

    @property
    def rows(self) -> NDArray[np.int64]:
        """Numbers of the rows that are there, in order."""
        return np.setdiff1d(np.arange(self.header.rows), self.removed, assume_unique=True)

    def place(self, row: int) -> Path:
        """Where the picture of a row was when it was indexed."""
        return Path(self.header.folder) / self.names[row]

    def stamped(self) -> dict[str, tuple[int, Stamp]]:
        """Row and stamp of each picture that is there, by its name."""
        gone = set(self.removed.tolist())
        each = enumerate(zip(self.names, self.stamps.tolist(), strict=True))
        return {name: (row, (size, time)) for row, (name, (size, time)) in each if row not in gone}

    def add(
        self,
        names: Sequence[str],
        stamps: Sequence[Stamp],
        vectors: NDArray[np.float32],
        *,
        remove: Iterable[int] = (),
    ) -> None:
        """Adds pictures, and removes rows in the same step; for whoever holds `writing_to`.

        Raises:
            StorageError: if the disk is full or the folder may not be written; the index is then
                as it was.
        """
        head = self.header
        width = head.dimensions
        before = self.names.letters
        letters, ends = packed(names, before)
        rows = np.ascontiguousarray(vectors, "<f2")
        if rows.shape != (len(names), width) or not np.isfinite(rows).all():
            raise ValueError(f"vectors of shape {rows.shape} for {len(names)} names of {width}")
        parts = {
            "vectors": (2 * width * head.rows, rows.tobytes()),
            "letters": (before, letters),
            "ends": (8 * head.rows, ends.astype("<i8").tobytes()),
            "stamps": (16 * head.rows, np.asarray(stamps, "<i8").reshape(-1, 2).tobytes()),
        }
        for what, (length, data) in parts.items():
            with appending(self._file(what), length) as file:
                file.write(data)
        self._commit(replace(head, rows=head.rows + len(names)), remove)

    def remove(self, rows: Iterable[int]) -> None:
        """Removes rows; for whoever holds `writing_to`. Once more than half of all are removed, the
        files are written anew without them."""
        self._commit(self.header, rows)
        if 2 * self.header.removed > self.header.rows:
            self.compact()

    def _commit(self, head: Header, remove: Iterable[int]) -> None:
        gone = np.unique(np.concatenate([self.removed, np.fromiter(remove, np.int64)]))
        old = self._file("removed")
        if len(gone) != len(self.removed):
            head = replace(head, removals=head.removals + 1, removed=len(gone))
            with writing(self._file("removed", head)) as temporary:
                temporary.write_bytes(gone.astype("<i8").tobytes())
        write_header(self.path, head)
        if self._file("removed", head) != old:
            old.unlink(missing_ok=True)
        self.header = head
        self._open()

    def compact(self) -> None:
        """Writes all files anew without the rows that were removed; for whoever holds
        `writing_to`."""
        old, kept = self.header, self.rows
        head = replace(old, rows=0, removed=0, removals=0, generation=old.generation + 1)
        names, stamps, vectors = self.names, self.stamps, self.vectors
        self.header = head
        letters = 0
        for what in FILES:
            with appending(self._file(what), 0) as file:
                for first in range(0, len(kept), TOGETHER):
                    some = kept[first : first + TOGETHER]
                    if what == "vectors":
                        file.write(vectors[some].tobytes())
                    elif what == "stamps":
                        file.write(stamps[some].tobytes())
                    else:
                        text, ends = packed([names[row] for row in some.tolist()], letters)
                        file.write(text if what == "letters" else ends.astype("<i8").tobytes())
                        letters = int(ends[-1])
            letters = 0
        write_header(self.path, replace(head, rows=len(kept)))
        self.header = replace(head, rows=len(kept))
        self._open()
        current = {self._file(what) for what in FILES}
        for path in self.path.iterdir():  # also what a killed process left
            if path.name.startswith(OURS) and path not in current:
                path.unlink(missing_ok=True)


FILES = ("vectors", "letters", "ends", "stamps")
OURS = tuple(f"{what}-" for what in (*FILES, "removed"))
TOGETHER = 65_536  # rows that are copied at a time


def create(path: Path, header: Header, whitening: Whitening | None) -> Index:
    """A new index without pictures; for whoever holds `writing_to`.

    Raises:
        StorageError: if the disk is full or the folder may not be written.
    """
    if whitening is not None:
        tensors = {"mean": whitening.mean, "projection": whitening.projection.contiguous()}
        save_tensors(path / WHITENING, tensors, {"format": FORMAT})
    for what in FILES:
        with appending(path / f"{what}-0{'.f16' if what == 'vectors' else ''}", 0):
            pass
    write_header(path, header)
    return Index(path)


def name_below(folder: str, path: str | os.PathLike[str]) -> str:
    """What a file is called in an index of that folder: its place there, or else its whole path.

    >>> name_below("/photos", "/photos/cats/1.jpg"), name_below("/photos", "/other/2.jpg")
    ('cats/1.jpg', '/other/2.jpg')
    """
    absolute = os.path.abspath(path)  # noqa: PTH100 (links are kept as they are)
    return Path(absolute.removeprefix(folder.rstrip(os.sep) + os.sep)).as_posix()


def exists(path: str | os.PathLike[str]) -> bool:
    """Whether there is an index, sound or not."""
    return (Path(path) / HEADER).is_file()


def begun(path: Path) -> bool:
    """Whether a folder holds nothing but what a process leaves that was killed before its index was
    there."""
    ours = (*OURS, f".{HEADER}", f".{WHITENING}", ".lock", WHITENING)
    return all(each.name.startswith(ours) for each in path.iterdir())


def read_header(path: Path) -> Header:
    """What index.json holds.

    Raises:
        DataError: if there is none, or it is damaged.
    """
    if not exists(path):
        raise DataError(f"{path} is not an index; make one with striate index FOLDER --out {path}")
    try:
        return Header.from_json(json.loads(read_bytes(path / HEADER, limit=MOST_HEADER)))
    except (LookupError, TypeError, ValueError, RecursionError, UserError) as error:
        raise DataError(
            f"{path / HEADER} is damaged or of another version ({one_line(error)})"
        ) from error


def write_header(path: Path, header: Header) -> None:
    """Writes index.json, whole or not at all."""
    with writing(path / HEADER) as temporary:
        temporary.write_text(json.dumps(header.to_json(), indent=1), encoding="utf-8")


def read_whitening(path: Path, header: Header) -> Whitening:
    """The whitening of an index.

    Raises:
        DataError: if it is not there, or does not fit.
    """
    file = path / WHITENING
    try:
        if file.stat().st_size > 4 * (MOST_SIDE + 1) * max(header.dimensions, MOST_SIDE):
            raise ValueError("it is too large")
        tensors, _ = load_tensors(file)
        mean, projection = tensors["mean"], tensors["projection"]
        if projection.shape != (len(mean), header.dimensions):
            raise ValueError(f"it makes {tuple(projection.shape)} of {tuple(mean.shape)}")
        see_finite(tensors)
    except (OSError, LookupError, TypeError, ValueError, WeightsError) as error:
        raise DataError(f"{file} is damaged ({one_line(error)})") from error
    return Whitening(mean.float(), projection.float())


MOST_SIDE = 16_384  # numbers of a vector before whitening


@contextmanager
def writing_to(path: Path) -> Iterator[None]:
    """Inside the block nobody else writes to the index.

    Raises:
        StorageError: if somebody does, or the folder cannot be made.
    """
    lock = Lock(path / ".lock")
    if not lock.acquire():
        raise StorageError(f"another process is writing to {path}; wait until it is done")
    try:
        yield
    finally:
        lock.release()
